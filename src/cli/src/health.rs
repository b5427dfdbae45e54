//! What a source has lost: the system's list of bad blocks.

use std::fmt::{self, Display};

use pmem2::{Error, Handle, Source, platform};

use crate::ranges::Ranges;

/// What the system lists as bad, and why it may not be all.
#[derive(Default)]
pub(crate) struct BadBlocks {
    pub(crate) ranges: Ranges,
    pub(crate) error: Option<Error>,
}

impl BadBlocks {
    /// Asks the system.
    pub(crate) fn of<H: Handle<P: platform::BadBlocks>>(handle: H) -> Self {
        let mut known = Self::default();
        known.error = known.ask(handle).err();
        known
    }

    fn ask<H: Handle<P: platform::BadBlocks>>(&mut self, handle: H) -> Result<(), Error> {
        Source::new(handle)?.bad_blocks()?.try_for_each(|range| {
            self.ranges.add(range?);
            Ok(())
        })
    }
}

impl Display for BadBlocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.error {
            None => self.ranges.fmt(f),
            // What JSON has whole: most files are on an ordinary disk.
            Some(Error::Unsupported(_)) if self.ranges.is_empty() => {
                f.write_str("cannot be told: the system keeps no list for it")
            }
            Some(error) if self.ranges.is_empty() => write!(f, "cannot be told: {error}"),
            Some(error) => {
                write!(f, "{}; whether there are more cannot be told: {error}", self.ranges)
            }
        }
    }
}

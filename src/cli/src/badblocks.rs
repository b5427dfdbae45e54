//! The system's list of bad blocks of a source.

use pmem2::{Error, Handle, Source, platform};
use serde_json::json;

use crate::{entry::Entry, json, ranges::Ranges};

/// The ranges that the system lists as bad, and why there may be more.
#[derive(Default)]
pub(crate) struct BadBlocks {
    ranges: Ranges,
    error: Option<Error>,
}

impl BadBlocks {
    /// Asks the system.
    pub(crate) fn list<H: Handle<P: platform::BadBlocks>>(handle: H) -> Self {
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

    pub(crate) fn tell(&self, entry: &mut Entry) {
        let Self { ranges, error } = self;
        let unsupported = matches!(error, Some(Error::Unsupported(_)));
        entry.line(
            "bad blocks",
            match error {
                None => ranges.to_string(),
                // JSON has it whole: most files are on an ordinary disk.
                Some(_) if unsupported && ranges.is_empty() => {
                    "cannot be told: the system keeps no list for it".to_owned()
                }
                Some(error) if ranges.is_empty() => format!("cannot be told: {error:#}"),
                Some(error) => {
                    format!("{ranges}; whether there are more cannot be told: {error:#}")
                }
            },
        );
        if error.is_none() || !ranges.is_empty() {
            entry.set("bad_blocks", ranges.json());
            entry.set("bad_block_count", json!(ranges.count()));
            entry.set("bad_bytes", json!(ranges.bytes()));
        }
        match error {
            None | Some(Error::NotPersistentMemory { .. }) => {}
            Some(error) if unsupported => entry.set("no_bad_blocks", json!(error.to_string())),
            Some(error) => entry.fail("bad_blocks", json::error(error)),
        }
    }
}

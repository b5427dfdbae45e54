//! The contract for bad blocks.

use core::ops::Range;

use crate::{
    facts::Facts,
    fail::Fail,
    source::{Borrowed, Platform},
};

/// How a bad block is cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClearBy {
    /// The file system gives the file other memory for these bytes. The bad memory is its free
    /// space then, as safe as the device makes it when it is next written to. Good bytes are kept,
    /// or nothing is changed, as far as that can be known before. On Linux this takes a spare file
    /// in the file's directory, unless nothing is good in these blocks.
    Allocation,
    /// The same, except that bytes which cannot be read, in the blocks that these bytes are in, are
    /// given up with them and become zeros, too. The kernel mostly reads nothing of a page that has
    /// a bad byte; of a file that is mapped directly (DAX) never.
    LossyAllocation,
    /// The device is told to give up the bytes (on Linux by the bus's command ND_CMD_CLEAR_ERROR).
    /// Nothing but the device knows what it does to the bytes around them.
    DeviceCommand,
}

/// A system that keeps a list of the memory that has gone bad.
///
/// Every method answers [`Fail::Unsupported`] until it is written. A platform that keeps no list
/// says `impl BadBlocks for MyKernel { type List = Infallible; }`
/// ([`core::convert::Infallible`]).
///
/// Bytes of the object that the [`Borrowed`] names are given up: [`Platform`] says what an
/// implementation may rely on.
pub trait BadBlocks: Platform {
    /// The system's list, as it was at one time, for the device that an object lies on: a value of
    /// bounded size, in the caller's memory.
    type List;

    /// Takes the list of what the system knows now to be bad of the device that the object lies on.
    /// An empty list says that nothing is known to be bad. This fails where it is not known which
    /// memory the object lies on, and where the system keeps no list.
    fn list_bad(handle: Borrowed<'_, Self>, facts: &Facts<Self::Id>) -> Result<Self::List, Fail> {
        let _ = (handle, facts);
        Err(Fail::Unsupported)
    }

    /// Finds the first bad bytes of the object at `from` or after it, by the list and by where the
    /// object lies now, with all that adjoin; `None` after the last ones. A list that was cut off
    /// is [`Fail::TooLarge`] in the place of what is not known.
    fn next_bad(
        handle: Borrowed<'_, Self>,
        facts: &Facts<Self::Id>,
        list: &mut Self::List,
        from: u64,
    ) -> Result<Option<Range<u64>>, Fail> {
        let _ = (handle, facts, list, from);
        Err(Fail::Unsupported)
    }

    /// Gives the object good memory for these bytes, all of which the system knows now to be bad:
    /// they are zeros then. Otherwise nothing is touched: [`Fail::NotBad`]. A way that this object
    /// has not is [`Fail::Unsupported`]. Where an allocation needs to give up no good byte, the
    /// lossy one is the same.
    fn clear_bad(
        handle: Borrowed<'_, Self>,
        facts: &Facts<Self::Id>,
        range: Range<u64>,
        by: ClearBy,
    ) -> Result<(), Fail> {
        let _ = (handle, facts, range, by);
        Err(Fail::Unsupported)
    }
}

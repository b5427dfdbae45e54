//! The contract for bad blocks.

use core::ops::Range;

use crate::{Borrowed, Facts, Fail, Platform};

/// How a bad block is cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClearBy {
    /// The file system gives the file other memory for these bytes; the bad memory is its free
    /// space then, as safe as the device makes it when it is next written to. What is good is kept,
    /// or nothing is changed, as far as that can be known before. On Linux this takes a spare file
    /// in the directory that the file is in, unless nothing is good in these blocks.
    Allocation,
    /// The same, but what cannot be read, of the blocks that these bytes are in, is given up with
    /// them: it is zeros then, too. The kernel mostly reads nothing of a page that has a bad byte;
    /// of a file that is mapped directly (DAX) never.
    LossyAllocation,
    /// The device is told to give up what was there (on Linux the bus's command
    /// ND_CMD_CLEAR_ERROR). Nothing but the device knows what it does to the bytes around them.
    DeviceCommand,
}

/// A system that keeps a list of the memory that has gone bad.
///
/// Every method answers [`Fail::Unsupported`] until it is written, and so a platform that knows
/// nothing of this says `impl BadBlocks for MyKernel { type List = (); }`.
///
/// What is given up are bytes of the object that the [`Borrowed`] names: [`Platform`] says what an
/// implementation may rely on.
pub trait BadBlocks: Platform {
    /// The system's list, as it was at one time, for the device that an object lies on: a value of
    /// bounded size, in the caller's memory.
    type List;

    /// What the system knows now to be bad of what the object lies on. That nothing is known to be
    /// bad is a list too; where it is not known which memory the object lies on, this fails, and so
    /// does it where the system keeps no list.
    fn list_bad(handle: Borrowed<'_, Self>, facts: &Facts<Self::Id>) -> Result<Self::List, Fail> {
        let _ = (handle, facts);
        Err(Fail::Unsupported)
    }

    /// The first bad bytes of the object at `from` or behind it, by the list and by where the
    /// object lies now, with all that adjoin; `None` behind the last ones. A list that was cut off
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
    /// they are zeros then. Otherwise nothing is touched:
    /// [`Fail::Absent`]`(`[`Subject::BadBlocks`](crate::Subject::BadBlocks)`)`. A way that this object
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

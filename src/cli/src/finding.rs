//! What was found, on whatever system.

use pmem2::{Error, Report};

use crate::look::{Id, Note, Permission};

/// What was found.
pub(crate) struct Finding {
    pub(crate) report: Report<Id>,
    /// Where it was found by a path, and looked at.
    pub(crate) by_path: Option<ByPath>,
    /// What else a person should know.
    pub(crate) note: Option<Note>,
}

pub(crate) struct ByPath {
    pub(crate) opened: Opened,
    pub(crate) permission: Permission,
}

/// What became of opening it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opened {
    Yes,
    /// It was tried.
    Failed,
    /// It was only looked at.
    NotTried,
}

impl Finding {
    pub(crate) fn of(report: Report<Id>, by_path: Option<ByPath>) -> Self {
        let empty = report.verdict().is_ok() && report.size() == Some(Ok(0));
        Self { report, by_path, note: empty.then_some(Note::Unmappable(Error::SourceEmpty)) }
    }
}

/// What names an object, in the numbers of its system.
#[derive(Default)]
pub(crate) struct Identity {
    /// Of the device that it lies on.
    pub(crate) device: Option<(u32, u32)>,
    pub(crate) inode: Option<u64>,
    /// Of the device that a device file stands for.
    pub(crate) represented_device: Option<(u32, u32)>,
    /// The serial number of a volume of Windows, and the id of the file on it, as hexadecimal digits.
    pub(crate) volume: Option<String>,
    pub(crate) file_id: Option<String>,
}

/// Looks at a descriptor that this process inherited. It stays open.
pub(crate) fn descriptor(number: i32) -> Finding {
    #[expect(
        unsafe_code,
        reason = "a number from the command line has no owner in Rust that it could be borrowed from"
    )]
    // SAFETY: borrow_raw wants a number that is open to stay open while it is borrowed, and one that is not open to stay so.
    // The borrow ends with this function. Nothing in this process closes a descriptor that it did not open, there is one
    // thread, and main calls this before it opens anything of its own.
    let fd = unsafe { pmem2::Fd::borrow_raw(number) };
    Finding::of(Report::of(&fd), None)
}

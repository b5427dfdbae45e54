//! What was found, on whatever system.

use std::ops::Range;

use pmem2::{Error, Handle, platform, report::Report};

use crate::{
    health::BadBlocks,
    look::{Id, Note, Permission},
    scan::{Scan, Scanner},
};

/// What was found.
pub(crate) struct Finding {
    pub(crate) report: Report<Id>,
    /// Where it was found by a path, and looked at.
    pub(crate) by_path: Option<ByPath>,
    /// What else a person should know.
    pub(crate) note: Option<Note>,
    /// What the system lists as bad, of a source.
    pub(crate) bad_blocks: Option<BadBlocks>,
    /// What was read of a source, if that was asked for.
    pub(crate) scan: Option<Scan>,
    /// It was asked for, but what may be usable was not opened.
    pub(crate) unscanned: bool,
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
        let note = empty.then_some(Note::Unmappable(Error::SourceEmpty));
        Self { report, by_path, note, bad_blocks: None, scan: None, unscanned: false }
    }

    /// The same with what the system lists as bad, if it is a source.
    pub(crate) fn with_bad_blocks<H: Handle<P: platform::BadBlocks>>(self, handle: H) -> Self {
        let bad_blocks = self.is_usable().then(|| BadBlocks::of(handle));
        Self { bad_blocks, ..self }
    }

    pub(crate) fn is_usable(&self) -> bool {
        self.report.verdict().is_ok() && !self.is_unknown()
    }

    /// Whether it may be usable: what would tell, to map it, was not tried, since it was not opened.
    pub(crate) fn is_unknown(&self) -> bool {
        self.report.verdict().is_ok()
            && self.by_path.as_ref().is_some_and(|by_path| by_path.opened == Opened::NotTried)
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
    /// The serial number of a volume of Windows, and the id of the file on it, as hexadecimal
    /// digits.
    pub(crate) volume: Option<String>,
    pub(crate) file_id: Option<String>,
}

/// Looks at a descriptor that this process inherited. It stays open.
pub(crate) fn descriptor(number: i32) -> Finding {
    let fd = inherited(number);
    Finding::of(Report::of(&fd), None).with_bad_blocks(fd)
}

/// Reads what a descriptor refers to. Holes too: where they are is told by the position, which is
/// the same for all processes that have the descriptor.
pub(crate) fn scan_descriptor(number: i32, scanner: &Scanner) -> Scan {
    scanner.scan(inherited(number), &format!("file descriptor {number}"), &|offset| {
        Some(Range { start: offset, end: u64::MAX })
    })
}

fn inherited(number: i32) -> pmem2::Fd<'static> {
    #[expect(
        unsafe_code,
        reason = "a number from the command line has no owner in Rust that it could be borrowed from"
    )]
    // SAFETY: borrow_raw wants a number that is open to stay open while it is borrowed, and one
    // that is not open to stay so. Nothing in this process closes a descriptor that it did not
    // open, there is one thread, and main looks at all numbers before it opens anything of its own.
    // What is scanned afterwards was open then.
    unsafe {
        pmem2::Fd::borrow_raw(number)
    }
}

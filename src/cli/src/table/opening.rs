//! Opening a file that a table may be in.

use std::{fs::File, path::Path};

use pmem2::{Kind, error::Errno, report::Report};
use rustix::fs::{Mode, OFlags, fcntl_setfl, open as open_path};

use super::Refusal;
use crate::look::{Note, cannot, links, reopen};

/// Opens it for reading if it is a regular file or a pipe, without waiting for a writer.
pub(super) fn open(path: &Path) -> Result<File, Refusal> {
    let unopened = |error| Refusal::Unopened(cannot(error), Note::unreached(error, path));
    let handle =
        open_path(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).map_err(unopened)?;
    let kind = Report::of_unopened(&handle).kind().unwrap_or(Kind::Other);
    if !matches!(kind, Kind::RegularFile | Kind::Pipe) {
        return Err(Refusal::NoFile(kind));
    }
    let links = links().ok_or(Refusal::NoProc)?;
    let file = reopen(&links, &handle).map_err(unopened)?;
    if kind == Kind::Pipe {
        // It was not waited for a writer; what the one that there is writes is.
        fcntl_setfl(&file, OFlags::empty())
            .map_err(|error| Refusal::Unread(errno(error.raw_os_error())))?;
    }
    Ok(file)
}

/// The errno of an error of the system's.
pub(super) const fn errno(code: i32) -> Errno {
    Errno::from_raw(code)
}

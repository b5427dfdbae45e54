//! Opens a file that may have a table.

use std::{fs::File, path::Path};

use pmem2::{Kind, error::Errno, report::Report};
use rustix::fs::{OFlags, fcntl_setfl};

use super::refusal::Refusal;
use crate::system::{Note, cannot, links, look_at, reopen};

/// Opens a regular file or a pipe for reading, without waiting for a writer.
pub(super) fn open(path: &Path) -> Result<File, Refusal> {
    let unopened = |error| Refusal::Unopened(cannot(error), Note::unreached(error, path));
    let handle = look_at(path).map_err(unopened)?;
    let kind = Report::new_unopened(&handle).kind().unwrap_or(Kind::Other);
    if !matches!(kind, Kind::RegularFile | Kind::Pipe) {
        return Err(Refusal::NoFile(kind));
    }
    let links = links().ok_or(Refusal::NoProc)?;
    let file = reopen(&links, &handle).map_err(unopened)?;
    if kind == Kind::Pipe {
        // Waits for the bytes of the writer that there is.
        fcntl_setfl(&file, OFlags::empty())
            .map_err(|error| Refusal::Unread(errno(error.raw_os_error())))?;
    }
    Ok(file)
}

/// The errno of an error of the system.
pub(super) const fn errno(code: i32) -> Errno {
    Errno::from_raw(code)
}

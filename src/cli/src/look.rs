//! Looking at paths without touching them.
//!
//! Opening can do harm: it starts a watchdog, rewinds a tape, waits for the other end of a FIFO,
//! takes a terminal, empties a buffer of tracefs. So a path is first opened with `O_PATH`, which
//! runs no driver's code. Only a device DAX and a regular file of a file system that keeps data are
//! then opened: that very file, by its link in `/proc`. The path is not walked a second time, since
//! it may lead elsewhere by then. One effect is left: a process that holds a write lease on a file
//! is told that someone wants it.

use std::{fs::File, path::Path};

use pmem2::{Kind, report::Report};
use rustix::{
    fs::{SeekFrom, seek},
    io,
};

use crate::{
    name::name,
    source::{ByPath, Finding, Opened},
    system::{Note, Permission, cannot, links, look_at, reopen, somebody_reads},
    transfer::{NextData, Scan, Scanner},
};

/// Looks at the object that `path` leads to, and opens it if that is harmless.
pub(crate) fn path(path: &Path, scanner: Option<&Scanner>) -> Finding {
    let handle = match look_at(path) {
        Ok(handle) => handle,
        Err(errno) => {
            return Finding {
                note: Note::unreached(errno, path),
                ..Finding::new(Report::refused(cannot(errno)), None)
            };
        }
    };
    let look = Report::new_unopened(&handle);
    let links = links();
    let permission = Permission::ask(&handle, links.as_ref(), path);
    let found = |report, opened, note: Option<Note>| {
        let finding = Finding::new(report, Some(ByPath { opened, permission }));
        Finding { note: note.or(finding.note), ..finding }
    };
    // What cannot be read is no source, opened or not.
    let unopened = || match permission.read {
        Err(errno @ (io::Errno::ACCESS | io::Errno::PERM)) if look.verdict().is_ok() => {
            look.with_error(cannot(errno))
        }
        _ => look,
    };
    let storage = || matches!(look.file_system(), Some(Ok(system)) if system.is_storage());
    match look.kind() {
        Some(Kind::RegularFile) if !storage() => {
            let readable = permission.read.is_ok() && somebody_reads(&handle);
            found(unopened(), Opened::NotTried, Some(Note::Interface { readable }))
        }
        Some(kind @ (Kind::RegularFile | Kind::DeviceDax)) => {
            match links.map(|links| reopen(&links, &handle)) {
                None => found(unopened(), Opened::NotTried, Some(Note::NoProc)),
                Some(Ok(file)) => {
                    let finding = found(Report::new(&file), Opened::Yes, None).asked(&file);
                    let scanner = scanner.filter(|_| finding.is_usable());
                    let scan = scanner.map(|scanner| scan(scanner, kind, &file, path));
                    Finding { scan, ..finding }
                }
                Some(Err(errno)) => {
                    let note = (errno == io::Errno::AGAIN).then_some(Note::Leased);
                    found(look.with_error(cannot(errno)), Opened::Failed, note)
                }
            }
        }
        _ => found(look, Opened::NotTried, None),
    }
}

/// Reads a source. In a file lseek(2) passes over bytes that were never written: holes and
/// preallocated ranges.
fn scan(scanner: &Scanner, kind: Kind, file: &File, path: &Path) -> Scan {
    let written = |offset| match seek(file, SeekFrom::Data(offset)) {
        // Where the system does not say, all is data.
        Ok(start) => Some(start..seek(file, SeekFrom::Hole(start)).unwrap_or(u64::MAX)),
        Err(io::Errno::NXIO) => None,
        Err(_) => Some(offset..u64::MAX),
    };
    // A device DAX is all data, and answers 0 to each question.
    let all = |offset| Some(offset..u64::MAX);
    let next_data: NextData<'_> = if kind == Kind::DeviceDax { &all } else { &written };
    scanner.scan(file, &name(path), next_data)
}

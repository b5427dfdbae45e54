//! Looking at paths without touching them, on Windows.
//!
//! A path is first opened for its attributes only (`FILE_READ_ATTRIBUTES`), sharing it with
//! everybody. Only a regular file is then opened: read-only, and not fetched from where it is kept
//! (`FILE_FLAG_OPEN_NO_RECALL`). Whether it is still the same file is checked afterwards. Names of
//! pipes and mailslots are not opened at all, since that connects to their servers. No server
//! learns who asks (`SECURITY_ANONYMOUS`).

use std::{fs::File, io, ops::Range, path::Path};

use pmem2::{Error, Kind, error::HandleFault, report::Report};

use crate::{
    name::name,
    source::{ByPath, Finding, Opened},
    system::{Id, Note, Permission, cannot, is_served, look_at, open},
    transfer::Scanner,
};

/// Looks at the object that `path` leads to, and opens it if that is harmless.
pub(crate) fn path(path: &Path, scanner: Option<&Scanner>) -> Finding {
    let not_tried =
        ByPath { opened: Opened::NotTried, permission: Permission { read: None, write: None } };
    if is_served(path) {
        let report = Report::refused(Error::InvalidFileType(Kind::Pipe));
        return Finding { note: Some(Note::Server), ..Finding::new(report, Some(not_tried)) };
    }
    let handle = match look_at(path) {
        Ok(handle) => handle,
        Err(error) => {
            let finding = Finding::new(Report::refused(cannot(&error)), None);
            return Finding { note: Note::unreached(&error, path), ..finding };
        }
    };
    let look = Report::new_unopened(&handle);
    if look.kind() != Some(Kind::RegularFile) {
        return Finding::new(look, Some(not_tried));
    }
    let read_only = handle.metadata().is_ok_and(|metadata| metadata.permissions().readonly());
    let found = |report, opened, read| {
        let permission = Permission { read, write: read_only.then_some(false) };
        Finding::new(report, Some(ByPath { opened, permission }))
    };
    match open(path) {
        Ok(file) => {
            let finding = reopened(&look, &file, found).asked(&file);
            // The system reads holes as fast as it can make zeros.
            let all = |offset| Some(Range { start: offset, end: u64::MAX });
            let scan = scanner
                .filter(|_| finding.is_usable())
                .map(|scanner| scanner.scan(&file, &name(path), &all));
            Finding { scan, ..finding }
        }
        Err(error) => found(look.with_error(cannot(&error)), Opened::Failed, may_read(&error)),
    }
}

/// Whether this user may read what could not be opened, if the error tells.
fn may_read(error: &io::Error) -> Option<bool> {
    (error.kind() == io::ErrorKind::PermissionDenied).then_some(false)
}

/// Returns the finding about the opened file, if it is the one that was looked at.
fn reopened(
    look: &Report<Id>,
    file: &File,
    found: impl FnOnce(Report<Id>, Opened, Option<bool>) -> Finding,
) -> Finding {
    let report = Report::new(file);
    if report.id() == look.id() {
        return found(report, Opened::Yes, Some(true));
    }
    let report = look.with_error(Error::InvalidFileHandle(HandleFault::Replaced));
    Finding { note: Some(Note::Exchanged), ..found(report, Opened::Failed, None) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_may_tell_that_reading_is_not_allowed() {
        // ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION.
        assert_eq!(
            [5, 32].map(|code| may_read(&io::Error::from_raw_os_error(code))),
            [Some(false), None]
        );
    }

    /// The opened file is the one that was looked at, or the finding says that it is not.
    #[test]
    fn a_file_that_was_exchanged() {
        let directory = std::env::temp_dir().join(format!("pmem2-look-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let files = ["one", "two"].map(|name| {
            std::fs::write(directory.join(name), name).unwrap();
            File::open(directory.join(name)).unwrap()
        });
        let [look, other] = files.each_ref().map(Report::new);
        let found = |report, opened, read| {
            Finding::new(
                report,
                Some(ByPath { opened, permission: Permission { read, write: None } }),
            )
        };
        let same = reopened(&look, &files[0], found);
        assert_eq!(same.report.verdict(), Ok(()));
        let exchanged = reopened(&look, &files[1], found);
        assert_eq!(
            exchanged.report.verdict(),
            Err(Error::InvalidFileHandle(HandleFault::Replaced))
        );
        assert_ne!(exchanged.report.id(), other.id());
        assert!(matches!(exchanged.note, Some(Note::Exchanged)));
        drop(files);
        std::fs::remove_dir_all(&directory).unwrap();
    }
}

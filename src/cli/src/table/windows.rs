//! Opens a file that may have a table, on Windows.

use std::{fs::File, io, path::Path};

use pmem2::{Error, Kind, error::HandleFault, report::Report};

use super::refusal::Refusal;
pub(super) use crate::system::errno;
use crate::system::{self, Id, Note, cannot, is_served, look_at};

/// Opens a regular file for reading. Opening a pipe would connect to its server.
pub(super) fn open(path: &Path) -> Result<File, Refusal> {
    if is_served(path) {
        return Err(Refusal::NoFile(Kind::Pipe));
    }
    let unopened =
        |error: io::Error| Refusal::Unopened(cannot(&error), Note::unreached(&error, path));
    let look = Report::new_unopened(&look_at(path).map_err(unopened)?);
    let kind = look.kind().unwrap_or(Kind::Other);
    if kind != Kind::RegularFile {
        return Err(Refusal::NoFile(kind));
    }
    reopened(&look, system::open(path).map_err(unopened)?)
}

/// Returns the opened file, if it is the one that was looked at.
fn reopened(look: &Report<Id>, file: File) -> Result<File, Refusal> {
    if Report::new(&file).id() == look.id() {
        Ok(file)
    } else {
        Err(Refusal::Unopened(
            Error::InvalidFileHandle(HandleFault::Replaced),
            Some(Note::Exchanged),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_exchanged() {
        let [one, other] = ["one", "other"].map(|name| {
            let path =
                std::env::temp_dir().join(format!("pmem2-table-{}-{name}", std::process::id()));
            std::fs::write(&path, name).unwrap();
            path
        });
        let look = Report::new_unopened(&look_at(&one).unwrap());
        assert!(reopened(&look, system::open(&one).unwrap()).is_ok());
        let exchanged = reopened(&look, system::open(&other).unwrap());
        assert!(matches!(exchanged, Err(Refusal::Unopened(_, Some(Note::Exchanged)))));
        for path in [one, other] {
            std::fs::remove_file(path).unwrap();
        }
    }
}

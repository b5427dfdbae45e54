//! Opening a file that a table may be in, on Windows.

use std::{fs::File, io, path::Path};

use pmem2::{Error, Kind, error::HandleFault, report::Report};

use super::Refusal;
pub(super) use crate::look::errno;
use crate::look::{self, Note, cannot, is_served, look_at};

/// Opens it for reading if it is a regular file. A pipe is not, since that connects to whoever
/// serves it.
pub(super) fn open(path: &Path) -> Result<File, Refusal> {
    if is_served(path) {
        return Err(Refusal::NoFile(Kind::Pipe));
    }
    let unopened =
        |error: io::Error| Refusal::Unopened(cannot(&error), Note::unreached(&error, path));
    let look = Report::of_unopened(&look_at(path).map_err(unopened)?);
    let kind = look.kind().unwrap_or(Kind::Other);
    if kind != Kind::RegularFile {
        return Err(Refusal::NoFile(kind));
    }
    reopened(&look, look::open(path).map_err(unopened)?)
}

/// What was opened, if that is what was looked at.
fn reopened(look: &Report<look::Id>, file: File) -> Result<File, Refusal> {
    if Report::of(&file).id() == look.id() {
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
        let look = Report::of_unopened(&look_at(&one).unwrap());
        assert!(reopened(&look, look::open(&one).unwrap()).is_ok());
        let exchanged = reopened(&look, look::open(&other).unwrap());
        assert!(matches!(exchanged, Err(Refusal::Unopened(_, Some(Note::Exchanged)))));
        for path in [one, other] {
            std::fs::remove_file(path).unwrap();
        }
    }
}

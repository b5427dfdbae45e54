//! The reasons for which a file tells of no region.

use std::fmt::{self, Display};

use pmem2::{
    Code, Error, Kind,
    bare::{TableFault, TableWarning},
    error::Errno,
};
use serde_json::json;

use super::foreign::Foreign;
use crate::{args::Target, entry::Entry, json, source::only_looked_at, system::Note};

/// The number of bytes that are read of a file. A table is shorter: boot loaders take 2 MiB for a
/// devicetree.
pub(super) const LIMIT: u64 = 16 << 20;

/// The reason for which no region of a table can be told.
pub(crate) enum Refusal {
    /// It cannot be opened.
    Unopened(Error, Option<Note>),
    /// It is neither a regular file nor a pipe, and was not opened.
    NoFile(Kind),
    /// It was not opened: /proc is not mounted.
    #[cfg(target_os = "linux")]
    NoProc,
    /// Reading it failed.
    Unread(Errno),
    /// It has more than [`LIMIT`] bytes.
    Long,
    /// It is something else.
    Foreign(Foreign),
    /// It is a table, and wrong.
    Wrong(TableFault),
    /// It is an NFIT without an address range, with these faults.
    NoRange(Vec<TableWarning>),
    /// It is a devicetree without a node for a region.
    NoNode,
}

impl Refusal {
    /// The code of libpmem2 or the errno, as C's functions give for such a table.
    fn code(&self) -> Result<Code, Errno> {
        match self {
            Self::Unopened(error, _) => Err(error.errno()),
            Self::Unread(errno) => Err(*errno),
            #[cfg(target_os = "linux")]
            Self::NoProc => Err(Errno::ENOENT),
            Self::NoFile(_) => Ok(Code::InvalidFileType),
            Self::Long | Self::Foreign(_) | Self::Wrong(_) => Ok(Code::InvalidRegionFormat),
            Self::NoRange(_) | Self::NoNode => Ok(Code::DaxRegionNotFound),
        }
    }

    fn was_opened(&self) -> bool {
        match self {
            Self::Unopened(..) | Self::NoFile(_) => false,
            #[cfg(target_os = "linux")]
            Self::NoProc => false,
            _ => true,
        }
    }

    /// The entry of the output.
    pub(crate) fn entry(&self, target: &Target) -> Entry {
        let mut entry = Entry::new(target, None);
        let (code, symbol, errno) = match self.code() {
            Ok(code) => (code.raw(), Some(code.symbol()), Errno::EINVAL),
            Err(errno) => (errno.raw().saturating_neg(), errno.name(), errno),
        };
        entry.refuse(self);
        entry.set("persistent", json::refused(symbol, self));
        entry.set("error", json::failure(code, symbol, errno.raw(), self));
        entry.set("opened", json!(self.was_opened()));
        if let Some(symbol) = symbol {
            entry.line("code", symbol);
        }
        match self {
            Self::NoRange(warnings) => {
                warnings.iter().for_each(|warning| warn_of_table(&mut entry, warning));
            }
            Self::NoFile(kind) => {
                entry.line("kind", kind);
                entry.set("kind", json!(json::kind(*kind)));
                only_looked_at(&mut entry);
            }
            Self::Unopened(_, Some(note)) => entry.line("note", note),
            _ => {}
        }
        entry
    }
}

/// Adds a fault of the firmware's.
pub(super) fn warn_of_table(entry: &mut Entry, warning: &TableWarning) {
    entry.line("warning", warning);
    entry.warn(json!({
        "warning": warning.name(), "region": null, "sentence": warning.to_string(),
    }));
}

impl Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unopened(error, _) => error.fmt(f),
            Self::NoFile(_) => f.write_str(
                "neither a regular file nor a pipe: a firmware's table is read from one of these",
            ),
            #[cfg(target_os = "linux")]
            Self::NoProc => Note::NoProc.fmt(f),
            Self::Unread(errno) => write!(f, "cannot be read: {errno}"),
            Self::Long => write!(f, "longer than {} MiB: no firmware's table is", LIMIT >> 20),
            Self::Foreign(foreign) => foreign.fmt(f),
            Self::Wrong(fault) => fault.fmt(f),
            Self::NoRange(_) => {
                f.write_str("the NFIT has no region: there is no address range in it")
            }
            Self::NoNode => {
                f.write_str("the devicetree has no region: no pmem-region node in it is enabled")
            }
        }
    }
}

//! The tables in which firmware tells of physical memory: ACPI's NFIT, flattened devicetrees.
//!
//! Nothing of the file that one is in is trusted. It is looked at first, as every path is
//! ([`look`](crate::look)), and opened only if it is a regular file or a pipe, on whatever file
//! system, since who names it as a table wants it to be read.

mod foreign;
#[cfg_attr(windows, path = "table/windows.rs")]
mod opening;

use std::{
    fmt::{self, Display},
    io::{self, Read},
    path::Path,
};

use pmem2::{
    Code, Error, Kind,
    bare::{
        Devicetree, Extent, ExtentId, Guid, Nfit, PhysicalRegion, RegionFault, RegionKind,
        TableFault, TableWarning,
    },
    error::Errno,
    persist::Durability,
    place::Warning,
    report::Report,
};

use crate::look::Note;
use foreign::{Foreign, dumped};
use opening::{errno, open};

/// How many bytes of a file are read, and one more to see that it is longer. No table is: boot
/// loaders take 2 MiB for a devicetree.
const LIMIT: u64 = 16 << 20;

const NFIT: &[u8] = b"NFIT";
const DEVICETREE: &[u8] = &[0xd0, 0x0d, 0xfe, 0xed];

/// Why no region of a table can be told.
pub(crate) enum Refusal {
    /// It cannot be opened, and what else a person should know of that.
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
    /// It is an NFIT without an address range, and what is wrong with it beside that.
    NoRange(Vec<TableWarning>),
    /// It is a devicetree without a node that would be a region.
    NoNode,
}

impl Refusal {
    /// The code of libpmem2 or the errno, which is what the functions of C give for such a table.
    pub(crate) fn code(&self) -> Result<Code, Errno> {
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

    /// The code's name.
    pub(crate) fn symbol(&self) -> Option<&'static str> {
        match self.code() {
            Ok(code) => Some(code.symbol()),
            Err(errno) => errno.name(),
        }
    }

    /// What it is, where it is nothing that a table could be in.
    pub(crate) fn kind(&self) -> Option<Kind> {
        match self {
            Self::NoFile(kind) => Some(*kind),
            _ => None,
        }
    }

    /// Whether it was opened.
    pub(crate) fn opened(&self) -> bool {
        match self {
            Self::Unopened(..) | Self::NoFile(_) => false,
            #[cfg(target_os = "linux")]
            Self::NoProc => false,
            _ => true,
        }
    }

    /// What the firmware did wrong in the table beside that.
    pub(crate) fn warnings(&self) -> &[TableWarning] {
        match self {
            Self::NoRange(warnings) => warnings,
            _ => &[],
        }
    }

    /// What else a person should know of the file.
    pub(crate) fn note(&self) -> Option<&Note> {
        match self {
            Self::Unopened(_, note) => note.as_ref(),
            _ => None,
        }
    }
}

impl Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unopened(error, _) => error.fmt(f),
            Self::NoFile(_) => f.write_str(
                "a firmware's table is read from a regular file or a pipe, and this is neither",
            ),
            #[cfg(target_os = "linux")]
            Self::NoProc => Note::NoProc.fmt(f),
            Self::Unread(errno) => write!(f, "cannot be read: {errno}"),
            Self::Long => write!(f, "longer than {} MiB, and so no firmware's table", LIMIT >> 20),
            Self::Foreign(foreign) => foreign.fmt(f),
            Self::Wrong(fault) => fault.fmt(f),
            Self::NoRange(_) => f.write_str("the NFIT tells of no region: it has no address range"),
            Self::NoNode => f.write_str(
                "the devicetree tells of no region: no pmem-region node in it is enabled",
            ),
        }
    }
}

/// Reads the file at `path` into `bytes`, which are none yet: the file as it is, or the NFIT that
/// acpidump(8) printed there.
pub(crate) fn read(path: &Path, bytes: &mut Vec<u8>) -> Result<(), Refusal> {
    let file = open(path)?;
    let above = LIMIT.saturating_add(1);
    let length =
        file.take(above).read_to_end(bytes).map_err(|error| Refusal::Unread(number(&error)))?;
    if !u64::try_from(length).is_ok_and(|length| length < above) {
        return Err(Refusal::Long);
    }
    // What is printed for people has the table in it.
    if let Some(table) = dumped(bytes, "NFIT") {
        *bytes = table.map_err(Refusal::Foreign)?;
    }
    Ok(())
}

fn number(error: &io::Error) -> Errno {
    // What is no error of the system's is the want of memory.
    error.raw_os_error().map_or(Errno::ENOMEM, errno)
}

/// A table that tells of a region at least.
pub(crate) struct Table<'t> {
    regions: Vec<PhysicalRegion<'t>>,
    warnings: Vec<TableWarning>,
}

/// What a table tells of a region.
pub(crate) struct Told<'t> {
    pub(crate) region: &'t PhysicalRegion<'t>,
    pub(crate) report: Report<ExtentId>,
    /// What the firmware did wrong in the table.
    pub(crate) of_table: &'t [TableWarning],
}

impl<'t> Table<'t> {
    pub(crate) fn parse(bytes: &'t [u8]) -> Result<Self, Refusal> {
        let mut warnings = Vec::new();
        let regions: Vec<_> = if bytes.starts_with(NFIT) {
            let nfit = Nfit::parse(bytes).map_err(Refusal::Wrong)?;
            warnings.extend(nfit.warnings());
            nfit.regions().collect()
        } else if bytes.starts_with(DEVICETREE) {
            Devicetree::parse(bytes).map_err(Refusal::Wrong)?.regions().collect()
        } else {
            return Err(Refusal::Foreign(Foreign::of(bytes)));
        };
        match regions.is_empty() {
            false => Ok(Self { regions, warnings }),
            true if bytes.starts_with(NFIT) => Err(Refusal::NoRange(warnings)),
            true => Err(Refusal::NoNode),
        }
    }

    /// All regions, each as the source that a program without an operating system would make of it.
    pub(crate) fn told(&'t self) -> impl Iterator<Item = Told<'t>> {
        let Self { regions, warnings } = self;
        (0..regions.len()).filter_map(|index| Extent::of_table(regions, index)).map(|extent| Told {
            region: extent.region(),
            report: Report::of(&extent),
            of_table: warnings,
        })
    }
}

impl Told<'_> {
    /// Whether it is anywhere: a devicetree's node may be without an address.
    pub(crate) fn has_address(&self) -> bool {
        self.report.verdict() != Err(Error::InvalidRegion(RegionFault::Unaddressed))
    }

    fn is_persistent(&self) -> bool {
        self.has_address() && self.region.kind() == RegionKind::Persistent
    }

    /// What makes a store durable; `None` of what is no persistent memory, or nowhere.
    pub(crate) fn durability(&self) -> Option<Durability> {
        self.is_persistent().then(|| match self.region.is_unarmed() {
            true => Durability::None,
            false => self.region.durability(),
        })
    }

    /// How many of its DIMMs have flush hints; `None` of what is no persistent memory, or nowhere.
    pub(crate) fn flush_hints(&self) -> Option<usize> {
        self.is_persistent().then(|| self.region.flush_hints().count())
    }

    /// The GUID of a range of a type that is not known.
    pub(crate) fn unknown(&self) -> Option<Guid> {
        self.region.guid().filter(|_| self.region.kind() == RegionKind::Other)
    }

    /// What its DIMMs report, where no [`Report`] has that: of what is no persistent memory.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = Warning> {
        let told = self.report.place().is_none().then(|| self.region.state());
        Warning::of_dimms(self.region.number(), told.unwrap_or_default())
    }
}

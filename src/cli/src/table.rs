//! The tables in which firmware tells of physical memory: ACPI's NFIT, flattened devicetrees.
//!
//! Nothing of the file that one is in is trusted. It is looked at first, as every path is
//! ([`look`](crate::look)), and opened only if it is a regular file or a pipe, on whatever file
//! system, since who names it as a table wants it to be read.

#[cfg_attr(windows, path = "table/windows.rs")]
mod opening;

use std::{
    fmt::{self, Display},
    io::{self, Read},
    path::Path,
};

use pmem2::{
    Code, Devicetree, Durability, Errno, Error, Extent, ExtentId, Kind, Nfit, PhysicalRegion,
    RegionKind, Report, TableFault, Warning,
};

use crate::look::Note;
use opening::{errno, open};

/// How many bytes of a file are read, and one more to see that it is longer. No table is: boot
/// loaders take 2 MiB for a devicetree.
const LIMIT: u64 = 16 << 20;

const NFIT: &[u8] = b"NFIT";
const DEVICETREE: &[u8] = &[0xd0, 0x0d, 0xfe, 0xed];

/// What acpidump(8) prints of an NFIT, and the source of a devicetree: not the tables themselves.
const DUMP: &[u8] = b"NFIT @ 0x";
const SOURCE: &[u8] = b"/dts-v1/";

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
    /// It begins with these bytes, or fewer, as neither of both tables does.
    Foreign(Vec<u8>),
    Dump,
    Source,
    /// It is a table, and wrong.
    Wrong(TableFault),
    /// It is an NFIT without an address range.
    NoRange,
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
            Self::Long | Self::Foreign(_) | Self::Dump | Self::Source | Self::Wrong(_) => {
                Ok(Code::InvalidRegionFormat)
            }
            Self::NoRange | Self::NoNode => Ok(Code::DaxRegionNotFound),
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
            Self::NoFile(_) => f.write_str("a firmware's table is read from a regular file or a pipe, and this is neither"),
            #[cfg(target_os = "linux")]
            Self::NoProc => Note::NoProc.fmt(f),
            Self::Unread(errno) => write!(f, "cannot be read: {errno}"),
            Self::Long => write!(f, "longer than {} MiB, and so no firmware's table", LIMIT >> 20),
            Self::Foreign(first) if first.is_empty() => f.write_str("no firmware's table: it has no bytes"),
            Self::Foreign(first) => {
                f.write_str("neither an NFIT nor a flattened devicetree: it begins with the bytes")?;
                first.iter().try_for_each(|byte| write!(f, " {byte:02x}"))
            }
            Self::Dump => f.write_str(
                "not an NFIT, but what acpidump printed of one: \"acpidump -b -n NFIT\" writes the table itself to a file",
            ),
            Self::Source => f.write_str("the source of a devicetree: \"dtc -O dtb\" makes the flattened one of it"),
            Self::Wrong(fault) => fault.fmt(f),
            Self::NoRange => f.write_str("the NFIT is in order and tells of no region: it has no address range"),
            Self::NoNode => {
                f.write_str("the devicetree is in order and tells of no region: no pmem-region node in it is enabled")
            }
        }
    }
}

/// Reads the file at `path` into `bytes`, which are none yet.
pub(crate) fn read(path: &Path, bytes: &mut Vec<u8>) -> Result<(), Refusal> {
    let file = open(path)?;
    let above = LIMIT.saturating_add(1);
    let length =
        file.take(above).read_to_end(bytes).map_err(|error| Refusal::Unread(number(&error)))?;
    if u64::try_from(length).is_ok_and(|length| length < above) {
        Ok(())
    } else {
        Err(Refusal::Long)
    }
}

fn number(error: &io::Error) -> Errno {
    // What is no error of the system's is the want of memory.
    error.raw_os_error().map_or(Errno::ENOMEM, errno)
}

/// The regions that the table tells of, at least one.
pub(crate) fn regions(bytes: &[u8]) -> Result<Vec<PhysicalRegion<'_>>, Refusal> {
    let (regions, none): (Vec<_>, _) = if bytes.starts_with(DUMP) {
        return Err(Refusal::Dump);
    } else if bytes.starts_with(SOURCE) {
        return Err(Refusal::Source);
    } else if bytes.starts_with(NFIT) {
        (Nfit::parse(bytes).map_err(Refusal::Wrong)?.regions().collect(), Refusal::NoRange)
    } else if bytes.starts_with(DEVICETREE) {
        (Devicetree::parse(bytes).map_err(Refusal::Wrong)?.regions().collect(), Refusal::NoNode)
    } else {
        return Err(Refusal::Foreign(bytes.iter().take(4).copied().collect()));
    };
    if regions.is_empty() { Err(none) } else { Ok(regions) }
}

/// What a table tells of a region.
pub(crate) struct Told<'t> {
    pub(crate) region: &'t PhysicalRegion<'t>,
    pub(crate) report: Report<ExtentId>,
}

/// All regions of a table, each as the source that a program without an operating system would make
/// of it.
pub(crate) fn told<'t>(regions: &'t [PhysicalRegion<'t>]) -> impl Iterator<Item = Told<'t>> {
    (0..regions.len())
        .filter_map(|index| Extent::of_table(regions, index))
        .map(|extent| Told { region: extent.region(), report: Report::of(&extent) })
}

impl Told<'_> {
    /// What makes a store durable; `None` of what is no persistent memory.
    pub(crate) fn durability(&self) -> Option<Durability> {
        (self.region.kind() == RegionKind::Persistent).then(|| self.region.durability())
    }

    /// How many of its DIMMs have flush hints; `None` of what is no persistent memory.
    pub(crate) fn flush_hints(&self) -> Option<usize> {
        (self.region.kind() == RegionKind::Persistent).then(|| self.region.flush_hints().count())
    }

    /// What its DIMMs report, where no [`Report`] has that: of what is no persistent memory.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = Warning> {
        let told = self.report.place().is_none().then(|| self.region.state());
        Warning::of_dimms(self.region.number(), told.unwrap_or_default())
    }
}

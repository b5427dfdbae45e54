//! The tables in which firmware tells of physical memory: ACPI's NFIT, flattened devicetrees.
//!
//! The contents of the file are not trusted. It is looked at first, as every path is
//! ([`look`](crate::look)), and opened only if it is a regular file or a pipe. The file system does
//! not matter: who names a file as a table wants it to be read.

mod foreign;
#[cfg_attr(windows, path = "table/windows.rs")]
mod opening;
mod refusal;

use std::{
    convert::Infallible,
    io::{self, Read},
    path::Path,
};

use pmem2::{
    Error,
    bare::{
        Devicetree, Extent, ExtentId, Nfit, PhysicalRegion, RegionFault, RegionKind, TableWarning,
    },
    error::Errno,
    persist::PersistenceDomain,
    place::{DimmState, Warning},
    report::{Key, Report, Value},
};
use serde_json::json;

use crate::{args::Target, entry::Entry, json};
use foreign::{Foreign, dumped};
use opening::{errno, open};
pub(crate) use refusal::Refusal;
use refusal::{LIMIT, warn_of_table};

const NFIT: &[u8] = b"NFIT";
const DEVICETREE: &[u8] = &[0xd0, 0x0d, 0xfe, 0xed];

/// Reads the file at `path` into the empty `bytes`: the file as it is, or the NFIT that acpidump(8)
/// printed there.
pub(crate) fn read(path: &Path, bytes: &mut Vec<u8>) -> Result<(), Refusal> {
    let file = open(path)?;
    let above = LIMIT.saturating_add(1);
    let length =
        file.take(above).read_to_end(bytes).map_err(|error| Refusal::Unread(number(&error)))?;
    if !u64::try_from(length).is_ok_and(|length| length < above) {
        return Err(Refusal::Long);
    }
    if let Some(table) = dumped(bytes, "NFIT") {
        *bytes = table.map_err(Refusal::Foreign)?;
    }
    Ok(())
}

fn number(error: &io::Error) -> Errno {
    // An error without a number is a lack of memory.
    error.raw_os_error().map_or(Errno::ENOMEM, errno)
}

/// A table with at least one region.
pub(crate) struct Table<'t> {
    regions: Vec<PhysicalRegion<'t>>,
    warnings: Vec<TableWarning>,
}

/// A region of a table, and the report on it.
pub(crate) struct Listed<'t> {
    region: &'t PhysicalRegion<'t>,
    pub(crate) report: Report<ExtentId>,
    /// The firmware's faults in the table.
    faults: &'t [TableWarning],
}

impl<'t> Table<'t> {
    /// Parses an NFIT or a flattened devicetree.
    pub(crate) fn parse(bytes: &'t [u8]) -> Result<Self, Refusal> {
        let mut warnings = Vec::new();
        let regions: Vec<_> = if bytes.starts_with(NFIT) {
            let nfit = Nfit::parse(bytes).map_err(Refusal::Wrong)?;
            warnings.extend(nfit.warnings());
            nfit.regions().collect()
        } else if bytes.starts_with(DEVICETREE) {
            Devicetree::parse(bytes).map_err(Refusal::Wrong)?.regions().collect()
        } else {
            return Err(Refusal::Foreign(Foreign::recognize(bytes)));
        };
        match regions.is_empty() {
            false => Ok(Self { regions, warnings }),
            true if bytes.starts_with(NFIT) => Err(Refusal::NoRange(warnings)),
            true => Err(Refusal::NoNode),
        }
    }

    /// Returns all regions, each as a source of a program without an operating system.
    pub(crate) fn listed(&'t self) -> impl Iterator<Item = Listed<'t>> {
        let Self { regions, warnings } = self;
        (0..regions.len()).filter_map(|index| Extent::in_table(regions, index)).map(|extent| {
            Listed { region: extent.region(), report: Report::new(&extent), faults: warnings }
        })
    }
}

impl Listed<'_> {
    /// Whether it has an address. A node of a devicetree may have none.
    fn has_address(&self) -> bool {
        self.report.verdict() != Err(Error::InvalidRegion(RegionFault::Unaddressed))
    }

    /// The way to make a store durable: a name for programs, and words for people.
    fn durability(&self) -> (&'static str, &'static str) {
        match self.region.domain() {
            _ if self.region.is_unarmed() => ("none", "nothing"),
            PersistenceDomain::MemoryController | PersistenceDomain::Unstated => {
                ("cache_flush", "the flush of cache lines, and a fence")
            }
            PersistenceDomain::CpuCache => ("fence", "a fence alone"),
            PersistenceDomain::Host => ("call", "a call of the program's own driver"),
            PersistenceDomain::Never => ("none", "nothing"),
            _ => ("other", "something else"),
        }
    }

    /// The entry of the output.
    pub(crate) fn entry(&self, target: &Target) -> Entry {
        let Self { region, report, faults } = self;
        let mut entry = Entry::new(target, Some(region.number()));
        let verdict = report.verdict();
        entry.set("usable", json!(verdict.is_ok()));
        entry.set("error", json!(verdict.err().map(|error| json::error(&error))));
        entry.set("opened", json!(true));
        // The report has the warnings of persistent memory only.
        let state = match report.place() {
            Some(_) => DimmState::empty(),
            None => region.state(),
        };
        let Ok(()) = report.facts(|mut fact| {
            if let Ok(Value::Persistent(persistent)) = &mut fact.answer
                && !faults.is_empty()
            {
                *persistent = persistent.with_warnings();
            }
            if fact.key == Key::Kind {
                faults.iter().for_each(|warning| warn_of_table(&mut entry, warning));
                for warning in Warning::of_dimms(region.number(), state) {
                    entry.line(Key::Warning.label(), warning);
                    entry.warn(json::warning(&warning));
                }
            }
            if fact.key != Key::Identity || self.has_address() {
                entry.fact(&fact);
            }
            Ok::<_, Infallible>(())
        });
        if let Some(guid) = region.guid().filter(|_| region.kind() == RegionKind::Other) {
            entry.line("guid", guid);
        }
        if let Some(domain) = region.proximity_domain() {
            entry.line("proximity domain", format_args!("{domain}, a number of ACPI's"));
        }
        if report.place().is_none() {
            // The line `place` has it else.
            entry.line("provider", region.provider());
        }
        let is_persistent = self.has_address() && region.kind() == RegionKind::Persistent;
        let durability = is_persistent.then(|| self.durability());
        if let Some((_, words)) = durability {
            entry.line("durable by", words);
        }
        let flush_hints = is_persistent.then(|| region.flush_hints().count());
        match flush_hints {
            None => {}
            Some(0) => entry.line("flush hints", "none"),
            Some(1) => entry.line("flush hints", "of 1 DIMM"),
            Some(count) => entry.line("flush hints", format_args!("of {count} DIMMs")),
        }
        let failed = DimmState::SAVE_FAILED | DimmState::RESTORE_FAILED | DimmState::FLUSH_FAILED;
        entry.set(
            "region",
            json!({
                "number": region.number(),
                "provider": region.provider(),
                "base": self.has_address().then(|| region.base()),
                "length": self.has_address().then(|| region.length()),
                "durability": durability.map(|(name, _)| name),
                "save_failed": region.state().intersects(failed),
                "flush_hints": flush_hints,
                "proximity_domain": region.proximity_domain(),
                "guid": region.guid().map(|guid| guid.to_string()),
            }),
        );
        entry
    }
}

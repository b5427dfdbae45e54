//! The structures of libpmem2/region.h.

use core::{
    ffi::{CStr, c_char, c_void},
    ptr,
};

use pmem2::{
    Code, Error, Kind,
    bare::{Bare, Extent, Nfit, PhysicalRegion, RegionFault, RegionKind, TableWarning},
    error::Subject,
    persist::PersistenceDomain,
    place::DimmState,
    platform::{Fail, Locate, Platform},
};

use super::array::{array, text};
use crate::failure::Failure;

/// `struct pmem2_region_dimm` of libpmem2/region.h.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct CDimm {
    pub(super) id: *const c_char,
    pub(super) dirty_shutdowns: u64,
    pub(super) counts: u32,
    pub(super) private: u32,
}

/// `struct pmem2_region` of libpmem2/region.h.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct CRegion {
    pub(super) base: u64,
    pub(super) length: u64,
    pub(super) alignment: u64,
    pub(super) kind: u32,
    pub(super) durability: u32,
    pub(super) flags: u32,
    pub(super) numa_node: u32,
    pub(super) number: u32,
    /// The index of its range among those of the NFIT below: 16 bits.
    pub(super) range: u32,
    pub(super) proximity_domain: u32,
    /// The sum of that NFIT's bytes: 8 bits.
    pub(super) sum: u32,
    pub(super) provider: *const c_char,
    pub(super) dimms: *const CDimm,
    pub(super) dimm_count: usize,
    pub(super) table: *const CRegion,
    pub(super) table_length: usize,
    pub(super) nfit: *const c_void,
    pub(super) nfit_length: usize,
}

/// `struct pmem2_table_warning` of libpmem2/region.h.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct CWarning {
    pub(super) kind: u32,
    pub(super) at: u32,
    pub(super) found: u32,
    pub(super) expected: u32,
}

impl CWarning {
    /// Returns a warning as C has it, or `None` for one that C does not know.
    pub(crate) fn new(warning: TableWarning) -> Option<Self> {
        let at_byte = |kind, at| Self { kind, at, found: 0, expected: 0 };
        Some(match warning {
            TableWarning::Checksum { found, expected } => {
                Self { kind: 1, at: 9, found: found.into(), expected: expected.into() }
            }
            TableWarning::ZeroTail(at) => at_byte(2, at),
            TableWarning::ZeroLength(at) => at_byte(3, at),
            _ => return None,
        })
    }
}

// The numbers of the header.
const KINDS: [RegionKind; 6] = [
    RegionKind::Other,
    RegionKind::Persistent,
    RegionKind::Volatile,
    RegionKind::VirtualDisk,
    RegionKind::ControlRegion,
    RegionKind::BlockWindow,
];
const DOMAINS: [PersistenceDomain; 5] = [
    PersistenceDomain::Unstated,
    PersistenceDomain::MemoryController,
    PersistenceDomain::CpuCache,
    PersistenceDomain::Host,
    PersistenceDomain::Never,
];
const READ_ONLY: u32 = 1;
const UNARMED: u32 = 2;
const HAS_NODE: u32 = 4;
const OVERLAPPING: u32 = 16;
/// The reports of its DIMMs.
const STATES: [(u32, DimmState); 6] = [
    (UNARMED, DimmState::NOT_ARMED),
    (8, DimmState::SAVE_FAILED),
    (32, DimmState::RESTORE_FAILED),
    (64, DimmState::FLUSH_FAILED),
    (128, DimmState::MAP_FAILED),
    (256, DimmState::SMART_EVENT),
];
const HAS_PROXIMITY_DOMAIN: u32 = 512;
/// All flags.
const ALL: u32 = 0x3FF;

/// The bytes of a provider that are read: one character more than is shown, which tells that it is
/// cut.
const PROVIDER: usize = 28;

impl CRegion {
    /// Makes a region of what a firmware's table says. It has no range of an NFIT, and no DIMMs.
    fn told(from: &PhysicalRegion<'_>, provider: &'static CStr) -> Result<Self, Fail> {
        let extent = Extent::new(from);
        let facts = Bare::describe((&extent).into())?;
        let more = Bare::default()
            .region(&location(extent)?, 0)?
            .ok_or(Fail::Malformed(Subject::Region))?;
        let flags = [
            (READ_ONLY, more.read_only),
            (HAS_NODE, more.numa_node.is_some()),
            (HAS_PROXIMITY_DOMAIN, from.proximity_domain().is_some()),
            (OVERLAPPING, facts.kind == Kind::InvalidRegion(RegionFault::Overlaps)),
        ];
        Ok(Self {
            base: from.base(),
            length: from.length(),
            alignment: Bare::alignment((&extent).into(), &facts)?,
            kind: position(&KINDS, &from.kind()),
            durability: position(&DOMAINS, &from.domain()),
            flags: flags
                .into_iter()
                .chain(STATES.map(|(flag, state)| (flag, from.state().contains(state))))
                .filter(|(_, holds)| *holds)
                .fold(0, |flags, (flag, _)| flags | flag),
            numa_node: more.numa_node.unwrap_or(0),
            number: more.number,
            range: 0,
            proximity_domain: from.proximity_domain().unwrap_or(0),
            sum: 0,
            provider: provider.as_ptr(),
            dimms: ptr::null(),
            dimm_count: 0,
            table: ptr::null(),
            table_length: 0,
            nfit: ptr::null(),
            nfit_length: 0,
        })
    }

    /// Makes a region of what a devicetree says.
    pub(crate) fn from_tree(from: &PhysicalRegion<'_>) -> Result<Self, Fail> {
        Self::told(from, c"devicetree")
    }

    /// Makes a region of what `nfit` says. It refers to the table, for its DIMMs.
    pub(crate) fn from_nfit(from: &PhysicalRegion<'_>, nfit: &[u8]) -> Result<Self, Fail> {
        let region = Self::told(from, c"ACPI.NFIT")?;
        let (table, range) = from.range().ok_or(Fail::Malformed(Subject::Region))?;
        Ok(Self {
            range: range.into(),
            sum: table.sum().into(),
            nfit: nfit.as_ptr().cast(),
            nfit_length: nfit.len(),
            ..region
        })
    }

    /// Returns the region without what its pointers lead to, except the provider.
    pub(super) fn physical(&self) -> Result<PhysicalRegion<'_>, Fail> {
        // It was understood when the source was made, and was changed since.
        let (kind, domain) = self.members().map_err(|_| Fail::Malformed(Subject::Region))?;
        let mut region = PhysicalRegion::new(self.base, self.length, kind)
            .in_domain(domain)
            .aligned_to(self.alignment.max(1));
        if self.flags & READ_ONLY != 0 {
            region = region.read_only();
        }
        if self.flags & UNARMED != 0 {
            region = region.unarmed();
        }
        if self.flags & HAS_NODE != 0 {
            region = region.on_node(self.numa_node);
        }
        // SAFETY: it is NULL or a string: the maker of its RegionAt promised that.
        let provider = unsafe { text(self.provider, PROVIDER) }.unwrap_or(b"board");
        // The part that people can read.
        let provider = provider.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        Ok(region.numbered(self.number, provider))
    }

    /// Decodes the members that are enumerations and flags.
    fn members(&self) -> Result<(RegionKind, PersistenceDomain), Failure> {
        let no = |member, value| Failure::NoValue { member, value };
        let unknown = self.flags & !ALL;
        if unknown != 0 {
            return Err(no("a flag of region->flags", unknown));
        }
        let kind = *element(&KINDS, self.kind).ok_or(no("region->kind", self.kind))?;
        let domain =
            *element(&DOMAINS, self.durability).ok_or(no("region->durability", self.durability))?;
        Ok((kind, domain))
    }

    /// Says why no source can be made of the region: `error`, in C's words where these are plainer.
    pub(crate) fn refusal(&self, error: Error) -> Failure {
        match error {
            // A structure that was set to zeros and not filled in, or a range of a table's.
            Error::InvalidFileType(_) if element(&KINDS, self.kind) == Some(&RegionKind::Other) => {
                Failure::Said(
                    Code::InvalidFileType,
                    "region->kind is 0 (PMEM2_REGION_OTHER): sources are made of \
                     PMEM2_REGION_PERSISTENT only",
                )
            }
            error => error.into(),
        }
    }

    /// Checks the members, and the arrays that it points to, as far as pointers tell.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        // SAFETY: they have as many elements as they are said to have, or no array can: who has the
        // region promised that.
        let (table, dimms) =
            unsafe { (array(self.table, self.table_length), array(self.dimms, self.dimm_count)) };
        table.map_err(|no| {
            no.failure("region->table", "region->table_length is more than memory can have")
        })?;
        dimms.map_err(|no| {
            no.failure("region->dimms", "region->dimm_count is more than memory can have")
        })?;
        self.members().map(|_| ())
    }

    const fn range(&self) -> PhysicalRegion<'static> {
        PhysicalRegion::new(self.base, self.length, RegionKind::Other)
    }

    /// Tells whether another region of its table has some of its bytes.
    pub(super) fn overlaps(&self) -> Result<bool, Fail> {
        // SAFETY: the table has this many elements: the maker of its RegionAt promised that.
        let table = unsafe { array(self.table, self.table_length) }
            .map_err(|_| Fail::Malformed(Subject::Region))?;
        let range = self.range();
        let mut others = table.iter().filter(|other| !ptr::eq(*other, self));
        Ok(self.flags & OVERLAPPING != 0 || others.any(|other| range.overlaps(&other.range())))
    }

    /// Returns the board's DIMMs.
    pub(super) fn dimms(&self) -> Result<&[CDimm], Fail> {
        // SAFETY: there are this many: who made a RegionAt of the region promised that.
        unsafe { array(self.dimms, self.dimm_count) }.map_err(|_| Fail::Malformed(Subject::Dimm))
    }

    /// Returns the NFIT that it was made of, if it was made of one.
    pub(super) fn nfit(&self) -> Result<Option<&[u8]>, Fail> {
        if self.nfit.is_null() {
            return Ok(None);
        }
        // SAFETY: it was a table of this length, and stays: who made a RegionAt of the region
        // promised that.
        let table = unsafe { array(self.nfit.cast::<u8>(), self.nfit_length) };
        table.map(Some).map_err(|_| Fail::Malformed(Subject::Dimm))
    }

    /// Parses the NFIT once more, if it was made of one.
    pub(super) fn check_nfit(&self) -> Result<(), Fail> {
        let Some(table) = self.nfit()? else { return Ok(()) };
        // The sum first, which costs little.
        let same = Nfit::parsed(table).is_some_and(|nfit| u32::from(nfit.sum()) == self.sum);
        if same && Nfit::parse(table).is_ok() {
            Ok(())
        } else {
            Err(Fail::Malformed(Subject::Dimm))
        }
    }

    /// Returns a region with the DIMMs that `nfit` has for its range. The table is not parsed as a
    /// whole.
    pub(super) fn with_devices<'t>(&self, nfit: &'t [u8]) -> Result<PhysicalRegion<'t>, Fail> {
        let known = Nfit::parsed(nfit).zip(u16::try_from(self.range).ok());
        let (nfit, range) = known.ok_or(Fail::Malformed(Subject::Dimm))?;
        Ok(PhysicalRegion::new(0, 0, RegionKind::Other).made_of_range(nfit, range))
    }
}

/// Returns where `Bare` finds what it knows of a region.
pub(super) fn location(extent: Extent<'_>) -> Result<<Bare<'_> as Locate>::Location, Fail> {
    Bare::locate((&extent).into(), &Bare::describe((&extent).into())?)
}

/// Returns the number of a value in the header. All values are there.
fn position<T: PartialEq>(all: &[T], value: &T) -> u32 {
    all.iter().position(|one| one == value).and_then(|index| u32::try_from(index).ok()).unwrap_or(0)
}

fn element<T>(all: &[T], number: u32) -> Option<&T> {
    all.get(usize::try_from(number).ok()?)
}

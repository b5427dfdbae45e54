//! `struct pmem2_region`, and what is made of it.

mod array;
mod layout;
mod platform;

use core::{
    ffi::{CStr, c_char, c_void},
    ptr::{self, NonNull},
};

use pmem2::{
    Code, Error, Kind, Source,
    bare::{Bare, Extent, Nfit, PhysicalRegion, RegionFault, RegionKind, TableWarning},
    error::Subject,
    persist::{Durability, Persistence},
    place::DimmState,
    platform::{Borrowed, Fail, Locate, Platform},
};

pub(crate) use array::array;
pub use platform::{DimmAt, RegionAt, Regions};

use crate::failure::Failure;
use array::text;

/// `struct pmem2_region_dimm` of libpmem2/region.h.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct CDimm {
    id: *const c_char,
    dirty_shutdowns: u64,
    counts: u32,
    private: u32,
}

/// `struct pmem2_region` of libpmem2/region.h.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct CRegion {
    base: u64,
    length: u64,
    alignment: u64,
    kind: u32,
    durability: u32,
    flags: u32,
    numa_node: u32,
    number: u32,
    /// The place of its range among those of the NFIT below: 16 bits.
    range: u32,
    proximity_domain: u32,
    /// The sum of that NFIT's bytes: 8 bits.
    sum: u32,
    provider: *const c_char,
    dimms: *const CDimm,
    dimm_count: usize,
    table: *const CRegion,
    table_length: usize,
    nfit: *const c_void,
    nfit_length: usize,
}

/// `struct pmem2_table_warning` of libpmem2/region.h.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct CWarning {
    kind: u32,
    at: u32,
    found: u32,
    expected: u32,
}

impl CWarning {
    pub(crate) fn of(warning: TableWarning) -> Option<Self> {
        let ends = |kind, at| Self { kind, at, found: 0, expected: 0 };
        Some(match warning {
            TableWarning::Checksum { found, expected } => {
                Self { kind: 1, at: 9, found: found.into(), expected: expected.into() }
            }
            TableWarning::ZeroTail(at) => ends(2, at),
            TableWarning::ZeroLength(at) => ends(3, at),
            _ => return None,
        })
    }
}

/// The other side of these numbers is in the header.
const KINDS: [RegionKind; 6] = [
    RegionKind::Other,
    RegionKind::Persistent,
    RegionKind::Volatile,
    RegionKind::VirtualDisk,
    RegionKind::ControlRegion,
    RegionKind::BlockWindow,
];
const DURABILITIES: [Option<Durability>; 5] = [
    None,
    Some(Durability::CacheFlush),
    Some(Durability::Fence),
    Some(Durability::Call),
    Some(Durability::None),
];
const READ_ONLY: u32 = 1;
const UNARMED: u32 = 2;
const HAS_NODE: u32 = 4;
const OVERLAPPING: u32 = 16;
/// What its DIMMs report.
const STATES: [(u32, DimmState); 6] = [
    (UNARMED, DimmState::NOT_ARMED),
    (8, DimmState::SAVE_FAILED),
    (32, DimmState::RESTORE_FAILED),
    (64, DimmState::FLUSH_FAILED),
    (128, DimmState::MAP_FAILED),
    (256, DimmState::SMART_EVENT),
];
const HAS_PROXIMITY_DOMAIN: u32 = 512;
/// All that there are.
const ALL: u32 = 0x3FF;

/// The bytes of a provider that are read: a character more than is shown, to see that it is cut.
const PROVIDER: usize = 28;

impl CRegion {
    /// What a firmware's table tells of a region. It has no place yet, and no DIMMs.
    fn told(from: &PhysicalRegion<'_>, provider: &'static CStr) -> Result<Self, Fail> {
        let extent = Extent::new(from);
        let facts = Bare::describe((&extent).into())?;
        let more =
            Bare::default().region(&spot(extent)?, 0)?.ok_or(Fail::Malformed(Subject::Region))?;
        let durability = match more.persistence {
            // Flushed, as far as anybody knows.
            Persistence::Unstated => None,
            _ => Some(from.durability()),
        };
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
            durability: position(&DURABILITIES, &durability),
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

    /// What a devicetree tells of a region.
    pub(crate) fn of_tree(from: &PhysicalRegion<'_>) -> Result<Self, Fail> {
        Self::told(from, c"devicetree")
    }

    /// What `nfit` tells of a region. It refers to the table, for its DIMMs.
    pub(crate) fn of_nfit(from: &PhysicalRegion<'_>, nfit: &[u8]) -> Result<Self, Fail> {
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

    /// `length` bytes of it, `offset` bytes behind its beginning: refused for what a source of them
    /// would be refused for.
    ///
    /// # Safety
    ///
    /// As [`RegionAt::new`], for as long as this runs.
    pub(crate) unsafe fn part(
        this: NonNull<Self>,
        offset: u64,
        length: u64,
    ) -> Result<Self, Failure> {
        // SAFETY: as the caller says.
        let at = unsafe { RegionAt::new(this) };
        // The whole, with its table: in that, a part would overlap what it is a part of.
        // SAFETY: as the caller says.
        let whole = unsafe { Borrowed::from_raw(Regions::default(), at) };
        let region = at.get();
        Source::new(whole).map_err(|error| region.refusal(error))?;
        // It was understood just now.
        let physical = region.physical().map_err(|_| Error::InvalidRegionFormat)?;
        let part = Source::from_region(Extent::new(&physical).part(offset, length))?;
        let base = part.handle().base().ok_or(Error::InvalidRegion(RegionFault::Wraps))?;
        Ok(Self { base, length, table: ptr::null(), table_length: 0, ..*region })
    }

    /// The region without what is behind its pointers, but the provider.
    fn physical(&self) -> Result<PhysicalRegion<'_>, Fail> {
        // It was understood when the source was made, and was changed since.
        let (kind, durability) = self.members().map_err(|_| Fail::Malformed(Subject::Region))?;
        let mut region =
            PhysicalRegion::new(self.base, self.length, kind).aligned_to(self.alignment.max(1));
        if let Some(durability) = durability {
            region = region.durable_by(durability);
        }
        if self.flags & READ_ONLY != 0 {
            region = region.read_only();
        }
        if self.flags & UNARMED != 0 {
            region = region.unarmed();
        }
        if self.flags & HAS_NODE != 0 {
            region = region.on_node(self.numa_node);
        }
        // SAFETY: it is NULL or a string: who made a RegionAt of it promised that.
        let provider = unsafe { text(self.provider, PROVIDER) }.unwrap_or(b"board");
        // As much of it as people can read.
        let provider = provider.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        Ok(region.numbered(self.number, provider))
    }

    /// What the members say that have a number for each thing they can say.
    fn members(&self) -> Result<(RegionKind, Option<Durability>), Failure> {
        let no = |member, value| Failure::NoValue { member, value };
        let unknown = self.flags & !ALL;
        if unknown != 0 {
            return Err(no("a flag of region->flags", unknown));
        }
        let kind = *element(&KINDS, self.kind).ok_or(no("region->kind", self.kind))?;
        let durability = *element(&DURABILITIES, self.durability)
            .ok_or(no("region->durability", self.durability))?;
        Ok((kind, durability))
    }

    /// What a source is refused with that cannot be made of it: `error`, in C's words where these
    /// are plainer.
    pub(crate) fn refusal(&self, error: Error) -> Failure {
        match error {
            // A structure that was set to zeros and not filled in, or a range of a table's.
            Error::InvalidFileType(_) if element(&KINDS, self.kind) == Some(&RegionKind::Other) => {
                Failure::Said(
                    Code::InvalidFileType,
                    "region->kind is 0 (PMEM2_REGION_OTHER): sources are made of PMEM2_REGION_PERSISTENT only",
                )
            }
            error => error.into(),
        }
    }

    /// What is wrong with its members, and with the arrays that it points to, as far as pointers
    /// tell.
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

    /// Where it lies.
    const fn range(&self) -> PhysicalRegion<'static> {
        PhysicalRegion::new(self.base, self.length, RegionKind::Other)
    }

    /// Whether another region of its table has bytes of it.
    fn overlaps(&self) -> Result<bool, Fail> {
        // SAFETY: the table has this many elements: who made a RegionAt of the region promised
        // that.
        let table = unsafe { array(self.table, self.table_length) }
            .map_err(|_| Fail::Malformed(Subject::Region))?;
        let range = self.range();
        let mut others = table.iter().filter(|other| !ptr::eq(*other, self));
        Ok(self.flags & OVERLAPPING != 0 || others.any(|other| range.overlaps(&other.range())))
    }

    /// The board's DIMMs.
    fn dimms(&self) -> Result<&[CDimm], Fail> {
        // SAFETY: there are this many: who made a RegionAt of the region promised that.
        unsafe { array(self.dimms, self.dimm_count) }.map_err(|_| Fail::Malformed(Subject::Dimm))
    }

    /// The NFIT that it was told by; `None` where that was something else.
    fn nfit(&self) -> Result<Option<&[u8]>, Fail> {
        if self.nfit.is_null() {
            return Ok(None);
        }
        // SAFETY: it was a table of this length, and stays: who made a RegionAt of the region
        // promised that.
        let table = unsafe { array(self.nfit.cast::<u8>(), self.nfit_length) };
        table.map(Some).map_err(|_| Fail::Malformed(Subject::Dimm))
    }

    /// Looks through the NFIT once more, if it was told by one.
    fn check_nfit(&self) -> Result<(), Fail> {
        let Some(table) = self.nfit()? else { return Ok(()) };
        // The sum first, which costs little.
        let same = Nfit::parsed(table).is_some_and(|nfit| u32::from(nfit.sum()) == self.sum);
        if same && Nfit::parse(table).is_ok() {
            Ok(())
        } else {
            Err(Fail::Malformed(Subject::Dimm))
        }
    }

    /// A region with the DIMMs that `nfit` has for its range. The table is not looked through as a
    /// whole.
    fn of_devices<'t>(&self, nfit: &'t [u8]) -> Result<PhysicalRegion<'t>, Fail> {
        let known = Nfit::parsed(nfit).zip(u16::try_from(self.range).ok());
        let (nfit, range) = known.ok_or(Fail::Malformed(Subject::Dimm))?;
        Ok(PhysicalRegion::new(0, 0, RegionKind::Other).made_of_range(nfit, range))
    }
}

/// Where the platform below finds what it knows of a region.
fn spot(extent: Extent<'_>) -> Result<<Bare<'_> as Locate>::Location, Fail> {
    Bare::locate((&extent).into(), &Bare::describe((&extent).into())?)
}

/// The number of a value in the header. It is there: all are.
fn position<T: PartialEq>(all: &[T], value: &T) -> u32 {
    all.iter().position(|one| one == value).and_then(|index| u32::try_from(index).ok()).unwrap_or(0)
}

fn element<T>(all: &[T], number: u32) -> Option<&T> {
    all.get(usize::try_from(number).ok()?)
}

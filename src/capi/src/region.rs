//! `struct pmem2_region`, and the platform whose objects they are: [`Bare`], as far as C's structures reach.

use core::{
    ffi::{CStr, c_char, c_int, c_void},
    ptr::{self, NonNull},
};

use pmem2::{
    Backing, Bare, Durability, Error, Extent, ExtentId, Facts, Fail, Kind, Locate, Nfit, Persistence, PhysicalRegion,
    Platform, Region, RegionFault, RegionKind, Source, Text, What,
};

use crate::object::Descriptor;

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
    /// The number of the range that it is of the NFIT below.
    range: u32,
    provider: *const c_char,
    dimms: *const CDimm,
    dimm_count: usize,
    table: *const CRegion,
    table_length: usize,
    nfit: *const c_void,
    nfit_length: usize,
}

/// The other side of these numbers is in the header.
const KINDS: [RegionKind; 4] =
    [RegionKind::Other, RegionKind::Persistent, RegionKind::Volatile, RegionKind::VirtualDisk];
const DURABILITIES: [Option<Durability>; 5] =
    [None, Some(Durability::CacheFlush), Some(Durability::Fence), Some(Durability::Call), Some(Durability::None)];
const READ_ONLY: u32 = 1;
const UNARMED: u32 = 2;
const HAS_NODE: u32 = 4;
const SAVE_FAILED: u32 = 8;
const OVERLAPPING: u32 = 16;
const ALL: u32 = READ_ONLY | UNARMED | HAS_NODE | SAVE_FAILED | OVERLAPPING;

/// The bytes of a provider that are shown, and those that an id may have.
const PROVIDER: usize = 24;
const ID: usize = 32;

impl CRegion {
    /// What a firmware's table tells of a region. It has no place yet, and no DIMMs.
    fn told(from: &PhysicalRegion<'_>, provider: &'static CStr) -> Result<Self, Fail> {
        let extent = Extent::of(from);
        let facts = Bare::default().describe(extent)?;
        let more = Bare::default().region(&spot(extent)?, 0)?.ok_or(Fail::Malformed(What::Region))?;
        let durability = match more.persistence {
            // Flushed, as far as anybody knows.
            Persistence::Unstated => None,
            _ => Some(from.durability()),
        };
        let flags = [
            (READ_ONLY, more.read_only),
            (UNARMED, more.unarmed),
            (HAS_NODE, more.numa_node.is_some()),
            (SAVE_FAILED, from.save_failed()),
            (OVERLAPPING, facts.kind == Kind::InvalidRegion(RegionFault::Overlaps)),
        ];
        Ok(Self {
            base: from.base(),
            length: from.length(),
            alignment: Bare::default().alignment(extent, &facts)?,
            kind: position(&KINDS, &from.kind()),
            durability: position(&DURABILITIES, &durability),
            flags: flags.into_iter().filter(|(_, holds)| *holds).fold(0, |flags, (flag, _)| flags | flag),
            numa_node: more.numa_node.unwrap_or(0),
            number: more.number,
            range: 0,
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
        Ok(Self { range: from.number(), nfit: nfit.as_ptr().cast(), nfit_length: nfit.len(), ..region })
    }

    /// `length` bytes of it, `offset` bytes behind its beginning: refused for what a source of them would be refused for.
    ///
    /// # Safety
    ///
    /// As [`RegionAt::new`], for as long as this runs.
    pub(crate) unsafe fn part(this: NonNull<Self>, offset: u64, length: u64) -> Result<Self, Error> {
        // SAFETY: as the caller says.
        let at = unsafe { RegionAt::new(this) };
        // The whole, with its table: in that, a part would overlap what it is a part of.
        // SAFETY: as the caller says.
        Source::new(unsafe { Descriptor::at(Regions::default(), at) })?;
        let region = at.get();
        // It was understood just now.
        let physical = region.physical().map_err(|_| Error::InvalidRegionFormat)?;
        let part = Source::from_region(Extent::of(&physical).part(offset, length))?;
        let base = part.handle().base().ok_or(Error::InvalidRegion(RegionFault::Wraps))?;
        Ok(Self { base, length, table: ptr::null(), table_length: 0, ..*region })
    }

    /// The region without what is behind its pointers, but the provider.
    fn physical(&self) -> Result<PhysicalRegion<'_>, Fail> {
        let malformed = Fail::Malformed(What::Region);
        if self.flags & !ALL != 0 {
            return Err(malformed);
        }
        let kind = *element(&KINDS, self.kind).ok_or(malformed)?;
        let durability = *element(&DURABILITIES, self.durability).ok_or(Fail::Malformed(What::Persistence))?;
        let mut region = PhysicalRegion::new(self.base, self.length, kind).aligned_to(self.alignment.max(1));
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
        let provider = unsafe { text(self.provider, PROVIDER) };
        Ok(region.numbered(self.number, provider.unwrap_or("board")))
    }

    /// Whether another region of its table has bytes of it.
    fn overlaps(&self) -> bool {
        let last = |region: &Self| region.length.checked_sub(1).and_then(|more| region.base.checked_add(more));
        // SAFETY: the table has this many elements: who made a RegionAt of the region promised that.
        let table = unsafe { elements(self.table, self.table_length) };
        self.flags & OVERLAPPING != 0
            || table.iter().filter(|other| !ptr::eq(*other, self)).any(|other| match (last(self), last(other)) {
                (Some(end), Some(other_end)) => self.base <= other_end && other.base <= end,
                _ => false,
            })
    }

    /// Asks the table that it was told by, if that is an NFIT, for what it has in place of [`CDimm`]s.
    fn ask_nfit<T>(&self, ask: impl FnOnce(&Extent<'_>) -> Result<T, Fail>) -> Result<T, Fail> {
        let malformed = Fail::Malformed(What::Dimm);
        // SAFETY: it was a table of this length, and stays: who made a RegionAt of the region promised that.
        let table = unsafe { elements(self.nfit.cast::<u8>(), self.nfit_length) };
        let nfit = Nfit::parse(table).map_err(|_| malformed)?;
        let region = nfit.regions().find(|region| region.number() == self.range).ok_or(malformed)?;
        ask(&Extent::of(&region))
    }
}

/// Where the platform below finds what it knows of a region.
fn spot(extent: Extent<'_>) -> Result<<Bare<'_> as Locate>::Spot, Fail> {
    Bare::default().locate(extent, &Bare::default().describe(extent)?)
}

/// The number of a value in the header. It is there: all are.
fn position<T: PartialEq>(all: &[T], value: &T) -> u32 {
    all.iter().position(|one| one == value).and_then(|index| u32::try_from(index).ok()).unwrap_or(0)
}

fn element<T>(all: &[T], number: u32) -> Option<&T> {
    all.get(usize::try_from(number).ok()?)
}

/// What C calls an array: none, where the pointer is NULL.
///
/// # Safety
///
/// `first` is NULL, or points to `count` elements that stay for `'a`.
unsafe fn elements<'a, T>(first: *const T, count: usize) -> &'a [T] {
    if first.is_null() || !first.is_aligned() {
        return &[];
    }
    // SAFETY: as the caller says.
    unsafe { core::slice::from_raw_parts(first, count) }
}

/// At most `most` bytes of a string, as far as they are UTF-8; `None` for NULL.
///
/// # Safety
///
/// `string` is NULL, or a string that stays for `'a`.
unsafe fn text<'a>(string: *const c_char, most: usize) -> Option<&'a str> {
    let string = NonNull::new(string.cast_mut())?.cast::<u8>();
    let mut length = 0;
    // SAFETY: no byte before this one is null, so it belongs to the string.
    while length < most && unsafe { string.add(length).read() } != 0 {
        length = length.saturating_add(1);
    }
    // SAFETY: these belong to the string.
    let bytes = unsafe { core::slice::from_raw_parts(string.as_ptr(), length) };
    bytes.utf8_chunks().next().map_or(Some(""), |chunk| Some(chunk.valid()))
}

/// The platform of C's regions: what [`export_regions!`](crate::export_regions) has below it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Regions(());

/// Where a region is.
#[derive(Clone, Copy)]
pub struct RegionAt(NonNull<CRegion>);

// SAFETY: nothing is written to through it, and what it leads to is written to by nobody (RegionAt::new).
unsafe impl Send for RegionAt {}
// SAFETY: as above.
unsafe impl Sync for RegionAt {}

impl RegionAt {
    /// # Safety
    ///
    /// For as long as the value and what is made of it is used, the region is valid for reads and not written to, and so is all
    /// that its pointers lead to.
    pub(crate) const unsafe fn new(region: NonNull<CRegion>) -> Self {
        Self(region)
    }

    fn get(&self) -> &CRegion {
        // SAFETY: who called `new` promised it.
        unsafe { self.0.as_ref() }
    }

    /// Asks about the region, if it is still the one that was described.
    fn ask<T>(
        &self,
        facts: &Facts<ExtentId>,
        ask: impl FnOnce(Bare<'_>, Extent<'_>) -> Result<T, Fail>,
    ) -> Result<T, Fail> {
        let physical = self.get().physical()?;
        let extent = Extent::of(&physical);
        // The ids only: tables are compared once.
        if Bare::default().describe(extent)?.id != facts.id {
            return Err(Fail::Replaced);
        }
        ask(Bare::default(), extent)
    }
}

impl TryFrom<c_int> for RegionAt {
    type Error = ();
    /// There are no descriptors here.
    fn try_from(_: c_int) -> Result<Self, ()> {
        Err(())
    }
}

impl TryFrom<RegionAt> for c_int {
    type Error = ();
    fn try_from(_: RegionAt) -> Result<Self, ()> {
        Err(())
    }
}

impl Platform for Regions {
    type Raw = RegionAt;
    type Id = ExtentId;

    fn describe(self, at: RegionAt) -> Result<Facts<ExtentId>, Fail> {
        let region = at.get();
        let mut facts = Bare::default().describe(Extent::of(&region.physical()?))?;
        if facts.kind == Kind::Region && region.overlaps() {
            facts.kind = Kind::InvalidRegion(RegionFault::Overlaps);
        }
        Ok(facts)
    }

    fn size(self, at: RegionAt, facts: &Facts<ExtentId>) -> Result<u64, Fail> {
        at.ask(facts, |bare, extent| bare.size(extent, facts))
    }

    fn alignment(self, at: RegionAt, facts: &Facts<ExtentId>) -> Result<u64, Fail> {
        at.ask(facts, |bare, extent| bare.alignment(extent, facts))
    }
}

/// A DIMM: which one, in the order of its region.
#[derive(Clone, Copy)]
pub struct DimmAt {
    region: RegionAt,
    index: usize,
}

impl DimmAt {
    /// Asks the DIMM in one of both tables.
    fn ask<T>(
        self,
        of_board: impl FnOnce(&CDimm) -> Result<T, Fail>,
        of_nfit: impl FnOnce(Bare<'_>, pmem2::BareDimm<'_>) -> Result<T, Fail>,
    ) -> Result<T, Fail> {
        let region = self.region.get();
        let gone = Fail::Absent(What::Dimm);
        if region.nfit.is_null() {
            // SAFETY: it has this many elements: who made the RegionAt promised that.
            let dimms = unsafe { elements(region.dimms, region.dimm_count) };
            return of_board(dimms.get(self.index).ok_or(gone)?);
        }
        region.ask_nfit(|extent| {
            let dimm = Bare::default().dimm(&spot(*extent)?, 0, self.index)?.ok_or(gone)?;
            of_nfit(Bare::default(), dimm)
        })
    }
}

impl Locate for Regions {
    type Spot = RegionAt;
    type Dimm = DimmAt;

    fn locate(self, at: RegionAt, facts: &Facts<ExtentId>) -> Result<RegionAt, Fail> {
        at.ask(facts, |_, _| Ok(at))
    }

    fn confirm(self, at: &RegionAt) -> Result<u64, Fail> {
        Ok(at.get().base)
    }

    fn backing(self, _: &RegionAt) -> Result<Backing, Fail> {
        Ok(Backing::Regions)
    }

    fn regions(self, _: &RegionAt) -> Result<usize, Fail> {
        Ok(1)
    }

    fn region(self, at: &RegionAt, index: usize) -> Result<Option<Region>, Fail> {
        Bare::default().region(&spot(Extent::of(&at.get().physical()?))?, index)
    }

    fn dimm(self, at: &RegionAt, region: usize, index: usize) -> Result<Option<DimmAt>, Fail> {
        let dimm = DimmAt { region: *at, index };
        match dimm.ask(|_| Ok(()), |_, _| Ok(())) {
            _ if region > 0 => Ok(None),
            Ok(()) => Ok(Some(dimm)),
            Err(Fail::Absent(What::Dimm)) => Ok(None),
            Err(fail) => Err(fail),
        }
    }

    fn dimm_number(self, dimm: DimmAt) -> Result<u32, Fail> {
        let of_board = |_: &CDimm| u32::try_from(dimm.index).map_err(|_| Fail::Malformed(What::Dimm));
        dimm.ask(of_board, |bare, dimm| bare.dimm_number(dimm))
    }

    fn dimm_id(self, dimm: DimmAt) -> Result<Text<32>, Fail> {
        // SAFETY: it is NULL or a string: who made the RegionAt promised that. One byte more than an id may have.
        let id = |dimm: &CDimm| match unsafe { text(dimm.id, ID + 1) } {
            None | Some("") => Err(Fail::Unsupported),
            Some(id) => Text::of(id).ok_or(Fail::Malformed(What::DeviceId)),
        };
        dimm.ask(id, |bare, dimm| bare.dimm_id(dimm))
    }

    fn dimm_dirty_shutdowns(self, dimm: DimmAt) -> Result<u64, Fail> {
        let count = |dimm: &CDimm| if dimm.counts == 0 { Err(Fail::Unsupported) } else { Ok(dimm.dirty_shutdowns) };
        dimm.ask(count, |bare, dimm| bare.dimm_dirty_shutdowns(dimm))
    }

    fn dax_capable(self, at: &RegionAt) -> Result<Option<bool>, Fail> {
        Bare::default().dax_capable(&spot(Extent::of(&at.get().physical()?))?)
    }
}

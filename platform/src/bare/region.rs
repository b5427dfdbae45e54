//! Ranges of physical memory, as tables tell of them.

use super::{guid::Guid, nfit::Nfit};
use crate::{facts::RegionFault, persist::PersistenceDomain, place::DimmState};

/// What a range of physical memory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RegionKind {
    /// Memory that keeps its contents: an NVDIMM, battery-backed or magnetic RAM.
    Persistent,
    /// Memory that does not.
    Volatile,
    /// A disk or CD image in memory that the firmware made (ACPI's virtual disk regions).
    VirtualDisk,
    /// Registers of an NVDIMM that is read and written by blocks (ACPI's control regions).
    ControlRegion,
    /// A window through which blocks of such an NVDIMM are reached (ACPI's block data windows).
    BlockWindow,
    /// What this library does not know.
    Other,
}

/// A DIMM or a chip that a board's code knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoardDimm<'t> {
    /// What identifies it wherever it is, at most 32 bytes: a part's name and serial number.
    pub id: &'t str,
    /// How often it lost power before its data was safe, where somebody counts.
    pub dirty_shutdowns: Option<u64>,
}

/// Where the DIMMs of a region are told.
#[derive(Clone, Copy, Debug)]
pub enum DimmTable<'t> {
    /// By the board's code.
    Board(&'t [BoardDimm<'t>]),
    /// By ACPI, of the range with this place among the table's ranges.
    Nfit(Nfit<'t>, u16),
}

/// A range of physical memory, as a table tells of it. A board's code can have a constant one, of
/// which `Source::from_region` of the crate `pmem2` makes a source.
#[derive(Clone, Copy, Debug)]
pub struct PhysicalRegion<'t> {
    pub(super) base: u64,
    pub(super) length: u64,
    pub(super) kind: RegionKind,
    pub(super) number: u32,
    pub(super) provider: &'t str,
    pub(super) domain: PersistenceDomain,
    pub(super) alignment: u64,
    pub(super) numa_node: Option<u32>,
    pub(super) read_only: bool,
    pub(super) state: DimmState,
    /// What its table knows to be wrong with it.
    pub(super) fault: Option<RegionFault>,
    pub(super) dimms: DimmTable<'t>,
}

impl<'t> PhysicalRegion<'t> {
    /// The `length` bytes at the physical address `base`. Until it is said otherwise: made durable
    /// by the flush of cache lines, mapped at any byte, written to, armed, on no NUMA node, of no
    /// DIMM that has an id.
    #[must_use]
    pub const fn new(base: u64, length: u64, kind: RegionKind) -> Self {
        Self {
            base,
            length,
            kind,
            number: 0,
            provider: "board",
            domain: PersistenceDomain::Unstated,
            alignment: 1,
            numa_node: None,
            read_only: false,
            state: DimmState::empty(),
            fault: None,
            dimms: DimmTable::Board(&[]),
        }
    }

    /// Declares the persistence domain, and with it what makes a store to the region durable: a
    /// fence in [`CpuCache`](PersistenceDomain::CpuCache), where a part without caches is, too.
    #[must_use]
    pub const fn in_domain(mut self, domain: PersistenceDomain) -> Self {
        self.domain = domain;
        self
    }

    /// Its number, and who tells of it: at most 24 bytes are shown.
    #[must_use]
    pub const fn numbered(mut self, number: u32, provider: &'t str) -> Self {
        (self.number, self.provider) = (number, provider);
        self
    }

    /// What offsets and lengths of mappings have to be multiples of, in bytes: a power of two, or
    /// no source can be made of it; of the page where there is an MMU. So has the region's first
    /// address, and that of a part of it that is to be a source.
    #[must_use]
    pub const fn aligned_to(mut self, alignment: u64) -> Self {
        self.alignment = alignment;
        self
    }

    /// The NUMA node that it is on.
    #[must_use]
    pub const fn on_node(mut self, node: u32) -> Self {
        self.numa_node = Some(node);
        self
    }

    /// It can only be read.
    #[must_use]
    pub const fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// It will not keep what is stored from now on: a flat battery. Whether it may be written to
    /// all the same is for [`read_only`](PhysicalRegion::read_only) to say; of a firmware's table
    /// it may not, as in Linux.
    #[must_use]
    pub const fn unarmed(mut self) -> Self {
        self.state = self.state.union(DimmState::NOT_ARMED);
        self
    }

    /// The DIMMs or chips that it is made of, in their order.
    #[must_use]
    pub const fn made_of(mut self, dimms: &'t [BoardDimm<'t>]) -> Self {
        self.dimms = DimmTable::Board(dimms);
        self
    }

    /// The devices that the range with this place among an NFIT's is made of.
    #[doc(hidden)]
    #[must_use]
    pub const fn made_of_range(mut self, nfit: Nfit<'t>, number: u16) -> Self {
        self.dimms = DimmTable::Nfit(nfit, number);
        self
    }

    /// The NFIT that tells of it, and the place of its range there.
    #[doc(hidden)]
    #[must_use]
    pub const fn range(&self) -> Option<(Nfit<'t>, u16)> {
        match self.dimms {
            DimmTable::Nfit(nfit, number) => Some((nfit, number)),
            DimmTable::Board(_) => None,
        }
    }

    /// The GUID that an NFIT gives as the type of its range; `None` where something else tells of
    /// it.
    #[must_use]
    pub fn guid(&self) -> Option<Guid> {
        self.range().and_then(|(nfit, number)| nfit.guid(number))
    }

    /// The proximity domain that an NFIT gives it: a number of ACPI's, which the SRAT uses too, and
    /// not the NUMA node that an operating system makes of it.
    #[must_use]
    pub fn proximity_domain(&self) -> Option<u32> {
        self.range().and_then(|(nfit, number)| nfit.proximity_domain(number))
    }

    /// The physical address of its first byte.
    #[must_use]
    pub const fn base(&self) -> u64 {
        self.base
    }

    /// Its length in bytes.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Its number, which a firmware table's order gives it, or
    /// [`numbered`](PhysicalRegion::numbered).
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// Who tells of it: `board`, `ACPI.NFIT`, `devicetree`, or what
    /// [`numbered`](PhysicalRegion::numbered) was told. Of a devicetree's node that [has no
    /// address](RegionFault::Unaddressed) the name of the node.
    #[must_use]
    pub const fn provider(&self) -> &'t str {
        self.provider
    }

    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> RegionKind {
        self.kind
    }

    /// The persistence domain.
    #[must_use]
    pub const fn domain(&self) -> PersistenceDomain {
        self.domain
    }

    /// Whether it can only be read.
    #[must_use]
    pub const fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Whether it will not keep what is stored from now on.
    #[must_use]
    pub const fn is_unarmed(&self) -> bool {
        self.state.contains(DimmState::NOT_ARMED)
    }

    /// What the DIMMs that it is made of report of themselves, all together.
    #[must_use]
    pub const fn state(&self) -> DimmState {
        self.state
    }

    /// The physical addresses of flush hints, one for each DIMM that has some: where the memory
    /// controllers are not in the persistence domain, a write of any number to each makes what was
    /// flushed before durable. All are multiples of 8.
    pub fn flush_hints(&self) -> impl Iterator<Item = u64> {
        let hints = match self.dimms {
            DimmTable::Nfit(nfit, index) => Some(nfit.hints(index)),
            DimmTable::Board(_) => None,
        };
        hints.into_iter().flatten()
    }

    /// How many flush hints have to be written to. None where the persistence domain is stated:
    /// then the memory controllers are in it, or nothing is.
    pub(crate) fn hints_needed(&self) -> usize {
        if matches!(self.domain, PersistenceDomain::Unstated) {
            self.flush_hints().count()
        } else {
            0
        }
    }

    /// Whether both have a byte in common. One that goes on beyond the last address has all bytes
    /// up to it; one without bytes has none in common with anything.
    #[must_use]
    pub const fn overlaps(&self, other: &Self) -> bool {
        overlap(self.base, self.length, other.base, other.length)
    }
}

/// Whether the `length` bytes at `base` have one in common with the others.
pub(super) const fn overlap(base: u64, length: u64, other_base: u64, other_length: u64) -> bool {
    // The last bytes, since the first byte behind a range may be 2^64.
    match (length.checked_sub(1), other_length.checked_sub(1)) {
        (Some(more), Some(other_more)) => {
            base <= other_base.saturating_add(other_more) && other_base <= base.saturating_add(more)
        }
        _ => false,
    }
}

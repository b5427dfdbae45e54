//! Ranges of physical memory, as tables describe them.

use super::{guid::Guid, nfit::Nfit};
use crate::{facts::RegionFault, persist::PersistenceDomain, place::DimmState};

/// The kind of a range of physical memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RegionKind {
    /// Memory that keeps its contents: an NVDIMM, battery-backed or magnetic RAM.
    Persistent,
    /// Memory that does not keep its contents.
    Volatile,
    /// A disk or CD image in memory that the firmware made (ACPI's virtual disk regions).
    VirtualDisk,
    /// Registers of an NVDIMM that is read and written by blocks (ACPI's control regions).
    ControlRegion,
    /// A window through which blocks of such an NVDIMM are reached (ACPI's block data windows).
    BlockWindow,
    /// A kind that this library does not know.
    Other,
}

/// A DIMM or a chip that a board's code knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoardDimm<'t> {
    /// Its identity, wherever it is plugged in, in at most 32 bytes: a part's name and serial
    /// number.
    pub id: &'t str,
    /// The number of times that it lost power before its data was safe, where somebody counts.
    pub dirty_shutdowns: Option<u64>,
}

/// The source of the DIMMs of a region.
#[derive(Clone, Copy, Debug)]
pub enum DimmTable<'t> {
    /// The board's code.
    Board(&'t [BoardDimm<'t>]),
    /// ACPI: the range with this place among the table's ranges.
    Nfit(Nfit<'t>, u16),
}

/// A range of physical memory, as a table describes it. A board's code can have a constant one.
/// `Source::from_region` of the crate `pmem2` makes a source of it.
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
    /// The fault that its table knows.
    pub(super) fault: Option<RegionFault>,
    pub(super) dimms: DimmTable<'t>,
}

impl<'t> PhysicalRegion<'t> {
    /// Describes the `length` bytes at the physical address `base`. By default the persistence
    /// domain is not stated, so that cache lines are flushed; the range is mapped at any byte,
    /// writable, armed, on no NUMA node, and made of no DIMM that has an id.
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

    /// Declares the persistence domain, and with it how a store to the region becomes durable. A
    /// part without caches is in [`CpuCache`](PersistenceDomain::CpuCache): a fence is enough.
    #[must_use]
    pub const fn in_domain(mut self, domain: PersistenceDomain) -> Self {
        self.domain = domain;
        self
    }

    /// Sets its number, and the name of its provider, of which at most 24 bytes are shown.
    #[must_use]
    pub const fn numbered(mut self, number: u32, provider: &'t str) -> Self {
        (self.number, self.provider) = (number, provider);
        self
    }

    /// Sets the alignment of mappings' offsets and lengths, in bytes: a power of two, and the page
    /// where there is an MMU. The first address of the region, and of each part that is to be a
    /// source, has to be a multiple of it.
    #[must_use]
    pub const fn aligned_to(mut self, alignment: u64) -> Self {
        self.alignment = alignment;
        self
    }

    /// Sets its NUMA node.
    #[must_use]
    pub const fn on_node(mut self, node: u32) -> Self {
        self.numa_node = Some(node);
        self
    }

    /// Marks it as read-only.
    #[must_use]
    pub const fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// Marks it as not armed: it does not keep what is stored from now on (a flat battery). It may
    /// still be written to unless it is [`read_only`](PhysicalRegion::read_only). A firmware's
    /// table makes an unarmed region read-only, as in Linux.
    #[must_use]
    pub const fn unarmed(mut self) -> Self {
        self.state = self.state.union(DimmState::NOT_ARMED);
        self
    }

    /// Sets the DIMMs or chips that it is made of, in their order.
    #[must_use]
    pub const fn made_of(mut self, dimms: &'t [BoardDimm<'t>]) -> Self {
        self.dimms = DimmTable::Board(dimms);
        self
    }

    /// Sets the devices of the range with this place in an NFIT.
    #[doc(hidden)]
    #[must_use]
    pub const fn made_of_range(mut self, nfit: Nfit<'t>, number: u16) -> Self {
        self.dimms = DimmTable::Nfit(nfit, number);
        self
    }

    /// Returns the NFIT that describes it, and the place of its range there.
    #[doc(hidden)]
    #[must_use]
    pub const fn range(&self) -> Option<(Nfit<'t>, u16)> {
        match self.dimms {
            DimmTable::Nfit(nfit, number) => Some((nfit, number)),
            DimmTable::Board(_) => None,
        }
    }

    /// Returns the GUID that an NFIT gives as the type of its range; `None` without an NFIT.
    #[must_use]
    pub fn guid(&self) -> Option<Guid> {
        self.range().and_then(|(nfit, number)| nfit.guid(number))
    }

    /// Returns the proximity domain that an NFIT gives it: ACPI's number, which the SRAT uses too.
    /// It is not the NUMA node that an operating system makes of it.
    #[must_use]
    pub fn proximity_domain(&self) -> Option<u32> {
        self.range().and_then(|(nfit, number)| nfit.proximity_domain(number))
    }

    /// Returns the physical address of its first byte.
    #[must_use]
    pub const fn base(&self) -> u64 {
        self.base
    }

    /// Returns its length in bytes.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Returns its number: its place in a firmware's table, or what
    /// [`numbered`](PhysicalRegion::numbered) set.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// Returns the name of its provider: `board`, `ACPI.NFIT`, `devicetree`, or what
    /// [`numbered`](PhysicalRegion::numbered) set. For a devicetree's node that [has no
    /// address](RegionFault::Unaddressed) it is the name of the node.
    #[must_use]
    pub const fn provider(&self) -> &'t str {
        self.provider
    }

    /// Returns its kind.
    #[must_use]
    pub const fn kind(&self) -> RegionKind {
        self.kind
    }

    /// Returns the persistence domain.
    #[must_use]
    pub const fn domain(&self) -> PersistenceDomain {
        self.domain
    }

    /// Tells whether it can only be read.
    #[must_use]
    pub const fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Tells whether it loses what is stored from now on.
    #[must_use]
    pub const fn is_unarmed(&self) -> bool {
        self.state.contains(DimmState::NOT_ARMED)
    }

    /// Returns the states that its DIMMs report, all together.
    #[must_use]
    pub const fn state(&self) -> DimmState {
        self.state
    }

    /// Iterates over the physical addresses of flush hints, one for each DIMM that has some. Where
    /// the memory controllers are not in the persistence domain, a write of any number to each
    /// makes durable what was flushed before. All are multiples of 8.
    pub fn flush_hints(&self) -> impl Iterator<Item = u64> {
        let hints = match self.dimms {
            DimmTable::Nfit(nfit, index) => Some(nfit.hints(index)),
            DimmTable::Board(_) => None,
        };
        hints.into_iter().flatten()
    }

    /// Returns the number of flush hints that have to be written to: 0 where the persistence domain
    /// is stated, since then the memory controllers are in it, or nothing is.
    pub(crate) fn hints_needed(&self) -> usize {
        if matches!(self.domain, PersistenceDomain::Unstated) {
            self.flush_hints().count()
        } else {
            0
        }
    }

    /// Tells whether both have a byte in common. A range that goes on beyond the last address has
    /// all bytes up to it; an empty one has none in common with anything.
    #[must_use]
    pub const fn overlaps(&self, other: &Self) -> bool {
        overlap(self.base, self.length, other.base, other.length)
    }
}

/// Tells whether the `length` bytes at `base` have one in common with the others.
pub(super) const fn overlap(base: u64, length: u64, other_base: u64, other_length: u64) -> bool {
    // The last bytes, since the first byte after a range may be 2^64.
    match (length.checked_sub(1), other_length.checked_sub(1)) {
        (Some(more), Some(other_more)) => {
            base <= other_base.saturating_add(other_more) && other_base <= base.saturating_add(more)
        }
        _ => false,
    }
}

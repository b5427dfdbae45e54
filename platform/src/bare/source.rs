//! The handle of a region, and the platform that answers for it.

use core::fmt;

use super::region::{PhysicalRegion, RegionKind};
use crate::{
    alignment::Alignment,
    facts::{Access, Facts, Kind, RegionFault},
    fail::Fail,
    source::{Borrowed, Handle, Platform},
};

/// A region of physical memory, or a part of it: the handle of a source without an operating
/// system. It borrows the region's description, and with it the tables that this borrows.
#[derive(Clone, Copy)]
pub struct Extent<'t> {
    region: &'t PhysicalRegion<'t>,
    /// The whole table, where the region is one of several.
    table: &'t [PhysicalRegion<'t>],
    offset: u64,
    length: u64,
    /// Whether it was made as a part that goes on beyond its whole.
    outside: bool,
}

impl<'t> Extent<'t> {
    /// Names all of a region.
    #[must_use]
    pub const fn new(region: &'t PhysicalRegion<'t>) -> Self {
        Self { region, table: &[], offset: 0, length: region.length, outside: false }
    }

    /// Names all of the region with this index in a table; `None` after the last one. Only a region
    /// named so is compared with the others of its table for overlaps.
    #[must_use]
    pub fn in_table(table: &'t [PhysicalRegion<'t>], index: usize) -> Option<Self> {
        let region = table.get(index)?;
        Some(Self { table, ..Self::new(region) })
    }

    /// Names the `length` bytes at `offset` in this extent. The range is checked when a source is
    /// made of it.
    #[must_use]
    pub const fn part(mut self, offset: u64, length: u64) -> Self {
        match offset.checked_add(length) {
            Some(end) if end <= self.length => {}
            _ => self.outside = true,
        }
        // Beyond 2^64 there is nothing: it is refused like everything beyond the end.
        self.offset = self.offset.saturating_add(offset);
        self.length = length;
        self
    }

    /// Returns the region.
    #[must_use]
    pub const fn region(&self) -> &'t PhysicalRegion<'t> {
        self.region
    }

    /// Returns the physical address of its first byte; `None` beyond 2^64.
    #[must_use]
    pub const fn base(&self) -> Option<u64> {
        self.region.base.checked_add(self.offset)
    }

    /// Returns its length in bytes.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Returns its fault as a range of bytes.
    pub(crate) fn fault(&self) -> Option<RegionFault> {
        let region = self.region;
        let others = || self.table.iter().filter(|other| !core::ptr::eq(*other, region));
        if region.fault == Some(RegionFault::Unaddressed) {
            region.fault
        } else if self.length == 0 {
            Some(RegionFault::Empty)
        } else if self.outside {
            Some(RegionFault::Outside)
        } else if region
            .length
            .checked_sub(1)
            .is_none_or(|more| region.base.checked_add(more).is_none())
        {
            Some(RegionFault::Wraps)
        } else if region.fault.is_some() {
            region.fault
        } else if others().any(|other| region.overlaps(other)) {
            Some(RegionFault::Overlaps)
        } else {
            match Alignment::new(region.alignment) {
                None => Some(RegionFault::Alignment),
                Some(alignment) => {
                    (!alignment.divides(self.id().base)).then_some(RegionFault::Misaligned)
                }
            }
        }
    }

    /// Returns its kind of source.
    pub(crate) fn kind(&self) -> Kind {
        match (self.region.kind, self.fault()) {
            (RegionKind::Persistent, None) => Kind::Region,
            (RegionKind::Persistent, Some(fault)) => Kind::InvalidRegion(fault),
            (RegionKind::Volatile, _) => Kind::VolatileMemory,
            (RegionKind::VirtualDisk, _) => Kind::VirtualDisk,
            (RegionKind::ControlRegion, _) => Kind::ControlRegion,
            (RegionKind::BlockWindow, _) => Kind::BlockWindow,
            (RegionKind::Other, _) => Kind::Other,
        }
    }

    pub(super) fn id(&self) -> ExtentId {
        ExtentId { base: self.region.base.wrapping_add(self.offset), length: self.length }
    }
}

impl fmt::Debug for Extent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id().fmt(f)
    }
}

/// The identity of an extent: its place in physical memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ExtentId {
    base: u64,
    length: u64,
}

impl fmt::Debug for ExtentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExtentId {{ base: {:#x}, length: {:#x} }}", self.base, self.length)
    }
}

impl fmt::Display for ExtentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "physical address {:#x}, {:#x} bytes", self.base, self.length)
    }
}

/// The platform without an operating system. Its objects are [`Extent`]s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Bare<'t>(core::marker::PhantomData<&'t ()>);

// SAFETY: an extent borrows its region and names the same bytes for as long as it lives, and so
// does a copy of it.
unsafe impl<'t> Handle for Extent<'t> {
    type P = Bare<'t>;
    #[inline]
    fn platform(&self) -> Bare<'t> {
        Bare::default()
    }
    #[inline]
    fn raw(&self) -> Self {
        *self
    }
}

impl<'t> Platform for Bare<'t> {
    type Raw = Extent<'t>;
    type Id = ExtentId;

    fn describe(extent: Borrowed<'_, Self>) -> Result<Facts<ExtentId>, Fail> {
        let extent = extent.raw();
        let region = extent.region;
        let access = if region.read_only { Access::READ } else { Access::READ | Access::WRITE };
        Ok(Facts::new(extent.id(), extent.kind(), access, Alignment::new(region.alignment)))
    }

    /// In C the table may have been changed since.
    fn size(extent: Borrowed<'_, Self>, facts: &Facts<ExtentId>) -> Result<u64, Fail> {
        let extent = extent.raw();
        if extent.id() == facts.id { Ok(extent.length) } else { Err(Fail::Replaced) }
    }

    /// The facts of a source have it already.
    fn alignment(extent: Borrowed<'_, Self>, facts: &Facts<ExtentId>) -> Result<u64, Fail> {
        let extent = extent.raw();
        if extent.id() == facts.id { Ok(extent.region.alignment) } else { Err(Fail::Replaced) }
    }
}

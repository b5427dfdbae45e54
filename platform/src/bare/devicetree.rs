//! A flattened devicetree, read in place for its `pmem-region` nodes: Devicetree Specification 0.4,
//! chapters 2 and 5, and the kernel's `Documentation/devicetree/bindings/pmem/pmem-region.txt`.
//!
//! No byte of the tree is trusted. [`Devicetree::parse`] walks through all of it once. A fault of
//! the tree refuses the whole; a region with a fault, such as a missing address, is refused alone.
//! The walk has no recursion. Its time grows with the size of the tree, which is limited, and with
//! the number of regions, each of which is looked for in at most 64 windows of at most 11 buses.
//! [`Devicetree::regions`] walks through it three times, and once more for each 16 regions, which
//! are compared with all others: at most 20 times.
//!
//! No crate does this job: `fdt` 0.1.5 panics in twelve places when one byte of a tree is changed,
//! and `dtoolkit` 0.4.1 visits all nodes below to find a node's neighbour, which takes the square
//! of the depth.

mod blob;
mod walk;

use self::{
    blob::Blob,
    walk::{BATCH, Walk},
};
use super::{fault::TableFault, region::PhysicalRegion};
use crate::facts::RegionFault;

/// A whole devicetree blob that was checked.
#[derive(Clone, Copy, Debug)]
pub struct Devicetree<'t>(Blob<'t>);

impl<'t> Devicetree<'t> {
    /// Parses the tree at the beginning of `bytes`, which may be longer.
    ///
    /// # Errors
    ///
    /// The fault of the whole tree. [`TableFault::Structure`]: its tokens are in disorder, or a
    /// `pmem-region` node lies deeper than twelve nodes below the root. [`TableFault::TooMany`]: it
    /// has more than 2 MiB, or more than 256 such nodes or regions. A node without an address is no
    /// error: see [`regions`](Devicetree::regions).
    pub fn parse(bytes: &'t [u8]) -> Result<Self, TableFault> {
        let blob = Blob::parse(bytes)?;
        Walk::new(blob).try_for_each(|region| region.map(drop))?;
        Ok(Self(blob))
    }

    /// Iterates over the regions of the `pmem-region` nodes that are not disabled, in the order of
    /// the tree: one for each range of a node. A node with the property `volatile` is volatile
    /// memory. For the others the persistence domain is not stated, since a tree does not state it:
    /// cache lines are flushed, until [`in_domain`](PhysicalRegion::in_domain) says otherwise.
    ///
    /// A node without a `reg`, or with one of a wrong length, is an empty region that no source can
    /// be made of ([`RegionFault::Unaddressed`]); so is a range that the buses above do not lead to
    /// the processor. The other regions are not affected. A `numa-node-id` that is no number counts
    /// as none, as in Linux.
    pub fn regions(self) -> impl Iterator<Item = PhysicalRegion<'t>> {
        Regions { walk: Walk::new(self.0), overlapping: 0 }
    }
}

/// The regions of a tree, with their overlaps.
struct Regions<'t> {
    walk: Walk<'t>,
    /// One bit for each region of the current batch that overlaps another.
    overlapping: u32,
}

impl<'t> Iterator for Regions<'t> {
    type Item = PhysicalRegion<'t>;

    fn next(&mut self) -> Option<Self::Item> {
        let place = self.walk.found.checked_rem(BATCH)?;
        if place == 0 {
            self.overlapping = self.walk.clone().overlapping();
        }
        let mut region = self.walk.next()?.ok()?;
        if self.overlapping.wrapping_shr(u32::try_from(place).ok()?) & 1 != 0 {
            region.fault = Some(RegionFault::Overlaps);
        }
        Some(region)
    }
}

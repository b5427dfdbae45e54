//! A flattened devicetree, read in place for its `pmem-region` nodes: Devicetree Specification 0.4,
//! chapters 2 and 5, and the kernel's `Documentation/devicetree/bindings/pmem/pmem-region.txt`.
//!
//! No byte of the tree is trusted. [`Devicetree::parse`] walks through all of it once. What does
//! not fit is refused as a whole; a region without an address is refused alone, as whatever else is
//! wrong with one region. The walk has no recursion. Its time grows with the size of the tree,
//! which is limited, and with the number of regions, each of which is looked for in at most 64
//! windows of at most 11 buses. [`Devicetree::regions`] walks through it three times, and once more
//! for each 16 regions, which are compared with all others: at most 20 times.
//!
//! This is no job for a crate: `fdt` 0.1.5 panics in twelve places when one byte of a tree is
//! changed, and `dtoolkit` 0.4.1 looks through all nodes below to find a node's neighbour, which
//! takes the square of the depth.

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
    /// The tree at the beginning of `bytes`, which may go on behind it.
    ///
    /// # Errors
    ///
    /// What is wrong with it as a whole. [`TableFault::Structure`]: its tokens are in disorder, or
    /// a `pmem-region` node lies deeper than twelve nodes below the root. [`TableFault::TooMany`]:
    /// it has more than 2 MiB, or more than 256 such nodes or regions. A node that has no address
    /// is no error: see [`regions`](Devicetree::regions).
    pub fn parse(bytes: &'t [u8]) -> Result<Self, TableFault> {
        let blob = Blob::parse(bytes)?;
        Walk::new(blob).try_for_each(|region| region.map(drop))?;
        Ok(Self(blob))
    }

    /// The regions of the `pmem-region` nodes that are not disabled, in the order of the tree: one
    /// for each range of a node. One that is marked `volatile` is volatile memory. The others are
    /// made durable by the flush of cache lines, until it is [said
    /// otherwise](PhysicalRegion::in_domain): a tree does not say.
    ///
    /// A node without a `reg`, or with one of a wrong length, is a region of no bytes that no
    /// source can be made of ([`RegionFault::Unaddressed`]), and so is a range that the buses above
    /// do not lead to the processor. The others are not the worse for it. A `numa-node-id` that is
    /// no number stands for none, as in Linux.
    pub fn regions(self) -> impl Iterator<Item = PhysicalRegion<'t>> {
        Regions { walk: Walk::new(self.0), overlapping: 0 }
    }
}

/// The regions of a tree, and which of them overlap.
struct Regions<'t> {
    walk: Walk<'t>,
    /// Of the batch that the last region was in, one bit each.
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

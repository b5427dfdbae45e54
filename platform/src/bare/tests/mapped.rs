//! A region, and a window on it in memory of the heap.

use core::ptr::NonNull;
use std::{vec, vec::Vec};

use crate::{Extent, PersistenceDomain, PhysicalRegion, RegionKind, Route, Window, WindowFault};

pub(super) const LENGTH: usize = 3 * 4096 + 100;
pub(super) const BASE: u64 = 0x12_3400_0000;

pub(super) fn region(domain: PersistenceDomain) -> PhysicalRegion<'static> {
    PhysicalRegion::new(BASE, LENGTH as u64, RegionKind::Persistent).in_domain(domain)
}

/// Calls `test` with a window on memory that holds these bytes; the bytes afterwards.
pub(super) fn on(extent: Extent<'_>, before: u8, test: impl FnOnce(Window<'_>)) -> Vec<u8> {
    let mut memory = vec![before; LENGTH];
    let at = NonNull::new(memory.as_mut_ptr()).unwrap();
    // SAFETY: the memory is there for as long as the window, which does not leave `test`; no extent
    // here is longer, and nobody else uses it meanwhile.
    test(unsafe { extent.mapped(at) });
    memory
}

/// Makes bytes durable by this route, as `Persist` of the crate `pmem2` does.
pub(super) fn persist(
    window: &Window<'_>,
    route: Route,
    offset: usize,
    length: usize,
) -> Result<(), WindowFault> {
    window.flush_by(route, offset, length)?;
    window.drain();
    Ok(())
}

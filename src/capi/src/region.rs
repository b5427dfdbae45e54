//! `struct pmem2_region`, and the platform whose objects such regions are.

pub(crate) mod array;
mod layout;
pub(crate) mod platform;
pub(crate) mod structures;

pub use platform::{DimmAt, RegionAt, Regions};
pub use structures::{CDimm, CRegion, CWarning};

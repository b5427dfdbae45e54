//! No operating system: a source is a range of physical memory, and what is known of it comes from
//! tables.
//!
//! - [`PhysicalRegion`] is a range that a board's code declares, or that a firmware table tells of:
//!   [`Nfit`] (ACPI), [`Devicetree`].
//! - [`Extent`] is the handle: such a region or a part of it, borrowed with its tables.
//! - [`Bare`] answers from these. It touches no memory but the tables, makes no system call, and
//!   works on every target.

mod acpi;
mod bytes;
mod devicetree;
mod extent;
mod fault;
mod io;
mod nfit;
mod region;

pub use acpi::find as find_acpi_table;
pub use bytes::Guid;
pub use devicetree::Devicetree;
pub use extent::{Bare, BareDimm, Extent, ExtentId};
pub use fault::{TableFault, TableWarning};
pub use nfit::Nfit;
pub use region::{BoardDimm, DimmTable, Durability, PhysicalRegion, RegionKind};

#[cfg(test)]
pub(crate) mod tests;

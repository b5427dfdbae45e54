//! No operating system: a source is a range of physical memory, described by tables.
//!
//! - [`PhysicalRegion`] is a range that a board's code declares, or that a firmware table tells of:
//!   [`Nfit`] (ACPI), [`Devicetree`].
//! - [`Extent`] is the handle: such a region or a part of it, borrowed with its tables.
//! - [`Bare`] answers from these. It touches only the tables, makes no system call, and
//!   works on every target.

mod acpi;
mod badblocks;
mod bytes;
mod devicetree;
mod fault;
mod guid;
mod map;
mod nfit;
mod place;
mod region;
pub(crate) mod source;
mod transfer;

pub use acpi::{find as find_acpi_table, root_warning as acpi_root_warning};
pub use devicetree::Devicetree;
pub use fault::{TableFault, TableWarning};
pub use guid::Guid;
pub use map::{HostFlush, Window, WindowFault};
pub use nfit::Nfit;
pub use place::BareDimm;
pub use region::{BoardDimm, DimmTable, PhysicalRegion, RegionKind};
pub use source::{Bare, Extent, ExtentId};

#[cfg(test)]
pub(crate) mod tests;

//! Tables that QEMU made (`tests/seeds`), tables made here field by field as the specifications say, and everything that can be
//! wrong with them.

mod acpi;
mod blob;
mod devices;
mod devicetree;
mod extent;
mod hostile;
mod nfit;
mod nodes;
pub(crate) mod tables;

//! Tables that QEMU made (`tests/seeds`), tables made here field by field as the specifications
//! say, and everything that can be wrong with them.

mod acpi;
mod blob;
mod devices;
mod devicetree;
mod extent;
mod hostile;
/// Where the processor can be asked how it flushes.
#[cfg(any(target_arch = "x86_64", target_arch = "x86", target_arch = "aarch64"))]
mod io;
mod nfit;
mod nodes;
pub(crate) mod tables;

//! Tables that QEMU made (`tests/seeds`), tables made here field by field as the specifications
//! say, and everything that can be wrong with them.

mod acpi;
mod blob;
mod devices;
mod devicetree;
mod hostile;
/// Where the processor can be asked how it flushes: others would have to be known.
#[cfg(any(target_arch = "x86_64", target_arch = "x86", target_arch = "aarch64"))]
mod map;
mod mapped;
mod nfit;
mod nodes;
mod source;
mod steps;
pub(crate) mod tables;
#[cfg(any(target_arch = "x86_64", target_arch = "x86", target_arch = "aarch64"))]
mod transfer;

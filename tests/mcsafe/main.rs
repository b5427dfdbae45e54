//! Copies from and to mappings whose memory fails, with a handler that is installed once for all
//! tests here.
//!
//! The end of a file that was cut off stands in for bad memory: to a program both are a SIGBUS at
//! an address.
#![cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")
))]

#[path = "../common/mod.rs"]
mod common;
#[cfg(target_arch = "x86_64")]
#[path = "../common/instructions.rs"]
mod instructions;
#[path = "../common/shrunk.rs"]
mod shrunk;
#[path = "../common/signals.rs"]
mod signals;

mod buffers;
mod durable;
mod mappings;
mod model;
mod stepped;
mod together;

use pmem2_platform::{CopyFault, SigbusHandler};

fn handler() -> SigbusHandler {
    SigbusHandler::install().expect("a handler of SIGBUS")
}

/// What a file that was cut off says.
fn gone(copied: usize) -> CopyFault {
    CopyFault::Medium { copied, error: false, unit: 1 }
}

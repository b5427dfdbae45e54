//! Copies from and to mappings whose memory fails, with a handler that is installed once for all
//! tests here.
//!
//! The end of a file that was cut off stands in for bad memory: to a program both are a SIGBUS at
//! an address.

#[path = "../../common/shrunk.rs"]
mod shrunk;
#[path = "../../common/signals.rs"]
mod signals;

mod buffers;
mod durable;
mod mappings;
mod model;
mod stepped;
mod together;

use pmem2_platform::{Fail, Partial, SigbusHandler};

fn handler() -> SigbusHandler {
    SigbusHandler::install().expect("a handler of SIGBUS")
}

/// The answer of a file that was cut off.
fn gone(copied: usize) -> Partial {
    Partial { done: copied, fail: Fail::bad_memory(1) }
}

//! The handler of SIGBUS among others': each case in a process of its own, which starts without
//! ours.
#![cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")
))]

#[path = "../common/mod.rs"]
#[macro_use]
mod common;
#[path = "../common/shrunk.rs"]
mod shrunk;
#[path = "../common/signals.rs"]
mod signals;

mod after;
mod again;
mod before;
#[cfg(target_arch = "x86_64")]
mod forked;
mod program;
mod sent;
#[cfg(target_arch = "x86_64")]
mod traced;

use pmem2_platform::{Fail, Partial, SigbusHandler};
use shrunk::{Memory, Shrunk, page};

/// A file of two pages with one page left, and a mapping of the test's own.
struct World {
    file: Shrunk,
    memory: Memory,
}

impl World {
    fn new() -> Self {
        let file = Shrunk::new(2 * page());
        let memory = file.memory();
        file.cut(page());
        Self { file, memory }
    }

    /// A load of the program's own that fails: what is read once somebody has put a page there.
    fn foreign_fault(&self) -> u8 {
        self.memory.touch(page() + FAULT)
    }

    /// Whether a copy says that the second page is gone.
    fn survives(&self, handler: SigbusHandler) -> bool {
        let mapping = self.file.mapping(handler, false);
        let mut buffer = [0; 100];
        let gone = |copied| Err(Partial { done: copied, fail: Fail::bad_memory(1) });
        let before = page() as u64 - 50;
        mapping.read(before, &mut buffer) == gone(50)
            && mapping.read(page() as u64, &mut buffer) == gone(0)
            && mapping.read(0, &mut buffer) == Ok(())
    }
}

/// Where in the second page the program's own faults are.
const FAULT: usize = 0x123;

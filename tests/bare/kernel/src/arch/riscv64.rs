//! QEMU's board `virt`, entered in machine mode without firmware and without address translation.

use core::{
    arch::{asm, global_asm},
    ptr::NonNull,
};

use super::semihosting;
use crate::{Boot, Tables};

global_asm!(
    ".pushsection .bss.stack, \"aw\", @nobits",
    ".balign 16",
    ".zero 65536",
    "stack_end:",
    ".popsection",
    ".pushsection .text.entry, \"ax\", @progbits",
    ".globl entry",
    "entry:",
    // The linker shortens addresses to offsets from gp, which must be set without such an offset.
    ".option push",
    ".option norelax",
    "la gp, __global_pointer$",
    ".option pop",
    "la sp, stack_end",
    // Floating point.
    "li t0, 0x2000",
    "csrs mstatus, t0",
    // The number of the hart, which is ignored, and the devicetree.
    "mv a0, a1",
    "call {enter}",
    "unimp",
    ".popsection",
    enter = sym enter,
);

/// The memory that the board may have below 4 GiB.
const MEMORY: core::ops::Range<u64> = 0x8000_0000..0x1_0000_0000;

/// The serial port, a 16550: its data and line status registers.
const DATA: usize = 0x1000_0000;
const STATUS: usize = DATA + 5;

/// Runs the kernel. Only `entry` calls this.
extern "C" fn enter(devicetree: u64) -> ! {
    crate::start(Boot {
        command_line: semihosting::command_line(),
        tables: Tables::Devicetree(devicetree),
    })
}

/// There is no translation.
pub(crate) fn map(base: u64, length: u64) -> Option<NonNull<u8>> {
    super::within(&MEMORY, base, length)
}

pub(crate) fn put(byte: u8) {
    // SAFETY: the registers are there on this board, and nothing else uses them.
    unsafe {
        // The transmitter's holding register is not empty.
        while core::ptr::with_exposed_provenance::<u8>(STATUS).read_volatile() & 0x20 == 0 {}
        core::ptr::with_exposed_provenance_mut::<u8>(DATA).write_volatile(byte);
    }
}

pub(crate) use semihosting::exit;

/// Calls QEMU.
///
/// # Safety
///
/// `parameter` is as the operation requires, in the semihosting specification of Arm, which
/// RISC-V's follows.
pub(super) unsafe fn host(operation: usize, parameter: *mut usize) -> usize {
    let result;
    // SAFETY: QEMU is started with semihosting, and returns after the instructions, which must be
    // these three, uncompressed and on one page. The caller answers for the rest.
    unsafe {
        asm!(
            ".option push",
            ".option norvc",
            ".balign 16",
            "slli x0, x0, 0x1f",
            "ebreak",
            "srai x0, x0, 7",
            ".option pop",
            inlateout("a0") operation => result,
            in("a1") parameter,
            options(nostack),
        );
    }
    result
}

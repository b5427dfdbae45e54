//! QEMU's board `virt`, entered in EL1 without a memory management unit. The kernel turns it on,
//! with all memory mapped to itself: without it all memory is treated as a device, which allows
//! neither unaligned accesses nor flushes of the cache.

use core::{
    arch::{asm, global_asm},
    ptr::NonNull,
};

use super::semihosting;
use crate::{Boot, Tables};

global_asm!(
    // The first GiB is devices; those after it are memory: normal, write-back, shared.
    ".pushsection .data.tables, \"aw\", @progbits",
    ".balign 4096",
    "level1: .quad 0x401",
    ".set block, 0x40000000",
    ".rept 3",
    ".quad block + 0x705",
    ".set block, block + 0x40000000",
    ".endr",
    ".zero 4096 - 32",
    ".popsection",
    ".pushsection .bss.stack, \"aw\", @nobits",
    ".balign 16",
    ".zero 65536",
    "stack_end:",
    ".popsection",
    ".pushsection .text.entry, \"ax\", @progbits",
    ".globl entry",
    "entry:",
    "adrp x0, stack_end",
    "add x0, x0, :lo12:stack_end",
    "mov sp, x0",
    // Floating point and vectors.
    "mov x0, #(3 << 20)",
    "msr cpacr_el1, x0",
    // Attribute 0: device; attribute 1: memory.
    "mov x0, #0xff00",
    "msr mair_el1, x0",
    // 39 bits of addresses in pages of 4 KiB, tables in shared write-back memory, no upper half; 40
    // bits of physical addresses.
    "movz x0, #0x3519",
    "movk x0, #0x0080, lsl #16",
    "movk x0, #0x0002, lsl #32",
    "msr tcr_el1, x0",
    "adrp x0, level1",
    "msr ttbr0_el1, x0",
    "isb",
    // The unit itself, and the caches.
    "mrs x0, sctlr_el1",
    "movz x1, #0x1005",
    "orr x0, x0, x1",
    "msr sctlr_el1, x0",
    "isb",
    "mov x29, xzr",
    "mov x30, xzr",
    "bl {enter}",
    "brk #0",
    ".popsection",
    enter = sym enter,
);

/// The mapped memory.
const MEMORY: core::ops::Range<u64> = 0x4000_0000..0x1_0000_0000;

/// The serial port, a PL011: its data and flag registers.
const DATA: usize = 0x0900_0000;
const FLAGS: usize = DATA + 0x18;

/// Runs the kernel. Only `entry` calls this.
extern "C" fn enter() -> ! {
    // "For bare-metal programs the devicetree is at the beginning of memory" (QEMU's documentation
    // of `virt`).
    crate::start(Boot {
        command_line: semihosting::command_line(),
        tables: Tables::Devicetree(MEMORY.start),
    })
}

/// Memory is mapped from the start.
pub(crate) fn map(base: u64, length: u64) -> Option<NonNull<u8>> {
    super::within(&MEMORY, base, length)
}

pub(crate) fn put(byte: u8) {
    // SAFETY: the registers are there on this board, mapped as a device, and nothing else uses
    // them.
    unsafe {
        // The transmitter's queue is full.
        while core::ptr::with_exposed_provenance::<u32>(FLAGS).read_volatile() & 0x20 != 0 {}
        core::ptr::with_exposed_provenance_mut::<u32>(DATA).write_volatile(byte.into());
    }
}

pub(crate) use semihosting::exit;

/// Calls QEMU.
///
/// # Safety
///
/// `parameter` is as the operation requires, in the semihosting specification of Arm.
pub(super) unsafe fn host(operation: usize, parameter: *mut usize) -> usize {
    let result;
    // SAFETY: QEMU is started with semihosting, and returns after the instruction. The caller
    // answers for the rest.
    unsafe {
        asm!("hlt #0xf000", inlateout("x0") operation => result, in("x1") parameter,
            options(nostack))
    };
    result
}

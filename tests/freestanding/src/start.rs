//! The first instructions of the program: the kernel enters at `_start` with the number of
//! arguments on top of the stack and the arguments above it.

use core::{arch::global_asm, ffi::c_char, slice};

#[cfg(target_arch = "x86_64")]
global_asm!(
    ".globl _start",
    "_start:",
    "xor ebp, ebp",
    "mov rdi, rsp",
    "and rsp, -16",
    "call {enter}",
    "ud2",
    enter = sym enter,
);

#[cfg(target_arch = "aarch64")]
global_asm!(
    ".globl _start",
    "_start:",
    "mov x29, xzr",
    "mov x30, xzr",
    "mov x0, sp",
    "bl {enter}",
    "brk #0",
    enter = sym enter,
);

#[cfg(target_arch = "riscv64")]
global_asm!(
    ".globl _start",
    "_start:",
    // The linker shortens addresses to offsets from gp, which must be set without such an offset.
    ".option push",
    ".option norelax",
    "la gp, __global_pointer$",
    ".option pop",
    "mv a0, sp",
    "andi sp, sp, -16",
    "call {enter}",
    "unimp",
    enter = sym enter,
);

/// Calls `main`. Only `_start` calls this.
///
/// # Safety
///
/// `stack` is the stack pointer from the kernel: a number, and as many pointers after it.
unsafe extern "C" fn enter(stack: *const usize) -> ! {
    // SAFETY: the kernel put the number there.
    let count = unsafe { stack.read() };
    // SAFETY: the arguments follow the number. They are pointers of its size, and never change.
    let arguments = unsafe { slice::from_raw_parts(stack.add(1).cast::<*const c_char>(), count) };
    crate::sys::exit(crate::main(arguments))
}

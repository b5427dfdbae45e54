//! The system calls that every source needs, made as cheaply as possible. Here and in the benchmark
//! pmem2 is compared with them.

use std::{arch::asm, hint::black_box, mem::MaybeUninit};

#[cfg(target_arch = "x86_64")]
mod number {
    pub(super) const FCNTL: usize = 72;
    pub(super) const FSTAT: usize = 5;
}

/// The table that newer architectures share (asm-generic/unistd.h).
#[cfg(any(target_arch = "aarch64", target_arch = "riscv64"))]
mod number {
    pub(super) const FCNTL: usize = 25;
    pub(super) const FSTAT: usize = 80;
}

const F_GETFL: usize = 3;

/// Room for the kernel's `struct stat`: 144 bytes on x86-64, 128 on the others.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Stat([u8; 144]);

/// # Safety
///
/// The arguments are as the system call requires.
#[inline(always)]
unsafe fn call(number: usize, a: usize, b: usize) -> isize {
    let result;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the registers of the kernel's convention; it clobbers rcx and r11. The caller answers
    // for the arguments.
    unsafe {
        asm!("syscall", inlateout("rax") number => result, in("rdi") a, in("rsi") b,
            lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: the registers of the kernel's convention. The caller answers for the arguments.
    unsafe {
        asm!("svc 0", in("x8") number, inlateout("x0") a => result, in("x1") b, options(nostack));
    }
    #[cfg(target_arch = "riscv64")]
    // SAFETY: the registers of the kernel's convention. The caller answers for the arguments.
    unsafe {
        asm!("ecall", in("a7") number, inlateout("a0") a => result, in("a1") b, options(nostack));
    }
    result
}

/// Calls fcntl(fd, F_GETFL), and returns the flags or a negative error number.
#[inline(always)]
pub(crate) fn getfl(fd: i32) -> isize {
    // SAFETY: F_GETFL reads and writes no memory.
    unsafe { call(number::FCNTL, fd as usize, F_GETFL) }
}

/// Calls fstat(fd), and returns 0 or a negative error number. The optimizer has to keep the result.
#[inline(always)]
pub(crate) fn fstat(fd: i32) -> isize {
    let mut stat = MaybeUninit::<Stat>::uninit();
    let memory = black_box(stat.as_mut_ptr());
    // SAFETY: fstat writes a struct stat, for which there is room.
    unsafe { call(number::FSTAT, fd as usize, memory.expose_provenance()) }
}

//! The three system calls of the program. The library makes its own.

use core::{arch::asm, ffi::c_char};

#[cfg(target_arch = "x86_64")]
mod number {
    pub(super) const OPENAT: usize = 257;
    pub(super) const WRITE: usize = 1;
    pub(super) const EXIT_GROUP: usize = 231;
}

/// The table that newer architectures share (asm-generic/unistd.h).
#[cfg(any(target_arch = "aarch64", target_arch = "riscv64"))]
mod number {
    pub(super) const OPENAT: usize = 56;
    pub(super) const WRITE: usize = 64;
    pub(super) const EXIT_GROUP: usize = 94;
}

const AT_FDCWD: usize = -100_isize as usize;
/// O_RDONLY (0) without blocking, and without becoming a controlling terminal.
const FLAGS: usize = 0o4000 | 0o400;

/// # Safety
///
/// The arguments are as the system call requires.
unsafe fn call(number: usize, a: usize, b: usize, c: usize, d: usize) -> isize {
    let result;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the registers of the kernel's convention; it clobbers rcx and r11. The caller answers
    // for the arguments.
    unsafe {
        asm!("syscall", inlateout("rax") number => result, in("rdi") a, in("rsi") b,
            in("rdx") c, in("r10") d, lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: the registers of the kernel's convention. The caller answers for the arguments.
    unsafe {
        asm!("svc 0", in("x8") number, inlateout("x0") a => result, in("x1") b, in("x2") c,
            in("x3") d, options(nostack));
    }
    #[cfg(target_arch = "riscv64")]
    // SAFETY: the registers of the kernel's convention. The caller answers for the arguments.
    unsafe {
        asm!("ecall", in("a7") number, inlateout("a0") a => result, in("a1") b, in("a2") c,
            in("a3") d, options(nostack));
    }
    result
}

/// Converts a result of the kernel: a negative one is an error number.
fn checked(result: isize) -> Result<usize, i32> {
    usize::try_from(result).map_err(|_| (-result) as i32)
}

/// Opens a file read-only.
///
/// # Safety
///
/// `path` is a string that ends with a zero.
pub(crate) unsafe fn open(path: *const c_char) -> Result<i32, i32> {
    // SAFETY: openat reads the string, up to its zero.
    let result = unsafe { call(number::OPENAT, AT_FDCWD, path.expose_provenance(), FLAGS, 0) };
    checked(result).map(|fd| fd as i32)
}

pub(crate) fn write(fd: i32, bytes: &[u8]) -> Result<usize, i32> {
    // SAFETY: write reads `len` bytes, which the slice has.
    checked(unsafe {
        call(number::WRITE, fd as usize, bytes.as_ptr().expose_provenance(), bytes.len(), 0)
    })
}

pub(crate) fn exit(status: i32) -> ! {
    loop {
        // SAFETY: the call ends the process and accesses no memory.
        unsafe { call(number::EXIT_GROUP, status as usize, 0, 0, 0) };
    }
}

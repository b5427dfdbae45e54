//! System calls without rustix, on the processors whose copies survive bad memory.
//!
//! rustix takes slices, and what is read or written here may be no memory at all. Its openat and
//! its `RawDir` link `core::panicking` into a program that is otherwise without it.

use core::{arch::asm, ffi::CStr};

use rustix::fs::OFlags;

use crate::errno::Errno;

/// The numbers of the calls: asm/unistd_64.h.
#[cfg(target_arch = "x86_64")]
pub(in crate::linux) mod number {
    pub(in crate::linux) const PREAD64: usize = 17;
    pub(in crate::linux) const PWRITE64: usize = 18;
    pub(in crate::linux) const GETDENTS64: usize = 217;
    pub(in crate::linux) const OPENAT: usize = 257;
    pub(in crate::linux) const RT_SIGACTION: usize = 13;
    pub(in crate::linux) const RT_SIGPROCMASK: usize = 14;
    pub(in crate::linux) const GETPID: usize = 39;
    pub(in crate::linux) const GETTID: usize = 186;
    pub(in crate::linux) const RT_TGSIGQUEUEINFO: usize = 297;
}

/// The numbers of the calls, as newer architectures share them: asm-generic/unistd.h.
#[cfg(any(target_arch = "aarch64", target_arch = "riscv64"))]
pub(in crate::linux) mod number {
    pub(in crate::linux) const PREAD64: usize = 67;
    pub(in crate::linux) const PWRITE64: usize = 68;
    pub(in crate::linux) const GETDENTS64: usize = 61;
    pub(in crate::linux) const OPENAT: usize = 56;
    pub(in crate::linux) const RT_SIGACTION: usize = 134;
    pub(in crate::linux) const RT_SIGPROCMASK: usize = 135;
    pub(in crate::linux) const GETPID: usize = 172;
    pub(in crate::linux) const GETTID: usize = 178;
    pub(in crate::linux) const RT_TGSIGQUEUEINFO: usize = 240;
}

/// Makes a system call.
///
/// # Safety
///
/// The kernel does nothing with these numbers that breaks what the program relies on.
pub(in crate::linux) unsafe fn call(
    number: usize,
    [a, b, c, d]: [usize; 4],
) -> Result<usize, Errno> {
    let result: isize;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the kernel changes rax, rcx, r11 and the memory that it is told to, which the caller
    // answers for; no `nomem`.
    unsafe {
        asm!("syscall", inlateout("rax") number.cast_signed() => result, in("rdi") a, in("rsi") b,
            in("rdx") c, in("r10") d, lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: the kernel changes x0 and the memory that it is told to, which the caller answers
    // for; no `nomem`.
    unsafe {
        asm!("svc 0", in("x8") number, inlateout("x0") a.cast_signed() => result, in("x1") b,
            in("x2") c, in("x3") d, options(nostack));
    }
    #[cfg(target_arch = "riscv64")]
    // SAFETY: the kernel changes a0, the vector registers and the memory that it is told to, which
    // the caller answers for; no `nomem`.
    unsafe {
        asm!("ecall", in("a7") number, inlateout("a0") a.cast_signed() => result, in("a1") b,
            in("a2") c, in("a3") d,
            lateout("v0") _, lateout("v1") _, lateout("v2") _, lateout("v3") _, lateout("v4") _,
            lateout("v5") _, lateout("v6") _, lateout("v7") _, lateout("v8") _, lateout("v9") _,
            lateout("v10") _, lateout("v11") _, lateout("v12") _, lateout("v13") _,
            lateout("v14") _, lateout("v15") _, lateout("v16") _, lateout("v17") _,
            lateout("v18") _, lateout("v19") _, lateout("v20") _, lateout("v21") _,
            lateout("v22") _, lateout("v23") _, lateout("v24") _, lateout("v25") _,
            lateout("v26") _, lateout("v27") _, lateout("v28") _, lateout("v29") _,
            lateout("v30") _, lateout("v31") _,
            options(nostack));
    }
    checked(result)
}

/// Converts the result of a system call: a negative one is an error number.
fn checked(result: isize) -> Result<usize, Errno> {
    usize::try_from(result).map_err(|_| failed(result))
}

/// Returns the error number of a negative result.
#[cold]
#[inline(never)]
fn failed(result: isize) -> Errno {
    Errno::from_raw(result.checked_neg().and_then(|errno| errno.try_into().ok()).unwrap_or(0))
}

/// Opens a file by openat(2). The descriptor is not negative.
#[expect(
    clippy::as_conversions,
    reason = "the flags are positive, and a descriptor is an int of the kernel's"
)]
pub(super) fn openat(path: &CStr, flags: OFlags) -> Result<i32, Errno> {
    const AT_FDCWD: usize = (-100_isize).cast_unsigned();
    let arguments = [AT_FDCWD, path.as_ptr().expose_provenance(), flags.bits() as usize, 0];
    // SAFETY: the kernel reads the path, up to its zero.
    unsafe { call(number::OPENAT, arguments) }.map(|fd| fd as i32)
}

/// Visits the names in a directory, `.` and `..` among them, by getdents64(2).
pub(super) fn entries(fd: i32, visit: &mut dyn FnMut(&[u8])) -> Result<(), Errno> {
    // `struct linux_dirent64`: two numbers of 8 bytes, the length of the record in 2, the type in
    // 1, the name and its zero. The longest record has 280 bytes.
    const BEFORE_NAME: usize = 19;
    let mut buffer = [0_u8; 512];
    let fd = usize::try_from(fd).map_err(|_| Errno::EBADF)?;
    loop {
        let arguments = [fd, buffer.as_mut_ptr().expose_provenance(), buffer.len(), 0];
        // SAFETY: the kernel writes to the buffer, and no more than its length.
        let length = unsafe { call(number::GETDENTS64, arguments) }?;
        if length == 0 {
            return Ok(());
        }
        let mut records = buffer.get(..length).unwrap_or_default();
        while let Some(&[.., low, high, _]) = records.first_chunk::<BEFORE_NAME>() {
            let length = usize::from(u16::from_ne_bytes([low, high])).max(BEFORE_NAME);
            let Some((record, rest)) = records.split_at_checked(length) else { break };
            let name = record.get(BEFORE_NAME..).unwrap_or_default();
            visit(name.split(|&byte| byte == 0).next().unwrap_or_default());
            records = rest;
        }
    }
}

/// Reads by pread64(2), and returns the number of bytes read.
///
/// The memory may be none: the kernel finds that out.
///
/// # Safety
///
/// Objects of Rust's in this memory may be written to.
pub(in crate::linux) unsafe fn pread(
    fd: i32,
    at: *mut u8,
    length: usize,
    offset: u64,
) -> Result<usize, Errno> {
    // SAFETY: the kernel writes to these bytes, as the caller allows, and to no others.
    unsafe { transfer(number::PREAD64, fd, at.expose_provenance(), length, offset) }
}

/// Writes by pwrite64(2), and returns the number of bytes written. The memory may be none.
///
/// # Safety
///
/// Objects of Rust's in this memory are initialized, and nobody writes to them meanwhile.
pub(in crate::linux) unsafe fn pwrite(
    fd: i32,
    at: *const u8,
    length: usize,
    offset: u64,
) -> Result<usize, Errno> {
    // SAFETY: the kernel writes to no memory of this process.
    unsafe { transfer(number::PWRITE64, fd, at.expose_provenance(), length, offset) }
}

/// # Safety
///
/// As [`pread`] or [`pwrite`].
unsafe fn transfer(
    number: usize,
    fd: i32,
    at: usize,
    length: usize,
    offset: u64,
) -> Result<usize, Errno> {
    // The kernel refuses negative numbers, and takes the low half of a register for a descriptor.
    let (Ok(fd), Ok(offset)) = (usize::try_from(fd), usize::try_from(offset)) else {
        return Err(Errno::EBADF);
    };
    // SAFETY: the caller's.
    unsafe { call(number, [fd, at, length, offset]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_libcs() {
        let number = |number: libc::c_long| usize::try_from(number).unwrap();
        assert_eq!(number::PREAD64, number(libc::SYS_pread64));
        assert_eq!(number::PWRITE64, number(libc::SYS_pwrite64));
        assert_eq!(number::GETDENTS64, number(libc::SYS_getdents64));
        assert_eq!(number::OPENAT, number(libc::SYS_openat));
        assert_eq!(number::RT_SIGACTION, number(libc::SYS_rt_sigaction));
        assert_eq!(number::RT_SIGPROCMASK, number(libc::SYS_rt_sigprocmask));
        assert_eq!(number::GETPID, number(libc::SYS_getpid));
        assert_eq!(number::GETTID, number(libc::SYS_gettid));
        assert_eq!(number::RT_TGSIGQUEUEINFO, number(libc::SYS_rt_tgsigqueueinfo));
    }

    #[test]
    fn results_of_calls() {
        assert_eq!(checked(0), Ok(0));
        assert_eq!(checked(4096), Ok(4096));
        assert_eq!(checked(-1), Err(Errno::EPERM));
        assert_eq!(checked(-4095), Err(Errno::from_raw(4095)));
        assert_eq!(checked(isize::MIN), Err(Errno::EIO));
    }
}

//! The kernel's own signals (asm-generic/signal.h, asm-generic/siginfo.h): a C library's differ
//! from them, and there may be none.

use core::ptr;

use super::arch;
use crate::{
    errno::Errno,
    linux::sys::raw::{call, number},
};

pub(super) const SIGBUS: i32 = 7;
/// All signals; the kernel does not block those that cannot be.
pub(super) const ALL: u64 = u64::MAX;
pub(super) const ONLY_SIGBUS: u64 = 1 << (SIGBUS - 1);
/// SIGKILL and SIGSTOP.
pub(super) const UNBLOCKABLE: u64 = 1 << (9 - 1) | 1 << (19 - 1);

/// A hardware error of what is mapped: what AArch64 says of an external abort that no firmware has
/// explained (`do_sea` of arch/arm64/mm/fault.c).
pub(super) const BUS_OBJERR: i32 = 3;
/// There is no memory: beyond the end of a file, or a bad block that the file system knows of.
pub(super) const BUS_ADRERR: i32 = 2;
/// A memory error that was just met ("action required"). The other one, BUS_MCEERR_AO, only tells
/// of one.
pub(super) const BUS_MCEERR_AR: i32 = 4;
pub(super) const BUS_MCEERR_AO: i32 = 5;

pub(super) const SA_SIGINFO: usize = 0x4;
pub(super) const SA_ONSTACK: usize = 0x0800_0000;
pub(super) const SA_RESTART: usize = 0x1000_0000;
pub(super) const SA_NODEFER: usize = 0x4000_0000;
pub(super) const SA_RESETHAND: usize = 0x8000_0000;

/// What a signal leads to: `struct sigaction` of rt_sigaction(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub(super) struct Action {
    /// A function, or one of the two below.
    pub(super) handler: *const (),
    pub(super) flags: usize,
    #[cfg(not(target_arch = "riscv64"))]
    pub(super) restorer: *const (),
    pub(super) mask: u64,
    /// The kernel knows nothing of this. Qemu's emulation of it (7.2) takes it for having a
    /// restorer on riscv64 too: it reads the mask here, and writes it here.
    #[cfg(target_arch = "riscv64")]
    pub(super) behind: u64,
}

pub(super) const SIG_DFL: *const () = ptr::null();
pub(super) const SIG_IGN: *const () = ptr::without_provenance(1);

impl Action {
    pub(super) const DEFAULT: Self = Self {
        handler: SIG_DFL,
        flags: 0,
        #[cfg(not(target_arch = "riscv64"))]
        restorer: ptr::null(),
        mask: 0,
        #[cfg(target_arch = "riscv64")]
        behind: 0,
    };

    /// With the restorer that the kernel wants.
    pub(super) fn new(handler: *const (), flags: usize, mask: u64) -> Self {
        Self {
            handler,
            flags: flags | arch::RESTORER_FLAG,
            #[cfg(not(target_arch = "riscv64"))]
            restorer: arch::restorer_address(),
            mask,
            #[cfg(target_arch = "riscv64")]
            behind: mask,
        }
    }
}

/// `siginfo_t` of a fault: as far as SIGBUS has a use for it. The others of its kind may have other
/// things in the place of the address.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Info {
    pub(super) signal: i32,
    errno: i32,
    pub(super) code: i32,
    /// Of a fault: where, or 0.
    pub(super) address: usize,
    /// Of a memory error: so many low bits of the address mean nothing.
    pub(super) low_bits: i16,
}

#[cfg(test)]
impl Info {
    pub(super) const fn made(signal: i32, code: i32, address: usize, low_bits: i16) -> Self {
        Self { signal, errno: 0, code, address, low_bits }
    }
}

/// The calls that an installation needs, so that tests can make them fail.
pub(super) trait Signals: Copy {
    /// rt_sigaction(2) of SIGBUS: what it is.
    fn action(self) -> Result<Action, Errno>;
    /// rt_sigaction(2) of SIGBUS: makes it another, and says what it was.
    ///
    /// # Safety
    ///
    /// The action is none, or a function that a handler of signals can be, and a restorer.
    unsafe fn set_action(self, action: &Action) -> Result<Action, Errno>;
}

/// The running kernel.
#[derive(Clone, Copy)]
pub(super) struct Kernel;

const SIG_SETMASK: usize = 2;

fn numbered(signal: i32) -> usize {
    usize::try_from(signal).unwrap_or(0)
}

/// # Safety
///
/// `new` is null or as of [`Signals::set_action`].
unsafe fn sigaction(new: *const Action) -> Result<Action, Errno> {
    let mut old = Action::DEFAULT;
    let arguments = [
        numbered(SIGBUS),
        new.expose_provenance(),
        (&raw mut old).expose_provenance(),
        size_of::<u64>(),
    ];
    // SAFETY: `new` is what the caller says, and `old` has room for what the kernel writes: this is
    // the kernel's structure.
    unsafe { call(number::RT_SIGACTION, arguments) }?;
    Ok(old)
}

impl Signals for Kernel {
    fn action(self) -> Result<Action, Errno> {
        // SAFETY: null asks and changes nothing.
        unsafe { sigaction(ptr::null()) }
    }

    unsafe fn set_action(self, action: &Action) -> Result<Action, Errno> {
        // SAFETY: the caller's.
        unsafe { sigaction(action) }
    }
}

/// rt_sigprocmask(2): blocks these signals and no others.
pub(super) fn set_mask(mask: u64) -> Result<(), Errno> {
    let arguments = [SIG_SETMASK, (&raw const mask).expose_provenance(), 0, size_of::<u64>()];
    // SAFETY: the mask is of the size that the kernel is told, and lives until the call ends; null
    // asks for none.
    unsafe { call(number::RT_SIGPROCMASK, arguments) }?;
    Ok(())
}

/// Sends this thread the SIGBUS that it has just got once more, as it is.
///
/// # Safety
///
/// `info` is a whole `siginfo_t` of the kernel's.
pub(super) unsafe fn send_again(info: *const Info) -> Result<(), Errno> {
    // SAFETY: these two take and change nothing.
    let (process, thread) =
        unsafe { (call(number::GETPID, [0; 4])?, call(number::GETTID, [0; 4])?) };
    let arguments = [process, thread, numbered(SIGBUS), info.expose_provenance()];
    // SAFETY: the kernel reads `info`, which is whole. What the signal does is what it did already.
    unsafe { call(number::RT_TGSIGQUEUEINFO, arguments) }?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use core::mem::offset_of;

    use super::*;

    #[test]
    fn the_numbers_are_libcs() {
        assert_eq!(SIGBUS, libc::SIGBUS);
        let flags = [
            libc::SA_SIGINFO,
            libc::SA_ONSTACK,
            libc::SA_RESTART,
            libc::SA_NODEFER,
            libc::SA_RESETHAND,
        ];
        let flags = flags.map(|flag| flag.cast_unsigned() as usize);
        assert_eq!([SA_SIGINFO, SA_ONSTACK, SA_RESTART, SA_NODEFER, SA_RESETHAND], flags);
        let codes = [libc::BUS_ADRERR, libc::BUS_OBJERR, libc::BUS_MCEERR_AR, libc::BUS_MCEERR_AO];
        assert_eq!([BUS_ADRERR, BUS_OBJERR, BUS_MCEERR_AR, BUS_MCEERR_AO], codes);
        assert_eq!([SIG_DFL.addr(), SIG_IGN.addr()], [libc::SIG_DFL, libc::SIG_IGN]);
        assert_eq!(SIG_SETMASK, libc::SIG_SETMASK as usize);
        let bit = |signal: i32| 1 << (signal - 1);
        assert_eq!(UNBLOCKABLE, bit(libc::SIGKILL) | bit(libc::SIGSTOP));
    }

    /// libc has the place of the address in a method only.
    #[test]
    fn the_siginfo_is_laid_out_like_libcs() {
        assert_eq!(offset_of!(Info, signal), offset_of!(libc::siginfo_t, si_signo));
        assert_eq!(offset_of!(Info, errno), offset_of!(libc::siginfo_t, si_errno));
        assert_eq!(offset_of!(Info, code), offset_of!(libc::siginfo_t, si_code));
        let mut words = [0_u64; size_of::<libc::siginfo_t>() / 8];
        words[offset_of!(Info, address) / 8] = 0x1234_5678_9abc;
        // SAFETY: a siginfo_t has this size, needs no more alignment, and any bytes are one.
        let info: libc::siginfo_t = unsafe { core::mem::transmute(words) };
        // SAFETY: the bytes of an address are there.
        assert_eq!(unsafe { info.si_addr() }.addr(), 0x1234_5678_9abc);
        // libc has not heard of si_addr_lsb: it follows the address (asm-generic/siginfo.h).
        assert_eq!(offset_of!(Info, low_bits), offset_of!(Info, address) + size_of::<usize>());
    }
}

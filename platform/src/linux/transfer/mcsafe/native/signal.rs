//! The kernel's own signals (asm-generic/signal.h, asm-generic/siginfo.h). Those of a C library
//! differ, and there may be no C library.

use core::ptr;

use super::arch::native;
use crate::{
    errno::Errno,
    linux::sys::raw::{call, number},
};

pub(super) const SIGBUS: i32 = 7;
/// All signals. The kernel leaves out those that cannot be blocked.
pub(super) const ALL: u64 = u64::MAX;
pub(super) const ONLY_SIGBUS: u64 = 1 << (SIGBUS - 1);
/// SIGKILL and SIGSTOP.
pub(super) const UNBLOCKABLE: u64 = 1 << (9 - 1) | 1 << (19 - 1);

/// A hardware error: AArch64's code for an external abort that no firmware has explained (`do_sea`
/// of arch/arm64/mm/fault.c).
pub(super) const BUS_OBJERR: i32 = 3;
/// No memory: beyond the end of a file, or a bad block that the file system knows.
pub(super) const BUS_ADRERR: i32 = 2;
/// A memory error that was just met ("action required"). BUS_MCEERR_AO only reports one.
pub(super) const BUS_MCEERR_AR: i32 = 4;
pub(super) const BUS_MCEERR_AO: i32 = 5;

pub(super) const SA_SIGINFO: usize = 0x4;
pub(super) const SA_ONSTACK: usize = 0x0800_0000;
pub(super) const SA_RESTART: usize = 0x1000_0000;
pub(super) const SA_NODEFER: usize = 0x4000_0000;
pub(super) const SA_RESETHAND: usize = 0x8000_0000;

/// The action of a signal: `struct sigaction` of rt_sigaction(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub(super) struct Action {
    /// A function, [`SIG_DFL`] or [`SIG_IGN`].
    pub(super) handler: *const (),
    pub(super) flags: usize,
    #[cfg(not(target_arch = "riscv64"))]
    pub(super) restorer: *const (),
    pub(super) mask: u64,
    /// Unknown to the kernel. QEMU's emulation (7.2) assumes a restorer on riscv64, too, and so
    /// reads and writes the mask here.
    #[cfg(target_arch = "riscv64")]
    pub(super) emulated_mask: u64,
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
        emulated_mask: 0,
    };

    /// Makes an action with the restorer that the kernel requires.
    pub(super) fn new(handler: *const (), flags: usize, mask: u64) -> Self {
        Self {
            handler,
            flags: flags | native::RESTORER_FLAG,
            #[cfg(not(target_arch = "riscv64"))]
            restorer: native::restorer_address(),
            mask,
            #[cfg(target_arch = "riscv64")]
            emulated_mask: mask,
        }
    }
}

/// The fields of `siginfo_t` that a fault by SIGBUS has. Other signals have other fields in the
/// place of the address.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Info {
    pub(super) signal: i32,
    errno: i32,
    pub(super) code: i32,
    /// The address of a fault, or 0.
    pub(super) address: usize,
    /// The number of low bits of the address that have no meaning, for a memory error.
    pub(super) low_bits: i16,
}

#[cfg(test)]
impl Info {
    pub(super) const fn made(signal: i32, code: i32, address: usize, low_bits: i16) -> Self {
        Self { signal, errno: 0, code, address, low_bits }
    }
}

/// The calls of an installation, so that tests can make them fail.
pub(super) trait Signals: Copy {
    /// Returns the action of SIGBUS, by rt_sigaction(2).
    fn action(self) -> Result<Action, Errno>;
    /// Replaces the action of SIGBUS by rt_sigaction(2), and returns the old one.
    ///
    /// # Safety
    ///
    /// The action has no handler, or one that a signal may call, and a restorer.
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
/// `new` is null or as [`Signals::set_action`] requires.
unsafe fn sigaction(new: *const Action) -> Result<Action, Errno> {
    let mut old = Action::DEFAULT;
    let arguments = [
        numbered(SIGBUS),
        new.expose_provenance(),
        (&raw mut old).expose_provenance(),
        size_of::<u64>(),
    ];
    // SAFETY: the caller answers for `new`. `old` is the kernel's structure, with room for what the
    // kernel writes.
    unsafe { call(number::RT_SIGACTION, arguments) }?;
    Ok(old)
}

impl Signals for Kernel {
    fn action(self) -> Result<Action, Errno> {
        // SAFETY: null changes nothing.
        unsafe { sigaction(ptr::null()) }
    }

    unsafe fn set_action(self, action: &Action) -> Result<Action, Errno> {
        // SAFETY: the caller's.
        unsafe { sigaction(action) }
    }
}

/// Blocks exactly these signals, by rt_sigprocmask(2).
pub(super) fn set_mask(mask: u64) -> Result<(), Errno> {
    let arguments = [SIG_SETMASK, (&raw const mask).expose_provenance(), 0, size_of::<u64>()];
    // SAFETY: the mask has the size that the kernel is told, and lives until the call ends. By null
    // the kernel returns no old mask.
    unsafe { call(number::RT_SIGPROCMASK, arguments) }?;
    Ok(())
}

/// Sends this thread its last SIGBUS again, unchanged.
///
/// # Safety
///
/// `info` is a whole `siginfo_t` of the kernel's.
pub(super) unsafe fn send_again(info: *const Info) -> Result<(), Errno> {
    // SAFETY: both calls take and change nothing.
    let (process, thread) =
        unsafe { (call(number::GETPID, [0; 4])?, call(number::GETTID, [0; 4])?) };
    let arguments = [process, thread, numbered(SIGBUS), info.expose_provenance()];
    // SAFETY: the kernel reads `info`, which is whole. The signal does what it did before.
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

    /// libc has the offset of the address only in a method.
    #[test]
    fn the_siginfo_is_laid_out_like_libcs() {
        assert_eq!(offset_of!(Info, signal), offset_of!(libc::siginfo_t, si_signo));
        assert_eq!(offset_of!(Info, errno), offset_of!(libc::siginfo_t, si_errno));
        assert_eq!(offset_of!(Info, code), offset_of!(libc::siginfo_t, si_code));
        let mut words = [0_u64; size_of::<libc::siginfo_t>() / 8];
        words[offset_of!(Info, address) / 8] = 0x1234_5678_9abc;
        // SAFETY: a siginfo_t has this size, needs no more alignment, and may have any bytes.
        let info: libc::siginfo_t = unsafe { core::mem::transmute(words) };
        // SAFETY: the bytes of an address are there.
        assert_eq!(unsafe { info.si_addr() }.addr(), 0x1234_5678_9abc);
        // libc lacks si_addr_lsb, which follows the address (asm-generic/siginfo.h).
        assert_eq!(offset_of!(Info, low_bits), offset_of!(Info, address) + size_of::<usize>());
    }
}

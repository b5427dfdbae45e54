//! A program's own handler of SIGBUS, which is told of memory that went bad. It is installed before
//! pmem2's, which passes on what it does not know.

use std::{
    mem::zeroed,
    ptr::null_mut,
    sync::atomic::{AtomicI32, AtomicUsize, Ordering::SeqCst},
};

/// How many signals said that memory which is mapped has gone bad (BUS_MCEERR_AO).
static TOLD: AtomicUsize = AtomicUsize::new(0);
/// How many that it was used (BUS_MCEERR_AR), and was not pmem2's copy.
static USED: AtomicUsize = AtomicUsize::new(0);
/// si_addr_lsb of the last one.
static LSB: AtomicI32 = AtomicI32::new(0);

/// The signals that the handler has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Noted {
    pub(crate) told: usize,
    pub(crate) used: usize,
    pub(crate) lsb: i32,
}

pub(crate) fn noted() -> Noted {
    Noted { told: TOLD.load(SeqCst), used: USED.load(SeqCst), lsb: LSB.load(SeqCst) }
}

extern "C" fn handler(signal: i32, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: SA_SIGINFO: the kernel gives a whole siginfo_t. _addr_lsb follows the address, in the
    // second pointer of the union.
    let (code, lsb) = unsafe { ((*info).si_code, info.cast::<u8>().add(24).cast::<i16>().read()) };
    match code {
        libc::BUS_MCEERR_AO => TOLD.fetch_add(1, SeqCst),
        libc::BUS_MCEERR_AR => USED.fetch_add(1, SeqCst),
        _ => {
            // SAFETY: the instruction is repeated, and ends the process.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
            return;
        }
    };
    LSB.store(lsb.into(), SeqCst);
}

pub(crate) fn install() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) = handler;
        // SAFETY: all zeros are an action, and the handler does only what one may.
        unsafe {
            let mut action: libc::sigaction = zeroed();
            action.sa_sigaction = handler as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
            assert_eq!(libc::sigaction(libc::SIGBUS, &raw const action, null_mut()), 0);
        }
    });
}

//! The handler of SIGBUS: installed once, and what is not its own goes on to whoever was there
//! before.
//!
//! Everything here may run in the midst of anything: it allocates nothing, waits for nothing and
//! cannot panic.

use core::{
    ffi::c_int,
    ptr,
    sync::atomic::{
        AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize,
        Ordering::{Acquire, Relaxed, Release},
    },
};

use super::{
    arch::Context,
    fault,
    signal::{
        ALL, Action, BUS_MCEERR_AO, Info, Kernel, ONLY_SIGBUS, SA_NODEFER, SA_ONSTACK,
        SA_RESETHAND, SA_RESTART, SA_SIGINFO, SIG_DFL, SIG_IGN, Signals, send_again,
    },
};
use crate::Errno;

/// Who has handled SIGBUS before.
struct Previous {
    handler: AtomicPtr<()>,
    flags: AtomicUsize,
    mask: AtomicU64,
}

impl Previous {
    const fn new() -> Self {
        Self {
            handler: AtomicPtr::new(ptr::null_mut()),
            flags: AtomicUsize::new(0),
            mask: AtomicU64::new(0),
        }
    }

    fn store(&self, action: &Action) {
        self.handler.store(action.handler.cast_mut(), Relaxed);
        self.flags.store(action.flags, Relaxed);
        self.mask.store(action.mask, Relaxed);
    }

    /// Its handler, flags and mask.
    fn load(&self) -> (*const (), usize, u64) {
        (self.handler.load(Relaxed), self.flags.load(Relaxed), self.mask.load(Relaxed))
    }
}

/// How far the installation has come.
pub(super) struct Installation {
    /// [`NOT_INSTALLED`], [`INSTALLED`], or the number of the process in which a thread is about to
    /// install the handler. A child that was forked meanwhile has no such thread.
    pub(super) state: AtomicU32,
    /// One that may be called is not written to: who came between question and answer gets the
    /// second place.
    previous: [Previous; 2],
    second: AtomicBool,
    /// An action with SA_RESETHAND is for one signal.
    spent: AtomicBool,
}

pub(super) const NOT_INSTALLED: u32 = 0;
pub(super) const INSTALLED: u32 = u32::MAX;

static INSTALLATION: Installation = Installation::new();

/// Installs the handler, unless it was ever installed.
pub(super) fn install() -> Result<(), Errno> {
    INSTALLATION.install(Kernel)
}

impl Installation {
    pub(super) const fn new() -> Self {
        Self {
            state: AtomicU32::new(NOT_INSTALLED),
            previous: [Previous::new(), Previous::new()],
            second: AtomicBool::new(false),
            spent: AtomicBool::new(false),
        }
    }

    pub(super) fn install<S: Signals>(&self, sys: S) -> Result<(), Errno> {
        loop {
            let found = self.state.load(Acquire);
            if found == INSTALLED {
                return Ok(());
            }
            let process = sys.process()?;
            if found == process {
                sys.wait(&self.state, found)?;
                continue;
            }
            // A handler of a signal that came now, and asked for this too, would wait for the
            // thread that it interrupted.
            let mask = sys.set_mask(ALL)?;
            let mut result = Ok(());
            if self.state.compare_exchange(found, process, Acquire, Relaxed).is_ok() {
                result = self.replace(sys);
                self.state.store(if result.is_ok() { INSTALLED } else { NOT_INSTALLED }, Release);
                sys.wake(&self.state);
            }
            let restored = sys.set_mask(mask);
            result?;
            restored?;
        }
    }

    fn replace<S: Signals>(&self, sys: S) -> Result<(), Errno> {
        let [first, second] = &self.previous;
        let found = sys.action()?;
        // In a process that was forked right after the installation: the rest is stored.
        if found.handler == ours() {
            return Ok(());
        }
        first.store(&found);
        self.second.store(false, Release);
        let inherited = match found.handler {
            // There is nobody who could have meant a flag: calls of the system are to go on as if
            // the signal were ignored, and a thread may have a small stack.
            SIG_DFL | SIG_IGN => SA_ONSTACK | SA_RESTART,
            _ => found.flags & !SA_RESETHAND,
        };
        // No other signal's handler comes in the midst of this one: it would be run on an alternate
        // stack that may have room for one only, and with SIGBUS blocked.
        let action = Action::new(ours(), inherited | SA_SIGINFO, ALL);
        // SAFETY: it is a handler that takes what SA_SIGINFO gives, calls nothing that a handler
        // must not, and has the restorer.
        let replaced = unsafe { sys.set_action(&action) }?;
        // Somebody was quicker; whom that one has found is its business.
        if replaced != found && replaced.handler != ours() {
            second.store(&replaced);
            self.second.store(true, Release);
        }
        Ok(())
    }

    pub(super) fn previous(&self) -> (*const (), usize, u64) {
        let [first, second] = &self.previous;
        if self.second.load(Acquire) { second.load() } else { first.load() }
    }
}

#[expect(clippy::as_conversions, reason = "a function's address is had in no other way")]
pub(super) fn ours() -> *const () {
    on_sigbus as *const ()
}

/// # Safety
///
/// For the kernel to call, as the action of SIGBUS with SA_SIGINFO.
unsafe extern "C" fn on_sigbus(signal: c_int, info: *mut Info, context: *mut Context) {
    // SAFETY: they are the kernel's, and this is their handler.
    if unsafe { fault::resume(info, context) } {
        return;
    }
    let (handler, flags, mask) = INSTALLATION.previous();
    // SAFETY: the kernel has given a whole siginfo_t.
    let code = unsafe { (*info).code };
    // What the kernel forces on a thread cannot be ignored: the instruction would be repeated for
    // ever.
    let forced = code > 0 && code != BUS_MCEERR_AO;
    match handler {
        SIG_IGN if !forced => {}
        SIG_DFL | SIG_IGN => default(info),
        _ if flags & SA_RESETHAND != 0 && INSTALLATION.spent.swap(true, Relaxed) => default(info),
        _ => {
            // SAFETY: the kernel has given a whole context.
            let before = unsafe { (*context).mask() };
            let own = if flags & SA_NODEFER == 0 { ONLY_SIGBUS } else { 0 };
            // As the kernel would have it for this handler; where a filter of system calls forbids
            // it, all stay blocked.
            let _ = Kernel.set_mask(before | mask | own);
            // SAFETY: this is what was the action of SIGBUS, with these flags. It may end this
            // handler by a jump: nothing here has to be tidied up.
            unsafe { call(handler, flags, signal, info, context) };
        }
    }
}

/// # Safety
///
/// `handler` is a handler with these flags, and the rest what it was made to take.
unsafe fn call(
    handler: *const (),
    flags: usize,
    signal: c_int,
    info: *mut Info,
    context: *mut Context,
) {
    type Plain = unsafe extern "C" fn(c_int);
    type Informed = unsafe extern "C" fn(c_int, *mut Info, *mut Context);
    if flags & SA_SIGINFO == 0 {
        // SAFETY: without SA_SIGINFO it is a function of this kind, by the caller.
        unsafe { core::mem::transmute::<*const (), Plain>(handler)(signal) };
    } else {
        // SAFETY: with it it is one of this kind.
        unsafe { core::mem::transmute::<*const (), Informed>(handler)(signal, info, context) };
    }
}

/// Ends the process as if there were no handler: of SIGBUS, with the same siginfo, at the same
/// instruction.
///
/// The signal is blocked until the handler returns. Where it cannot be sent (a filter of system
/// calls), a fault comes again by itself.
fn default(info: *const Info) {
    // SAFETY: the default action has neither handler nor restorer; `info` is whole.
    unsafe {
        let _ = Kernel.set_action(&Action::DEFAULT);
        let _ = send_again(info);
    }
}

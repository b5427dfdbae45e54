//! The handler of SIGBUS. A signal that is not its own goes on to the handler that it took the
//! place of.
//!
//! Everything here may run in the midst of anything: it allocates nothing, waits for nothing and
//! cannot panic. Nor does it know who is at work on it: the kernel's action is the only truth, and
//! any number of threads, of processes that share this memory, of handlers that interrupt one
//! another, and a child that was forked in the midst of it may each install it.

use core::{
    ffi::c_int,
    ptr,
    sync::atomic::{
        AtomicBool, AtomicPtr, AtomicU64, AtomicUsize,
        Ordering::{AcqRel, Acquire, Relaxed},
    },
};

use super::{
    arch::Context,
    fault,
    signal::{
        ALL, Action, BUS_MCEERR_AO, Info, Kernel, ONLY_SIGBUS, SA_NODEFER, SA_ONSTACK,
        SA_RESETHAND, SA_RESTART, SA_SIGINFO, SIG_DFL, SIG_IGN, Signals, UNBLOCKABLE, send_again,
        set_mask,
    },
};
use crate::errno::Errno;

/// An action that the handler took the place of, kept for the life of the process: who found ours
/// there may pass signals on to it at any time.
pub(super) struct Slot {
    pub(super) handler: AtomicPtr<()>,
    pub(super) flags: AtomicUsize,
    mask: AtomicU64,
    /// An action with SA_RESETHAND is for one signal.
    pub(super) spent: AtomicBool,
}

/// What no action has: SIG_ERR, every flag, and SIGKILL blocked.
const NO_HANDLER: *mut () = ptr::without_provenance_mut(usize::MAX);
const NO_FLAGS: usize = usize::MAX;
const NO_MASK: u64 = u64::MAX;

/// The flags of an action that matter to who calls its handler.
const CALLED_WITH: usize = SA_SIGINFO | SA_NODEFER | SA_RESETHAND;

impl Slot {
    const fn new() -> Self {
        Self {
            handler: AtomicPtr::new(NO_HANDLER),
            flags: AtomicUsize::new(NO_FLAGS),
            mask: AtomicU64::new(NO_MASK),
            spent: AtomicBool::new(false),
        }
    }

    /// Keeps the action here, unless another one is kept here.
    ///
    /// Each word is written once, and who finds what it would write goes on to the next: one that
    /// was left half written is completed by the next that wants the same, and keeps nobody
    /// waiting.
    fn keeps(&self, action: &Action) -> bool {
        let handler = action.handler.cast_mut();
        let flags = action.flags & CALLED_WITH;
        written(self.handler.compare_exchange(NO_HANDLER, handler, AcqRel, Acquire), handler)
            && written(self.flags.compare_exchange(NO_FLAGS, flags, AcqRel, Acquire), flags)
            && written(
                self.mask.compare_exchange(NO_MASK, action.mask, AcqRel, Acquire),
                action.mask,
            )
    }

    /// Its handler, flags and mask.
    fn load(&self) -> (*const (), usize, u64) {
        (self.handler.load(Acquire), self.flags.load(Acquire), self.mask.load(Acquire))
    }
}

fn written<T: PartialEq>(exchanged: Result<T, T>, wanted: T) -> bool {
    exchanged.map_or_else(|found| found == wanted, |_| true)
}

/// The actions that the handler took the place of.
pub(super) struct Installation {
    pub(super) slots: [Slot; SLOTS],
}

/// As many different actions as the handler takes the place of in the life of a process.
pub(super) const SLOTS: usize = 8;

const TRIES: usize = 2 * SLOTS;

/// The handler, once for each slot: where it is the action again, after others were, those that
/// found it there at different times pass on to different ones.
static HANDLERS: [unsafe extern "C" fn(c_int, *mut Info, *mut Context); SLOTS] = [
    on_sigbus::<0>,
    on_sigbus::<1>,
    on_sigbus::<2>,
    on_sigbus::<3>,
    on_sigbus::<4>,
    on_sigbus::<5>,
    on_sigbus::<6>,
    on_sigbus::<7>,
];

static INSTALLATION: Installation = Installation::new();

/// Makes the handler the action of SIGBUS, unless it is.
pub(super) fn install() -> Result<(), Errno> {
    INSTALLATION.install(Kernel)
}

/// The handler's address, of each slot.
#[expect(clippy::as_conversions, reason = "a function's address is had in no other way")]
pub(super) fn ours() -> [*const (); SLOTS] {
    HANDLERS.map(|handler| handler as *const ())
}

/// The slot whose handler this is, if it is ours.
fn slot_of(handler: *const ()) -> Option<usize> {
    ours().iter().position(|&ours| ours == handler)
}

impl Installation {
    pub(super) const fn new() -> Self {
        Self { slots: [const { Slot::new() }; SLOTS] }
    }

    pub(super) fn install<S: Signals>(&self, sys: S) -> Result<(), Errno> {
        let found = sys.action()?;
        let mut slot = match slot_of(found.handler) {
            Some(_) if found.flags & (SA_SIGINFO | SA_RESETHAND) == SA_SIGINFO => return Ok(()),
            // Somebody who found it by signal(2) has put it back, without its flags.
            Some(slot) => slot,
            None => match self.keep(&found) {
                Some(slot) => slot,
                None => return trusted(&found),
            },
        };
        let (mut expected, mut action) = (found, covering(slot, &found));
        // Once, unless others do the same at that time; and a filter of system calls may say that
        // all is well and do nothing.
        for _ in 0..TRIES {
            // SAFETY: it is a handler that takes what SA_SIGINFO gives, calls nothing that a
            // handler must not, and has the restorer.
            let replaced = unsafe { sys.set_action(&action) }?;
            slot = match slot_of(replaced.handler) {
                None if replaced == expected => return Ok(()),
                // Somebody came between question and answer.
                None => match self.keep(&replaced) {
                    Some(slot) => slot,
                    None => {
                        // SAFETY: it was the action.
                        unsafe { sys.set_action(&replaced) }?;
                        return trusted(&replaced);
                    }
                },
                // Another call of this came between, and has seen one that came later.
                Some(other) if replaced.handler != expected.handler && other > slot => other,
                Some(_) => return Ok(()),
            };
            (expected, action) = (action, covering(slot, &replaced));
        }
        Err(Errno::EBUSY)
    }

    /// The slot that keeps this action, if one is left for it.
    fn keep(&self, action: &Action) -> Option<usize> {
        let slot = self.slots.iter().position(|slot| slot.keeps(action))?;
        self.slots.get(slot)?.spent.store(false, Relaxed);
        Some(slot)
    }

    #[cfg(test)]
    pub(super) fn kept(&self) -> impl Iterator<Item = (*const (), usize, u64)> {
        self.slots.iter().map(Slot::load).take_while(|&(handler, ..)| handler != NO_HANDLER)
    }
}

/// Our action in the place of this one.
fn covering(slot: usize, found: &Action) -> Action {
    let inherited = match found.handler {
        // There is nobody who could have meant a flag: calls of the system are to go on as if the
        // signal were ignored, and a thread may have a small stack.
        SIG_DFL | SIG_IGN => SA_ONSTACK | SA_RESTART,
        _ => found.flags & !SA_RESETHAND,
    };
    // No other signal's handler comes in the midst of this one: it would be run on an alternate
    // stack that may have room for one only, and with SIGBUS blocked.
    let handler = ours().get(slot).copied().unwrap_or(SIG_DFL);
    Action::new(handler, inherited | SA_SIGINFO, ALL)
}

/// No slot is left for the action that was found.
///
/// One that blocks every signal, as no C library's `sigfillset` does, is that of another copy of
/// this library: two that take turns at finding each other's pass signals on to each other by now.
fn trusted(found: &Action) -> Result<(), Errno> {
    if found.mask | UNBLOCKABLE == ALL { Ok(()) } else { Err(Errno::EBUSY) }
}

/// # Safety
///
/// For the kernel to call, as the action of SIGBUS with SA_SIGINFO; or for a handler that passes on
/// what the kernel gave to it.
unsafe extern "C" fn on_sigbus<const SLOT: usize>(
    signal: c_int,
    info: *mut Info,
    context: *mut Context,
) {
    // SAFETY: they are the kernel's, and this is their handler.
    if unsafe { fault::resume(info, context) } {
        return;
    }
    if let Some(slot) = INSTALLATION.slots.get(SLOT) {
        // SAFETY: as above.
        unsafe { pass_on(slot, Visited::of(SLOT), signal, info, context) };
    }
}

/// Passes a signal that is not ours on to whom the slot keeps.
///
/// A handler that was installed before ours and once more after it, and that passes on what it
/// does not know, has ours before and after itself. So the signal's own frame, which no other
/// signal and no other thread has, says whose slots it has come through: in a pointer that the
/// kernel sets to null in each frame that it makes, and does not read. The second time at one of
/// them is the end.
///
/// # Safety
///
/// As of [`on_sigbus`].
unsafe fn pass_on(
    slot: &Slot,
    here: Visited,
    signal: c_int,
    info: *mut Info,
    context: *mut Context,
) {
    let (handler, flags, mask) = slot.load();
    // SAFETY: the kernel has given a whole siginfo_t and a whole context.
    let (code, before, link) = unsafe { ((*info).code, (*context).mask(), *(*context).link()) };
    let visited = Visited::read(link);
    // What the kernel forces on a thread cannot be ignored: the instruction would be repeated for
    // ever.
    let forced = code > 0 && code != BUS_MCEERR_AO;
    match handler {
        SIG_IGN if !forced => {}
        SIG_DFL | SIG_IGN => default(info),
        _ if visited.has(here) => default(info),
        _ if flags & SA_RESETHAND != 0 && slot.spent.swap(true, Relaxed) => default(info),
        _ => {
            let own = if flags & SA_NODEFER == 0 { ONLY_SIGBUS } else { 0 };
            // As the kernel would have it for this handler; where a filter of system calls forbids
            // it, all stay blocked.
            let _ = set_mask(before | mask | own);
            // SAFETY: the context is whole. This is what was the action of SIGBUS, with these
            // flags. It may end this handler by a jump: nothing here has to be tidied up, and the
            // next frame is the kernel's again.
            unsafe {
                *(*context).link() = visited.and(here).written();
                call(handler, flags, signal, info, context);
                *(*context).link() = link;
            }
        }
    }
}

/// The slots that a signal has come through: a bit for each.
#[derive(Clone, Copy)]
struct Visited(usize);

impl Visited {
    const fn of(slot: usize) -> Self {
        Self(1 << slot)
    }

    const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// As an address that nobody else can have: within the installation, so many bytes from its
    /// beginning.
    fn written(self) -> *mut Context {
        (&raw const INSTALLATION).cast_mut().cast::<Context>().wrapping_byte_add(self.0)
    }

    fn read(link: *mut Context) -> Self {
        let bits = link.addr().wrapping_sub((&raw const INSTALLATION).addr());
        Self(if bits < 1 << SLOTS { bits } else { 0 })
    }
}

const _: () = assert!(size_of::<Installation>() >= 1 << SLOTS, "an address for each set of slots");

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

//! The handler of SIGBUS. It passes a signal that is not its own on to the handler that it
//! replaced.
//!
//! It may interrupt anything, so it allocates nothing, waits for nothing and cannot panic. Any
//! number of threads, of processes that share this memory, of handlers that interrupt one another,
//! and a child forked meanwhile may install it at the same time: only the kernel's action tells the
//! state.

use core::{
    ffi::c_int,
    ptr,
    sync::atomic::{
        AtomicBool, AtomicPtr, AtomicU64, AtomicUsize,
        Ordering::{AcqRel, Acquire, Relaxed},
    },
};

use super::{
    arch::native::Context,
    fault,
    signal::{
        ALL, Action, BUS_MCEERR_AO, Info, Kernel, ONLY_SIGBUS, SA_NODEFER, SA_ONSTACK,
        SA_RESETHAND, SA_RESTART, SA_SIGINFO, SIG_DFL, SIG_IGN, Signals, UNBLOCKABLE, send_again,
        set_mask,
    },
};
use crate::errno::Errno;

/// A replaced action, kept for the life of the process: a signal may be passed on to it at any
/// time.
pub(super) struct Slot {
    pub(super) handler: AtomicPtr<()>,
    pub(super) flags: AtomicUsize,
    mask: AtomicU64,
    /// Whether an action with SA_RESETHAND, which is for one signal, has had it.
    pub(super) spent: AtomicBool,
}

/// Values that no action has: SIG_ERR, every flag, and SIGKILL blocked.
const NO_HANDLER: *mut () = ptr::without_provenance_mut(usize::MAX);
const NO_FLAGS: usize = usize::MAX;
const NO_MASK: u64 = u64::MAX;

/// The flags of an action that its caller needs.
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

    /// Keeps the action here, unless another action is kept here, and returns whether it did.
    ///
    /// Each word is written once. A writer that finds its own value there continues with the next
    /// word, so that it completes what another left half written, and waits for nobody.
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

    /// Returns the handler, the flags and the mask.
    fn load(&self) -> (*const (), usize, u64) {
        (self.handler.load(Acquire), self.flags.load(Acquire), self.mask.load(Acquire))
    }
}

fn written<T: PartialEq>(exchanged: Result<T, T>, wanted: T) -> bool {
    exchanged.map_or_else(|found| found == wanted, |_| true)
}

/// The actions that the handler has replaced.
pub(super) struct Installation {
    pub(super) slots: [Slot; SLOTS],
}

/// The most different actions that the handler replaces in the life of a process.
pub(super) const SLOTS: usize = 8;

const TRIES: usize = 2 * SLOTS;

/// The handler, once for each slot. It may be installed again after others, and each installation
/// passes signals on to another action.
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

/// Returns the addresses of the handler, one for each slot.
#[expect(clippy::as_conversions, reason = "only a cast gives a function's address")]
pub(super) fn ours() -> [*const (); SLOTS] {
    HANDLERS.map(|handler| handler as *const ())
}

/// Returns the slot of a handler, if it is ours.
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
            // Somebody found it by signal(2) and restored it without its flags.
            Some(slot) => slot,
            None => match self.keep(&found) {
                Some(slot) => slot,
                None => return trusted(&found),
            },
        };
        let (mut expected, mut action) = (found, covering(slot, &found));
        // Once, unless others do the same at the same time. A filter of system calls may report
        // success and do nothing.
        for _ in 0..TRIES {
            // SAFETY: it is a handler for SA_SIGINFO that calls nothing that a handler must not,
            // and has the restorer.
            let replaced = unsafe { sys.set_action(&action) }?;
            slot = match slot_of(replaced.handler) {
                None if replaced == expected => return Ok(()),
                // Somebody else installed an action meanwhile.
                None => match self.keep(&replaced) {
                    Some(slot) => slot,
                    None => {
                        // SAFETY: it was the action before.
                        unsafe { sys.set_action(&replaced) }?;
                        return trusted(&replaced);
                    }
                },
                // Another call of this function came between, and has seen a later action.
                Some(other) if replaced.handler != expected.handler && other > slot => other,
                Some(_) => return Ok(()),
            };
            (expected, action) = (action, covering(slot, &replaced));
        }
        Err(Errno::EBUSY)
    }

    /// Returns the slot that keeps this action, if one is left for it.
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

/// Returns our action to replace `found`.
fn covering(slot: usize, found: &Action) -> Action {
    let inherited = match found.handler {
        // No handler has asked for flags. System calls continue as if the signal were ignored, and
        // a thread may have a small stack.
        SIG_DFL | SIG_IGN => SA_ONSTACK | SA_RESTART,
        _ => found.flags & !SA_RESETHAND,
    };
    // No other signal interrupts this handler: its handler would run with SIGBUS blocked, and on an
    // alternate stack that may have room for only one.
    let handler = ours().get(slot).copied().unwrap_or(SIG_DFL);
    Action::new(handler, inherited | SA_SIGINFO, ALL)
}

/// Trusts an action for which no slot is left, if it belongs to another copy of this library.
///
/// Such an action blocks every signal, which no C library's `sigfillset` does. Two copies that keep
/// finding each other's handler pass signals on to each other by now.
fn trusted(found: &Action) -> Result<(), Errno> {
    if found.mask | UNBLOCKABLE == ALL { Ok(()) } else { Err(Errno::EBUSY) }
}

/// # Safety
///
/// The caller is the kernel, with this as the action of SIGBUS with SA_SIGINFO, or a handler that
/// passes on what the kernel gave it.
unsafe extern "C" fn on_sigbus<const SLOT: usize>(
    signal: c_int,
    info: *mut Info,
    context: *mut Context,
) {
    // SAFETY: both are the kernel's, for this handler.
    if unsafe { fault::resume(info, context) } {
        return;
    }
    if let Some(slot) = INSTALLATION.slots.get(SLOT) {
        // SAFETY: as above.
        unsafe { pass_on(slot, Visited::only(SLOT), signal, info, context) };
    }
}

/// Passes a signal that is not ours on to the action in the slot.
///
/// A handler may be installed before ours and again after it, so that each passes the signal on to
/// the other. So the signal's frame, which belongs to this signal alone, records the slots that it
/// has come through: in a pointer that the kernel sets to null in each frame and does not read. The
/// second time at a slot, the signal has the default action.
///
/// # Safety
///
/// As for [`on_sigbus`].
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
    // A signal that the kernel forces on a thread cannot be ignored: the instruction would be
    // repeated for ever.
    let forced = code > 0 && code != BUS_MCEERR_AO;
    match handler {
        SIG_IGN if !forced => {}
        SIG_DFL | SIG_IGN => default(info),
        _ if visited.contains(here) => default(info),
        _ if flags & SA_RESETHAND != 0 && slot.spent.swap(true, Relaxed) => default(info),
        _ => {
            let own = if flags & SA_NODEFER == 0 { ONLY_SIGBUS } else { 0 };
            // The mask that the kernel would set for this handler. Where a filter of system calls
            // forbids it, all signals stay blocked.
            let _ = set_mask(before | mask | own);
            // SAFETY: the context is whole. The handler was the action of SIGBUS with these flags.
            // It may leave by a jump: nothing here needs to be undone, and the next frame is the
            // kernel's again.
            unsafe {
                *(*context).link() = visited.with(here).written();
                call(handler, flags, signal, info, context);
                *(*context).link() = link;
            }
        }
    }
}

/// The slots that a signal has come through, a bit for each.
#[derive(Clone, Copy)]
struct Visited(usize);

impl Visited {
    const fn only(slot: usize) -> Self {
        Self(1 << slot)
    }

    const fn contains(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns the set as an address that nobody else can have: its value in bytes from the
    /// beginning of the installation.
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
/// `handler` is a handler with these flags, and the rest are its arguments.
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
        // SAFETY: without SA_SIGINFO it is a function of this type, by the caller.
        unsafe { core::mem::transmute::<*const (), Plain>(handler)(signal) };
    } else {
        // SAFETY: with SA_SIGINFO it is a function of this type.
        unsafe { core::mem::transmute::<*const (), Informed>(handler)(signal, info, context) };
    }
}

/// Ends the process as if there were no handler: by SIGBUS, with the same siginfo, at the same
/// instruction.
///
/// The signal is blocked until the handler returns. Where a filter of system calls forbids sending
/// it, a fault repeats itself.
fn default(info: *const Info) {
    // SAFETY: the default action has neither handler nor restorer; `info` is whole.
    unsafe {
        let _ = Kernel.set_action(&Action::DEFAULT);
        let _ = send_again(info);
    }
}

//! Handlers that are installed after ours, or instead of it.

use std::{
    mem::{transmute, zeroed},
    ptr::null_mut,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
};

use pmem2_platform::{SigbusHandler, resume_after_sigbus};

use crate::{
    World,
    common::child::{Ended, in_child},
    program::{Action, break_again, informed, made_up, seen, set},
};

pub(crate) type Handler = extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void);

/// Installs this one, and says what was there before.
pub(crate) fn replace(signal: i32, handler: Handler, flags: i32) -> usize {
    // SAFETY: all zeros are an action, the handler does only what a handler may.
    unsafe {
        let (mut new, mut old): (libc::sigaction, libc::sigaction) = (zeroed(), zeroed());
        new.sa_sigaction = handler as usize;
        new.sa_flags = flags | libc::SA_SIGINFO;
        assert_eq!(libc::sigaction(signal, &raw const new, &raw mut old), 0);
        old.sa_sigaction
    }
}

pub(crate) static NEXT: AtomicUsize = AtomicUsize::new(0);
pub(crate) static CHAINED: AtomicUsize = AtomicUsize::new(0);

pub(crate) extern "C" fn chaining(
    signal: i32,
    info: *mut libc::siginfo_t,
    context: *mut libc::c_void,
) {
    CHAINED.fetch_add(1, SeqCst);
    // SAFETY: what sigaction gave, which takes these.
    unsafe { transmute::<usize, Handler>(NEXT.load(SeqCst))(signal, info, context) };
}

/// A handler that passes everything on, with ours between it and one that was there before.
#[test]
fn one_that_passes_on_to_ours() {
    for flags in [0, libc::SA_NODEFER, libc::SA_ONSTACK] {
        let world = World::new();
        let ended = in_child(|| {
            set(Action::Informed, 0, false);
            let handler = SigbusHandler::install().expect("our handler");
            NEXT.store(replace(libc::SIGBUS, chaining, flags), SeqCst);
            assert!(world.survives(handler));
            let own = (CHAINED.load(SeqCst), seen().signals);
            // What is not known to pass on is passed on to, by ours in its place.
            assert!(world.survives(SigbusHandler::install().expect("our handler")));
            break_again(&world);
            let byte = world.foreign_fault();
            (own, byte, CHAINED.load(SeqCst), seen().signals)
        });
        assert_eq!(ended, Ended::With(((2, 0), 0, 3, 1)));
    }
}

/// And with nobody before ours.
#[test]
fn one_that_passes_on_to_ours_and_to_nobody() {
    for flags in [0, libc::SA_NODEFER, libc::SA_ONSTACK] {
        let world = World::new();
        let ended = in_child(|| {
            set(Action::Default, 0, false);
            let handler = SigbusHandler::install().expect("our handler");
            NEXT.store(replace(libc::SIGBUS, chaining, flags), SeqCst);
            assert!(world.survives(handler));
            world.foreign_fault()
        });
        assert_eq!(ended, Ended::Killed(libc::SIGBUS));
    }
}

static RESUMED: AtomicUsize = AtomicUsize::new(0);

extern "C" fn owning(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: they are what this handler was given.
    if unsafe { resume_after_sigbus(info.cast(), context) } {
        RESUMED.fetch_add(1, SeqCst);
    } else {
        informed(signal, info, context);
    }
}

#[test]
fn a_program_that_has_a_handler_of_its_own() {
    for flags in [0, libc::SA_NODEFER, libc::SA_ONSTACK] {
        let world = World::new();
        let ended = in_child(|| {
            let handler = SigbusHandler::assume_installed().expect("a processor with a copy");
            replace(libc::SIGBUS, owning, flags);
            assert!(world.survives(handler));
            break_again(&world);
            let byte = world.foreign_fault();
            let same = replace(libc::SIGBUS, owning, flags) == owning as Handler as usize;
            (RESUMED.load(SeqCst), byte, seen().signals, same)
        });
        assert_eq!(ended, Ended::With((2, 0, 1, true)), "nothing is installed by it");
    }
}

#[test]
fn what_is_no_fault_of_a_copy_is_not_touched() {
    let mut info = made_up(libc::BUS_ADRERR, 0x1000);
    // SAFETY: all zeros are a context.
    let mut context: libc::ucontext_t = unsafe { zeroed() };
    let (info, context) = ((&raw mut info).cast(), (&raw mut context).cast());
    for (info, context) in
        [(null_mut(), null_mut()), (info, null_mut()), (null_mut(), context), (info, context)]
    {
        // SAFETY: each is null or whole.
        assert!(!unsafe { resume_after_sigbus(info, context) });
    }
    // SAFETY: the context is whole, and has no padding where its bytes are looked at.
    let bytes =
        unsafe { std::slice::from_raw_parts(context.cast::<u8>(), size_of::<libc::ucontext_t>()) };
    assert!(bytes.iter().all(|&byte| byte == 0));
}

//! Ours is installed once more, after somebody else's has taken its place; and handlers that have
//! ours both before and after themselves.

use std::{
    mem::transmute,
    ptr::null_mut,
    sync::atomic::{AtomicI32, AtomicPtr, AtomicUsize, Ordering::SeqCst},
};

use pmem2_platform::SigbusHandler;

use crate::{
    World,
    after::{CHAINED, Handler, NEXT, chaining, replace},
    common::child::{Ended, in_child},
    program::{Action, break_again, informed, seen, set},
    shrunk::page,
};

const ACTIONS: [Action; 4] = [Action::Default, Action::Ignore, Action::Plain, Action::Informed];

fn install() -> SigbusHandler {
    SigbusHandler::install().expect("our handler")
}

/// Whoever is the action by now: what is ours becomes an error, and what is not ends as without
/// ours.
#[test]
fn in_the_place_of_whatever_is_there() {
    for first in ACTIONS {
        for second in ACTIONS {
            for flags in [0, libc::SA_ONSTACK | libc::SA_NODEFER] {
                let world = World::new();
                let fault = || {
                    break_again(&world);
                    (world.foreign_fault(), seen().signals)
                };
                let without = in_child(|| {
                    set(second, flags, true);
                    fault()
                });
                let with = in_child(|| {
                    set(first, 0, false);
                    assert!(world.survives(install()));
                    // Without a word to ours, as whoever restores what it has found.
                    for _ in 0..10 {
                        set(second, flags, true);
                        assert!(world.survives(install()));
                    }
                    fault()
                });
                assert_eq!(with, without, "{first:?}, {second:?} {flags:#x}");
            }
        }
    }
}

/// A crash reporter that was there before ours is switched off: it restores what
/// it has found. And it may be switched on again.
#[test]
fn a_crash_reporter_that_is_switched_off_and_on() {
    let world = World::new();
    let ended = in_child(|| {
        set(Action::Informed, 0, false);
        NEXT.store(replace(libc::SIGBUS, chaining, 0), SeqCst);
        for _ in 0..20 {
            assert!(world.survives(install()));
            set(Action::Informed, 0, false);
            assert!(world.survives(install()));
            NEXT.store(replace(libc::SIGBUS, chaining, 0), SeqCst);
        }
        set(Action::Informed, 0, false);
        assert!(world.survives(install()));
        break_again(&world);
        (world.foreign_fault(), seen().signals, CHAINED.load(SeqCst))
    });
    assert_eq!(ended, Ended::With((0, 1, 0)));
}

/// Who takes the place of ours for a while by signal(2), which keeps no flags.
#[test]
fn ours_that_is_put_back_by_signal() {
    let world = World::new();
    let ended = in_child(|| {
        set(Action::Informed, 0, false);
        // (After a first signal its siginfo would still be on the stack.)
        install();
        // SAFETY: these are handlers of signals.
        unsafe { libc::signal(libc::SIGBUS, libc::signal(libc::SIGBUS, libc::SIG_DFL)) };
        assert!(world.survives(install()));
        break_again(&world);
        (world.foreign_fault(), seen().signals)
    });
    assert_eq!(ended, Ended::With((0, 1)));
}

static PIPE: AtomicI32 = AtomicI32::new(-1);

/// As `chaining`; how often it was called can be told after the end of the process.
extern "C" fn tells(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: it writes one byte that is there.
    assert_eq!(unsafe { libc::write(PIPE.load(SeqCst), [0_u8].as_ptr().cast(), 1) }, 1);
    chaining(signal, info, context);
}

/// Runs it in a child: how that ended, and how often `tells` was called.
fn told(body: impl FnOnce() -> u8) -> (Ended<u8>, usize) {
    let mut ends = [0; 2];
    // SAFETY: it writes two descriptors.
    assert_eq!(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_NONBLOCK) }, 0);
    let ended = in_child(|| {
        PIPE.store(ends[1], SeqCst);
        body()
    });
    let mut bytes = [0_u8; 4096];
    // SAFETY: it writes to the bytes, and both ends are this test's.
    let count = unsafe {
        let count = libc::read(ends[0], bytes.as_mut_ptr().cast(), bytes.len());
        assert_eq!(ends.map(|end| libc::close(end)), [0, 0]);
        count
    };
    (ended, usize::try_from(count).unwrap_or(0))
}

/// A handler that was there before ours, and is installed once more: it has found ours, and ours
/// has found it.
#[test]
fn one_that_is_installed_before_and_after_ours_does_not_go_round_for_ever() {
    for flags in [0, libc::SA_NODEFER, libc::SA_ONSTACK] {
        for ours_again in [false, true] {
            let world = World::new();
            let (ended, calls) = told(|| {
                set(Action::Informed, 0, false);
                NEXT.store(replace(libc::SIGBUS, tells, flags), SeqCst);
                assert!(world.survives(install()));
                NEXT.store(replace(libc::SIGBUS, tells, flags), SeqCst);
                if ours_again {
                    assert!(world.survives(install()));
                }
                world.foreign_fault()
            });
            assert_eq!(ended, Ended::Killed(libc::SIGBUS), "{flags:#x}");
            assert_eq!(calls, if ours_again { 1 } else { 2 }, "{flags:#x}");
        }
    }
}

/// A round of two handlers, with ours between them twice.
#[test]
fn nor_do_two_of_them() {
    static OTHERS: AtomicUsize = AtomicUsize::new(0);
    extern "C" fn other(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
        // SAFETY: what sigaction gave, which takes these.
        unsafe { transmute::<usize, Handler>(OTHERS.load(SeqCst))(signal, info, context) };
    }
    let world = World::new();
    let (ended, calls) = told(|| {
        set(Action::Informed, 0, false);
        NEXT.store(replace(libc::SIGBUS, tells, 0), SeqCst);
        install();
        OTHERS.store(replace(libc::SIGBUS, other, 0), SeqCst);
        install();
        NEXT.store(replace(libc::SIGBUS, tells, 0), SeqCst);
        world.foreign_fault()
    });
    assert_eq!((ended, calls), (Ended::Killed(libc::SIGBUS), 2));
}

/// And what is ours is ours, all the while.
#[test]
fn such_a_handler_passes_on_what_is_ours() {
    let world = World::new();
    let ended = in_child(|| {
        set(Action::Informed, 0, false);
        NEXT.store(replace(libc::SIGBUS, chaining, 0), SeqCst);
        let handler = install();
        NEXT.store(replace(libc::SIGBUS, chaining, 0), SeqCst);
        (world.survives(handler), CHAINED.load(SeqCst))
    });
    assert_eq!(ended, Ended::With((true, 2)));
}

static OTHER: AtomicPtr<u8> = AtomicPtr::new(null_mut());
static DEPTH: AtomicUsize = AtomicUsize::new(0);

/// Fails at something of its own before it repairs what it was called for.
extern "C" fn fails_too(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    if DEPTH.fetch_add(1, SeqCst) < 3 {
        // SAFETY: the page is mapped; that nothing is there raises the signal that is tested.
        unsafe { OTHER.load(SeqCst).read_volatile() };
    }
    informed(signal, info, context);
}

/// Several signals at once that come through the same handlers, each on a frame of its own: no
/// round is seen where there is none.
#[test]
fn a_signal_in_the_midst_of_another_is_not_taken_for_it() {
    let world = World::new();
    let ended = in_child(|| {
        replace(libc::SIGBUS, fails_too, libc::SA_NODEFER);
        install();
        NEXT.store(replace(libc::SIGBUS, chaining, libc::SA_NODEFER), SeqCst);
        install();
        break_again(&world);
        OTHER.store(world.memory.at.wrapping_add(page()), SeqCst);
        (world.foreign_fault(), DEPTH.load(SeqCst), seen().signals, CHAINED.load(SeqCst))
    });
    assert_eq!(ended, Ended::With((0, 4, 4, 4)));
}

/// One that does not return to those that have passed the signal on.
#[cfg(target_arch = "x86_64")]
extern "C" fn jumps(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    informed(signal, info, context);
    // SAFETY: the kernel's frame goes on with the context: this is what the last return of a
    // handler does.
    unsafe {
        core::arch::asm!(
            "mov rsp, {context}",
            "syscall",
            context = in(reg) context,
            in("rax") libc::SYS_rt_sigreturn,
            options(noreturn),
        );
    }
}

/// The next signal's frame is where that one's was.
#[cfg(target_arch = "x86_64")]
#[test]
fn a_handler_that_jumps_away_leaves_nothing_behind() {
    let world = World::new();
    let ended = in_child(|| {
        replace(libc::SIGBUS, jumps, 0);
        install();
        NEXT.store(replace(libc::SIGBUS, chaining, 0), SeqCst);
        install();
        for _ in 0..10 {
            break_again(&world);
            assert_eq!(world.foreign_fault(), 0);
        }
        (seen().signals, CHAINED.load(SeqCst))
    });
    assert_eq!(ended, Ended::With((10, 10)));
}

/// Where a program passes on twice what it does not know, the second is not the same round.
#[test]
fn one_that_passes_a_signal_on_twice() {
    extern "C" fn twice(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
        for _ in 0..2 {
            // SAFETY: what sigaction gave, which takes these.
            unsafe { transmute::<usize, Handler>(NEXT.load(SeqCst))(signal, info, context) };
        }
    }
    let world = World::new();
    let ended = in_child(|| {
        set(Action::Informed, 0, false);
        install();
        NEXT.store(replace(libc::SIGBUS, twice, 0), SeqCst);
        break_again(&world);
        (world.foreign_fault(), seen().signals)
    });
    assert_eq!(ended, Ended::With((0, 2)));
}

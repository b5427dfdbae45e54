//! Signals in the midst of a copy: those that somebody sent, and faults of other code that
//! interrupts it.

use std::{
    mem::zeroed,
    ptr::{null, null_mut},
    sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering::SeqCst},
};

use pmem2_platform::{Fail, Partial, SigbusHandler};

use crate::{
    World,
    common::child::{Ended, in_child},
    program::{Action, break_again, queue, seen, set},
    shrunk::{Shrunk, byte, page},
    signals::{send, this_thread},
};

/// How many there are before it is enough.
const WANTED: u32 = 100;

static COPYING: AtomicBool = AtomicBool::new(false);
static WORLD: AtomicPtr<World> = AtomicPtr::new(null_mut());
/// Ticks of the clock that came during a copy.
static TICKS: AtomicU32 = AtomicU32::new(0);
static WRONG: AtomicU32 = AtomicU32::new(0);

/// Calls `on_tick` every millisecond. SIGBUS is blocked in it, so that one which it sends comes
/// where the clock has interrupted the program: in the midst of the copy.
fn start_clock(on_tick: extern "C" fn(i32), blocks: bool) {
    // SAFETY: all zeros are an action and a timer; the handler does only what a handler may.
    unsafe {
        let mut action: libc::sigaction = zeroed();
        action.sa_sigaction = on_tick as usize;
        action.sa_flags = libc::SA_RESTART;
        if blocks {
            libc::sigaddset(&raw mut action.sa_mask, libc::SIGBUS);
        }
        libc::sigaction(libc::SIGVTALRM, &raw const action, null_mut());
        let each = libc::timeval { tv_sec: 0, tv_usec: 1000 };
        let timer = libc::itimerval { it_interval: each, it_value: each };
        assert_eq!(
            libc::syscall(
                libc::SYS_setitimer,
                libc::ITIMER_VIRTUAL,
                &raw const timer,
                null::<u8>()
            ),
            0
        );
    }
}

/// Copies half of a large file, and fails at the other half, until there were enough ticks.
fn copy_meanwhile(file: &Shrunk, buffer: &mut [u8]) -> bool {
    let handler = SigbusHandler::install().expect("our handler");
    let mapping = file.mapping(handler, false);
    let half = file.length / 2;
    let gone = Err(Partial { done: half, fail: Fail::bad_memory(1) });
    while TICKS.load(SeqCst) < WANTED {
        buffer.fill(0);
        // Often, since to look at what was copied takes longer.
        COPYING.store(true, SeqCst);
        let all_gone = (0..20).all(|_| mapping.read(0, buffer) == gone);
        COPYING.store(false, SeqCst);
        let right = all_gone
            && buffer[..half]
                .iter()
                .enumerate()
                .step_by(601)
                .all(|(index, &found)| found == byte(index))
            && buffer[half..].iter().step_by(601).all(|&found| found == 0);
        if !right {
            WRONG.fetch_add(1, SeqCst);
        }
    }
    WRONG.load(SeqCst) == 0
}

fn large() -> (Shrunk, Vec<u8>) {
    let length = 2048 * page();
    let file = Shrunk::new(length);
    file.cut(length / 2);
    (file, vec![0; length])
}

extern "C" fn sends(_: i32) {
    if !COPYING.load(SeqCst) {
        return;
    }
    match TICKS.fetch_add(1, SeqCst) % 6 {
        0 => assert!(send(this_thread(), libc::SIGBUS)),
        // SAFETY: it takes numbers.
        1 => assert_eq!(unsafe { libc::kill(libc::getpid(), libc::SIGBUS) }, 0),
        2 => queue(libc::BUS_MCEERR_AO, 0x1000),
        3 => queue(libc::SI_QUEUE, 0x1000),
        // As if something else had failed.
        4 => queue(libc::BUS_ADRERR, 0x1000),
        _ => queue(libc::BUS_MCEERR_AR, 0x1000),
    }
}

#[test]
fn signals_that_are_sent_are_not_the_copys() {
    let (file, mut buffer) = large();
    let ended = in_child(|| {
        set(Action::Informed, 0, false);
        SigbusHandler::install().expect("our handler");
        start_clock(sends, true);
        (copy_meanwhile(&file, &mut buffer), seen().signals)
    });
    // All came to the handler that was there before, and the copies were what they should be.
    let Ended::With((true, signals)) = ended else { panic!("{ended:?}") };
    assert!(signals >= WANTED, "{signals}");
}

/// One that is sent to nobody who wants it is the end, in the midst of a copy too.
#[test]
fn without_another_handler_they_kill() {
    let (file, mut buffer) = large();
    for action in [Action::Default, Action::Ignore] {
        let ended = in_child(|| {
            set(action, 0, false);
            SigbusHandler::install().expect("our handler");
            // Of the six kinds the first four can be ignored.
            start_clock(sends, true);
            copy_meanwhile(&file, &mut buffer)
        });
        assert_eq!(ended, Ended::Killed(libc::SIGBUS));
    }
}

extern "C" fn faults(_: i32) {
    if !COPYING.load(SeqCst) {
        return;
    }
    // SAFETY: the world outlives the process.
    let Some(world) = (unsafe { WORLD.load(SeqCst).as_ref() }) else { return };
    break_again(world);
    if world.foreign_fault() != 0 {
        WRONG.fetch_add(1, SeqCst);
    }
    TICKS.fetch_add(1, SeqCst);
}

/// A handler that interrupts the copy and fails at something of its own.
#[test]
fn a_fault_of_a_handler_that_interrupts_a_copy() {
    let (file, mut buffer) = large();
    let world = World::new();
    let ended = in_child(|| {
        WORLD.store((&raw const world).cast_mut(), SeqCst);
        set(Action::Informed, 0, false);
        SigbusHandler::install().expect("our handler");
        start_clock(faults, false);
        (copy_meanwhile(&file, &mut buffer), seen().signals == TICKS.load(SeqCst), seen().code)
    });
    assert_eq!(ended, Ended::With((true, true, libc::BUS_ADRERR)));
}

/// And without anybody who could repair it.
#[test]
fn such_a_fault_kills_where_nobody_handles_it() {
    let (file, mut buffer) = large();
    let world = World::new();
    let ended = in_child(|| {
        WORLD.store((&raw const world).cast_mut(), SeqCst);
        set(Action::Default, 0, false);
        SigbusHandler::install().expect("our handler");
        start_clock(faults, false);
        copy_meanwhile(&file, &mut buffer)
    });
    assert_eq!(ended, Ended::Killed(libc::SIGBUS));
}

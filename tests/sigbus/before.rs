//! Who was there before notices no difference: each case is run without our handler and with it,
//! and has to end alike.

use pmem2_platform::SigbusHandler;

use crate::{
    World,
    common::child::{Ended, in_child},
    program::{Action, Seen, alternate_stack, block_one, blocked, break_again, queue, seen, set},
    signals::{send, this_thread},
};

/// An event in the process.
#[derive(Clone, Copy, Debug)]
enum Event {
    Nothing,
    Kill,
    Tgkill,
    TgkillTwice,
    /// BUS_MCEERR_AO: somewhere is bad memory.
    ActionOptional,
    /// BUS_ADRALN of some instruction.
    Misaligned,
    Fault,
    FaultTwice,
}

fn happen(event: Event, world: &World) {
    const BUS_ADRALN: i32 = 1;
    let fault = || {
        break_again(world);
        assert_eq!(world.foreign_fault(), 0);
    };
    match event {
        Event::Nothing => {}
        // SAFETY: it takes numbers; what the signal does is what is tested.
        Event::Kill => assert_eq!(unsafe { libc::kill(libc::getpid(), libc::SIGBUS) }, 0),
        Event::Tgkill => assert!(send(this_thread(), libc::SIGBUS)),
        Event::TgkillTwice => (0..2).for_each(|_| assert!(send(this_thread(), libc::SIGBUS))),
        Event::ActionOptional => queue(libc::BUS_MCEERR_AO, 0x1000),
        Event::Misaligned => queue(BUS_ADRALN, 0x1001),
        Event::Fault => fault(),
        Event::FaultTwice => (0..2).for_each(|_| fault()),
    }
}

/// How a process ends that has this action, and perhaps our handler over it.
fn run(
    world: &World,
    action: Action,
    flags: i32,
    masked: bool,
    event: Event,
    ours: bool,
) -> Ended<(Seen, [i32; 3])> {
    let mut stack = vec![0; 64 << 10];
    in_child(|| {
        alternate_stack(&mut stack);
        // A handler has what was blocked before, too.
        block_one();
        set(action, flags, masked);
        if ours {
            let handler = SigbusHandler::install().expect("our handler");
            assert!(world.survives(handler), "before");
        }
        happen(event, world);
        let after = (seen(), blocked());
        if ours {
            let handler = SigbusHandler::install().expect("our handler");
            assert!(world.survives(handler), "after");
            assert_eq!((seen(), blocked()), after, "our own faults are nobody else's");
        }
        after
    })
}

/// The signals that others, or the process itself, may send.
const SENT: [Event; 4] = [Event::Nothing, Event::Kill, Event::Tgkill, Event::TgkillTwice];
/// With the codes of what the kernel raises.
const MADE_UP: [Event; 2] = [Event::ActionOptional, Event::Misaligned];
const FAULTS: [Event; 2] = [Event::Fault, Event::FaultTwice];

fn compare(action: Action, flags: i32, masked: bool, event: Event) -> Ended<(Seen, [i32; 3])> {
    let world = World::new();
    let without = run(&world, action, flags, masked, event, false);
    let with = run(&world, action, flags, masked, event, true);
    assert_eq!(with, without, "{action:?}, flags {flags:#x}, mask {masked}: {event:?}");
    with
}

/// Every action, with a mask or without, and these events, of which so many end the process.
fn every_action(events: &[Event], masked: bool, deaths: usize) {
    let (mut lived, mut died) = (0, 0);
    let flags = [libc::SA_ONSTACK, libc::SA_NODEFER, libc::SA_RESETHAND, libc::SA_RESTART];
    for &event in events {
        for bits in 0..1 << flags.len() {
            let flags = (0..flags.len())
                .filter(|bit| bits >> bit & 1 == 1)
                .fold(0, |all, bit| all | flags[bit]);
            for action in [Action::Plain, Action::Informed] {
                match compare(action, flags, masked, event) {
                    Ended::With(_) => lived += 1,
                    Ended::Killed(libc::SIGBUS) => died += 1,
                    other => panic!("{other:?}"),
                }
            }
        }
    }
    assert_eq!((lived, died), (32 * events.len() - deaths, deaths));
}

/// The second signal of those with SA_RESETHAND is the end.
#[test]
fn every_action_and_what_is_sent() {
    every_action(&SENT, false, 16);
}

#[test]
fn every_action_with_a_mask_and_what_is_sent() {
    every_action(&SENT, true, 16);
}

#[test]
fn every_action_and_what_is_made_up() {
    every_action(&MADE_UP, false, 0);
    every_action(&MADE_UP, true, 0);
}

#[test]
fn every_action_and_faults() {
    every_action(&FAULTS, false, 16);
    every_action(&FAULTS, true, 16);
}

fn default_action(events: &[Event]) {
    for &event in events {
        let expected = !matches!(event, Event::Nothing);
        let ended = compare(Action::Default, 0, false, event);
        assert_eq!(matches!(ended, Ended::Killed(libc::SIGBUS)), expected, "{event:?}: {ended:?}");
    }
}

#[test]
fn the_default_action_is_death() {
    default_action(&SENT);
}

#[test]
fn the_default_action_is_death_of_faults_too() {
    default_action(&FAULTS);
    default_action(&MADE_UP);
}

/// A signal that was ignored is ignored.
#[test]
fn who_ignored_goes_on_ignoring() {
    for event in SENT {
        let ended = compare(Action::Ignore, 0, false, event);
        assert!(matches!(ended, Ended::With(_)), "{event:?}: {ended:?}");
    }
}

/// But for faults: the kernel lets nobody ignore these.
#[test]
fn who_ignored_cannot_ignore_faults() {
    // One that somebody makes up for itself is ignored by the kernel, and cannot be told from one
    // that it raises.
    let world = World::new();
    let made_up = |ours| run(&world, Action::Ignore, 0, false, Event::Misaligned, ours);
    assert!(matches!(
        (made_up(false), made_up(true)),
        (Ended::With(_), Ended::Killed(libc::SIGBUS))
    ));
    for event in [Event::ActionOptional, Event::Fault, Event::FaultTwice] {
        let expected = !matches!(event, Event::ActionOptional);
        let ended = compare(Action::Ignore, 0, false, event);
        assert_eq!(matches!(ended, Ended::Killed(libc::SIGBUS)), expected, "{event:?}: {ended:?}");
    }
}

/// The comparison above would not notice if nothing were seen at all.
#[test]
fn handlers_see_what_there_is() {
    let world = World::new();
    let flags = libc::SA_ONSTACK;
    let Ended::With((seen, after)) = run(&world, Action::Informed, flags, true, Event::Fault, true)
    else {
        panic!("it should live")
    };
    let address = world.memory.at.addr() + crate::shrunk::page() + crate::FAULT;
    let expected = Seen {
        signals: 1,
        signal: libc::SIGBUS,
        code: libc::BUS_ADRERR,
        address,
        on_stack: libc::SS_ONSTACK,
        blocked: [1, 1, 1],
    };
    assert_eq!((seen, after), (expected, [0, 0, 1]));
}

#[test]
fn handlers_see_what_was_made_up() {
    let world = World::new();
    let ended = run(&world, Action::Informed, libc::SA_NODEFER, false, Event::ActionOptional, true);
    let expected = Seen {
        signals: 1,
        signal: libc::SIGBUS,
        code: libc::BUS_MCEERR_AO,
        address: 0x1000,
        on_stack: 0,
        blocked: [0, 0, 1],
    };
    assert_eq!(ended, Ended::With((expected, [0, 0, 1])));
}

/// The kernel lets no handler have a fault of a thread that has blocked the signal. The
/// documentation says so.
#[test]
fn a_thread_that_has_blocked_the_signal_does_not_survive() {
    let world = World::new();
    let ended = in_child(|| {
        let handler = SigbusHandler::install().expect("our handler");
        // SAFETY: all zeros are a set, which is filled before it is used.
        unsafe {
            let mut set = std::mem::zeroed();
            libc::sigfillset(&raw mut set);
            libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
        }
        world.survives(handler)
    });
    assert_eq!(ended, Ended::Killed(libc::SIGBUS));
}

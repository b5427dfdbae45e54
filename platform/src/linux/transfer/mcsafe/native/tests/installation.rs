//! The installation in a scripted system.

use core::{
    cell::{Cell, RefCell},
    ptr,
    sync::atomic::Ordering::SeqCst,
};
use std::{boxed::Box, vec::Vec};

use crate::{
    Errno,
    linux::transfer::mcsafe::native::{
        handler::{Installation, SLOTS, ours},
        signal::{
            ALL, Action, SA_NODEFER, SA_ONSTACK, SA_RESETHAND, SA_RESTART, SA_SIGINFO, SIG_DFL,
            SIG_IGN, Signals, UNBLOCKABLE,
        },
    },
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Action,
    SetAction,
}

type Meanwhile<'a> = Box<dyn FnOnce(&Script<'a>) + 'a>;

/// A system with one signal.
struct Script<'a> {
    action: Cell<Action>,
    calls: RefCell<Vec<Call>>,
    /// The call that fails, counted from 0.
    failing: Option<(usize, Errno)>,
    /// Events, each right before a call.
    meanwhile: RefCell<Option<(usize, Meanwhile<'a>)>>,
}

impl<'a> Script<'a> {
    fn new(action: Action) -> Self {
        Self {
            action: Cell::new(action),
            calls: RefCell::default(),
            failing: None,
            meanwhile: RefCell::default(),
        }
    }

    fn before(self, call: usize, meanwhile: impl FnOnce(&Self) + 'a) -> Self {
        *self.meanwhile.borrow_mut() = Some((call, Box::new(meanwhile)));
        self
    }

    fn called(&self, call: Call) -> Result<(), Errno> {
        let index = self.calls.borrow().len();
        let due = self.meanwhile.borrow_mut().take_if(|(call, _)| *call == index);
        if let Some((_, meanwhile)) = due {
            meanwhile(self);
        }
        self.calls.borrow_mut().push(call);
        match self.failing {
            Some((failing, errno)) if failing == index => Err(errno),
            _ => Ok(()),
        }
    }
}

impl Signals for &Script<'_> {
    fn action(self) -> Result<Action, Errno> {
        self.called(Call::Action)?;
        Ok(self.action.get())
    }

    unsafe fn set_action(self, action: &Action) -> Result<Action, Errno> {
        self.called(Call::SetAction)?;
        // Like the kernel.
        Ok(self.action.replace(Action { mask: action.mask & !UNBLOCKABLE, ..*action }))
    }
}

/// A function that nobody calls.
fn foreign(number: usize) -> Action {
    Action { handler: ptr::without_provenance(0x1000 + number), ..Action::DEFAULT }
}

/// Returns the actions that ours replaced.
fn taken(installation: &Installation, script: &Script<'_>) -> *const () {
    let slot = ours().iter().position(|&ours| ours == script.action.get().handler);
    installation.kept().nth(slot.expect("our handler")).expect("an action is kept").0
}

const INSTALLING: [Call; 2] = [Call::Action, Call::SetAction];

#[test]
fn the_first_installs_and_the_others_ask() {
    let (installation, script) = (Installation::new(), Script::new(Action::DEFAULT));
    for _ in 0..3 {
        assert_eq!(installation.install(&script), Ok(()));
    }
    assert_eq!(*script.calls.borrow(), [&INSTALLING[..], &[Call::Action; 2]].concat());
    assert_eq!(script.action.get().handler, ours()[0]);
}

#[test]
fn flags_are_those_of_the_action_that_was_found() {
    let all = SA_ONSTACK | SA_RESTART | SA_RESETHAND | SA_NODEFER;
    let some = foreign(0).handler;
    for (handler, flags, expected) in [
        (some, 0, 0),
        (some, SA_NODEFER, SA_NODEFER),
        (some, SA_ONSTACK, SA_ONSTACK),
        (some, SA_SIGINFO | all, SA_ONSTACK | SA_RESTART | SA_NODEFER),
        (SIG_DFL, 0, SA_ONSTACK | SA_RESTART),
        (SIG_DFL, all, SA_ONSTACK | SA_RESTART),
        (SIG_IGN, SA_NODEFER, SA_ONSTACK | SA_RESTART),
    ] {
        let found = Action { handler, flags, mask: 0xABCD, ..Action::DEFAULT };
        let (installation, script) = (Installation::new(), Script::new(found));
        assert_eq!(installation.install(&script), Ok(()));
        let new = Action::new(ours()[0], expected | SA_SIGINFO, ALL & !UNBLOCKABLE);
        assert_eq!(
            (script.action.get().handler, script.action.get().flags),
            (new.handler, new.flags)
        );
        assert_eq!(script.action.get().mask, new.mask, "{flags:#x}");
        let kept = flags & !(SA_ONSTACK | SA_RESTART);
        assert_eq!(installation.kept().collect::<Vec<_>>(), [(handler, kept, 0xABCD)]);
    }
}

/// Any other action: each row has the actions found in turn, and the slot whose handler was
/// installed.
#[test]
fn it_is_installed_again_in_the_place_of_whatever_is_found() {
    let (one, other) = (foreign(0), foreign(1));
    let ignored = Action { handler: SIG_IGN, ..Action::DEFAULT };
    let with = |flags| Action { flags, ..one };
    let masked = Action { mask: 1, ..one };
    let rows: [(&str, &[Action], &[usize]); 7] = [
        ("nobody", &[Action::DEFAULT; 3], &[0, 0, 0]),
        ("the one that was there", &[one, one, one], &[0, 0, 0]),
        (
            "a crash reporter, off, on and off",
            &[one, Action::DEFAULT, one, Action::DEFAULT],
            &[0, 1, 0, 1],
        ),
        ("in the place of another's", &[one, other, one, other], &[0, 1, 0, 1]),
        ("ignored", &[ignored, one, ignored], &[0, 1, 0]),
        (
            "called otherwise",
            &[one, with(SA_SIGINFO), masked, with(SA_NODEFER), masked],
            &[0, 1, 2, 3, 2],
        ),
        ("called alike", &[one, with(SA_ONSTACK), with(SA_RESTART)], &[0, 0, 0]),
    ];
    for (name, found, slots) in rows {
        let (installation, script) = (Installation::new(), Script::new(Action::DEFAULT));
        for (found, &slot) in found.iter().zip(slots) {
            script.action.set(*found);
            assert_eq!(installation.install(&script), Ok(()), "{name}");
            assert_eq!(script.action.get().handler, ours()[slot], "{name}");
            assert_eq!(taken(&installation, &script), found.handler, "{name}");
        }
        assert_eq!(script.calls.borrow().len(), 2 * found.len());
    }
}

/// A program that found ours by signal(2) restores it without its flags: then it would be called
/// without a siginfo, or only once.
#[test]
fn ours_without_its_flags_is_not_ours() {
    for flags in [0, SA_RESTART, SA_ONSTACK, SA_SIGINFO | SA_RESETHAND] {
        let (installation, script) = (Installation::new(), Script::new(Action::DEFAULT));
        for number in 0..2 {
            script.action.set(foreign(number));
            assert_eq!(installation.install(&script), Ok(()));
            let whole = script.action.get();
            script.action.set(Action { flags, mask: 0, ..whole });
            assert_eq!(installation.install(&script), Ok(()), "{flags:#x}");
            let again = script.action.get();
            assert_eq!((again.handler, again.mask), (whole.handler, whole.mask), "{flags:#x}");
            let kept = again.flags & (SA_SIGINFO | SA_RESETHAND);
            assert_eq!(kept, SA_SIGINFO, "{flags:#x}");
            assert_eq!(taken(&installation, &script), foreign(number).handler);
        }
        assert_eq!(installation.kept().count(), 2, "ours is not one of them");
    }
}

/// Ours replaces the last action, whatever comes between: another handler, another call of the
/// installation (in a thread, or in a handler that interrupts this one), and both in either order.
#[test]
fn who_comes_between_is_not_forgotten() {
    #[derive(Clone, Copy, Debug)]
    enum Comes {
        Handler(usize),
        Call,
    }
    use Comes::{Call, Handler};
    let orders: [&[Comes]; 7] = [
        &[Call],
        &[Handler(1)],
        &[Handler(1), Call],
        &[Call, Handler(1)],
        &[Call, Handler(1), Call],
        &[Handler(1), Call, Handler(2)],
        &[Handler(1), Call, Handler(2), Call],
    ];
    for order in orders {
        for call in 0..2 {
            let installation = Installation::new();
            let last = Cell::new(foreign(0).handler);
            let script = Script::new(foreign(0)).before(call, |script| {
                for comes in order {
                    match comes {
                        Call => assert_eq!(installation.install(script), Ok(())),
                        Handler(number) => {
                            script.action.set(foreign(*number));
                            last.set(foreign(*number).handler);
                        }
                    }
                }
            });
            assert_eq!(installation.install(&script), Ok(()));
            assert_eq!(taken(&installation, &script), last.get(), "{order:?} before call {call}");
        }
    }
}

#[test]
fn whatever_fails_is_said_and_can_be_tried_again() {
    for index in 0..INSTALLING.len() {
        for errno in [Errno::EPERM, Errno::ENOSYS, Errno::EINVAL] {
            let installation = Installation::new();
            let script = Script { failing: Some((index, errno)), ..Script::new(foreign(0)) };
            assert_eq!(installation.install(&script), Err(errno));
            assert_eq!(script.action.get(), foreign(0), "nothing has changed");
            assert_eq!(*script.calls.borrow(), INSTALLING[..=index]);
            let script = Script::new(script.action.get());
            assert_eq!(installation.install(&script), Ok(()));
            assert_eq!(script.action.get().handler, ours()[0]);
            assert_eq!(taken(&installation, &script), foreign(0).handler);
        }
    }
}

/// A child forked meanwhile has what was written until then, and nobody who continues it. A process
/// id does not tell the child: it may equal the parent's (PID namespaces).
#[test]
fn what_was_left_half_written_keeps_nobody_waiting() {
    let left = Action { flags: SA_NODEFER, mask: 7, ..foreign(0) };
    for (found, slot) in [(left, 0), (foreign(1), 1), (Action { mask: 8, ..left }, 1)] {
        for words in 0..3 {
            let installation = Installation::new();
            let half = &installation.slots[0];
            if words > 0 {
                half.handler.store(left.handler.cast_mut(), SeqCst);
            }
            if words > 1 {
                half.flags.store(left.flags, SeqCst);
            }
            let script = Script::new(found);
            assert_eq!(installation.install(&script), Ok(()));
            let fits = words == 0 || found.handler == left.handler;
            let slot = if fits { 0 } else { slot };
            assert_eq!(script.action.get().handler, ours()[slot], "{words} words");
            let kept = installation.kept().nth(slot);
            assert_eq!(kept, Some((found.handler, found.flags, found.mask)), "{words} words");
        }
    }
}

/// Threads at once, of processes that share only this memory: each has an action of its own, and
/// each replaced action is written once.
#[test]
fn all_at_once() {
    const KINDS: usize = 3;
    let installation = Installation::new();
    let start = std::sync::Barrier::new(4 * KINDS);
    std::thread::scope(|scope| {
        for thread in 0..4 * KINDS {
            let (installation, start) = (&installation, &start);
            scope.spawn(move || {
                let found = foreign(thread % KINDS);
                let script = Script::new(found);
                start.wait();
                assert_eq!(installation.install(&script), Ok(()));
                assert_eq!(taken(installation, &script), found.handler);
            });
        }
    });
    assert_eq!(installation.kept().count(), KINDS);
}

#[test]
fn where_no_slot_is_left_it_fails() {
    let (installation, script) = (Installation::new(), Script::new(Action::DEFAULT));
    for number in 0..SLOTS {
        script.action.set(foreign(number));
        assert_eq!(installation.install(&script), Ok(()));
        assert_eq!(script.action.get().handler, ours()[number]);
    }
    // Known actions are still replaced.
    script.action.set(foreign(2));
    assert_eq!(installation.install(&script), Ok(()));
    assert_eq!(script.action.get().handler, ours()[2]);
    // Another copy of this library is recognised, and trusted to pass signals on.
    let copy = Action { mask: ALL & !UNBLOCKABLE, ..foreign(SLOTS) };
    for (found, expected) in [(foreign(SLOTS), Err(Errno::EBUSY)), (copy, Ok(()))] {
        script.action.set(found);
        assert_eq!(installation.install(&script), expected);
        assert_eq!(script.action.get(), found);
        // Also when it comes between question and answer.
        let script = Script::new(foreign(3)).before(1, |script| script.action.set(found));
        assert_eq!(installation.install(&script), expected);
        assert_eq!(script.action.get().handler, found.handler);
    }
}

/// Another call comes between each time, or a system reports success and does nothing.
#[test]
fn it_does_not_try_for_ever() {
    #[derive(Clone, Copy)]
    struct Liar;
    impl Signals for Liar {
        fn action(self) -> Result<Action, Errno> {
            Ok(foreign(0))
        }

        unsafe fn set_action(self, _: &Action) -> Result<Action, Errno> {
            Ok(foreign(1))
        }
    }
    assert_eq!(Installation::new().install(Liar), Err(Errno::EBUSY));
}

/// Two copies of this library in one process, each of which finds the other's handler.
#[test]
fn two_copies_may_take_turns_for_ever() {
    let (installation, script) = (Installation::new(), Script::new(Action::DEFAULT));
    for turn in 0..3 * SLOTS {
        assert_eq!(installation.install(&script), Ok(()), "{turn}");
        script.action.set(Action { mask: ALL & !UNBLOCKABLE, ..foreign(turn) });
    }
}

#[test]
fn an_action_for_one_signal_is_for_one_signal_each_time_that_it_is_installed() {
    let once = Action { flags: SA_RESETHAND, ..foreign(0) };
    let (installation, script) = (Installation::new(), Script::new(once));
    for _ in 0..2 {
        assert_eq!(installation.install(&script), Ok(()));
        assert!(!installation.slots[0].spent.swap(true, SeqCst));
        script.action.set(once);
    }
}

//! The installation, in a system that is a script.

use core::{
    cell::{Cell, RefCell},
    ptr,
    sync::atomic::{AtomicU32, Ordering::SeqCst},
};
use std::{collections::VecDeque, vec, vec::Vec};

use crate::{
    Errno,
    linux::mcsafe::native::{
        handler::{INSTALLED, Installation, NOT_INSTALLED, ours},
        signal::{
            ALL, Action, SA_NODEFER, SA_ONSTACK, SA_RESETHAND, SA_RESTART, SA_SIGINFO, SIG_DFL,
            SIG_IGN, Signals,
        },
    },
};

const PROCESS: u32 = 42;
const OTHERS: u64 = 0x1234;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Process,
    Action,
    SetAction,
    SetMask(u64),
    Wait,
    Wake,
}

/// A system with one signal.
struct Script {
    action: Cell<Action>,
    /// What somebody else makes it right after it was asked for.
    interloper: Cell<Option<Action>>,
    calls: RefCell<Vec<Call>>,
    /// The call that fails, counted from 0.
    failing: Option<(usize, Errno)>,
    /// What becomes of the state while somebody waits.
    waits: RefCell<VecDeque<u32>>,
}

impl Script {
    fn new(action: Action) -> Self {
        Self {
            action: Cell::new(action),
            interloper: Cell::new(None),
            calls: RefCell::default(),
            failing: None,
            waits: RefCell::default(),
        }
    }

    fn called(&self, call: Call) -> Result<(), Errno> {
        let mut calls = self.calls.borrow_mut();
        calls.push(call);
        match self.failing {
            Some((index, errno)) if index == calls.len() - 1 => Err(errno),
            _ => Ok(()),
        }
    }
}

impl Signals for &Script {
    fn process(self) -> Result<u32, Errno> {
        self.called(Call::Process)?;
        Ok(PROCESS)
    }

    fn action(self) -> Result<Action, Errno> {
        self.called(Call::Action)?;
        let found = self.action.get();
        if let Some(other) = self.interloper.take() {
            self.action.set(other);
        }
        Ok(found)
    }

    unsafe fn set_action(self, action: &Action) -> Result<Action, Errno> {
        self.called(Call::SetAction)?;
        Ok(self.action.replace(*action))
    }

    fn set_mask(self, mask: u64) -> Result<u64, Errno> {
        self.called(Call::SetMask(mask))?;
        Ok(OTHERS)
    }

    fn wait(self, word: &AtomicU32, value: u32) -> Result<(), Errno> {
        assert_eq!(word.load(SeqCst), value);
        self.called(Call::Wait)?;
        word.store(self.waits.borrow_mut().pop_front().expect("nobody would ever wake it"), SeqCst);
        Ok(())
    }

    fn wake(self, _: &AtomicU32) {
        let _ = self.called(Call::Wake);
    }
}

/// Some function's address: it is called by nobody.
fn foreign(number: usize) -> *const () {
    ptr::without_provenance(0x1000 + number)
}

const INSTALLING: [Call; 6] = [
    Call::Process,
    Call::SetMask(ALL),
    Call::Action,
    Call::SetAction,
    Call::Wake,
    Call::SetMask(OTHERS),
];

#[test]
fn the_first_installs_and_the_others_do_nothing() {
    let (installation, script) = (Installation::new(), Script::new(Action::DEFAULT));
    for _ in 0..3 {
        assert_eq!(installation.install(&script), Ok(()));
    }
    assert_eq!(*script.calls.borrow(), INSTALLING);
    assert_eq!(script.action.get().handler, ours());
}

#[test]
fn flags_are_those_of_the_previous_action() {
    let all = SA_ONSTACK | SA_RESTART | SA_RESETHAND | SA_NODEFER;
    for (handler, flags, expected) in [
        (foreign(0), 0, 0),
        (foreign(0), SA_NODEFER, SA_NODEFER),
        (foreign(0), SA_ONSTACK, SA_ONSTACK),
        (foreign(0), SA_SIGINFO | all, SA_ONSTACK | SA_RESTART | SA_NODEFER),
        (SIG_DFL, 0, SA_ONSTACK | SA_RESTART),
        (SIG_DFL, all, SA_ONSTACK | SA_RESTART),
        (SIG_IGN, SA_NODEFER, SA_ONSTACK | SA_RESTART),
    ] {
        let found = Action { handler, flags, mask: 0xABCD, ..Action::DEFAULT };
        let (installation, script) = (Installation::new(), Script::new(found));
        assert_eq!(installation.install(&script), Ok(()));
        assert_eq!(
            script.action.get(),
            Action::new(ours(), expected | SA_SIGINFO, ALL),
            "{flags:#x}"
        );
        assert_eq!(installation.previous(), (handler, flags, 0xABCD));
    }
}

#[test]
fn who_comes_between_question_and_answer_is_not_forgotten() {
    let found = Action { handler: foreign(0), ..Action::DEFAULT };
    let (installation, script) = (Installation::new(), Script::new(found));
    script.interloper.set(Some(Action {
        handler: foreign(1),
        flags: SA_SIGINFO,
        ..Action::DEFAULT
    }));
    assert_eq!(installation.install(&script), Ok(()));
    assert_eq!(installation.previous(), (foreign(1), SA_SIGINFO, 0));
    assert_eq!(*script.calls.borrow(), INSTALLING);
}

#[test]
fn whatever_fails_is_said_and_can_be_tried_again() {
    for (index, call) in INSTALLING.iter().enumerate() {
        for errno in [Errno::EPERM, Errno::ENOSYS, Errno::EINVAL] {
            let installation = Installation::new();
            let found = Action { handler: foreign(0), ..Action::DEFAULT };
            let script = Script { failing: Some((index, errno)), ..Script::new(found) };
            // Nobody can be told that nobody was woken: a futex's wake does not fail.
            let expected = if *call == Call::Wake { Ok(()) } else { Err(errno) };
            assert_eq!(installation.install(&script), expected, "{call:?}");
            let masked = script
                .calls
                .borrow()
                .iter()
                .filter(|call| matches!(call, Call::SetMask(_)))
                .count();
            assert_eq!(
                masked,
                if index < 2 { index } else { 2 },
                "the mask is as it was: {call:?}"
            );
            let script = Script::new(script.action.get());
            assert_eq!(installation.install(&script), Ok(()));
            assert_eq!(script.action.get().handler, ours());
            assert_eq!(installation.previous(), (foreign(0), 0, 0), "{call:?}");
        }
    }
}

#[test]
fn another_thread_is_waited_for() {
    for (waits, calls) in [
        (vec![INSTALLED], vec![Call::Process, Call::Wait]),
        // Woken by nothing.
        (vec![PROCESS, INSTALLED], [Call::Process, Call::Wait].repeat(2)),
        // It failed there.
        (vec![NOT_INSTALLED], [&[Call::Process, Call::Wait], &INSTALLING[..]].concat()),
    ] {
        let (installation, script) = (Installation::new(), Script::new(Action::DEFAULT));
        installation.state.store(PROCESS, SeqCst);
        *script.waits.borrow_mut() = waits.into();
        assert_eq!(installation.install(&script), Ok(()));
        assert_eq!(*script.calls.borrow(), calls);
        assert_eq!(installation.state.load(SeqCst), INSTALLED);
    }
    // A filter of system calls that knows no futex: no thread spins.
    let script = Script { failing: Some((1, Errno::ENOSYS)), ..Script::new(Action::DEFAULT) };
    let installation = Installation::new();
    installation.state.store(PROCESS, SeqCst);
    assert_eq!(installation.install(&script), Err(Errno::ENOSYS));
}

/// The thread that was at it stayed behind in the parent.
#[test]
fn a_child_that_was_forked_meanwhile_goes_on() {
    // Before the action was set.
    let (installation, script) = (Installation::new(), Script::new(Action::DEFAULT));
    installation.state.store(PROCESS - 1, SeqCst);
    assert_eq!(installation.install(&script), Ok(()));
    assert_eq!(*script.calls.borrow(), INSTALLING);
    // And after: who was there before is kept.
    let found = Action { handler: foreign(7), flags: SA_RESTART, ..Action::DEFAULT };
    let (installation, script) = (Installation::new(), Script::new(found));
    assert_eq!(installation.install(&script), Ok(()));
    installation.state.store(PROCESS - 1, SeqCst);
    script.calls.borrow_mut().clear();
    assert_eq!(installation.install(&script), Ok(()));
    let without: Vec<_> = INSTALLING.into_iter().filter(|call| *call != Call::SetAction).collect();
    assert_eq!(*script.calls.borrow(), without);
    assert_eq!(installation.previous(), (foreign(7), SA_RESTART, 0));
}

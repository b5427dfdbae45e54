//! Waiting for a transfer: it has ended when that returns, and what it says is what came of the
//! transfer.

use core::cell::{Cell, RefCell};
use std::{vec, vec::Vec};

use crate::windows::{
    errors::Code,
    pending::{Pending, end},
};

/// An event of a transfer, each time that it is waited for or some time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    /// Waiting fails, and it goes on.
    Fails,
    /// The event is set, and it goes on.
    Woken,
    /// It ends, and the event says so.
    Ends,
    /// It ends, and waiting failed all the same.
    EndsAndFails,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Wait,
    Cancel,
    Pause,
}

struct Script {
    events: RefCell<Vec<Event>>,
    pending: Cell<bool>,
    /// Whether cancelling ends it, in the next pause.
    can_be_cancelled: bool,
    cancelled: Cell<bool>,
    outcome: Cell<Result<usize, Code>>,
    calls: RefCell<Vec<Call>>,
}

/// The code of a wait that failed: that of a handle that is not open.
const NO_EVENT: Code = Code::INVALID_HANDLE;

impl Pending for Script {
    fn is_pending(&self) -> bool {
        self.pending.get()
    }

    fn result(&self) -> Result<usize, Code> {
        if !self.pending.get() {
            return self.outcome.get();
        }
        self.calls.borrow_mut().push(Call::Wait);
        match self.events.borrow_mut().remove(0) {
            Event::Fails => Err(NO_EVENT),
            // STATUS_PENDING is a success, of no bytes.
            Event::Woken => Ok(0),
            Event::Ends => {
                self.pending.set(false);
                self.outcome.get()
            }
            Event::EndsAndFails => {
                self.pending.set(false);
                Err(NO_EVENT)
            }
        }
    }

    fn cancel(&self) {
        assert!(self.pending.get(), "there is nothing to cancel");
        self.calls.borrow_mut().push(Call::Cancel);
        self.cancelled.set(true);
    }

    fn pause(&self) {
        self.calls.borrow_mut().push(Call::Pause);
        if self.can_be_cancelled && self.cancelled.get() {
            self.pending.set(false);
            self.outcome.set(Err(ABORTED));
        }
    }
}

const ABORTED: Code = Code::OPERATION_ABORTED;

/// Returns the answer about a transfer with this outcome, and the calls until then. It has ended.
fn told(
    outcome: Result<usize, Code>,
    can_be_cancelled: bool,
    events: &[Event],
) -> (Result<usize, Code>, Vec<Call>) {
    let script = Script {
        events: RefCell::new(events.to_vec()),
        pending: Cell::new(!events.is_empty()),
        can_be_cancelled,
        cancelled: Cell::new(false),
        outcome: Cell::new(outcome),
        calls: RefCell::default(),
    };
    let told = end(&script);
    assert!(!script.pending.get(), "the memory is given up while the system uses it");
    (told, script.calls.take())
}

const OUTCOMES: [Result<usize, Code>; 4] = [Ok(4096), Ok(0), Err(Code::HANDLE_EOF), Err(Code::CRC)];

#[test]
fn transfers_that_end_well_or_not() {
    for outcome in OUTCOMES {
        assert_eq!(told(outcome, true, &[]), (outcome, vec![]), "it had ended before");
        assert_eq!(
            told(outcome, true, &[Event::Ends]),
            (outcome, vec![Call::Wait]),
            "no call more than that"
        );
    }
}

#[test]
fn where_waiting_fails() {
    for outcome in OUTCOMES {
        let (result, calls) = told(outcome, true, &[Event::Fails]);
        assert_eq!((result, calls), (Err(ABORTED), vec![Call::Wait, Call::Cancel, Call::Pause]));
        // One that cannot be cancelled goes on, however long.
        for times in [1, 2, 1000] {
            let events: Vec<_> =
                vec![Event::Fails; times].into_iter().chain([Event::Ends]).collect();
            let (result, calls) = told(outcome, false, &events);
            let each = [Call::Wait, Call::Cancel, Call::Pause];
            assert_eq!((result, calls), (outcome, [each.repeat(times), vec![Call::Wait]].concat()));
        }
        // What fails is the waiting, and not the transfer.
        assert_eq!(told(outcome, true, &[Event::EndsAndFails]), (outcome, vec![Call::Wait]));
    }
}

/// Somebody else has set the event, or it is the handle's own, of which another transfer has ended.
#[test]
fn where_waiting_ends_too_early() {
    for outcome in OUTCOMES {
        let (result, calls) = told(outcome, true, &[Event::Woken, Event::Woken, Event::Ends]);
        let each = [Call::Wait, Call::Pause];
        assert_eq!((result, calls), (outcome, [each.repeat(2), vec![Call::Wait]].concat()));
    }
}

//! A run in progress, recorded.

use std::{fmt, panic::Location};

use crate::trace::{Action, Event};

/// Takes an action of the run, and returns those that are recorded in its place.
pub(crate) type Tamper = Box<dyn FnMut(Action) -> Vec<Action>>;

/// The steps of a run so far.
pub(crate) struct Recording {
    now: Vec<u8>,
    events: Vec<Event>,
    tamper: Option<Tamper>,
    /// The calls for a sync that succeed before one fails.
    syncs_before: Option<usize>,
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording").field("events", &self.events).finish_non_exhaustive()
    }
}

impl Recording {
    /// Begins with a medium of these bytes.
    pub(crate) fn new(
        before: Vec<u8>,
        tamper: Option<Tamper>,
        syncs_before: Option<usize>,
    ) -> Self {
        Self { now: before, events: vec![], tamper, syncs_before }
    }

    pub(crate) fn load(&self, at: usize, to: &mut [u8]) {
        to.copy_from_slice(&self.now[at..at + to.len()]);
    }

    pub(crate) fn act(&mut self, action: Action, place: &'static Location<'static>) {
        if let Action::Store { at, bytes, .. } = &action {
            self.now[*at..at + bytes.len()].copy_from_slice(bytes);
        }
        let actions = match &mut self.tamper {
            Some(tamper) => tamper(action),
            None => vec![action],
        };
        self.events.extend(actions.into_iter().map(|action| Event { action, place }));
    }

    /// Whether the next call for a sync succeeds.
    pub(crate) fn next_sync(&mut self) -> bool {
        let left = self.syncs_before;
        self.syncs_before = left.and_then(|left| left.checked_sub(1));
        left != Some(0)
    }

    /// Ends the run.
    pub(crate) fn into_events(self) -> Vec<Event> {
        self.events
    }
}

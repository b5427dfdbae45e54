//! A record of a run: stores with their bytes, flushes, fences, syncs, and promises.

use std::{fmt, panic::Location};

use pmem2::Granularity;

/// The bytes of a word: an aligned one reaches the medium whole or not at all.
pub const WORD: usize = 8;
/// The bytes of a cache line.
pub const LINE: usize = 64;
/// The bytes of a page.
pub const PAGE: usize = 4096;

/// The way in which a store goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Through the cache.
    Plain,
    /// Past the cache: a fence is enough to make it durable.
    Stream,
    /// Through the cache, and past the steps of a mapping: by a reference, a slice or an address.
    /// It was found at the next step, and what was stored since the last one has no order.
    Unseen,
}

/// A step of a run. Addresses are offsets into the medium, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Bytes were stored. The words of one store reach the medium in any order. A word at its edge
    /// of which only a part is stored may tear, as naturally aligned pieces of 4, 2 and 1 bytes do.
    Store {
        /// The first byte.
        at: usize,
        /// The bytes.
        bytes: Vec<u8>,
        /// The way.
        how: How,
    },
    /// Each cache line that has one of these bytes was flushed.
    Flush {
        /// The first byte.
        at: usize,
        /// The number of bytes; of none, no line.
        length: usize,
    },
    /// A fence: flushed lines and streamed stores before it are durable after it.
    Fence,
    /// The system was asked to make pages durable: msync(2).
    Sync {
        /// The first byte.
        at: usize,
        /// The number of bytes.
        length: usize,
        /// Whether it answered with an error. The page cache then takes its pages for clean: only
        /// a page that is stored to once more is written by a later call.
        failed: bool,
    },
    /// Something was promised: acknowledged, sent, printed.
    Promise,
}

/// An action, and the line of code that it comes from.
#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    /// The action.
    pub action: Action,
    /// The place in the program.
    pub place: &'static Location<'static>,
    /// The thread: 0 is the one that runs the workload, others are those of
    /// [`Disk::threads`](crate::Disk::threads).
    pub thread: usize,
}

impl Event {
    /// Whether it is no store past the steps.
    pub(crate) const fn is_seen(&self) -> bool {
        !matches!(self.action, Action::Store { how: How::Unseen, .. })
    }

    /// Whether cuts before it differ from those after it.
    pub(crate) const fn is_point(&self) -> bool {
        !matches!(self.action, Action::Store { .. } | Action::Flush { .. })
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} ({}:{})", self.action, self.place.file(), self.place.line())
    }
}

/// A run: the medium before it, what was done in order, and what was promised.
#[derive(Clone, Debug)]
pub struct Trace<P> {
    before: Vec<u8>,
    granularity: Granularity,
    events: Vec<Event>,
    promises: Vec<P>,
    refused: Option<String>,
}

impl<P> Trace<P> {
    /// Begins a trace over a medium that is a file with these bytes, of memory with this
    /// granularity. There is room for `room` bytes, up to the end of a page. A page after them has
    /// the length of the file, as its first word.
    #[must_use]
    pub fn new(mut before: Vec<u8>, room: usize, granularity: Granularity) -> Self {
        let size = before.len();
        before.resize(size.max(room).next_multiple_of(PAGE), 0);
        before.extend_from_slice(&u64::try_from(size).unwrap_or(u64::MAX).to_le_bytes());
        before.resize(before.len().next_multiple_of(PAGE), 0);
        Self { before, granularity, events: vec![], promises: vec![], refused: None }
    }

    /// Adds an action. An [`Action::Promise`] is added by [`promise`](Self::promise).
    #[track_caller]
    pub fn push(&mut self, action: Action) {
        self.events.push(Event { action, place: Location::caller(), thread: 0 });
    }

    /// Adds a promise.
    #[track_caller]
    pub fn promise(&mut self, promise: P) {
        self.promises.push(promise);
        self.push(Action::Promise);
    }

    /// Takes what a recorder has seen. There is one promise for each [`Action::Promise`].
    pub(crate) fn ran(&mut self, events: Vec<Event>, promises: Vec<P>, refused: Option<String>) {
        (self.events, self.promises, self.refused) = (events, promises, refused);
    }

    /// Returns the reason why nothing can be said of this run.
    pub(crate) const fn refused(&self) -> Option<&String> {
        self.refused.as_ref()
    }

    /// Returns the run without one of its events.
    pub(crate) fn without(&self, event: usize) -> Self
    where
        P: Clone,
    {
        let mut less = self.clone();
        less.events.remove(event);
        less
    }

    /// Returns the bytes of the medium before the run, its last page included.
    #[must_use]
    pub fn before(&self) -> &[u8] {
        &self.before
    }

    /// Returns the granularity of the memory.
    #[must_use]
    pub const fn granularity(&self) -> Granularity {
        self.granularity
    }

    /// Returns what was done, in order.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Returns what was promised, in order.
    #[must_use]
    pub fn promises(&self) -> &[P] {
        &self.promises
    }

    /// Returns where power cuts differ, each as the number of events before it: before fences,
    /// syncs and promises, and at the end.
    #[must_use]
    pub fn points(&self) -> Vec<usize> {
        let all = 0..=self.events.len();
        all.filter(|&at| self.events.get(at).is_none_or(Event::is_point)).collect()
    }

    /// Returns what was promised before a point.
    #[must_use]
    pub fn promised_before(&self, point: usize) -> &[P] {
        let before = &self.events[..point];
        let count = before.iter().filter(|event| event.action == Action::Promise).count();
        &self.promises[..count]
    }
}

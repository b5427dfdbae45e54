//! The medium that a program sees: while it is recorded, and while it recovers.

use std::{cell::RefCell, fmt, panic::Location, ptr::NonNull};

use pmem2::Granularity;

use crate::{
    image::Image,
    memory::Memory,
    recording::{Recording, Tamper},
    recovery::{Choice, Recovery},
    trace::{Action, Event, How, PAGE, WORD},
};

#[derive(Debug)]
enum State {
    Records(Recording),
    Recovers(Recovery),
}

/// Atomics that a program has a reference to.
#[derive(Clone, Copy)]
struct View {
    at: usize,
    length: usize,
    place: &'static Location<'static>,
}

/// A medium, and what happens to it. All is by offsets, in bytes. Its last page has the length of
/// the file that the medium is, as the first word.
pub(crate) struct Device {
    granularity: Granularity,
    bytes: usize,
    state: RefCell<State>,
    /// The memory of shared mappings: the bytes of views, and addresses for all others.
    shared: Memory,
    views: RefCell<Vec<View>>,
    /// The memory of private mappings.
    private: RefCell<Vec<Memory>>,
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Device {
    /// Returns a medium of these bytes, on which all is recorded. After `syncs_before` calls for a
    /// sync, one fails.
    pub(crate) fn recording(
        before: Vec<u8>,
        granularity: Granularity,
        tamper: Option<Tamper>,
        syncs_before: Option<usize>,
    ) -> Self {
        let bytes = before.len();
        Self::new(granularity, bytes, State::Records(Recording::new(before, tamper, syncs_before)))
    }

    /// Returns a medium with an image, which is decided as far as a program looks at it.
    pub(crate) fn recovering(image: Image, plan: Vec<Choice>, granularity: Granularity) -> Self {
        let bytes = image.bytes().len();
        Self::new(granularity, bytes, State::Recovers(Recovery::new(image, plan)))
    }

    fn new(granularity: Granularity, bytes: usize, state: State) -> Self {
        let (views, private) = (RefCell::new(vec![]), RefCell::new(vec![]));
        let (state, shared) = (RefCell::new(state), Memory::new(bytes));
        Self { granularity, bytes, state, shared, views, private }
    }

    pub(crate) const fn granularity(&self) -> Granularity {
        self.granularity
    }

    /// Returns the bytes that the file has room for.
    pub(crate) const fn room(&self) -> usize {
        self.bytes - PAGE
    }

    /// Loads bytes.
    pub(crate) fn load(&self, at: usize, to: &mut [u8]) {
        self.settle();
        self.peek(at, to);
    }

    fn peek(&self, at: usize, to: &mut [u8]) {
        match &mut *self.state.borrow_mut() {
            State::Records(recording) => recording.load(at, to),
            State::Recovers(recovery) => recovery.load(at, to),
        }
    }

    /// Does an action. After a cut only stores count: no second cut is made while a program
    /// recovers.
    pub(crate) fn act(&self, action: Action, place: &'static Location<'static>) {
        self.settle();
        if let Action::Store { at, bytes, .. } = &action {
            self.shared.write(*at, bytes);
        }
        self.take(action, place);
    }

    fn take(&self, action: Action, place: &'static Location<'static>) {
        match (&mut *self.state.borrow_mut(), action) {
            (State::Records(recording), action) => recording.act(action, place),
            (State::Recovers(recovery), Action::Store { at, bytes, .. }) => {
                recovery.store(at, &bytes);
            }
            (State::Recovers(_), _) => {}
        }
    }

    /// Whether the next call for a sync succeeds.
    pub(crate) fn next_sync(&self) -> bool {
        match &mut *self.state.borrow_mut() {
            State::Records(recording) => recording.next_sync(),
            State::Recovers(_) => true,
        }
    }

    /// Gives a program a reference to atomics. What it stores through them is found when it takes
    /// its next step, as one store; the order of several is lost.
    pub(crate) fn view(&self, at: usize, length: usize, place: &'static Location<'static>) {
        self.settle();
        let mut bytes = vec![0; length];
        self.peek(at, &mut bytes);
        self.shared.write(at, &bytes);
        self.views.borrow_mut().push(View { at, length, place });
    }

    /// Takes the stores through views that were made since.
    pub(crate) fn settle(&self) {
        for &View { at, length, place } in &*self.views.borrow() {
            let (mut bytes, mut known) = (vec![0; length], vec![0; length]);
            self.shared.read(at, &mut bytes);
            self.peek(at, &mut known);
            if bytes != known {
                self.take(Action::Store { at, bytes, how: How::Plain }, place);
            }
        }
    }

    /// Returns the address of the byte at an offset.
    pub(crate) fn address(&self, at: usize) -> NonNull<u8> {
        self.shared.address(at)
    }

    /// Returns where the bytes at an address are on the medium, `None` if they are on none: of a
    /// private mapping, or the program's own.
    pub(crate) fn find(&self, at: *const u8, length: usize) -> Option<usize> {
        self.shared.find(at, length)
    }

    /// Returns the address of memory that nobody else sees, with these bytes of the medium.
    pub(crate) fn copy(&self, at: usize, length: usize) -> NonNull<u8> {
        let mut bytes = vec![0; length];
        self.load(at, &mut bytes);
        let memory = Memory::new(length);
        memory.write(0, &bytes);
        let address = memory.address(0);
        self.private.borrow_mut().push(memory);
        address
    }

    /// Returns the length of the file.
    pub(crate) fn size(&self) -> u64 {
        let mut size = [0; WORD];
        self.load(self.room(), &mut size);
        u64::from_le_bytes(size)
    }

    /// Makes what the system knows of the file durable: its length.
    pub(crate) fn sync_size(&self, place: &'static Location<'static>) {
        self.act(Action::Sync { at: self.room(), length: PAGE, failed: false }, place);
    }

    /// Changes the length of the file. It is as durable as a store that nobody flushes: a fence
    /// does not make it so.
    pub(crate) fn resize(&self, size: u64, place: &'static Location<'static>) {
        let bytes = size.to_le_bytes().to_vec();
        self.act(Action::Store { at: self.room(), bytes, how: How::Plain }, place);
    }

    /// Makes bytes zeros, durably.
    pub(crate) fn clear(&self, at: usize, length: usize, place: &'static Location<'static>) {
        self.act(Action::Store { at, bytes: vec![0; length], how: How::Stream }, place);
        self.act(Action::Sync { at, length, failed: false }, place);
    }

    /// Returns all that was recorded.
    pub(crate) fn into_events(self) -> Vec<Event> {
        self.settle();
        match self.state.into_inner() {
            State::Records(recording) => recording.into_events(),
            State::Recovers(_) => vec![],
        }
    }

    /// Returns the recovery, if it is one.
    pub(crate) fn into_recovery(self) -> Option<Recovery> {
        match self.state.into_inner() {
            State::Records(_) => None,
            State::Recovers(recovery) => Some(recovery),
        }
    }
}

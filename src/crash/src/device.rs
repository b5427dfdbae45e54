//! The medium that a program sees: while it is recorded, and while it recovers.

use std::{
    collections::HashMap,
    fmt,
    panic::Location,
    ptr::NonNull,
    sync::{Mutex, PoisonError},
    thread::{self, ThreadId},
};

use pmem2::Granularity;

use crate::{
    faults::Faults,
    memory::Memory,
    recovery::Recovery,
    trace::{Action, Event, How, LINE, PAGE, WORD},
    turns::{self, Turns, lock},
};

/// Takes an action of the run, and returns those that are recorded in its place.
pub(crate) type Tamper = Box<dyn FnMut(Action) -> Vec<Action> + Send>;

/// A run in progress, recorded.
pub(crate) struct Recording {
    now: Vec<u8>,
    pub(crate) events: Vec<Event>,
    tamper: Option<Tamper>,
    /// The calls for a sync that succeed before one fails.
    syncs_before: Option<usize>,
    /// The threads that have stored to lines, among those that run at the same time.
    owners: HashMap<usize, usize>,
    /// Something that nothing can be said about.
    pub(crate) refused: Option<String>,
}

impl Recording {
    /// Begins with a medium of these bytes.
    pub(crate) fn new(now: Vec<u8>, tamper: Option<Tamper>, syncs_before: Option<usize>) -> Self {
        let (events, owners, refused) = (vec![], HashMap::new(), None);
        Self { now, events, tamper, syncs_before, owners, refused }
    }

    fn act(&mut self, event: Event) {
        let Event { action, place, thread } = event;
        if let Action::Store { at, bytes, .. } = &action {
            self.now[*at..at + bytes.len()].copy_from_slice(bytes);
            self.own(*at, bytes.len(), thread);
        }
        let actions = match &mut self.tamper {
            Some(tamper) => tamper(action),
            None => vec![action],
        };
        self.events.extend(actions.into_iter().map(|action| Event { action, place, thread }));
    }

    /// Takes note of the lines that a thread stores to, and looks for those of another one.
    fn own(&mut self, at: usize, length: usize, thread: usize) {
        // The workload's own stores come before those of its threads, or after them.
        let lines = if thread == 0 { 0..0 } else { at / LINE..(at + length).div_ceil(LINE) };
        for line in lines {
            let owner = *self.owners.entry(line).or_insert(thread);
            if owner != thread {
                let at = line * LINE;
                self.refused = Some(format!(
                    "threads {owner} and {thread} store to line {at:#x} at the same time, in an \
                     order that no schedule of steps has"
                ));
            }
        }
    }
}

enum State {
    Records(Recording),
    Recovers(Recovery),
}

/// Bytes that a program may store to past the steps.
#[derive(Clone, Copy)]
struct View {
    at: usize,
    length: usize,
    /// The place where it was made, `None` of the whole medium.
    place: Option<&'static Location<'static>>,
}

/// A medium, and what happens to it. All is by offsets, in bytes. Its last page has the length of
/// the file that the medium is, as the first word.
pub(crate) struct Device {
    granularity: Granularity,
    bytes: usize,
    /// Whether a recovery looks at all that it maps.
    whole: bool,
    state: Mutex<State>,
    turns: Turns,
    /// The thread of the workload, or of the recovery.
    home: ThreadId,
    pub(crate) faults: Mutex<Faults>,
    /// The memory of shared mappings: the newest bytes while a run is recorded; while a program
    /// recovers those of views, and addresses for all others.
    shared: Memory,
    views: Mutex<Vec<View>>,
    /// The memory of private mappings.
    private: Mutex<Vec<Memory>>,
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl Device {
    /// Returns a medium of these bytes, on which all is recorded.
    pub(crate) fn recording(
        recording: Recording,
        granularity: Granularity,
        schedule: u64,
        faults: Faults,
    ) -> Self {
        let (bytes, now) = (recording.now.len(), recording.now.clone());
        let device = Self::new(granularity, bytes, State::Records(recording), schedule, false);
        *lock(&device.faults) = faults;
        device.shared.write(0, &now);
        lock(&device.views).push(View { at: 0, length: bytes, place: None });
        device
    }

    /// Returns a medium with an image, which is decided as far as a program looks at it.
    pub(crate) fn recovering(recovery: Recovery, granularity: Granularity, whole: bool) -> Self {
        let bytes = recovery.image().bytes().len();
        Self::new(granularity, bytes, State::Recovers(recovery), 0, whole)
    }

    fn new(
        granularity: Granularity,
        bytes: usize,
        state: State,
        schedule: u64,
        whole: bool,
    ) -> Self {
        let (views, private) = (Mutex::new(vec![]), Mutex::new(vec![]));
        let (state, shared, turns) = (Mutex::new(state), Memory::new(bytes), Turns::new(schedule));
        let faults = Mutex::default();
        let home = thread::current().id();
        Self { granularity, bytes, whole, state, turns, home, faults, shared, views, private }
    }

    pub(crate) const fn granularity(&self) -> Granularity {
        self.granularity
    }

    /// Returns the bytes that the file has room for.
    pub(crate) const fn room(&self) -> usize {
        self.bytes - PAGE
    }

    /// Runs threads by turns.
    pub(crate) fn threads(&self, work: Vec<Box<dyn FnOnce() + Send + '_>>) {
        let settled = |work: Box<dyn FnOnce() + Send + '_>| {
            work();
            self.settle(Location::caller());
        };
        self.turns.run(work, &settled);
        if let State::Records(recording) = &mut *lock(&self.state) {
            recording.owners.clear();
        }
    }

    /// Loads bytes.
    pub(crate) fn load(&self, at: usize, to: &mut [u8]) {
        self.settle(Location::caller());
        self.turns.wait();
        self.reach(at, to.len());
        self.peek(at, to);
    }

    fn peek(&self, at: usize, to: &mut [u8]) {
        match &mut *lock(&self.state) {
            State::Records(recording) => {
                to.copy_from_slice(&recording.now[at..at + to.len()]);
            }
            State::Recovers(recovery) => recovery.load(at, to),
        }
    }

    /// Does an action.
    pub(crate) fn act(&self, action: Action, place: &'static Location<'static>) {
        self.settle(place);
        self.turns.wait();
        if let Action::Store { at, bytes, .. } = &action {
            self.reach(*at, bytes.len());
            self.shared.write(*at, bytes);
        }
        self.take(action, place);
    }

    fn take(&self, action: Action, place: &'static Location<'static>) {
        let event = Event { action, place, thread: turns::this() };
        let foreign = event.thread == 0 && thread::current().id() != self.home;
        match &mut *lock(&self.state) {
            State::Records(recording) if foreign => {
                let refused = "a step of a thread that Disk::threads has not started";
                recording.refused = Some(refused.to_owned());
            }
            State::Records(recording) => recording.act(event),
            State::Recovers(recovery) => recovery.act(event),
        }
    }

    /// Whether the next call for a sync succeeds.
    pub(crate) fn next_sync(&self) -> bool {
        let State::Records(recording) = &mut *lock(&self.state) else { return true };
        let left = recording.syncs_before;
        recording.syncs_before = left.and_then(|left| left.checked_sub(1));
        left != Some(0)
    }

    /// Gives a program a reference to atomics. What it stores through them is found when it takes
    /// its next step, as one store; the order of several is lost.
    pub(crate) fn view(&self, at: usize, length: usize, place: &'static Location<'static>) {
        self.settle(place);
        let mut bytes = vec![0; length];
        self.peek(at, &mut bytes);
        self.shared.write(at, &bytes);
        // The last one is the whole medium.
        lock(&self.views).insert(0, View { at, length, place: Some(place) });
    }

    /// Takes the stores past the steps that were made since the last one.
    fn settle(&self, step: &'static Location<'static>) {
        for &View { at, length, place } in &*lock(&self.views) {
            let known = match &*lock(&self.state) {
                State::Records(recording) => {
                    self.shared.differs(at, &recording.now[at..][..length])
                }
                State::Recovers(recovery) => {
                    self.shared.differs(at, &recovery.image().bytes()[at..][..length])
                }
            };
            if let Some((start, end)) = known {
                let mut bytes = vec![0; end - start];
                self.shared.read(start, &mut bytes);
                let store = Action::Store { at: start, bytes, how: How::Unseen };
                self.take(store, place.unwrap_or(step));
            }
        }
    }

    /// Returns the address of the byte at an offset.
    pub(crate) fn address(&self, at: usize) -> NonNull<u8> {
        self.shared.address(at)
    }

    /// Returns where the bytes at an address are on the medium, `None` if they are those of a
    /// private mapping.
    ///
    /// # Panics
    ///
    /// If they are the program's own.
    #[track_caller]
    pub(crate) fn find(&self, at: *const u8, length: usize) -> Option<usize> {
        let here = self.shared.find(at, length);
        let mine = |memory: &Memory| memory.find(at, length).is_some();
        assert!(
            here.is_some() || lock(&self.private).iter().any(mine),
            "{length} bytes at {at:?} are not the disk's: a step outside of its mappings"
        );
        here
    }

    /// Returns the address of memory that nobody else sees, with these bytes of the medium.
    pub(crate) fn copy(&self, at: usize, length: usize) -> NonNull<u8> {
        let mut bytes = vec![0; length];
        self.load(at, &mut bytes);
        let memory = Memory::new(length);
        memory.write(0, &bytes);
        let address = memory.address(0);
        lock(&self.private).push(memory);
        address
    }

    /// Returns the address of the bytes of a mapping. Where the recovery looks past the steps, all
    /// of them are decided now.
    pub(crate) fn mapped(&self, at: usize, length: usize) -> NonNull<u8> {
        if self.whole {
            self.view(at, length, Location::caller());
        }
        self.address(at)
    }

    /// Ends the cuts within a recovery.
    pub(crate) fn recovered(&self) {
        if let State::Recovers(recovery) = &mut *lock(&self.state) {
            recovery.end();
        }
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

    fn into_state(self) -> State {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the run, if it is one.
    pub(crate) fn into_recording(self) -> Option<Recording> {
        self.settle(Location::caller());
        match self.into_state() {
            State::Records(recording) => Some(recording),
            State::Recovers(_) => None,
        }
    }

    /// Returns the recovery, if it is one.
    pub(crate) fn into_recovery(self) -> Option<Recovery> {
        match self.into_state() {
            State::Records(_) => None,
            State::Recovers(recovery) => Some(recovery),
        }
    }
}

//! A workload that is run once, and recorded.

use std::{cell::RefCell, fmt, panic::Location};

use pmem2::Granularity;

use crate::{
    device::Device,
    disk::Disk,
    recording::Tamper,
    trace::{Action, Trace},
};

/// A run that is to be recorded.
pub struct Run {
    before: Vec<u8>,
    room: usize,
    granularity: Granularity,
    tamper: Option<Tamper>,
    syncs_before: Option<usize>,
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("bytes", &self.before.len())
            .field("granularity", &self.granularity)
            .field("syncs_before", &self.syncs_before)
            .finish_non_exhaustive()
    }
}

impl Run {
    /// Returns a run on a disk that is a file with these bytes, of memory with this granularity.
    #[must_use]
    pub const fn new(before: Vec<u8>, granularity: Granularity) -> Self {
        Self { before, room: 0, granularity, tamper: None, syncs_before: None }
    }

    /// Gives the file room for this many bytes.
    #[must_use]
    pub const fn room(mut self, bytes: usize) -> Self {
        self.room = bytes;
        self
    }

    /// Makes one sync fail with EIO, after `before` of them that succeed.
    #[must_use]
    pub const fn fail_sync(mut self, before: usize) -> Self {
        self.syncs_before = Some(before);
        self
    }

    /// Records what `tamper` makes of each action in its place: nothing, something else, several.
    /// So a fault is planted below the program, which notices nothing.
    #[must_use]
    pub fn tamper(mut self, tamper: impl FnMut(Action) -> Vec<Action> + 'static) -> Self {
        self.tamper = Some(Box::new(tamper));
        self
    }

    /// Runs the workload, once.
    pub fn record<P>(self, work: impl FnOnce(Disk<'_>, &Promises<'_, P>)) -> Trace<P> {
        let mut trace = Trace::new(self.before, self.room, self.granularity);
        let before = trace.before().to_vec();
        let device = Device::recording(before, self.granularity, self.tamper, self.syncs_before);
        let promises = Promises { disk: Disk::new(&device), made: RefCell::new(vec![]) };
        work(promises.disk, &promises);
        let made = promises.made.into_inner();
        trace.ran(device.into_events(), made);
        trace
    }
}

/// The promises of a workload to somebody: what it acknowledges, sends, prints.
pub struct Promises<'d, P> {
    disk: Disk<'d>,
    made: RefCell<Vec<P>>,
}

impl<P> fmt::Debug for Promises<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Promises({})", self.made.borrow().len())
    }
}

impl<P> Promises<'_, P> {
    /// Makes a promise. A cut comes before or after it.
    #[track_caller]
    pub fn make(&self, promise: P) {
        self.made.borrow_mut().push(promise);
        self.disk.device.act(Action::Promise, Location::caller());
    }
}

//! A workload that is run once, and recorded.

use std::{fmt, ops::Range, panic::Location, sync::Mutex};

use pmem2::Granularity;

use crate::{
    device::{Device, Recording, Tamper},
    disk::Disk,
    explore::Answer,
    faults::Faults,
    trace::{Action, Trace},
    turns::lock,
};

/// A run that is to be recorded.
pub struct Run {
    before: Vec<u8>,
    room: usize,
    granularity: Granularity,
    schedule: u64,
    tamper: Option<Tamper>,
    syncs_before: Option<usize>,
    faults: Faults,
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
    pub fn new(before: Vec<u8>, granularity: Granularity) -> Self {
        let (tamper, syncs_before, faults) = (None, None, Faults::default());
        Self { before, room: 0, granularity, schedule: 0, tamper, syncs_before, faults }
    }

    /// Gives the file room for this many bytes.
    #[must_use]
    pub fn room(mut self, bytes: usize) -> Self {
        self.room = bytes;
        self
    }

    /// Gives the [threads](Disk::threads) their turns by this schedule.
    #[must_use]
    pub fn schedule(mut self, number: u64) -> Self {
        self.schedule = number;
        self
    }

    /// Makes one sync fail with EIO, after `before` of them that succeed.
    #[must_use]
    pub fn fail_sync(mut self, before: usize) -> Self {
        self.syncs_before = Some(before);
        self
    }

    /// Makes the blocks of 512 bytes bad that have one of these bytes, in this run and until they
    /// are cleared. A load or store there panics, where a processor raises SIGBUS; a
    /// [`Reader`](pmem2::transfer::Reader) has an error.
    #[must_use]
    pub fn bad(mut self, range: Range<u64>) -> Self {
        self.faults.add_bad(&range);
        self
    }

    /// Gives the file system space for this many bytes of the file: to grow beyond fails with
    /// ENOSPC. The bytes that the file has are no holes.
    #[must_use]
    pub fn full_at(mut self, bytes: u64) -> Self {
        self.faults.space = Some(bytes);
        self
    }

    /// Lays the file on a region that is not armed: [`Mapping::warnings`](pmem2::Mapping::warnings)
    /// says so, and memory of eADR is no finer than its cache lines.
    #[must_use]
    pub fn unarmed(mut self) -> Self {
        self.faults.unarmed = true;
        self
    }

    /// Takes the region away after this many loads and stores: those after them panic, and each
    /// question fails with ENXIO.
    #[must_use]
    pub fn gone_after(mut self, steps: usize) -> Self {
        self.faults.steps_left = Some(steps + 1);
        self
    }

    /// Records what `tamper` makes of each action in its place: nothing, something else, several.
    /// So a fault is planted below the program, which notices nothing.
    #[must_use]
    pub fn tamper(mut self, tamper: impl FnMut(Action) -> Vec<Action> + Send + 'static) -> Self {
        self.tamper = Some(Box::new(tamper));
        self
    }

    /// Runs the workload, once.
    ///
    /// # Panics
    ///
    /// If the workload does, or fails.
    #[track_caller]
    pub fn record<P, W: Answer>(self, work: impl FnOnce(Disk<'_>, &Tell<'_, P>) -> W) -> Trace<P> {
        let mut trace = Trace::new(self.before, self.room, self.granularity);
        let recording = Recording::new(trace.before().to_vec(), self.tamper, self.syncs_before);
        let device = Device::recording(recording, self.granularity, self.schedule, self.faults);
        let tell = Tell { disk: Disk::new(&device), told: Mutex::new(vec![]) };
        if let Err(said) = work(tell.disk, &tell).said() {
            panic!("the workload failed: {said}");
        }
        let told = std::mem::take(&mut *lock(&tell.told));
        if let Some(recording) = device.into_recording() {
            trace.ran(recording.events, told, recording.refused);
        }
        trace
    }
}

/// The means by which a workload tells somebody: acknowledges, sends, prints.
pub struct Tell<'d, P> {
    disk: Disk<'d>,
    told: Mutex<Vec<P>>,
}

impl<P> fmt::Debug for Tell<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tell({})", lock(&self.told).len())
    }
}

impl<P> Tell<'_, P> {
    /// Tells that something is durable. A cut comes before or after it.
    #[track_caller]
    pub fn tell(&self, promise: P) {
        self.disk.device.act(Action::Promise, Location::caller());
        // This thread has its turn until it takes its next step.
        lock(&self.told).push(promise);
    }
}

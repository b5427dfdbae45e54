//! One thread of this process at a time.

use core::sync::atomic::{
    AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};

use crate::linux::sys::blocks::Blocks;

/// Of the threads that clear.
pub(in crate::linux) static CLEARING: Turns = Turns::new();

/// How often a thread looks whether it is its turn, a millisecond after the last time: ten seconds.
const PATIENCE: usize = 10_000;

/// The process that has the turn, or 0. After fork(2) in the turn of another thread, no thread of
/// the child's would give it back, and so it is the child's to take.
pub(in crate::linux) struct Turns(AtomicU32);

/// Until this is dropped, no other thread has one.
pub(in crate::linux) struct Turn<'t>(&'t Turns);

impl Turns {
    pub(in crate::linux) const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// Waits; `None` if it takes too long.
    pub(in crate::linux) fn take<S: Blocks>(&self, sys: S) -> Option<Turn<'_>> {
        let process = sys.process();
        for _ in 0..PATIENCE {
            let had = self.0.load(Relaxed);
            if had != process && self.0.compare_exchange(had, process, Acquire, Relaxed).is_ok() {
                return Some(Turn(self));
            }
            sys.pause();
        }
        None
    }

    /// Whether somebody has one.
    #[cfg(test)]
    pub(in crate::linux) fn are_taken(&self) -> bool {
        self.0.load(Relaxed) != 0
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.0.store(0, Release);
    }
}

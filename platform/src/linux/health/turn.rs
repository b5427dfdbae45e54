//! One thread of this process at a time.

use core::sync::atomic::{
    AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};

use crate::linux::sys::blocks::Blocks;

/// The process that has the turn, or 0. After fork(2) in the turn of another thread, no thread of the child's would give it back, and so
/// it is the child's to take.
static TAKEN: AtomicU32 = AtomicU32::new(0);

/// How often a thread looks whether it is its turn, a millisecond after the last time: ten seconds.
const PATIENCE: usize = 10_000;

/// Until this is dropped, no other thread has it.
pub(in crate::linux) struct Turn(());

impl Turn {
    /// Waits; `None` if it takes too long.
    pub(in crate::linux) fn take<S: Blocks>(sys: S) -> Option<Self> {
        let process = sys.process();
        for _ in 0..PATIENCE {
            let had = TAKEN.load(Relaxed);
            if had != process && TAKEN.compare_exchange(had, process, Acquire, Relaxed).is_ok() {
                return Some(Self(()));
            }
            sys.pause();
        }
        None
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        TAKEN.store(0, Release);
    }
}

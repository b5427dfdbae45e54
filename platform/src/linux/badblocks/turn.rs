//! The turns of the threads that clear a file, in the order in which they came. Other processes are
//! not waited for.

use core::sync::atomic::{
    AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};

use crate::linux::{FileId, sys::blocks::Blocks};

/// Those who wait, or have a turn; zeros where nobody does, as in a child of fork(2): see
/// [`Blocks::turns`].
#[derive(Debug)]
pub(in crate::linux) struct Turns {
    /// How many came.
    tickets: AtomicU32,
    /// How many have left.
    left: AtomicU32,
}

/// Until this is dropped, nobody else has one.
pub(in crate::linux) struct Turn<S: Blocks> {
    sys: S,
    turns: &'static Turns,
}

impl<S: Blocks> Turn<S> {
    /// Waits until all have left who came before, for the same file. (Or for one of which these
    /// bits are the same: not for the 30 000 files that were made before or after it.)
    pub(in crate::linux) fn of(sys: S, id: FileId) -> Result<Self, crate::Errno> {
        let [a, b, ..] = id.ino.wrapping_add(id.dev.wrapping_mul(0x79B9)).to_le_bytes();
        let turns = sys.turns(u16::from_le_bytes([a, b]))?;
        let ticket = turns.tickets.fetch_add(1, Relaxed);
        loop {
            match turns.left.load(Acquire) {
                left if left == ticket => return Ok(Self { sys, turns }),
                left => sys.wait(&turns.left, left),
            }
        }
    }
}

impl<S: Blocks> Drop for Turn<S> {
    fn drop(&mut self) {
        self.turns.left.fetch_add(1, Release);
        self.sys.wake(&self.turns.left);
    }
}

#[cfg(any(test, fuzzing))]
impl Turns {
    pub(in crate::linux) const fn new() -> Self {
        Self { tickets: AtomicU32::new(0), left: AtomicU32::new(0) }
    }
}

#[cfg(test)]
impl Turns {
    pub(in crate::linux) fn are_taken(&self) -> bool {
        self.waiting() != 0
    }

    /// How many wait, or have a turn.
    pub(in crate::linux) fn waiting(&self) -> u32 {
        self.tickets.load(Relaxed).wrapping_sub(self.left.load(Relaxed))
    }
}

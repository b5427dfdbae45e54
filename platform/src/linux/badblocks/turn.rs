//! The order in which threads clear a file: one at a time, as they came. Other processes do not
//! wait.

use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::{
    errno::Errno,
    linux::{
        file_id::FileId,
        sys::blocks::{Blocks, Turns},
    },
};

/// A turn. Until it is dropped, no other thread has one.
pub(in crate::linux) struct Turn<S: Blocks> {
    sys: S,
    turns: &'static Turns,
}

impl<S: Blocks> Turn<S> {
    /// Waits until all threads have left that came before, for the same file. (Or for a file whose
    /// number has the same bits: none of the 30,000 files that were made before or after it.)
    pub(in crate::linux) fn take(sys: S, id: FileId) -> Result<Self, Errno> {
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

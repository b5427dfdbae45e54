//! The number of bytes that an object has, which threads learn of.

#[cfg(not(loom))]
use core::sync::atomic::{AtomicUsize, Ordering};
#[cfg(loom)]
use loom::sync::atomic::{AtomicUsize, Ordering};

/// A number of bytes that several threads change. Whoever reads it finds the bytes there.
#[derive(Debug)]
pub struct Reach(AtomicUsize);

impl Reach {
    /// Begins with this number.
    #[cfg(not(loom))]
    pub const fn new(bytes: usize) -> Self {
        Self(AtomicUsize::new(bytes))
    }

    /// Begins with this number.
    #[cfg(loom)]
    pub fn new(bytes: usize) -> Self {
        Self(AtomicUsize::new(bytes))
    }

    /// Returns the number.
    #[inline]
    pub fn get(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }

    /// Changes the number from `from` to `to`, or returns the one that it is.
    fn change(&self, from: usize, to: usize) -> Result<(), usize> {
        #[cfg(any(loom, target_has_atomic = "ptr"))]
        return self.0.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).map(drop);
        // Without compare-and-swap there is one processor, and nobody else grows a mapping
        // meanwhile but an interrupt handler.
        #[cfg(not(any(loom, target_has_atomic = "ptr")))]
        {
            let now = self.get();
            if now != from {
                return Err(now);
            }
            self.0.store(to, Ordering::Release);
            Ok(())
        }
    }

    /// Makes the number at least `to`.
    pub fn raise(&self, to: usize) {
        let mut now = self.get();
        while now < to {
            match self.change(now, to) {
                Ok(()) => return,
                Err(other) => now = other,
            }
        }
    }

    /// Makes the number `to`, whatever it is.
    pub fn set(&self, to: usize) {
        self.0.store(to, Ordering::Release);
    }

    /// Makes the number what `ask` says when it is told the one that it is, and asks again where
    /// another thread has changed it meanwhile.
    ///
    /// # Errors
    ///
    /// Those of `ask`.
    pub fn follow<E>(&self, mut ask: impl FnMut(usize) -> Result<usize, E>) -> Result<usize, E> {
        let mut now = self.get();
        loop {
            let to = ask(now)?;
            match self.change(now, to) {
                Ok(()) => return Ok(to),
                Err(other) => now = other,
            }
        }
    }
}

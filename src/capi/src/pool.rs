//! Memory for C's objects where there is no heap.

use core::{convert::Infallible, marker::PhantomData, mem::ManuallyDrop};

use pmem2::error::Memory;
use pmem2_platform::{Slots, Stored};

/// Memory for `N` objects of one type, in a `static`: that of [`export!`](crate::export).
pub struct StaticPool<T, const N: usize> {
    slots: Slots<Objects<T>, N>,
}

/// The content of a slot.
struct Objects<T>(PhantomData<T>, Infallible);

impl<T> Stored for Objects<T> {
    // C's objects have no lifetime that a compiler could see, and are dropped before.
    type With<'h> = ManuallyDrop<T>;
}

impl<T, const N: usize> StaticPool<T, N> {
    /// Makes an empty pool.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it is for statics")]
    pub const fn new() -> Self {
        Self { slots: Slots::new() }
    }

    /// Puts an object into a free slot.
    ///
    /// # Errors
    ///
    /// All slots are taken.
    pub fn allocate(&'static self, object: T) -> Result<*mut T, Memory> {
        match self.slots.put(ManuallyDrop::new(object)) {
            Ok(lease) => Ok(lease.into_raw().cast_mut().cast()),
            Err(_) => Err(Memory::Pool(N)),
        }
    }

    /// Gives the slot of an object back, without dropping the object.
    ///
    /// # Safety
    ///
    /// `object` is what [`allocate`](StaticPool::allocate) of this pool returned, and is used no
    /// more.
    pub unsafe fn release(&self, object: *mut T) {
        // SAFETY: `allocate` made the pointer with into_raw of a lease of these slots; an object
        // has no lifetime, and this is its one end.
        drop(unsafe { self.slots.lease_from_raw(object.cast_const().cast()) });
    }
}

#[cfg(test)]
mod tests {
    use super::StaticPool;
    use crate::source::Source;
    use pmem2::{Anonymous, Native, error::Memory};
    use std::{collections::HashSet, thread, vec::Vec};

    fn object(size: u64) -> Source<Native> {
        Source::Anonymous(pmem2::Source::new(Anonymous::on(Native::default(), size)).unwrap())
    }

    fn size(object: *mut Source<Native>) -> u64 {
        // SAFETY: the pool keeps the object until it is released.
        match unsafe { &*object } {
            Source::Anonymous(source) => source.size().unwrap(),
            Source::Descriptor(_) => panic!("made as anonymous"),
        }
    }

    #[test]
    fn gives_back_in_any_order() {
        static POOL: StaticPool<Source<Native>, 5> = StaticPool::new();
        for first in 0..5_u64 {
            let kept: Vec<_> = (0..5).map(|n| POOL.allocate(object(n)).unwrap()).collect();
            assert_eq!(kept.iter().collect::<HashSet<_>>().len(), 5, "each has a place of its own");
            assert_eq!(POOL.allocate(object(9)).err(), Some(Memory::Pool(5)));
            for n in (first..5).chain(0..first) {
                let object = kept[usize::try_from(n).unwrap()];
                assert_eq!(size(object), n);
                // SAFETY: `allocate` returned it, and it is not used again.
                unsafe { POOL.release(object) };
            }
        }
    }

    #[test]
    fn threads_share_it() {
        static POOL: StaticPool<Source<Native>, 8> = StaticPool::new();
        thread::scope(|scope| {
            for thread in 0..8_u64 {
                scope.spawn(move || {
                    for round in 0..10_000 {
                        let kept = POOL.allocate(object(thread << 32 | round)).unwrap();
                        assert_eq!(size(kept), thread << 32 | round);
                        // SAFETY: `allocate` returned it, and it is not used again.
                        unsafe { POOL.release(kept) };
                    }
                });
            }
        });
        let all: Vec<_> = (0..8).map(|n| POOL.allocate(object(n)).unwrap()).collect();
        assert_eq!(
            POOL.allocate(object(8)).err(),
            Some(Memory::Pool(8)),
            "none was lost, none was won"
        );
        assert_eq!(all.len(), 8);
    }
}

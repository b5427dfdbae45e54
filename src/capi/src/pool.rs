//! Memory for sources where there is no heap.

use core::{convert::Infallible, marker::PhantomData};

use pmem2::error::Memory;
use pmem2_platform::{Slots, Stored};

/// A fixed number of sources, or of contexts of bad blocks, in a `static`: what
/// [`export!`](crate::export) keeps them in.
pub struct StaticPool<T, const N: usize> {
    slots: Slots<Objects<T>, N>,
}

/// What the slots hold.
struct Objects<T>(PhantomData<T>, Infallible);

impl<T> Stored for Objects<T> {
    // What C has, has no lifetime that a compiler could see.
    type With<'h> = T;
}

impl<T, const N: usize> StaticPool<T, N> {
    /// An empty pool.
    #[must_use]
    pub const fn new() -> Self {
        Self { slots: Slots::new() }
    }

    /// Puts an object into a free slot.
    ///
    /// # Errors
    ///
    /// All slots are taken.
    pub fn keep(&'static self, object: T) -> Result<*mut T, Memory> {
        match self.slots.put(object) {
            Ok(lease) => Ok(lease.into_raw().cast_mut()),
            Err(_) => Err(Memory::Pool(N)),
        }
    }

    /// Gives the slot of an object back, without dropping it.
    ///
    /// # Safety
    ///
    /// `object` is what [`keep`](StaticPool::keep) of this pool returned, and it is not used any
    /// more.
    pub unsafe fn release(&self, object: *mut T) {
        // SAFETY: `keep` made the pointer with into_raw of a lease of these slots; an object has no
        // lifetime, and this is the one end of it.
        drop(unsafe { self.slots.lease_from_raw(object.cast_const()) });
    }
}

impl<T, const N: usize> Default for StaticPool<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::StaticPool;
    use crate::{
        Object,
        object::{Either, Home},
    };
    use pmem2::{Anonymous, Native, Source, error::Memory};
    use std::{collections::HashSet, thread, vec::Vec};

    fn object(size: u64) -> Object<Native> {
        let source = Source::new(Anonymous::on(Native::default(), size)).unwrap();
        Object { source: Either::Anonymous(source), home: Home::Library }
    }

    fn size(object: *mut Object<Native>) -> u64 {
        // SAFETY: the pool keeps the object until it is released.
        match unsafe { &(*object).source } {
            Either::Anonymous(source) => source.size().unwrap(),
            Either::Descriptor(_) => panic!("made as anonymous"),
        }
    }

    #[test]
    fn gives_back_in_any_order() {
        static POOL: StaticPool<Object<Native>, 5> = StaticPool::new();
        for first in 0..5_u64 {
            let kept: Vec<_> = (0..5).map(|n| POOL.keep(object(n)).unwrap()).collect();
            assert_eq!(kept.iter().collect::<HashSet<_>>().len(), 5, "each has a place of its own");
            assert_eq!(POOL.keep(object(9)).err(), Some(Memory::Pool(5)));
            for n in (first..5).chain(0..first) {
                let object = kept[usize::try_from(n).unwrap()];
                assert_eq!(size(object), n);
                // SAFETY: `keep` returned it, and it is not used again.
                unsafe { POOL.release(object) };
            }
        }
    }

    #[test]
    fn threads_share_it() {
        static POOL: StaticPool<Object<Native>, 8> = StaticPool::new();
        thread::scope(|scope| {
            for thread in 0..8_u64 {
                scope.spawn(move || {
                    for round in 0..10_000 {
                        let kept = POOL.keep(object(thread << 32 | round)).unwrap();
                        assert_eq!(size(kept), thread << 32 | round);
                        // SAFETY: `keep` returned it, and it is not used again.
                        unsafe { POOL.release(kept) };
                    }
                });
            }
        });
        let all: Vec<_> = (0..8).map(|n| POOL.keep(object(n)).unwrap()).collect();
        assert_eq!(
            POOL.keep(object(8)).err(),
            Some(Memory::Pool(8)),
            "none was lost, none was won"
        );
        assert_eq!(all.len(), 8);
    }
}

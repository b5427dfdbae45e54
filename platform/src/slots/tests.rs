//! Slots over the machine's atomics, or with the feature `critical-section` over critical sections,
//! whose own tests are at the end.

use core::mem;
use std::{
    collections::HashSet,
    format,
    sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    vec::Vec,
};

use super::{Lease, Slots, Stored, sync};

/// References: the smallest values with a lifetime.
struct References;

impl Stored for References {
    type With<'h> = &'h u64;
}

/// Returns the address of a lease's value, which identifies the slot.
fn place<const N: usize>(lease: &Lease<'_, '_, References, N>) -> usize {
    core::ptr::from_ref(&**lease).addr()
}

#[test]
fn as_many_as_there_are() {
    let numbers: [u64; 5] = core::array::from_fn(|index| index as u64);
    let slots = Slots::<References, 4>::default();
    assert_eq!(slots.taken(), 0);
    let mut leases = Vec::new();
    for (index, number) in numbers[..4].iter().enumerate() {
        leases.push(slots.put(number).unwrap());
        assert_eq!(slots.taken(), index + 1);
    }
    let refused = slots.put(&numbers[4]).unwrap_err();
    assert!(core::ptr::eq(refused, &numbers[4]), "the value comes back");
    assert_eq!(slots.taken(), 4);
    assert_eq!(format!("{slots:?}"), "4 of 4 slots taken");
    for (lease, number) in leases.iter().zip(&numbers) {
        assert!(core::ptr::eq(**lease, number), "each has its own");
    }
    assert_eq!(leases.iter().map(place).collect::<HashSet<_>>().len(), 4);
    assert_eq!(format!("{:?}", leases[3]), "3");
}

#[test]
fn none_at_all() {
    let slots = Slots::<References, 0>::new();
    assert_eq!(slots.put(&7).unwrap_err(), &7);
    assert_eq!(slots.taken(), 0);
}

#[test]
fn each_slot_can_be_given_back_and_taken_again() {
    let slots = Slots::<References, 3>::new();
    for given_back in 0..3 {
        let mut leases: Vec<_> = (0..3).map(|_| slots.put(&1).unwrap()).collect();
        let lease = leases.remove(given_back);
        let place_before = place(&lease);
        drop(lease);
        assert_eq!(slots.taken(), 2);
        let again = slots.put(&2).unwrap();
        assert_eq!((**again, place(&again)), (2, place_before), "the one that is free");
        assert!(leases.iter().all(|lease| ***lease == 1), "the others are left alone");
        slots.put(&3).unwrap_err();
    }
    assert_eq!(slots.taken(), 0);
}

#[test]
fn a_forgotten_lease_costs_its_slot_and_no_other() {
    let slots = Slots::<References, 2>::new();
    mem::forget(slots.put(&1).unwrap());
    for _ in 0..3 {
        let lease = slots.put(&2).unwrap();
        slots.put(&3).unwrap_err();
        drop(lease);
        assert_eq!(slots.taken(), 1);
    }
}

/// Filling a pool takes one look for each slot, and not one for each that is taken: the search
/// begins after the slot taken last, or at the one returned last.
#[test]
fn where_the_search_begins() {
    let slots = Slots::<References, 3>::new();
    let hint = || slots.hint.load(sync::Ordering::Relaxed);
    let look_at = |index| slots.hint.store(index, sync::Ordering::Relaxed);
    let mut leases = Vec::new();
    for behind in 1..=3 {
        leases.push(slots.put(&1).unwrap());
        assert_eq!(hint(), behind);
    }
    let places: Vec<_> = leases.iter().map(place).collect();
    assert!(places.is_sorted(), "in turn");
    for given_back in [1, 0] {
        drop(leases.remove(given_back));
        assert_eq!(hint(), given_back);
    }
    let first = slots.put(&2).unwrap();
    assert_eq!((place(&first), hint()), (places[0], 1));
    // Round the end: from the last slot past the first, both taken, to the second.
    look_at(2);
    let second = slots.put(&3).unwrap();
    assert_eq!((place(&second), hint()), (places[1], 2));
    drop(second);
    assert_eq!(hint(), 1);
    drop(first);
    look_at(2);
    let first = slots.put(&4).unwrap();
    assert_eq!((place(&first), hint()), (places[0], 1));
    drop(leases);
    assert_eq!(hint(), 2);
    // Two are free: the search takes the one where it begins.
    let last = slots.put(&5).unwrap();
    assert_eq!((place(&last), hint()), (places[2], 3));
    drop((first, last));
    look_at(4);
    assert_eq!(place(&slots.put(&6).unwrap()), places[1], "behind the last comes the first");
}

#[test]
fn any_hint_is_right() {
    for hint in [0, 1, 2, 3, 4, 5, usize::MAX - 1, usize::MAX] {
        let slots = Slots::<References, 3>::new();
        slots.hint.store(hint, sync::Ordering::Relaxed);
        let leases: Vec<_> = (0..3).map(|_| slots.put(&1).unwrap()).collect();
        assert_eq!(leases.iter().map(place).collect::<HashSet<_>>().len(), 3);
        slots.put(&2).unwrap_err();
    }
}

#[test]
fn a_lease_becomes_a_pointer_and_again_a_lease() {
    static SLOTS: Slots<References, 3> = Slots::new();
    let slots = &SLOTS;
    let leases: [_; 3] = core::array::from_fn(|_| slots.put(&1).unwrap());
    let places = leases.each_ref().map(place);
    let pointers = leases.map(Lease::into_raw);
    assert_eq!(pointers.map(<*const _>::addr), places);
    assert_eq!(slots.taken(), 3, "they stay taken");
    slots.put(&2).unwrap_err();
    for (index, pointer) in pointers.into_iter().enumerate() {
        // SAFETY: into_raw returned the pointer for a lease of these slots, and each is used once.
        let lease = unsafe { slots.lease_from_raw(pointer) }.unwrap();
        assert_eq!((**lease, place(&lease)), (1, places[index]));
        drop(lease);
        assert_eq!(slots.taken(), 2 - index);
        assert_eq!(
            slots.hint.load(sync::Ordering::Relaxed),
            index,
            "the slot itself was given back"
        );
    }
    let _all: [_; 3] = core::array::from_fn(|_| slots.put(&3).unwrap());
}

/// C may return a pointer twice, or one to the middle of a value.
#[test]
fn a_pointer_that_is_no_live_value_is_no_lease() {
    static SLOTS: Slots<References, 2> = Slots::new();
    let again = |pointer| {
        // SAFETY: violated on purpose: the pointer comes twice, or lies beside the value. Nothing
        // is read through it.
        unsafe { SLOTS.lease_from_raw(pointer) }.is_none()
    };
    let (first, second) = (SLOTS.put(&1).unwrap().into_raw(), SLOTS.put(&2).unwrap().into_raw());
    assert!(
        again(first.wrapping_byte_add(1)) && again(first.wrapping_byte_sub(1)),
        "beside the value"
    );
    assert!(again(core::ptr::null()) && again(second.wrapping_add(100)), "outside the slots");
    assert_eq!(SLOTS.taken(), 2);
    // SAFETY: into_raw returned the pointer, and it is used for the first time.
    drop(unsafe { SLOTS.lease_from_raw(first) }.unwrap());
    assert!(again(first));
    assert_eq!(SLOTS.taken(), 1, "the second time gave nothing back");
    let one = SLOTS.put(&3).unwrap();
    SLOTS.put(&4).unwrap_err();
    drop(one);
}

/// As many slots as threads hold at once: none is refused, whatever the others do, and nobody
/// meets another's value.
#[test]
fn threads_with_a_slot_each() {
    const THREADS: usize = 8;
    const ROUNDS: u64 = 2000;
    static SLOTS: Slots<References, THREADS> = Slots::new();
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        for thread in 0..THREADS as u64 {
            let start = &start;
            scope.spawn(move || {
                start.wait();
                for round in 0..ROUNDS {
                    let mine = thread * ROUNDS + round;
                    let lease = SLOTS.put(&mine).expect("there is one for each");
                    thread::yield_now();
                    assert_eq!(**lease, mine);
                }
            });
        }
    });
    assert_eq!(SLOTS.taken(), 0);
}

/// Fewer slots than threads: never more holders than slots, each gets a slot repeatedly, and in the
/// end all are free.
#[test]
fn threads_that_contend() {
    const THREADS: usize = 4;
    let (slots, holders) = (Slots::<References, 2>::new(), AtomicUsize::new(0));
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        for thread in 0..THREADS as u64 {
            let (slots, holders, start) = (&slots, &holders, &start);
            scope.spawn(move || {
                start.wait();
                for round in 0..1000 {
                    let mine = thread << 32 | round;
                    let lease = loop {
                        match slots.put(&mine) {
                            Ok(lease) => break lease,
                            Err(back) => assert!(core::ptr::eq(back, &mine)),
                        }
                        thread::yield_now();
                    };
                    assert!(holders.fetch_add(1, Ordering::SeqCst) < 2);
                    thread::yield_now();
                    assert_eq!(**lease, mine);
                    holders.fetch_sub(1, Ordering::SeqCst);
                }
            });
        }
    });
    assert_eq!(slots.taken(), 0);
    let (_one, _two) = (slots.put(&1).unwrap(), slots.put(&2).unwrap());
}

#[cfg(feature = "critical-section")]
mod critical {
    use core::sync::atomic as machine;
    use std::{thread, vec::Vec};

    use super::super::critical::{AtomicBool, AtomicUsize, Ordering::Relaxed};

    #[test]
    fn a_flag() {
        for first in [false, true] {
            for (current, new) in [(false, false), (false, true), (true, false), (true, true)] {
                let (ours, theirs) = (AtomicBool::new(first), machine::AtomicBool::new(first));
                for _ in 0..2 {
                    assert_eq!(
                        ours.compare_exchange(current, new, Relaxed, Relaxed),
                        theirs.compare_exchange(current, new, Relaxed, Relaxed)
                    );
                }
                assert_eq!(ours.swap(new, Relaxed), theirs.swap(new, Relaxed));
                assert_eq!(ours.load(Relaxed), new);
            }
        }
    }

    /// Each operation does and returns the same as the machine's, at the extremes too.
    #[test]
    fn a_number() {
        let values = [0, 1, 2, 7, usize::MAX - 1, usize::MAX];
        for first in values {
            for second in values {
                for third in values {
                    let (ours, theirs) =
                        (AtomicUsize::new(first), machine::AtomicUsize::new(first));
                    // The machine's weak exchange may fail for no reason; ours never does.
                    assert_eq!(
                        ours.compare_exchange_weak(second, third, Relaxed, Relaxed),
                        theirs.compare_exchange(second, third, Relaxed, Relaxed)
                    );
                    assert_eq!(ours.load(Relaxed), theirs.load(Relaxed));
                    assert_eq!(ours.fetch_sub(third, Relaxed), theirs.fetch_sub(third, Relaxed));
                    assert_eq!(ours.load(Relaxed), theirs.load(Relaxed));
                    ours.store(third, Relaxed);
                    assert_eq!(ours.load(Relaxed), third);
                }
            }
        }
    }

    /// No step of another thread comes between the halves of an operation.
    #[test]
    fn operations_are_whole() {
        const THREADS: usize = 4;
        const ROUNDS: usize = 5000;
        let (flag, count, down) =
            (AtomicBool::new(true), AtomicUsize::new(0), AtomicUsize::new(THREADS * ROUNDS));
        let won = thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|_| {
                    scope.spawn(|| {
                        let mut won = 0;
                        for _ in 0..ROUNDS {
                            won += usize::from(
                                flag.compare_exchange(true, false, Relaxed, Relaxed).is_ok(),
                            );
                            while {
                                let seen = count.load(Relaxed);
                                count
                                    .compare_exchange_weak(seen, seen + 1, Relaxed, Relaxed)
                                    .is_err()
                            } {}
                            down.fetch_sub(1, Relaxed);
                        }
                        won
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>()
        });
        assert_eq!((won, count.load(Relaxed), down.load(Relaxed)), (1, THREADS * ROUNDS, 0));
    }
}

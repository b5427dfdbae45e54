//! The pool's storage under the model checker, which runs every interleaving and every value that
//! the memory orderings allow. Its atomics work only there, so ci/loom builds this with
//! `--cfg loom`; without that it is empty.
#![cfg(loom)]

use loom::{
    model::Builder,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};
use pmem2_loom::{Slots, Stored};

struct Numbers;

impl Stored for Numbers {
    type With<'h> = usize;
}

/// Runs every interleaving, or, where that would take hours, those with at most `preemptions`
/// forced switches.
fn check(preemptions: Option<usize>, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = preemptions;
    builder.check(model);
}

/// Runs `body` in this thread and in `others` more, each with a number of its own.
fn together<const N: usize>(
    others: usize,
    body: impl Fn(&Slots<Numbers, N>, usize) + Copy + Send + 'static,
) {
    let slots = Arc::new(Slots::new());
    let spawn = |number| {
        let slots = Arc::clone(&slots);
        thread::spawn(move || body(&slots, number))
    };
    let threads: Vec<_> = (1..=others).map(spawn).collect();
    body(&slots, 0);
    for thread in threads {
        thread.join().unwrap();
    }
    all_free(&slots);
}

/// Checks that every slot is free and can be taken.
fn all_free<const N: usize>(slots: &Slots<Numbers, N>) {
    assert_eq!(slots.taken(), 0);
    let leases: Vec<_> = (0..N).map(|number| slots.put(number).unwrap()).collect();
    assert!(leases.iter().map(|lease| **lease).eq(0..N));
    assert_eq!(slots.put(N).unwrap_err(), N);
}

/// Takes a slot, of which one must be free, and reads the value back.
fn must_get<const N: usize>(slots: &Slots<Numbers, N>, number: usize) {
    let lease = slots.put(number).expect("there is a slot for each");
    assert_eq!(*lease, number);
}

#[test]
fn two_threads_and_two_slots_none_is_refused() {
    check(None, || together::<2>(1, must_get));
}

#[test]
fn two_threads_that_come_twice_none_is_refused() {
    check(Some(3), || {
        together::<2>(1, |slots, number| {
            must_get(slots, number);
            must_get(slots, number + 2);
        });
    });
}

#[test]
fn three_threads_and_three_slots_none_is_refused() {
    check(Some(2), || together::<3>(2, must_get));
}

/// One thread searches. The other returns a slot that the search has passed and takes one that it
/// has not reached: the search goes round again, and finds a slot.
#[test]
fn a_search_that_was_overtaken_goes_round() {
    check(Some(3), || {
        together::<3>(1, |slots, number| {
            if number != 0 {
                return must_get(slots, number);
            }
            let put = |value| slots.put(value).expect("the other needs only one");
            let (first, second) = (put(1), put(2));
            drop(first);
            drop(second);
            let (first, second) = (put(3), put(4));
            assert_eq!((*first, *second), (3, 4));
        });
    });
}

#[test]
fn one_slot_has_one_holder() {
    let contend = |slots: &Slots<Numbers, 1>, number| {
        for round in 0..2 {
            let value = number * 2 + round;
            match slots.put(value) {
                Ok(lease) => {
                    assert_eq!(slots.taken(), 1);
                    thread::yield_now();
                    assert_eq!(*lease, value, "nobody else wrote here");
                }
                Err(back) => assert_eq!(back, value),
            }
        }
    };
    check(None, move || together::<1>(1, contend));
}

#[test]
fn three_threads_and_two_slots() {
    check(Some(2), || {
        let held = Arc::new(AtomicUsize::new(0));
        let refused = Arc::new(AtomicUsize::new(0));
        let slots = Arc::new(Slots::<Numbers, 2>::new());
        let body = {
            let (slots, held, refused) =
                (Arc::clone(&slots), Arc::clone(&held), Arc::clone(&refused));
            move |number| match slots.put(number) {
                Ok(lease) => {
                    assert!(held.fetch_add(1, Ordering::Relaxed) < 2, "no more holders than slots");
                    assert_eq!(*lease, number);
                    held.fetch_sub(1, Ordering::Relaxed);
                }
                Err(_) => {
                    refused.fetch_add(1, Ordering::Relaxed);
                }
            }
        };
        let threads = [1, 2].map(|number| {
            let body = body.clone();
            thread::spawn(move || body(number))
        });
        body(0);
        for thread in threads {
            thread.join().unwrap();
        }
        assert!(refused.load(Ordering::Relaxed) <= 1, "two of three get one, whatever happens");
        all_free(&slots);
    });
}

/// A thread that knows of a returned slot gets one.
#[test]
fn given_back_and_then_taken() {
    check(None, || {
        let slots = Arc::new(Slots::<Numbers, 1>::new());
        let told = Arc::new(AtomicBool::new(false));
        let giver = {
            let (slots, told) = (Arc::clone(&slots), Arc::clone(&told));
            thread::spawn(move || {
                must_get(&slots, 1);
                told.store(true, Ordering::Release);
            })
        };
        while !told.load(Ordering::Acquire) {
            thread::yield_now();
        }
        must_get(&slots, 2);
        giver.join().unwrap();
        all_free(&slots);
    });
}

/// Another thread may use and return a lease.
#[test]
fn a_lease_goes_to_another_thread() {
    check(None, || {
        // The thread must be 'static, and so must the slots. Each run leaks its own, which are
        // small.
        let slots: &'static Slots<Numbers, 1> = Box::leak(Box::new(Slots::new()));
        let lease = slots.put(1).unwrap();
        let other = thread::spawn(move || {
            assert_eq!(*lease, 1);
            drop(lease);
        });
        match slots.put(2) {
            Ok(lease) => assert_eq!(*lease, 2),
            Err(back) => assert_eq!(back, 2),
        }
        other.join().unwrap();
        all_free(slots);
    });
}

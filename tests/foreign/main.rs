//! Power cuts under code that nobody here wrote: redb, sequential-storage, ekv. What each has told
//! is there in every image that was looked at, except in those that a test names: these are faults
//! of the releases in Cargo.lock. A release without them fails here, and the name goes.
#![cfg(target_os = "linux")]

mod ekv;
mod nor;
mod redb;
mod sequential;

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use pmem2_crash::Verdict;

/// Checks that an image fails, with these words of the recovery.
#[track_caller]
fn fails(verdict: &Verdict, said: &str) {
    println!("known: {verdict}");
    let failure = verdict.failure().expect("a failure that is known");
    assert_eq!(failure.said, said);
}

/// Checks that no image fails, of those that the budget is enough for.
#[track_caller]
fn none_fails(verdict: &Verdict) {
    println!("{verdict}");
    assert!(matches!(verdict, Verdict::Holds { .. } | Verdict::Incomplete(_)), "{verdict}");
}

/// Runs a future that never waits.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("a future waits, and nobody wakes it"),
    }
}

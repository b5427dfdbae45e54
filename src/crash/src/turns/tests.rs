//! A thread that waits for another one: it has its turn and takes no step.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Mutex, PoisonError},
};

use super::Turns;

#[test]
fn a_thread_that_waits_for_another_one() {
    let (turns, shared) = (Turns::new(0), Mutex::new(()));
    // Each takes a step while it has the lock.
    let step = |()| {
        let _locked = shared.lock().unwrap_or_else(PoisonError::into_inner);
        (0..8).for_each(|_| turns.wait());
    };
    let run = catch_unwind(AssertUnwindSafe(|| turns.run(vec![(); 2], &step)));
    let panic = run.expect_err("a refusal");
    let said = panic.downcast_ref::<&str>().expect("a reason");
    assert!(said.starts_with("a thread waits for another one"), "{said}");
}

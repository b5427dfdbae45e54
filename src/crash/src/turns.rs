//! Threads that have their turns: one takes a step, and then a schedule says who is next.
#![allow(
    clippy::missing_const_for_thread_local,
    reason = "they are const; of targets without thread-local storage clippy says so all the same"
)]

use std::{
    cell::Cell,
    panic::resume_unwind,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::recovery::Random;

thread_local! {
    /// The number of this thread, 0 for that of the workload.
    static THREAD: Cell<usize> = const { Cell::new(0) };
}

/// The time after which a thread is taken for one that waits for another one.
const PATIENCE: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 10 });

/// Returns the value even where a thread has panicked.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the number of this thread.
pub(crate) fn this() -> usize {
    THREAD.get()
}

struct Turn {
    random: Random,
    /// The threads that have not ended.
    alive: Vec<usize>,
    /// The one whose turn it is.
    whose: usize,
}

/// The turns of threads.
pub(crate) struct Turns {
    turn: Mutex<Turn>,
    changed: Condvar,
}

impl Turns {
    pub(crate) fn new(schedule: u64) -> Self {
        let turn = Turn { random: Random(schedule), alive: vec![], whose: 0 };
        Self { turn: Mutex::new(turn), changed: Condvar::new() }
    }

    /// Gives the turn of this thread away, which is about to take a step, and waits for the next.
    pub(crate) fn wait(&self) {
        if this() > 0 {
            self.pass(&mut lock(&self.turn));
            self.wait_for_turn();
        }
    }

    /// Waits for a turn.
    ///
    /// # Panics
    ///
    /// If the thread that has its turn takes no step.
    fn wait_for_turn(&self) {
        let mut turn = lock(&self.turn);
        while turn.whose != this() {
            let waited = self.changed.wait_timeout(turn, PATIENCE);
            let (now, late) = waited.unwrap_or_else(PoisonError::into_inner);
            assert!(
                !late.timed_out(),
                "a thread waits for another one, not at a step: these threads share more than \
                 their turns"
            );
            turn = now;
        }
    }

    fn pass(&self, turn: &mut Turn) {
        let alive = turn.alive.len();
        turn.whose = if alive == 0 { 0 } else { turn.alive[turn.random.below(alive)] };
        self.changed.notify_all();
    }

    /// Runs threads until all have ended.
    pub(crate) fn run<W: Send>(&self, work: Vec<W>, each: &(impl Fn(W) + Sync)) {
        /// Gives the turn away for good.
        struct Ends<'t>(&'t Turns, usize);
        impl Drop for Ends<'_> {
            fn drop(&mut self) {
                let mut turn = lock(&self.0.turn);
                turn.alive.retain(|&thread| thread != self.1);
                if turn.whose == self.1 {
                    self.0.pass(&mut turn);
                }
            }
        }
        lock(&self.turn).alive = (1..=work.len()).collect();
        self.pass(&mut lock(&self.turn));
        std::thread::scope(|scope| {
            let spawn = |(number, work)| {
                scope.spawn(move || {
                    THREAD.set(number);
                    let _ends = Ends(self, number);
                    self.wait_for_turn();
                    each(work);
                })
            };
            let threads: Vec<_> = (1..).zip(work).map(spawn).collect();
            // The first panic is the one that the workload is told.
            let ended = threads.into_iter().map(|thread| thread.join());
            ended.collect::<Result<Vec<()>, _>>().unwrap_or_else(|panic| resume_unwind(panic));
        });
    }
}

#[cfg(test)]
mod tests;

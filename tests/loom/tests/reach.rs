//! The length of a mapping under the model checker, while threads grow the file and learn of it.
#![cfg(loom)]

use loom::{
    model,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
};
use pmem2_loom::Reach;

/// A file: its length, and the length of a mapping of it.
struct File {
    length: AtomicUsize,
    reach: Reach,
    /// The bytes that have storage, which only a thread that knows of them looks at.
    stored: AtomicUsize,
}

impl File {
    fn new() -> Arc<Self> {
        let (length, stored) = (AtomicUsize::new(1), AtomicUsize::new(1));
        Arc::new(Self { length, reach: Reach::new(1), stored })
    }

    /// As `Mapping::grow`: the file first.
    fn grow(&self, to: usize) {
        self.length.fetch_max(to, SeqCst);
        self.stored.fetch_max(to, std::sync::atomic::Ordering::Relaxed);
        self.reach.raise(to);
        assert!(self.reach.get() >= to);
    }

    /// As `Mapping::catch_up`.
    fn catch_up(&self) -> usize {
        let now = self.reach.follow(|_| Ok::<_, ()>(self.length.load(SeqCst)));
        now.expect("it says")
    }

    /// Nobody learns of bytes that are not there.
    fn check(&self) {
        let known = self.reach.get();
        assert!(known <= self.length.load(SeqCst), "beyond the file");
    }
}

#[test]
fn two_threads_grow_it() {
    model(|| {
        let file = File::new();
        let other = {
            let file = Arc::clone(&file);
            thread::spawn(move || file.grow(2))
        };
        file.grow(3);
        file.check();
        other.join().unwrap();
        assert_eq!(file.reach.get(), 3, "as long as the longest");
    });
}

#[test]
fn one_grows_it_and_one_catches_up() {
    model(|| {
        let file = File::new();
        let other = {
            let file = Arc::clone(&file);
            thread::spawn(move || {
                file.grow(2);
                file.grow(3);
            })
        };
        assert!((1..=3).contains(&file.catch_up()));
        file.check();
        other.join().unwrap();
        assert_eq!(file.reach.get(), 3, "no older answer comes last");
        assert_eq!(file.catch_up(), 3);
    });
}

/// Whoever knows of bytes finds their storage.
#[test]
fn what_is_known_is_there() {
    model(|| {
        let file = File::new();
        let other = {
            let file = Arc::clone(&file);
            thread::spawn(move || file.grow(2))
        };
        let known = file.reach.get();
        assert!(file.stored.load(std::sync::atomic::Ordering::Relaxed) >= known);
        other.join().unwrap();
    });
}

#[test]
fn two_grow_it_and_one_catches_up() {
    let mut builder = model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(|| {
        let file = File::new();
        let others = [2, 3].map(|to| {
            let file = Arc::clone(&file);
            thread::spawn(move || file.grow(to))
        });
        file.catch_up();
        file.check();
        for other in others {
            other.join().unwrap();
        }
        assert_eq!(file.reach.get(), 3);
    });
}

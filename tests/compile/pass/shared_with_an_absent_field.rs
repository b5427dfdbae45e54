#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use pmem2::map::shared;

shared! {
    /// Three bytes in the place of padding.
    struct Padded {
        second: AtomicU32,
        first: AtomicU8,
        /// They are there.
        third: [AtomicU8; 3],
    }
}

fn main() {
    let padded = Padded { first: 1.into(), second: 2.into(), third: [3, 4, 5].map(AtomicU8::new) };
    assert_eq!(padded.second.load(Ordering::Relaxed), 2);
    assert_eq!(padded.first.load(Ordering::Relaxed), 1);
    assert_eq!(padded.third[1].load(Ordering::Relaxed), 4);
}

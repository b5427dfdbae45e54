#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use pmem2::{Granularity, MapConfig, Source, map::shared};

shared! {
    /// Others may change every field meanwhile.
    struct Counters {
        total: AtomicU64,
        failed: AtomicU32,
    }
}

fn main() {
    let map = Source::from_anon(4096).unwrap().map(&MapConfig::new(Granularity::Byte)).unwrap();
    let counters: &Counters = map.view(64).unwrap();
    counters.total.store(1, Ordering::Relaxed);
    assert_eq!(counters.failed.load(Ordering::Relaxed), 0);
    assert_eq!(map.get::<u64>(64), Ok(1));
}

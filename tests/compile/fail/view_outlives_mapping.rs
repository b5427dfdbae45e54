#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicU64, Ordering};

use pmem2::{Granularity, MapConfig, Source};

fn main() {
    let map = Source::from_anon(4096).unwrap().map(&MapConfig::new(Granularity::Byte)).unwrap();
    let view: &AtomicU64 = map.view(0).unwrap();
    view.store(1, Ordering::Relaxed);
    assert_eq!(map.word(0).unwrap().load(), Ok(1));
    drop(map);
    view.store(2, Ordering::Relaxed);
}

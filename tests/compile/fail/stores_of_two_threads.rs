#![forbid(unsafe_code)]

use pmem2::{Granularity, MapConfig, Source};

fn main() {
    let map = Source::from_anon(4096).unwrap().map(&MapConfig::new(Granularity::Byte)).unwrap();
    let stores = map.unflushed();
    std::thread::scope(|threads| {
        // Each thread waits for what it has flushed itself.
        threads.spawn(|| stores.write(0, b"here").unwrap());
    });
    assert_eq!(map.get(0), Ok(*b"here"));
}

#![forbid(unsafe_code)]

use pmem2::{Granularity, MapConfig, Source};

fn main() {
    let map = Source::from_anon(4096).unwrap().map(&MapConfig::new(Granularity::Byte)).unwrap();
    let stores = map.unflushed();
    stores.flush(0..64).unwrap();
    std::thread::scope(|threads| {
        // The other thread would not wait for what this one has flushed.
        threads.spawn(move || stores.commit(0, 1).unwrap());
    });
}

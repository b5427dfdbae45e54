#![forbid(unsafe_code)]

use pmem2::{Granularity, MapConfig, Source};

/// Any byte is a number, and only two of them are a truth value.
fn main() {
    let map = Source::from_anon(4096).unwrap().map(&MapConfig::new(Granularity::Byte)).unwrap();
    assert_eq!(map.get::<bool>(0).unwrap(), bool::default());
}

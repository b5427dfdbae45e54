#![forbid(unsafe_code)]

use pmem2::{Granularity, MapConfig, Source, map::plain};

plain! {
    /// A record without padding.
    #[derive(Debug, PartialEq)]
    struct Record {
        key: u64,
        length: u16,
        checksum: u32,
    }
}

fn main() {
    let map = Source::from_anon(4096).unwrap().map(&MapConfig::new(Granularity::Byte)).unwrap();
    let record = Record { key: 1, length: 2, checksum: 3 };
    map.put(5, &record).unwrap();
    assert_eq!(map.get::<Record>(5), Ok(record));
    assert_eq!(map.get::<[u32; 4]>(5), Ok([1, 0, 2, 3].map(u32::to_le)));
}

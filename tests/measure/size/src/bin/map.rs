//! Maps a source, stores to it, and makes that durable.
#![no_std]
#![no_main]

use core::hint::black_box;

use pmem2::{Granularity, MapConfig};
use pmem2_size::program;

program!(|source| {
    let map = source.map(black_box(&MapConfig::new(Granularity::Page)))?;
    map.write(black_box(64), black_box(b"a record"))?;
    map.persist(black_box(..64))?;
});

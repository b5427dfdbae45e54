//! Every access of a mapping, for ci/accesses, which looks at the machine code.
#![no_std]
#![no_main]

use core::hint::black_box;

use pmem2::{Granularity, MapConfig, map::Mapping};
use pmem2_size::{Handle, program};

/// Stores, loads, fills and moves.
#[unsafe(no_mangle)]
#[inline(never)]
fn stores(
    map: &Mapping<Handle<'_>>,
    from: &[u8],
    to: &mut [u8],
    at: usize,
) -> Result<(), pmem2::Error> {
    map.write(at, from)?;
    map.read(at, to)?;
    map.fill(at.., 7)?;
    map.move_within(..at, at)?;
    map.put(at, &map.get::<[u64; 2]>(at)?)?;
    map.commit(at, map.word(at)?.load()?)?;
    map.batch(|stores| {
        stores.write(at, from)?;
        stores.fill(..at, 0)
    })
}

program!(|source| {
    let map = source.map(black_box(&MapConfig::new(Granularity::Page)))?;
    stores(&map, black_box(&[1; 300]), black_box(&mut [0; 300]), black_box(4096))?;
});

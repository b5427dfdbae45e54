//! Lists bad blocks and clears them.
#![no_std]
#![no_main]

use core::hint::black_box;

use pmem2::badblocks::ClearBy;
use pmem2_size::program;

program!(|source| {
    for bad in source.bad_blocks()? {
        black_box(bad?);
    }
    source.clear_bad_blocks(black_box(0..4096), ClearBy::Allocation)?;
});

//! Asks for the granularity that a mapping will have, and whether a range can be mapped.
#![no_std]
#![no_main]

use core::hint::black_box;

use pmem2::Sharing;
use pmem2_size::program;

program!(|source| {
    black_box(source.expected_granularity(Sharing::Shared)?);
    black_box(source.check_range(black_box(4096), black_box(0))?);
});

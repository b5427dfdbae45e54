//! Prepares a source for writing, reads its bytes and writes them.
#![no_std]
#![no_main]

use core::hint::black_box;

use pmem2_size::{program, writer};

program!(|source| {
    writer!(source => writer);
    let mut bytes = [0; 32];
    writer.read_at(black_box(3), &mut bytes).map_err(|error| error.error())?;
    writer.write_at(black_box(5), black_box(&bytes)).map_err(|error| error.error())?;
});

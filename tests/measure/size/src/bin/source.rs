//! Makes a source, and asks for its size, its alignment and the code of an error.
#![no_std]
#![no_main]

use core::hint::black_box;

use pmem2_size::program;

program!(|source| {
    black_box(source.size()?);
    black_box(source.alignment()?);
});

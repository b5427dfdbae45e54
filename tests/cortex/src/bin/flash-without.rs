//! A program with the board's table and without a call of pmem2. ci/cortex compares the others with
//! it.
#![no_std]
#![no_main]

use core::hint::black_box;

use pmem2_cortex::{
    End,
    board::{TABLE, WRAPPING},
    run,
};

run!(main);

fn main() -> End {
    black_box((&TABLE, &WRAPPING));
    End::Done
}

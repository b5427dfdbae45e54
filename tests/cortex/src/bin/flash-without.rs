//! A program with the board's table, and without a call of pmem2: what flash-plain and
//! flash-display are compared with.
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

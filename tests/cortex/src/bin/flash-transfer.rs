//! Does what flash-plain does, and reads and writes: the additional flash of transfers.
#![no_std]
#![no_main]

use core::hint::black_box;

use pmem2_cortex::{
    End,
    flash::{ask_everything, transfer},
    run,
};

run!(main);

fn main() -> End {
    ask_everything(|error| {
        black_box(error.code());
    });
    transfer(|error| {
        black_box(error.code());
    });
    End::Done
}

//! Asks for every answer of a source and the code of every error, and prints nothing: the flash of
//! pmem2 without `Display`.
#![no_std]
#![no_main]

use core::hint::black_box;

use pmem2_cortex::{End, flash::ask_everything, run};

run!(main);

fn main() -> End {
    ask_everything(|error| {
        black_box(error.code());
    });
    End::Done
}

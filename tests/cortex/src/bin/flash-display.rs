//! As flash-plain, and prints the sentence of every error: what pmem2 takes with `Display`, and
//! core's formatting with it.
#![no_std]
#![no_main]

use pmem2_cortex::{End, flash::ask_everything, run, say};

run!(main);

fn main() -> End {
    ask_everything(|error| say!("{} {error}", error.code()));
    End::Done
}

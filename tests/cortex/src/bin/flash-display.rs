//! Does what flash-plain does, and prints the sentence of every error: the flash of pmem2 with
//! `Display` and core's formatting.
#![no_std]
#![no_main]

use pmem2_cortex::{End, flash::ask_everything, run, say};

run!(main);

fn main() -> End {
    ask_everything(|error| say!("{} {error}", error.code()));
    End::Done
}

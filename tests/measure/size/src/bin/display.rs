//! Prints a source's answers and errors, into nothing: a program with `Display`.
#![no_std]
#![no_main]

use core::{
    fmt::{self, Write},
    hint::black_box,
};

use pmem2_size::program;

struct Nowhere;

impl Write for Nowhere {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        black_box(text);
        Ok(())
    }
}

program!(|source| {
    if let Err(error) = source.size() {
        black_box(write!(Nowhere, "{error}").is_ok());
    }
});

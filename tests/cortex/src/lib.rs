//! The common parts of the programs for Cortex-M: the way from reset to `program`, and semihosting
//! for output.
//!
//! A program defines `program` with [`run!`].
#![no_std]

pub mod board;
#[cfg(feature = "critical-section")]
mod critical;
pub mod flash;
pub mod host;
mod start;

use core::panic::PanicInfo;

pub use start::{restart, stack};

/// The exit status of the emulator.
#[derive(Clone, Copy)]
pub enum End {
    /// The program has come to its end.
    Done = 0,
    /// It found something wrong, and said so.
    Wrong = 1,
    /// It panicked, or the processor stopped it.
    Fault = 101,
}

/// Makes a function the program.
#[macro_export]
macro_rules! run {
    ($function:path) => {
        #[unsafe(no_mangle)]
        extern "C" fn program() -> ! {
            let function: fn() -> $crate::End = $function;
            $crate::host::exit(function())
        }
    };
}

/// Prints a line.
#[macro_export]
macro_rules! say {
    ($($what:tt)*) => {
        $crate::host::line(format_args!($($what)*))
    };
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // Without output: formatting would count as flash of the library.
    host::exit(End::Fault)
}

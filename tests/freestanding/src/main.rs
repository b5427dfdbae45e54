//! A program without libc, std or an allocator. `freestanding PATH` opens the file, makes a source
//! in a static pool and prints the size and the alignment in bytes. A refusal is printed on
//! standard error, with status 1. Wrong use is status 2.
#![no_std]
#![no_main]

mod mem;
mod start;
mod sys;

use core::{
    ffi::c_char,
    fmt::{self, Write},
    panic::PanicInfo,
};

use pmem2::{
    Error, Fd, Native, Pool,
    error::{Errno, Subject},
};

static SOURCES: Pool<Native, 2> = Pool::new();

/// A descriptor to print to.
struct Output(i32);

impl Write for Output {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let written = sys::write(self.0, rest).map_err(|_| fmt::Error)?;
            rest = rest.get(written..).ok_or(fmt::Error)?;
        }
        Ok(())
    }
}

/// Runs the program with the arguments from the kernel's stack, and returns its status.
fn main(arguments: &[*const c_char]) -> i32 {
    let &[_, path] = arguments else {
        return match Output(2).write_str("usage: freestanding PATH\n") {
            Ok(()) | Err(fmt::Error) => 2,
        };
    };
    let printed = match inspect(path) {
        Ok((size, alignment)) => writeln!(Output(1), "{size} {alignment}").map(|()| 0),
        Err(error) => writeln!(Output(2), "{error}").map(|()| 1),
    };
    // Where printing fails, only the status can tell.
    printed.unwrap_or(3)
}

/// Returns the size and the alignment of the file at `path`.
fn inspect(path: *const c_char) -> Result<(u64, u64), Error> {
    // SAFETY: `path` is an argument of the program, a string with a zero at its end.
    let opened = unsafe { sys::open(path) };
    let fd = opened
        .map_err(|errno| Error::Os { subject: Subject::Open, errno: Errno::from_raw(errno) })?;
    // SAFETY: the descriptor was just opened, and nothing in this program closes one.
    let fd = unsafe { Fd::borrow_raw(fd) };
    let source = SOURCES.source(fd)?;
    Ok((source.size()?, source.alignment()?))
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    sys::exit(101)
}

/// A symbol for core's unwinding tables, where the linker keeps them. Nothing unwinds here
/// (panic = "abort").
#[cfg(debug_assertions)]
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

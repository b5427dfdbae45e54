//! A Windows program without the C runtime, std or an allocator: makes sources of handles in a
//! static pool, and checks what they say. The exit status is the number of checks that failed.
#![no_std]
#![no_main]

mod checks;
mod win;

use core::{
    fmt::{self, Write},
    panic::PanicInfo,
};

/// Where the system enters: there is no C runtime to call `main`.
#[unsafe(no_mangle)]
extern "system" fn start() -> ! {
    win::exit(run())
}

/// Says of each check what it found; how many failed.
fn run() -> u32 {
    let mut failed = 0;
    for (name, check) in checks::ALL {
        let said = match check() {
            Ok(()) => writeln!(Output, "{name}: ok"),
            Err(found) => {
                failed += 1;
                writeln!(Output, "{name}: FAILED: {found}")
            }
        };
        // Where nothing can be printed, only the status is left to say so.
        failed += u32::from(said.is_err());
    }
    failed
}

/// Standard output.
struct Output;

impl Write for Output {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let written = win::print(rest).ok_or(fmt::Error)?;
            rest = rest.get(written..).ok_or(fmt::Error)?;
        }
        Ok(())
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    win::exit(101)
}

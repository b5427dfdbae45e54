//! `rounds WHAT N PATH` opens the file and does WHAT with it N times, for callgrind to count.
//!
//! - `raw`: calls fcntl(F_GETFL) and fstat
//! - `pmem2`: makes a source from the descriptor and drops it

#[path = "../raw.rs"]
mod raw;

use std::{env, fs::File, hint::black_box, os::fd::AsRawFd, process::ExitCode};

use pmem2::{Fd, Source};

#[inline(never)]
fn raw(fd: i32, rounds: u64) {
    for _ in 0..rounds {
        black_box(raw::getfl(black_box(fd)));
        black_box(raw::fstat(black_box(fd)));
    }
}

#[inline(never)]
fn pmem2(fd: i32, rounds: u64) {
    for _ in 0..rounds {
        // SAFETY: the file is open until `main` ends.
        let fd = unsafe { Fd::borrow_raw(black_box(fd)) };
        let source = Source::from_fd(fd);
        black_box(&source);
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [what, rounds, path] = arguments.as_slice() else {
        return ExitCode::from(2);
    };
    let (Ok(rounds), Ok(file)) = (rounds.parse(), File::open(path)) else {
        return ExitCode::from(2);
    };
    // SAFETY: the file is open until `main` ends.
    let good = Source::from_fd(unsafe { Fd::borrow_raw(file.as_raw_fd()) }).is_ok();
    match what.as_str() {
        "raw" => raw(file.as_raw_fd(), rounds),
        "pmem2" => pmem2(file.as_raw_fd(), rounds),
        _ => return ExitCode::from(2),
    }
    ExitCode::from(u8::from(!good))
}

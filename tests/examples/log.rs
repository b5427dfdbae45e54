//! An append-only log: records that are durable when the call returns, and whole after a power cut.
//!
//! ```sh
//! cargo run --example log -- PATH RECORD...
//! ```
//!
//! The file is created if it is not there. Each argument is appended; then all records are printed.
//! The log itself is in structures/log.rs, to copy from.

use std::{env, process::ExitCode};

#[path = "structures/file.rs"]
mod file;
#[path = "structures/mod.rs"]
mod structures;
#[path = "structures/with_path.rs"]
mod with_path;

use structures::log::{FIRST, Log};

fn main() -> ExitCode {
    if cfg!(windows) {
        println!("there is no mapping on Windows yet");
        return ExitCode::SUCCESS;
    }
    with_path::with_path("log", |path| {
        let map = file::map(path, 1 << 20)?;
        println!("the granularity is {}", map.expected()?);
        let mut log = Log::open(map)?;
        for record in env::args().skip(2) {
            log.append(record.as_bytes())?;
        }
        let mut buffer = [0; 4096];
        let mut at = FIRST;
        while let Some(record) = log.read(at, &mut buffer)? {
            let bytes = buffer.get(..record.length).unwrap_or(&buffer);
            println!("{at}: {}", String::from_utf8_lossy(bytes));
            at = record.next;
        }
        Ok(())
    })
}

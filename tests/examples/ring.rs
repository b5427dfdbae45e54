//! A ring of records: a queue that survives power cuts in a fixed space.
//!
//! ```sh
//! cargo run --example ring -- PATH RECORD...
//! ```
//!
//! The file is created if it is not there. Each argument is pushed; without one, the oldest record
//! is taken and printed. The ring itself is in structures/ring.rs, to copy from.

use std::{env, process::ExitCode};

#[path = "structures/file.rs"]
mod file;
#[path = "structures/mod.rs"]
mod structures;
#[path = "structures/with_path.rs"]
mod with_path;

use structures::ring::Ring;

fn main() -> ExitCode {
    if cfg!(windows) {
        println!("there is no mapping on Windows yet");
        return ExitCode::SUCCESS;
    }
    with_path::with_path("ring", |path| {
        let mut ring = Ring::open(file::map(path, 4096)?)?;
        for record in env::args().skip(2) {
            ring.push(record.as_bytes())?;
        }
        if env::args().len() <= 2 {
            let mut buffer = [0; 4096];
            match ring.take(&mut buffer)? {
                Some(length) => println!("{}", String::from_utf8_lossy(&buffer[..length])),
                None => println!("the ring is empty"),
            }
        }
        Ok(())
    })
}

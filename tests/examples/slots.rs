//! A value in two slots: replaced as a whole, and whole after a power cut.
//!
//! ```sh
//! cargo run --example slots -- PATH
//! ```
//!
//! The file is created if it is not there. Each run counts up. The slots are in
//! structures/slots.rs, to copy from.

use std::process::ExitCode;

#[path = "structures/file.rs"]
mod file;
#[path = "structures/mod.rs"]
mod structures;
#[path = "structures/with_path.rs"]
mod with_path;

use structures::slots::Slots;

fn main() -> ExitCode {
    if cfg!(windows) {
        println!("there is no mapping on Windows yet");
        return ExitCode::SUCCESS;
    }
    with_path::with_path("slots", |path| {
        let mut slots = Slots::open(file::map(path, 4096)?)?;
        let runs = slots.get()?.map_or(0, u64::from_le_bytes).saturating_add(1);
        slots.put(&runs.to_le_bytes())?;
        println!("run {runs}");
        Ok(())
    })
}

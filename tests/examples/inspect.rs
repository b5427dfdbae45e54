//! Opens a file and prints what is known of it as a source of persistent memory.
//!
//! ```sh
//! cargo run --example inspect -- PATH
//! ```
//!
//! Without a path it looks at itself.

use std::{
    env,
    fs::File,
    io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use pmem2::{Granularity, Sharing, Source};

fn main() -> ExitCode {
    let path = env::args_os().nth(1).map_or_else(env::current_exe, |path| Ok(PathBuf::from(path)));
    let path = path.unwrap_or_default();
    match inspect(&path) {
        Ok(()) => ExitCode::SUCCESS,
        // The cause and the remedy. A main that returned the error would print its fields.
        Err(error) => {
            eprintln!("{}: {error}", path.display());
            ExitCode::FAILURE
        }
    }
}

fn inspect(path: &Path) -> io::Result<()> {
    let file = File::open(path)?;

    // A source borrows the file here. It is a plain value: dropping it is all that deleting takes.
    // An error says what is wrong and what to do, and becomes an io::Error.
    let source = Source::new(&file)?;
    println!("{}: {}", path.display(), source.kind());
    println!("{} bytes, to be mapped in steps of {}", source.size()?, source.alignment()?);

    // Where it lies: a disk, a region of persistent memory, memory of the system's own.
    println!("it lies on {}", source.place()?);

    // How much a mapping of it would have to flush to make a store durable, known before anything
    // is mapped, with the reason and with what would have to change for a finer one. Shared: stores
    // reach the file. Those to a private mapping stay with the process.
    let expected = source.expected_granularity(Sharing::Shared)?;
    let memory = match expected.granularity {
        Granularity::Page => "no persistent memory",
        Granularity::Byte | Granularity::CacheLine => "persistent memory",
    };
    println!("it is {memory} for stores ({expected})");

    // Would this range be accepted? A length of 0 stands for the rest of the source.
    let all = source.check_range(0, 0)?;
    println!("a mapping may cover the bytes from {} to {}", all.start, all.end);
    Ok(())
}

//! Looks for bad memory: lists what the system knows to be bad, then reads everything.
//!
//! ```sh
//! cargo run --example scan -- PATH
//! ```
//!
//! Without a path it scans itself. `pmem2 inspect --scan` does the same and more.

use std::{env, fs::File, io, path::PathBuf, process::ExitCode};

use pmem2::{Error, Source, transfer::Reader};

/// Bytes that are read at once.
const STEP: usize = 1 << 20;

fn main() -> ExitCode {
    match look() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn look() -> io::Result<()> {
    let path = match env::args_os().nth(1) {
        Some(path) => PathBuf::from(path),
        None => env::current_exe()?,
    };
    let file = File::open(path)?;
    let source = Source::new(&file)?;

    // What the system has met before. That it keeps no list does not mean that nothing is bad.
    match listed(&source) {
        Ok(0) => println!("nothing is listed as bad"),
        Ok(bytes) => println!("{bytes} bytes are listed as bad"),
        Err(error) => println!("{error}"),
    }
    let unreadable = scan(&Reader::new(source)?)?;
    println!("{unreadable} bytes cannot be read");
    Ok(())
}

/// Prints the ranges that are listed, and returns their bytes.
fn listed(source: &Source<&File>) -> Result<u64, Error> {
    let mut bytes = 0;
    for range in source.bad_blocks()? {
        let range = range?;
        println!("listed: {range:?}");
        bytes += range.end - range.start;
    }
    Ok(bytes)
}

/// Reads all of the source, prints what cannot be read, and returns how many bytes that is.
///
/// No load ends the program: a transfer that meets bad memory says how many bytes it got, and which
/// block the bad one is in. The scan goes on after that block.
fn scan(reader: &Reader<&File>) -> Result<u64, Error> {
    let size = reader.source().size()?;
    let mut buffer = vec![0; STEP];
    let (mut at, mut unreadable) = (0, 0);
    while at < size {
        let step = (size - at).min(STEP as u64);
        let Some(part) = buffer.get_mut(..step as usize) else { break };
        let Err(stopped) = reader.read_at(at, part) else {
            at += step;
            continue;
        };
        match stopped.error() {
            Error::IoFail { offset, length } => {
                // The last block may reach past the end.
                let end = offset.saturating_add(length.max(1)).min(size);
                println!("unreadable: {:?}", offset..end);
                unreadable += end.saturating_sub(offset);
                at = end;
            }
            error => return Err(error),
        }
    }
    Ok(unreadable)
}

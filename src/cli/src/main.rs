//! `cargo inspect PATH…`: what pmem2 knows of each path, or of an inherited descriptor (`--fd N`), and why one is no source.
//!
//! It is safe to point at anything: see [`look`].
#![deny(unsafe_code)]
#![cfg_attr(
    not(test),
    warn(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]

#[cfg(not(target_os = "linux"))]
compile_error!("pmem2-inspect is for Linux: pmem2 has no backend for this system yet, and would refuse everything");

mod args;
mod json;
mod look;
mod text;

use std::{
    io::{self, ErrorKind, Write},
    path::Path,
    process::ExitCode,
};

use args::{Args, Place};
use look::Finding;

/// Not all are usable.
const REFUSED: u8 = 1;
/// Wrong use.
const USAGE: u8 = 2;
/// The output could not be written.
const UNWRITTEN: u8 = 3;

fn main() -> ExitCode {
    let args = match Args::of_command_line() {
        Ok(args) => args,
        Err(error) if error.use_stderr() => {
            complain(&text::without_controls(&error.render().to_string()));
            return USAGE.into();
        }
        // --help and --version.
        Err(error) => return written(write(&error.render().to_string()).map(|()| true)),
    };
    written(inspect(&args))
}

/// Prints what is known of each place, in order. Whether all are usable.
fn inspect(args: &Args) -> io::Result<bool> {
    // All inherited descriptors before any path: until then this process has opened nothing, so that no number can be one of
    // its own.
    let places: Vec<_> = args.places.iter().map(|place| (place, begin(place))).collect();
    let mut all_usable = true;
    for (index, (place, found)) in places.into_iter().enumerate() {
        let finding = match found {
            Begun::Done(finding) => *finding,
            Begun::Path(path) => look::path(path),
        };
        all_usable &= finding.report.verdict().is_ok();
        // Each as soon as it is known: the next path may lie on a server that does not answer.
        write(&if args.json { json::line(place, &finding)? } else { text::block(index, place, &finding) })?;
    }
    Ok(all_usable)
}

/// A place after the first pass, which looks at descriptors only.
enum Begun<'a> {
    Done(Box<Finding>),
    Path(&'a Path),
}

fn begin(place: &Place) -> Begun<'_> {
    match place {
        Place::Descriptor(number) => Begun::Done(Box::new(look::descriptor(*number))),
        Place::Path(path) => Begun::Path(path),
    }
}

fn write(output: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(output.as_bytes())?;
    stdout.flush()
}

fn written(usable: io::Result<bool>) -> ExitCode {
    match usable {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => REFUSED.into(),
        // Whoever read it has seen enough (`| head`).
        Err(error) if error.kind() == ErrorKind::BrokenPipe => UNWRITTEN.into(),
        Err(error) => {
            complain(&format!("pmem2-inspect: the output cannot be written: {error}\n"));
            UNWRITTEN.into()
        }
    }
}

/// Says it on stderr. Where that cannot be written either, the exit status has to do: `eprint!` would panic.
fn complain(message: &str) {
    let _ = io::stderr().lock().write_all(message.as_bytes());
}

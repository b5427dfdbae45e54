//! `cargo inspect PATH…`: what pmem2 knows of each path, or of an inherited descriptor (`--fd N`),
//! and why one is no source; with `--table`, of each region of physical memory that a firmware's
//! table tells of; with `--scan`, what of each can be read.
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

#[cfg(not(any(target_os = "linux", windows)))]
compile_error!(
    "pmem2-inspect is for Linux and Windows: pmem2 has no backend for this system, and would refuse everything"
);

mod args;
mod finding;
mod health;
mod json;
#[cfg_attr(windows, path = "look/windows.rs")]
mod look;
mod ranges;
mod scan;
mod table;
mod text;

use std::{
    io::{self, ErrorKind, Write},
    path::Path,
    process::ExitCode,
};

use args::{Args, Place};
use finding::Finding;
use scan::{End, Scanner};
use table::Table;

/// Not all are known to be usable.
const REFUSED: u8 = 1;
/// Wrong use.
const USAGE: u8 = 2;
/// The output could not be written.
const UNWRITTEN: u8 = 3;
/// Not all of a usable one could be read, or one was not opened that was to be.
const UNREADABLE: u8 = 4;
/// A scan was interrupted.
const INTERRUPTED: u8 = 5;

fn main() -> ExitCode {
    let args = match Args::of_command_line() {
        Ok(args) => args,
        Err(error) if error.use_stderr() => {
            complain(&text::without_controls(&error.render().to_string()));
            return USAGE.into();
        }
        // --help and --version.
        Err(error) => return written(write(&error.render().to_string()).map(|()| 0)),
    };
    written(inspect(&args))
}

/// Prints what is known of each place, in order. The exit status.
fn inspect(args: &Args) -> io::Result<u8> {
    // All inherited descriptors before any path: until then this process has opened nothing, so
    // that no number can be one of its own.
    let places: Vec<_> = args.places.iter().map(|place| (place, begin(place))).collect();
    let scanner = args.scan.then(|| Scanner::new(INTERRUPTED));
    let mut output = Output {
        json: args.json,
        begun: false,
        all_usable: true,
        all_readable: true,
        interrupted: false,
    };
    for (place, found) in places {
        match found {
            Begun::Done(number, mut finding) => {
                let scanner = scanner.as_ref().filter(|_| finding.is_usable());
                finding.scan = scanner.map(|scanner| finding::scan_descriptor(number, scanner));
                output.finding(place, &finding)?;
            }
            Begun::Path(path) => {
                let mut finding = look::path(path, scanner.as_ref());
                finding.unscanned = scanner.is_some() && finding.is_unknown();
                output.finding(place, &finding)?;
            }
            Begun::Table(path) => output.table(place, path)?,
        }
    }
    Ok(match output {
        Output { interrupted: true, .. } => INTERRUPTED,
        Output { all_usable: false, .. } => REFUSED,
        Output { all_readable: false, .. } => UNREADABLE,
        _ => 0,
    })
}

/// A place after the first pass, which looks at descriptors only.
enum Begun<'a> {
    Done(i32, Box<Finding>),
    Path(&'a Path),
    Table(&'a Path),
}

fn begin(place: &Place) -> Begun<'_> {
    match place {
        Place::Descriptor(number) => Begun::Done(*number, Box::new(finding::descriptor(*number))),
        Place::Path(path) => Begun::Path(path),
        Place::Table(path) => Begun::Table(path),
    }
}

/// What is printed, each source as soon as it is known: the next path may lie on a server that does
/// not answer.
struct Output {
    json: bool,
    /// Whether there is something before what comes next.
    begun: bool,
    all_usable: bool,
    /// As far as they were scanned.
    all_readable: bool,
    /// Whether a scan was.
    interrupted: bool,
}

impl Output {
    fn finding(&mut self, place: &Place, finding: &Finding) -> io::Result<()> {
        // What was not opened has a status of its own where it should have been read.
        let usable = finding.is_usable() || finding.unscanned;
        self.all_readable &= !finding.unscanned;
        if let Some(scan) = &finding.scan {
            self.interrupted |= scan.end == End::Interrupted;
            self.all_readable &= scan.unreadable.is_empty() && !matches!(scan.end, End::Failed(_));
        }
        self.put(usable, || text::finding(place, finding), || json::finding(place, finding))
    }

    /// Each region of the table in the file at `path`.
    fn table(&mut self, place: &Place, path: &Path) -> io::Result<()> {
        let mut bytes = Vec::new();
        let read = table::read(path, &mut bytes);
        match read.and_then(|()| Table::parse(&bytes)) {
            Ok(table) => table.told().try_for_each(|told| {
                let usable = told.report.verdict().is_ok();
                self.put(usable, || text::region(path, &told), || json::region(place, &told))
            }),
            Err(refusal) => self.put(
                false,
                || text::refusal(place, &refusal),
                || json::refusal(place, &refusal),
            ),
        }
    }

    fn put(
        &mut self,
        usable: bool,
        block: impl FnOnce() -> String,
        line: impl FnOnce() -> io::Result<String>,
    ) -> io::Result<()> {
        self.all_usable &= usable;
        let between = if std::mem::replace(&mut self.begun, true) { "\n" } else { "" };
        write(&if self.json { line()? } else { [between, &block()].concat() })
    }
}

fn write(output: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(output.as_bytes())?;
    stdout.flush()
}

fn written(status: io::Result<u8>) -> ExitCode {
    match status {
        Ok(status) => status.into(),
        // Whoever read it has seen enough (`| head`).
        Err(error) if error.kind() == ErrorKind::BrokenPipe => UNWRITTEN.into(),
        Err(error) => {
            complain(&format!("pmem2-inspect: the output cannot be written: {error}\n"));
            UNWRITTEN.into()
        }
    }
}

/// Says it on stderr. Where that cannot be written either, the exit status has to do: `eprint!`
/// would panic.
fn complain(message: &str) {
    let _ = io::stderr().lock().write_all(message.as_bytes());
}

//! `pmem2 inspect PATH…`: tells what each path, or an inherited descriptor (`--fd N`), is to
//! persistent memory; with `--table`, each region of physical memory in a firmware's table; with
//! `--scan`, which bytes can be read.
//!
//! It is safe to inspect anything: see [`look`].
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
compile_error!("the command line is for Linux and Windows: pmem2 has no backend for this system");

mod args;
mod badblocks;
mod entry;
mod json;
#[cfg_attr(windows, path = "look/windows.rs")]
mod look;
mod mapping;
mod name;
mod place;
mod ranges;
mod source;
#[cfg_attr(windows, path = "system/windows.rs")]
mod system;
mod table;
mod transfer;

use std::{
    io::{self, ErrorKind, Write},
    path::Path,
    process::ExitCode,
};

use args::{Args, Target};
use entry::Entry;
use source::Finding;
use table::Table;
use transfer::{End, Scanner};

/// One is not known to be usable.
const REFUSED: u8 = 1;
/// Wrong use.
const USAGE: u8 = 2;
/// The output could not be written.
const UNWRITTEN: u8 = 3;
/// Not all of a usable one could be read, or one that was to be read was not opened.
const UNREADABLE: u8 = 4;
/// A scan was interrupted.
const INTERRUPTED: u8 = 5;

fn main() -> ExitCode {
    let args = match Args::parse() {
        Ok(args) => args,
        Err(error) if error.use_stderr() => {
            complain(&name::without_controls(&error.render().to_string()));
            return USAGE.into();
        }
        // --help and --version.
        Err(error) => {
            let help = error.render().to_string();
            return written(write(&format!("{}\n", help.trim_end())).map(|()| 0));
        }
    };
    written(inspect(&args))
}

/// Prints the entry of each target, in order. Returns the exit status.
fn inspect(args: &Args) -> io::Result<u8> {
    // All inherited descriptors before any path: until then this process has opened nothing, so
    // that no number can be its own.
    let targets: Vec<_> = args.targets.iter().map(|target| (target, begin(target))).collect();
    let scanner = args.scan.then(|| Scanner::new(INTERRUPTED));
    let mut output = Output {
        json: args.json,
        begun: false,
        all_usable: true,
        all_readable: true,
        interrupted: false,
    };
    for (target, found) in targets {
        match found {
            Begun::Done(number, mut finding) => {
                let scanner = scanner.as_ref().filter(|_| finding.is_usable());
                finding.scan = scanner.map(|scanner| source::scan_descriptor(number, scanner));
                output.finding(target, &finding)?;
            }
            Begun::Path(path) => {
                let mut finding = look::path(path, scanner.as_ref());
                finding.unscanned = scanner.is_some() && finding.is_unknown();
                output.finding(target, &finding)?;
            }
            Begun::Table(path) => output.table(target, path)?,
        }
    }
    Ok(match output {
        Output { interrupted: true, .. } => INTERRUPTED,
        Output { all_usable: false, .. } => REFUSED,
        Output { all_readable: false, .. } => UNREADABLE,
        _ => 0,
    })
}

/// A target after the first pass, which looks at descriptors only.
enum Begun<'a> {
    Done(i32, Box<Finding>),
    Path(&'a Path),
    Table(&'a Path),
}

fn begin(target: &Target) -> Begun<'_> {
    match target {
        Target::Descriptor(number) => Begun::Done(*number, Box::new(source::descriptor(*number))),
        Target::Path(path) => Begun::Path(path),
        Target::Table(path) => Begun::Table(path),
    }
}

/// The output. Each entry is printed at once: the next path may lie on a server that never answers.
struct Output {
    json: bool,
    /// Whether an entry was printed.
    begun: bool,
    all_usable: bool,
    /// Whether all that was to be scanned could be read.
    all_readable: bool,
    /// Whether a scan was interrupted.
    interrupted: bool,
}

impl Output {
    fn finding(&mut self, target: &Target, finding: &Finding) -> io::Result<()> {
        // A path that should have been read and was not opened has a status of its own.
        let usable = finding.is_usable() || finding.unscanned;
        self.all_readable &= !finding.unscanned;
        if let Some(scan) = &finding.scan {
            self.interrupted |= scan.end == End::Interrupted;
            self.all_readable &= scan.unreadable.is_empty() && !matches!(scan.end, End::Failed(_));
        }
        self.put(usable, finding.entry(target))
    }

    /// Prints each region of the table in the file at `path`.
    fn table(&mut self, target: &Target, path: &Path) -> io::Result<()> {
        let mut bytes = Vec::new();
        let read = table::read(path, &mut bytes);
        match read.and_then(|()| Table::parse(&bytes)) {
            Ok(table) => table.listed().try_for_each(|region| {
                self.put(region.report.verdict().is_ok(), region.entry(target))
            }),
            Err(refusal) => self.put(false, refusal.entry(target)),
        }
    }

    fn put(&mut self, usable: bool, entry: Entry) -> io::Result<()> {
        self.all_usable &= usable;
        let between = if std::mem::replace(&mut self.begun, true) { "\n" } else { "" };
        write(&if self.json { entry.into_json() } else { [between, &entry.into_lines()].concat() })
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
        // The reader has seen enough (`| head`).
        Err(error) if error.kind() == ErrorKind::BrokenPipe => UNWRITTEN.into(),
        Err(error) => {
            complain(&format!("pmem2: the output cannot be written: {error}\n"));
            UNWRITTEN.into()
        }
    }
}

/// Writes to stderr. If that fails too, the exit status has to do: `eprint!` would panic.
fn complain(message: &str) {
    let _ = io::stderr().lock().write_all(message.as_bytes());
}

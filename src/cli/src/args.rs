//! The command line.

use std::{ffi::OsString, path::PathBuf};

use clap::{ArgGroup, ArgMatches, CommandFactory, FromArgMatches, Parser, error::ErrorKind};

/// What `--help` says below the options.
const HELP: &str = include_str!("help.txt");

/// Says what each PATH or descriptor is to pmem2: whether it is a data source, of which kind, size,
/// alignment and file system, where it lies and what must be flushed to make a store durable, or
/// why it is refused and what to do instead
#[derive(Parser)]
#[command(name = "pmem2-inspect", version, after_long_help = HELP, max_term_width = 100)]
#[command(
    override_usage = "pmem2-inspect [--json] [--scan] [--fd N]... [PATH]...\n       pmem2-inspect [--json] --table FILE..."
)]
#[command(group(ArgGroup::new("places").args(["path", "fd", "table"]).required(true).multiple(true)))]
struct Cli {
    /// Files, devices, or whatever else; with --table the files that tables are in
    // Not PathBuf: clap takes an empty one for wrong use, and it is but a path that does not exist.
    #[arg(value_name = "PATH")]
    path: Vec<OsString>,

    /// Inspect the inherited descriptor N, as it is; may be repeated and mixed with paths
    ///
    /// All descriptors are looked at before the first path is; the output is in the order of the
    /// command line. One that was not open is refused; but where 0, 1 or 2 is closed, /dev/null is
    /// found there, opened when this program starts.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = number)]
    fd: Vec<i32>,

    /// Read each FILE as a firmware's table, and inspect the regions of physical memory that it
    /// tells of
    ///
    /// It is ACPI's NFIT (/sys/firmware/acpi/tables/NFIT) or a flattened devicetree
    /// (/sys/firmware/fdt, a .dtb), whichever its first bytes say, of this machine or of another
    /// one; the NFIT may stand anywhere in what acpidump(8) printed. What is said of a region is
    /// what a program without an operating system would have of it.
    #[arg(long)]
    table: bool,

    /// Read each source as a whole, and say which bytes of it cannot be read
    ///
    /// Bad memory does not end this program: it goes on behind it. What of a file was never written
    /// (its holes, and what was only preallocated) is not read where the file was opened here, and
    /// reads as zeros where it was inherited. On a terminal a bar shows how far it is. Ctrl-C ends
    /// the scan, and what was found until then is printed; pressed twice it ends the program. What
    /// may be usable but was not opened is not read, which the exit status says. What that proves is
    /// said below.
    #[arg(long, conflicts_with = "table")]
    scan: bool,

    /// Print one JSON object per line and source; --help lists its keys
    #[arg(long)]
    json: bool,
}

/// Something to inspect.
pub(crate) enum Place {
    Descriptor(i32),
    Path(PathBuf),
    /// The file that a firmware's table is in.
    Table(PathBuf),
}

pub(crate) struct Args {
    /// In the order of the command line.
    pub(crate) places: Vec<Place>,
    pub(crate) json: bool,
    pub(crate) scan: bool,
}

impl Args {
    pub(crate) fn of_command_line() -> Result<Self, clap::Error> {
        let matches = Cli::command().try_get_matches()?;
        let cli = Cli::from_arg_matches(&matches)?;
        if cli.table && cli.path.is_empty() {
            // clap would call it PATH, and without a word of tables.
            let missing = "--table needs a FILE that a firmware's table is in";
            return Err(Cli::command().error(ErrorKind::MissingRequiredArgument, missing));
        }
        let place = if cli.table { Place::Table } else { Place::Path };
        let paths = indices(&matches, "path")
            .zip(cli.path.into_iter().map(|path| place(PathBuf::from(path))));
        let descriptors = indices(&matches, "fd").zip(cli.fd.into_iter().map(Place::Descriptor));
        let mut places: Vec<_> = paths.chain(descriptors).collect();
        places.sort_by_key(|(index, _)| *index);
        Ok(Self {
            places: places.into_iter().map(|(_, place)| place).collect(),
            json: cli.json,
            scan: cli.scan,
        })
    }
}

/// A descriptor's number. One below 0 is none that is open, which the system says.
fn number(argument: &str) -> Result<i32, &'static str> {
    argument.parse().map_err(|_| "a descriptor's number is expected, 0 to 2147483647")
}

/// Where on the command line the values of an argument stand.
fn indices(matches: &ArgMatches, argument: &str) -> impl Iterator<Item = usize> {
    matches.indices_of(argument).into_iter().flatten()
}

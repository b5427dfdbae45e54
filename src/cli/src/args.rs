//! The command line.

use std::{ffi::OsString, path::PathBuf};

use clap::{
    ArgGroup, ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand,
    error::{ContextKind, ContextValue, ErrorKind},
};

/// The manual page. `--help` prints the sections after the options.
const PAGE: &str = include_str!("../man/pmem2.md");

/// Tells what a path is to persistent memory, and whether it can be read
#[derive(Parser)]
#[command(name = "pmem2", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Inspect(Inspect),
}

/// Say whether a store to each PATH stays when the power fails, why not and what to do; then its
/// kind, size, alignment, file system, place and bad blocks
#[derive(clap::Args)]
#[command(override_usage = USAGE, after_long_help = manual(), max_term_width = 100)]
#[command(group(targets()))]
struct Inspect {
    /// Files, devices or anything else; with --table files with tables
    // Not PathBuf: clap takes an empty path for wrong use, but it is only one that does not exist.
    #[arg(value_name = "PATH")]
    path: Vec<OsString>,

    /// Inspect the inherited descriptor N, as it is; may be repeated and mixed with paths
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = number)]
    fd: Vec<i32>,

    /// Read each FILE as a firmware's table (NFIT or devicetree) and inspect its regions
    #[arg(long)]
    table: bool,

    /// Read each source as a whole and say which bytes cannot be read
    #[arg(long, conflicts_with = "table")]
    scan: bool,

    /// Print one JSON object per line and source; --help lists its keys
    #[arg(long)]
    json: bool,
}

const USAGE: &str = "pmem2 inspect [--json] [--scan] [--fd N]... [PATH]...\n       \
                     pmem2 inspect [--json] --table FILE...";

/// At least one target has to be given.
fn targets() -> ArgGroup {
    ArgGroup::new("targets").args(["path", "fd", "table"]).required(true).multiple(true)
}

/// The sections of the page that follow the options, as plain text.
fn manual() -> String {
    let (_, sections) = PAGE.split_once("# WHAT IS OPENED").unwrap_or_default();
    let (sections, _) = sections.split_once("\n# EXAMPLE").unwrap_or_default();
    let text = sections.replace("**", "").replace('`', "").replace("\n# ", "\n");
    format!("WHAT IS OPENED{}", text.trim_end())
}

/// Something to inspect.
pub(crate) enum Target {
    Descriptor(i32),
    Path(PathBuf),
    /// A file with a firmware's table.
    Table(PathBuf),
}

pub(crate) struct Args {
    /// In the order of the command line.
    pub(crate) targets: Vec<Target>,
    pub(crate) json: bool,
    pub(crate) scan: bool,
}

impl Args {
    /// Parses the command line.
    pub(crate) fn parse() -> Result<Self, clap::Error> {
        let mut command = Cli::command();
        let matches = command.try_get_matches_from_mut(std::env::args_os()).map_err(tip)?;
        let Command::Inspect(cli) = Cli::from_arg_matches(&matches)?.command;
        if cli.table && cli.path.is_empty() {
            // clap would call it PATH and not mention tables.
            let missing = "--table needs a FILE with a firmware's table";
            let inspect = command.find_subcommand("inspect").cloned().unwrap_or(command);
            return Err({ inspect }.error(ErrorKind::MissingRequiredArgument, missing));
        }
        let target = if cli.table { Target::Table } else { Target::Path };
        let paths = indices(&matches, "path")
            .zip(cli.path.into_iter().map(|path| target(PathBuf::from(path))));
        let descriptors = indices(&matches, "fd").zip(cli.fd.into_iter().map(Target::Descriptor));
        let mut targets: Vec<_> = paths.chain(descriptors).collect();
        targets.sort_by_key(|(index, _)| *index);
        Ok(Self {
            targets: targets.into_iter().map(|(_, target)| target).collect(),
            json: cli.json,
            scan: cli.scan,
        })
    }
}

/// Adds what was probably meant: a path without the subcommand.
fn tip(mut error: clap::Error) -> clap::Error {
    let subcommand = error.get(ContextKind::InvalidSubcommand);
    if let (Some(ContextValue::String(path)), None) =
        (subcommand, error.get(ContextKind::SuggestedSubcommand))
    {
        let tip = format!("try pmem2 inspect {path}");
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

/// Parses the number of a descriptor. A negative one is not open, as the system says.
fn number(argument: &str) -> Result<i32, &'static str> {
    argument.parse().map_err(|_| "a descriptor's number is expected, 0 to 2147483647")
}

/// The positions of an argument's values on the command line.
fn indices<'m>(matches: &'m ArgMatches, argument: &'m str) -> impl Iterator<Item = usize> + 'm {
    let inspect = matches.subcommand_matches("inspect");
    inspect.and_then(|matches| matches.indices_of(argument)).into_iter().flatten()
}

//! The command line.

use std::{ffi::OsString, path::PathBuf};

use clap::{ArgGroup, ArgMatches, CommandFactory, FromArgMatches, Parser};

/// What `--help` says below the options.
const HELP: &str = "\
Each path is looked at first, without opening it (O_PATH). Only a device DAX, or a regular file of a \
file system that keeps data (not /proc, /sys and their like), is then opened: read-only, without waiting, without becoming a \
controlling terminal. A FIFO, a terminal, a tape, a watchdog, a disk is never opened, so that it is safe to point this at \
anything. (A process that holds a write lease on a file is told that someone wants it.) Symbolic links are followed.

Exit status:
  0  all are usable
  1  one is not usable, or does not exist
  2  wrong use
  3  the output could not be written

JSON: one object per line and source. Every key is always there; it is null where there is nothing \
to say. Later versions may add keys, kinds and symbols; what is there keeps its meaning while \
\"schema\" is 1.
  schema              1
  path                the path, with U+FFFD for what is not UTF-8; null for --fd
  path_bytes          the path as an array of bytes, where it is not UTF-8
  fd                  the number given to --fd; null for a path
  usable              whether it is a data source: true or false
  error               why not: {\"code\": N, \"symbol\": STRING or null, \"errno\": N, \"message\": STRING}
                      code: what libpmem2 returns, PMEM2_E_* (-100000 to -100037) or -errno
                      symbol: the code's name, \"PMEM2_E_INVALID_FILE_TYPE\" or \"EACCES\"
                      errno: as from pmem2_err_to_errno
                      message: a sentence for people, which may change
  kind                regular-file, device-dax, character-device, block-device, directory, pipe,
                      socket, symbolic-link, anonymous-inode, other, or unknown-character-device:
                      there is no telling whether it is a device DAX
  opened              whether the path was opened, not only looked at; null for --fd
  access              what the descriptor was opened for: read-only, read-write, write-only, none,
                      path (O_PATH); null for a path
  append              whether the descriptor is O_APPEND: true or false; null for a path
  permission          what this user may do with the path: {\"read\": BOOL, \"write\": BOOL}, each
                      null where that cannot be told; null for --fd
  device              the device that it lies on: {\"major\": N, \"minor\": N}
  inode               the inode number
  represented_device  the device that a device file stands for: {\"major\": N, \"minor\": N}
  file_system         {\"name\": STRING or null, \"magic\": N}: statfs's f_type and its name
  size                in bytes
  allocated           bytes with storage behind them; fewer than size: the file is sparse
  alignment           in bytes: offsets and lengths of mappings have to be multiples of it
  answer_errors       an object with an error, as above, for each of file_system, size, allocated
                      and alignment that should be known and could not be told";

/// Says what each PATH or descriptor is to pmem2: whether it is a data source, of which kind, size, alignment and file
/// system, or why it is refused and what to do instead
#[derive(Parser)]
#[command(name = "pmem2-inspect", version, after_long_help = HELP, max_term_width = 100)]
#[command(override_usage = "pmem2-inspect [--json] [--fd N]... [PATH]...")]
#[command(group(ArgGroup::new("places").args(["path", "fd"]).required(true).multiple(true)))]
struct Cli {
    /// Files, devices, or whatever else
    // Not PathBuf: clap takes an empty one for wrong use, and it is but a path that does not exist.
    #[arg(value_name = "PATH")]
    path: Vec<OsString>,

    /// Inspect the inherited descriptor N, as it is; may be repeated and mixed with paths
    ///
    /// All descriptors are looked at before the first path is; the output is in the order of the command line. One that was
    /// not open is refused; but where 0, 1 or 2 is closed, /dev/null is found there, opened when this program starts.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    fd: Vec<i32>,

    /// Print one JSON object per line and source; --help lists its keys
    #[arg(long)]
    json: bool,
}

/// Something to inspect.
pub(crate) enum Place {
    Descriptor(i32),
    Path(PathBuf),
}

pub(crate) struct Args {
    /// In the order of the command line.
    pub(crate) places: Vec<Place>,
    pub(crate) json: bool,
}

impl Args {
    pub(crate) fn of_command_line() -> Result<Self, clap::Error> {
        let matches = Cli::command().try_get_matches()?;
        let cli = Cli::from_arg_matches(&matches)?;
        let paths = indices(&matches, "path").zip(cli.path.into_iter().map(|path| Place::Path(PathBuf::from(path))));
        let descriptors = indices(&matches, "fd").zip(cli.fd.into_iter().map(Place::Descriptor));
        let mut places: Vec<_> = paths.chain(descriptors).collect();
        places.sort_by_key(|(index, _)| *index);
        Ok(Self { places: places.into_iter().map(|(_, place)| place).collect(), json: cli.json })
    }
}

/// Where on the command line the values of an argument stand.
fn indices(matches: &ArgMatches, argument: &str) -> impl Iterator<Item = usize> {
    matches.indices_of(argument).into_iter().flatten()
}

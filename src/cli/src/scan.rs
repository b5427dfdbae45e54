//! `--scan`: reading a whole source, to see what of it can be read.

use std::{
    fmt::{self, Display},
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pmem2::{
    Error, Handle, Source,
    error::{Errno, Subject},
    platform::Transfer,
    transfer::{Reader, TransferError},
};
use signal_hook::{consts, flag};

use crate::ranges::Ranges;

/// How many bytes are read at once.
const CHUNK: usize = 1 << 20;

/// What was read of a source.
pub(crate) struct Scan {
    pub(crate) size: u64,
    /// As far as it was read, or known to be never written.
    pub(crate) scanned: u64,
    /// Bytes of holes, and of what was only preallocated: they are zeros, whatever the memory has
    /// that there is for them.
    pub(crate) never_written: u64,
    pub(crate) unreadable: Ranges,
    pub(crate) end: End,
}

/// Why a scan ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// All was read that can be.
    Complete,
    Interrupted,
    Failed(Error),
}

/// Bytes of a source, from one on, that were written; `None` where there are none up to the end.
pub(crate) type NextData<'a> = &'a dyn Fn(u64) -> Option<Range<u64>>;

/// What scans, until it is interrupted.
pub(crate) struct Scanner {
    interrupted: Arc<AtomicBool>,
}

impl Scanner {
    /// From now on Ctrl-C, and a request to end, is a request to stop scanning; the second one ends
    /// this program with this status.
    pub(crate) fn new(status: u8) -> Self {
        let interrupted = Arc::new(AtomicBool::new(false));
        for signal in [consts::SIGINT, consts::SIGTERM] {
            // Where it cannot be had, the first one ends this program.
            let _ = flag::register_conditional_shutdown(
                signal,
                status.into(),
                Arc::clone(&interrupted),
            );
            let _ = flag::register(signal, Arc::clone(&interrupted));
        }
        Self { interrupted }
    }

    fn is_interrupted(&self) -> bool {
        self.interrupted.load(Relaxed)
    }

    /// Reads all of a source that was written.
    pub(crate) fn scan<H: Handle<P: Transfer>>(
        &self,
        handle: H,
        name: &str,
        next_data: NextData<'_>,
    ) -> Scan {
        let mut scan = Scan {
            size: 0,
            scanned: 0,
            never_written: 0,
            unreadable: Ranges::default(),
            end: End::Complete,
        };
        if let Err(error) = self.read(handle, name, next_data, &mut scan) {
            scan.end = End::Failed(error);
        }
        scan
    }

    fn read<H: Handle<P: Transfer>>(
        &self,
        handle: H,
        name: &str,
        next_data: NextData<'_>,
        scan: &mut Scan,
    ) -> Result<(), Error> {
        let reader = Reader::new(Source::new(handle)?)?;
        scan.size = reader.source().size()?;
        let mut buffer = Vec::new();
        buffer
            .try_reserve_exact(CHUNK)
            .map_err(|_| Error::Os { subject: Subject::Buffer, errno: Errno::ENOMEM })?;
        buffer.resize(CHUNK, 0);
        let bar = bar(scan.size, name);
        let result = self.read_by(&reader, &mut buffer, next_data, scan, &bar);
        bar.finish_and_clear();
        result
    }

    fn read_by<H: Handle<P: Transfer>>(
        &self,
        reader: &Reader<H>,
        buffer: &mut [u8],
        next_data: NextData<'_>,
        scan: &mut Scan,
        bar: &ProgressBar,
    ) -> Result<(), Error> {
        // Of the data that is being read.
        let mut end = 0;
        while scan.scanned < scan.size {
            // Before a question, too: a system that tells of no bytes would be asked for ever.
            if self.is_interrupted() {
                scan.end = End::Interrupted;
                break;
            }
            if scan.scanned >= end {
                let data = next_data(scan.scanned).unwrap_or(scan.size..scan.size);
                let start = data.start.clamp(scan.scanned, scan.size);
                scan.never_written =
                    scan.never_written.saturating_add(start.saturating_sub(scan.scanned));
                scan.scanned = start;
                end = data.end.clamp(start, scan.size);
                continue;
            }
            let left = usize::try_from(end.saturating_sub(scan.scanned)).unwrap_or(usize::MAX);
            let chunk = buffer.get_mut(..left.min(CHUNK)).unwrap_or_default();
            let read = reader.read_at(scan.scanned, chunk);
            if read.is_err() {
                // Of a device that was taken away no byte can be read, which is another thing than
                // that each of them is bad.
                reader.source().size()?;
            }
            scan.went(read, chunk.len())?;
            bar.set_position(scan.scanned);
        }
        Ok(())
    }
}

impl Scan {
    /// Goes on behind what was read, or could not be.
    fn went(&mut self, read: Result<(), TransferError>, length: usize) -> Result<(), Error> {
        let Err(stopped) = read else {
            self.scanned = self.behind(length);
            return Ok(());
        };
        self.scanned = self.behind(stopped.done());
        let Error::IoFail { offset, length } = stopped.error() else { return Err(stopped.error()) };
        // A byte at least: a system that tells of none would be asked for ever.
        let start = offset.max(self.scanned);
        let end = offset.saturating_add(length).min(self.size).max(start.saturating_add(1));
        self.unreadable.add(start..end);
        self.scanned = end;
        Ok(())
    }

    fn behind(&self, length: usize) -> u64 {
        self.scanned.saturating_add(u64::try_from(length).unwrap_or(u64::MAX))
    }
}

/// On a terminal, as wide as that is; nowhere else is anything drawn.
fn bar(size: u64, name: &str) -> ProgressBar {
    let template = "{msg} [{wide_bar}] {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::with_draw_target(Some(size), ProgressDrawTarget::stderr());
    bar.with_style(style.progress_chars("=> ")).with_message(shortened(name))
}

/// The end of a name, in so few columns that the figures and a bar fit into 80 beside it.
fn shortened(name: &str) -> String {
    const COLUMNS: usize = 20;
    const MARK: &str = "...";
    // Some characters beyond ASCII take two columns.
    let columns = |text: &str| {
        text.chars().map(|character| if character.is_ascii() { 1 } else { 2 }).sum::<usize>()
    };
    if columns(name) <= COLUMNS {
        return name.to_owned();
    }
    let mut ends = name.char_indices().filter_map(|(start, _)| name.get(start..));
    let end =
        ends.find(|end| columns(end).saturating_add(MARK.len()) <= COLUMNS).unwrap_or_default();
    format!("{MARK}{end}")
}

/// How far it came.
impl Display for Scan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.end {
            End::Complete => write!(f, "all {} bytes", self.size)?,
            End::Interrupted => {
                write!(f, "{} of {} bytes, and then interrupted", self.scanned, self.size)?
            }
            End::Failed(error) => write!(f, "{} of {} bytes: {error}", self.scanned, self.size)?,
        }
        match self.never_written {
            0 => Ok(()),
            bytes => write!(f, "; {bytes} of them were never written, and were not read"),
        }
    }
}

#[cfg(test)]
mod tests;

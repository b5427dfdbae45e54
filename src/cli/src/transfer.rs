//! `--scan`: reads a whole source and notes the bytes that cannot be read.

use std::{
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
use serde_json::json;
use signal_hook::{consts, flag};

use crate::{entry::Entry, json, ranges::Ranges};

/// How many bytes are read at once.
const CHUNK: usize = 1 << 20;

/// The result of a scan.
pub(crate) struct Scan {
    size: u64,
    /// How far it was read, or is known to be never written.
    scanned: u64,
    /// The bytes of holes and of preallocated ranges. They are zeros, whatever the memory below
    /// holds.
    never_written: u64,
    pub(crate) unreadable: Ranges,
    pub(crate) end: End,
}

/// Why a scan ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Everything was read that can be.
    Complete,
    Interrupted,
    Failed(Error),
}

/// Returns the next written bytes of a source from an offset on; `None` if there are no more.
pub(crate) type NextData<'a> = &'a dyn Fn(u64) -> Option<Range<u64>>;

/// Scans sources until it is interrupted.
pub(crate) struct Scanner {
    interrupted: Arc<AtomicBool>,
}

impl Scanner {
    /// Takes Ctrl-C and SIGTERM as requests to stop scanning. The second one ends this program with
    /// this status.
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

    /// Reads everything of a source that was written.
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
        // The end of the data that is being read.
        let mut end = 0;
        while scan.scanned < scan.size {
            // Checked before each question too: a system that tells of no bytes would be asked for
            // ever.
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
                // A device that was taken away is not a device whose bytes are all bad.
                reader.source().size()?;
            }
            scan.advance(read, chunk.len())?;
            bar.set_position(scan.scanned);
        }
        Ok(())
    }
}

impl Scan {
    /// Goes on after the bytes that were read or could not be.
    fn advance(&mut self, read: Result<(), TransferError>, length: usize) -> Result<(), Error> {
        let Err(stopped) = read else {
            self.scanned = self.after(length);
            return Ok(());
        };
        self.scanned = self.after(stopped.done());
        let Error::IoFail { offset, length } = stopped.error() else { return Err(stopped.error()) };
        // At least one byte: a system that tells of none would be asked for ever.
        let start = offset.max(self.scanned);
        let end = offset.saturating_add(length).min(self.size).max(start.saturating_add(1));
        self.unreadable.add(start..end);
        self.scanned = end;
        Ok(())
    }

    fn after(&self, length: usize) -> u64 {
        self.scanned.saturating_add(u64::try_from(length).unwrap_or(u64::MAX))
    }

    pub(crate) fn tell(&self, entry: &mut Entry) {
        let Self { size, scanned, never_written, unreadable, end } = self;
        let (mut said, failed) = match end {
            End::Complete => (format!("all {size} bytes"), None),
            End::Interrupted => (format!("{scanned} of {size} bytes, and then interrupted"), None),
            End::Failed(error) => (format!("{scanned} of {size} bytes: {error:#}"), Some(error)),
        };
        if *never_written > 0 {
            said += &format!("; {never_written} of them were never written, and were not read");
        }
        entry.line("scanned", said);
        entry.line("unreadable", unreadable);
        entry.set(
            "scan",
            json!({
                "size": size,
                "scanned": scanned,
                "never_written": never_written,
                "complete": *end == End::Complete,
                "interrupted": *end == End::Interrupted,
                "error": failed.map(json::error),
                "unreadable": unreadable.json(),
                "unreadable_count": unreadable.count(),
                "unreadable_bytes": unreadable.bytes(),
            }),
        );
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

#[cfg(test)]
mod tests;

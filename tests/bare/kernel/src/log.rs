//! A log in a source: records one behind the other, each durable before the next one is begun.

use core::fmt;

use pmem2::{Access, Cpu, Error, Extent, Source, Window, WindowFault};
use pmem2_bare_record::{LENGTH, Record, last, offset};

use crate::arch;

/// Why there is no log, or no further record.
pub(crate) enum Fault {
    /// The source can only be read.
    ReadOnly,
    /// The processor cannot reach the memory.
    Unmapped,
    /// What the library says of the source.
    Refused(Error),
    /// What it says of the memory: `Outside` when the log is full.
    Window(WindowFault),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReadOnly => f.write_str("read-only"),
            Self::Unmapped => f.write_str("unmapped"),
            Self::Refused(error) => error.fmt(f),
            Self::Window(fault) => fault.fmt(f),
        }
    }
}

pub(crate) struct Log<'t> {
    window: Window<'t>,
    last: Option<Record>,
    boot: u64,
}

impl<'t> Log<'t> {
    /// The log in a source, with the last record of the boots before.
    pub(crate) fn open(source: &Source<Extent<'t>>) -> Result<(Self, Option<Record>), Fault> {
        if !source.access().contains(Access::WRITE) {
            return Err(Fault::ReadOnly);
        }
        let extent = *source.handle();
        let at = extent.base().and_then(|base| arch::map(base, extent.length())).ok_or(Fault::Unmapped)?;
        // SAFETY: the whole extent was mapped just now and stays so; nothing else in this program touches it.
        let window = unsafe { extent.mapped(at) }.flushed_by(Cpu::detect().unwrap_or(Cpu::fence_only()));
        let last = last(|offset| {
            let mut bytes = [0; LENGTH];
            window.read(usize::try_from(offset).ok()?, &mut bytes).ok()?;
            Some(bytes)
        });
        let boot = last.map_or(1, |last| last.boot.saturating_add(1));
        Ok((Self { window, last, boot }, last))
    }

    /// The sequence number of the record that comes next.
    pub(crate) fn next(&self) -> u64 {
        self.last.map_or(0, |last| last.sequence).saturating_add(1)
    }

    /// Appends a record, and makes it durable.
    pub(crate) fn append(&mut self) -> Result<Record, Fault> {
        let record = Record { sequence: self.next(), boot: self.boot };
        let at = offset(record.sequence.saturating_sub(1));
        let at = usize::try_from(at).map_err(|_| Fault::Window(WindowFault::Outside))?;
        self.window.write(at, &record.encode()).map_err(Fault::Window)?;
        self.window.persist(at, LENGTH).map_err(Fault::Window)?;
        self.last = Some(record);
        Ok(record)
    }
}

//! A log in a source: one record after another, each durable before the next one begins.

use core::fmt;

use pmem2::{
    Access, Error, Source,
    bare::{Extent, Window},
    persist::Cpu,
    transfer::Writer,
};
use pmem2_bare_record::{LENGTH, Record, last, offset};

use crate::arch;

/// The reason why there is no log, or no further record.
pub(crate) enum Fault {
    /// The source can only be read.
    ReadOnly,
    /// The processor cannot reach the memory.
    Unmapped,
    /// The library's error: `LengthOutOfRange` when the log is full.
    Refused(Error),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReadOnly => f.write_str("read-only"),
            Self::Unmapped => f.write_str("unmapped"),
            Self::Refused(error) => error.fmt(f),
        }
    }
}

pub(crate) struct Log<'t> {
    writer: Writer<Extent<'t>>,
    last: Option<Record>,
    boot: u64,
}

/// Maps the memory of a source for writing.
pub(crate) fn mapped<'t>(source: &Source<Extent<'t>>) -> Result<Window<'t>, Fault> {
    if !source.access().contains(Access::WRITE) {
        return Err(Fault::ReadOnly);
    }
    let extent = *source.handle();
    let at =
        extent.base().and_then(|base| arch::map(base, extent.length())).ok_or(Fault::Unmapped)?;
    // SAFETY: the whole extent was just mapped and stays so. Nothing else in this program accesses
    // it.
    Ok(unsafe { extent.mapped(at) }.flushed_by(Cpu::detect().unwrap_or(Cpu::fence_only())))
}

impl<'t> Log<'t> {
    /// The log in a source, with the last record of the boots before.
    pub(crate) fn open(
        source: Source<Extent<'t>>,
        window: &'t Window<'t>,
    ) -> Result<(Self, Option<Record>), Fault> {
        let writer = Writer::with_guard(source, window).map_err(Fault::Refused)?;
        let last = last(|offset| {
            let mut bytes = [0; LENGTH];
            writer.read_at(offset, &mut bytes).ok()?;
            Some(bytes)
        });
        let boot = last.map_or(1, |last| last.boot.saturating_add(1));
        Ok((Self { writer, last, boot }, last))
    }

    /// Returns the sequence number of the next record.
    pub(crate) fn next(&self) -> u64 {
        self.last.map_or(0, |last| last.sequence).saturating_add(1)
    }

    /// Appends a record and makes it durable.
    pub(crate) fn append(&mut self) -> Result<Record, Fault> {
        let record = Record { sequence: self.next(), boot: self.boot };
        let at = offset(record.sequence.saturating_sub(1));
        self.writer
            .write_at(at, &record.encode())
            .map_err(|halted| Fault::Refused(halted.error()))?;
        self.last = Some(record);
        Ok(record)
    }
}

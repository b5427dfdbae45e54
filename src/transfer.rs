//! Reading and writing a source whose memory may be bad.

mod error;

pub use pmem2_platform::{Cause, Partial, ReadBuffer, WriteBuffer};
#[cfg(target_os = "linux")]
pub use pmem2_platform::{SigbusHandler, resume_after_sigbus};

use core::fmt;

use pmem2_platform::{Handle, Kind, Subject, Transfer};

pub use error::TransferError;

use crate::{
    Error, Source,
    decide::{admit_transfer, admit_writing, transfer},
};

/// What is kept over many transfers.
struct Lane<H: Handle<P: Transfer>> {
    /// In front of the source, since it is dropped first: it may need the handle for that.
    channel: <H::P as Transfer>::Channel,
    source: Source<H>,
    /// The size, unless it may change.
    size: Option<u64>,
}

impl<H: Handle<P: Transfer>> Lane<H> {
    // Where it is to stay from the first, as what this calls: a small stack has no room for copies.
    #[inline(always)]
    fn new(
        source: Source<H>,
        via: Option<<H::P as Transfer>::Guard>,
        writable: bool,
    ) -> Result<Self, Error> {
        source.admit_transfer(writable)?;
        let size = source.size()?;
        let channel = source.channel(via, 0..size, writable)?;
        let changes = matches!(source.kind(), Kind::RegularFile);
        Ok(Self { channel, source, size: (!changes).then_some(size) })
    }

    fn read_at(&self, offset: u64, buffer: ReadBuffer<'_>) -> Result<(), TransferError> {
        self.check(offset, buffer.len())?;
        if buffer.is_empty() { Ok(()) } else { self.source.read_by(&self.channel, offset, buffer) }
    }

    fn write_at(&self, offset: u64, buffer: WriteBuffer<'_>) -> Result<(), TransferError> {
        self.check(offset, buffer.len())?;
        if buffer.is_empty() { Ok(()) } else { self.source.write_by(&self.channel, offset, buffer) }
    }

    /// The channel is given back first: it may need the handle for that.
    fn into_source(self) -> Source<H> {
        drop(self.channel);
        self.source
    }

    fn check(&self, offset: u64, length: usize) -> Result<(), Error> {
        let size = match self.size {
            Some(size) => size,
            None => self.source.size()?,
        };
        transfer(offset, wide(length), size).map(drop)
    }
}

impl<H: Handle<P: Transfer> + fmt::Debug> fmt::Debug for Lane<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, size, channel: _ } = self;
        f.debug_struct("Lane").field("source", source).field("size", size).finish_non_exhaustive()
    }
}

/// A source that is read many times: what that takes is made once.
///
/// It takes the source. Where that is to stay in use beside it, give it
/// [`source.by_reference()`](Source::by_reference):
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pmem2::{Source, transfer::Reader};
///
/// let source = Source::new(std::fs::File::open(std::env::current_exe()?)?)?;
/// let reader = Reader::new(source.by_reference())?;
/// let mut start = [0; 4];
/// reader.read_at(0, &mut start)?;
/// assert!(source.size()? > 4);
/// # Ok(()) }
/// ```
///
/// The offsets and lengths are in bytes and need no alignment (unless the file was opened
/// `O_DIRECT`). Any number of threads may read at once.
///
/// On Linux a device DAX stays mapped as long as this lives. A process that is to be told early of
/// memory errors (`PR_MCE_KILL_EARLY` of prctl(2), or the sysctl `vm.memory_failure_early_kill`;
/// neither is the default) therefore gets a SIGBUS with the code `BUS_MCEERR_AO` when memory goes
/// bad that it has transferred, or a neighbour in the same huge page, at any time. It belongs to no
/// transfer: the handler passes it on, and it ends a process that has no handler of its own and
/// does not ignore it. The transfer that comes to the bad memory fails as without it.
#[derive(Debug)]
pub struct Reader<H: Handle<P: Transfer>>(Lane<H>);

impl<H: Handle<P: Transfer>> Reader<H> {
    /// Prepares a source for reading.
    ///
    /// System calls on Linux: those of [`size`](Source::size); of a device DAX also those of
    /// [`alignment`](Source::alignment), `rt_sigaction` (of the handler), `mmap`; `munmap` when it
    /// is dropped.
    ///
    /// That handler stays: a shared library that has this in it and may be unloaded is linked with
    /// `-z nodelete` (see `SigbusHandler::install` there).
    ///
    /// # Errors
    ///
    /// - [`SourceTypeNotSupported`](Error::SourceTypeNotSupported): an anonymous source.
    /// - [`InvalidFileHandle`](Error::InvalidFileHandle): on Windows, the handle cannot be read.
    /// - [`Os`](Error::Os): the system failed.
    /// - Those of [`Source::size`].
    pub fn new(source: Source<H>) -> Result<Self, Error> {
        Lane::new(source, None, false).map(Self)
    }

    /// Prepares a source for reading, through what the program provides: on Linux somebody who
    /// handles SIGBUS, without a system where the region is mapped.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Reader::new).
    pub fn via(source: Source<H>, via: <H::P as Transfer>::Guard) -> Result<Self, Error> {
        Lane::new(source, Some(via), false).map(Self)
    }

    /// The source.
    pub const fn source(&self) -> &Source<H> {
        &self.0.source
    }

    /// Gives back the source, and with it the handle.
    #[must_use]
    pub fn into_source(self) -> Source<H> {
        self.0.into_source()
    }

    /// Fills `buffer` with the bytes at `offset`. See [`Source::read_at`].
    ///
    /// System calls on Linux: of a device DAX none; of a file `fstat`, `pread64`.
    ///
    /// # Errors
    ///
    /// Those of [`Source::read_at`].
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), TransferError> {
        self.read_into(offset, buffer.into())
    }

    /// The same for memory that may be uninitialized, or may be anything.
    ///
    /// # Errors
    ///
    /// Those of [`Source::read_at`].
    pub fn read_into(&self, offset: u64, buffer: ReadBuffer<'_>) -> Result<(), TransferError> {
        self.0.read_at(offset, buffer)
    }
}

/// A source that is written, and read, many times: what that takes is made once. It takes the
/// source, or [`source.by_reference()`](Source::by_reference), as a [`Reader`] does.
///
/// Any number of threads may use it at once; where they write to the same bytes, those of each may
/// be there in the end. A device DAX stays mapped as by a [`Reader`], where it says what that means
/// to a process that is told early of memory errors.
#[derive(Debug)]
pub struct Writer<H: Handle<P: Transfer>>(Lane<H>);

impl<H: Handle<P: Transfer>> Writer<H> {
    /// Prepares a source for writing.
    ///
    /// System calls on Linux: those of [`size`](Source::size); of a device DAX also those of
    /// [`alignment`](Source::alignment), `rt_sigaction` (of the handler), `mmap`; `munmap` when it
    /// is dropped.
    ///
    /// # Errors
    ///
    /// - [`NotWritable`](Error::NotWritable): the source was opened read-only or to append.
    /// - Those of [`Reader::new`].
    pub fn new(source: Source<H>) -> Result<Self, Error> {
        Lane::new(source, None, true).map(Self)
    }

    /// Prepares a source for writing, through what the program provides, as [`Reader::via`].
    ///
    /// # Errors
    ///
    /// Those of [`new`](Writer::new).
    pub fn via(source: Source<H>, via: <H::P as Transfer>::Guard) -> Result<Self, Error> {
        Lane::new(source, Some(via), true).map(Self)
    }

    /// The source.
    pub const fn source(&self) -> &Source<H> {
        &self.0.source
    }

    /// Gives back the source, and with it the handle. What was written is made durable by
    /// [`sync`](Writer::sync), or by the source's, not by this.
    #[must_use]
    pub fn into_source(self) -> Source<H> {
        self.0.into_source()
    }

    /// As [`Reader::read_at`].
    ///
    /// # Errors
    ///
    /// Those of [`Source::read_at`].
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), TransferError> {
        self.read_into(offset, buffer.into())
    }

    /// As [`Reader::read_into`].
    ///
    /// # Errors
    ///
    /// Those of [`Source::read_at`].
    pub fn read_into(&self, offset: u64, buffer: ReadBuffer<'_>) -> Result<(), TransferError> {
        self.0.read_at(offset, buffer)
    }

    /// Writes `bytes` to `offset`. See [`Source::write_at`].
    ///
    /// System calls on Linux: of a device DAX none; of a file `fstat`, `pwrite64`, and where that
    /// fails `pread64`.
    ///
    /// # Errors
    ///
    /// Those of [`Source::write_at`].
    pub fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), TransferError> {
        self.write_from(offset, bytes.into())
    }

    /// The same for memory that may be anything.
    ///
    /// # Errors
    ///
    /// Those of [`Source::write_at`].
    pub fn write_from(&self, offset: u64, bytes: WriteBuffer<'_>) -> Result<(), TransferError> {
        self.0.write_at(offset, bytes)
    }

    /// Makes what was written durable. See [`Source::sync`].
    ///
    /// # Errors
    ///
    /// Those of [`Source::sync`].
    pub fn sync(&self) -> Result<(), Error> {
        self.source().sync()
    }
}

impl<H: Handle<P: Transfer>> Source<H> {
    /// Fills `buffer` with the bytes at `offset`, and survives it where they cannot be read
    /// (pmem2_source_pread_mcsafe(3)).
    ///
    /// All of them, or an error that says how far it got. Who reads often makes a [`Reader`].
    ///
    /// On Linux a file is read by the kernel, and a device DAX by a copy of this library's, which
    /// takes the SIGBUS of bad memory to an error: a handler of SIGBUS is installed, unless it is,
    /// for good (see `SigbusHandler` there). That of a buffer which is not mapped at all is a
    /// SIGSEGV, which the copy does not take.
    ///
    /// System calls on Linux: of a file `fstat`, `pread64`; of a device DAX those of
    /// [`size`](Source::size) and [`alignment`](Source::alignment), `rt_sigaction` (of the
    /// handler), `mmap`, `munmap`.
    ///
    /// # Errors
    ///
    /// - [`LengthOutOfRange`](Error::LengthOutOfRange): the range ends beyond the source. Nothing
    ///   was read.
    /// - [`SourceShrank`](Error::SourceShrank): so it does since it was read.
    /// - [`IoFail`](Error::IoFail): the memory is bad, or what the source lies on failed.
    /// - [`Os`](Error::Os) of [`Subject::Buffer`], `EFAULT`: the buffer's own memory, where the system
    ///   can tell.
    /// - [`SourceTypeNotSupported`](Error::SourceTypeNotSupported): an anonymous source.
    /// - [`InvalidFileHandle`](Error::InvalidFileHandle): on Windows, the handle cannot be read.
    /// - [`Os`](Error::Os): `EINVAL` of a file that was opened `O_DIRECT`, where offset, length or
    ///   memory is not aligned like its sectors.
    /// - Those of [`size`](Source::size), and what else the system says.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), TransferError> {
        self.read_into(offset, buffer.into())
    }

    /// The same for memory that may be uninitialized, or may be anything.
    ///
    /// # Errors
    ///
    /// Those of [`read_at`](Source::read_at).
    pub fn read_into(&self, offset: u64, buffer: ReadBuffer<'_>) -> Result<(), TransferError> {
        self.admit_transfer(false)?;
        let range = transfer(offset, wide(buffer.len()), self.size()?)?;
        if range.is_empty() {
            return Ok(());
        }
        let channel = self.channel(None, range, false)?;
        self.read_by(&channel, offset, buffer)
    }

    /// Writes `bytes` to `offset`, and survives it where that cannot be done
    /// (pmem2_source_pwrite_mcsafe(3)).
    ///
    /// All of them, or an error that says how far it got. The source does not grow (unless somebody
    /// cuts a file off between the look at its size and the write). Who writes often makes a
    /// [`Writer`].
    ///
    /// What was written to a device DAX or a region is durable on return, unless it [never
    /// is](crate::place::Reason); what was written to a file after [`sync`](Source::sync). It is not
    /// atomic: after a power cut, any of the bytes may be the old ones.
    ///
    /// System calls on Linux: those of [`read_at`](Source::read_at); of a file `pwrite64`, in the
    /// place of `pread64` unless it fails.
    ///
    /// # Errors
    ///
    /// - [`NotWritable`](Error::NotWritable): the source was opened read-only, or to append.
    /// - [`Os`](Error::Os): `EFBIG` beyond the limit for files (RLIMIT_FSIZE, whose SIGXFSZ ends a
    ///   program that does not handle it), `ENOSPC` and `EDQUOT` where there is no storage for a
    ///   hole, `EPERM` of a sealed memfd, and what else write(2) says.
    /// - Those of [`read_at`](Source::read_at).
    pub fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), TransferError> {
        self.write_from(offset, bytes.into())
    }

    /// The same for memory that may be anything.
    ///
    /// # Errors
    ///
    /// Those of [`write_at`](Source::write_at).
    pub fn write_from(&self, offset: u64, bytes: WriteBuffer<'_>) -> Result<(), TransferError> {
        self.admit_transfer(true)?;
        let range = transfer(offset, wide(bytes.len()), self.size()?)?;
        if range.is_empty() {
            return Ok(());
        }
        let channel = self.channel(None, range, true)?;
        self.write_by(&channel, offset, bytes)
    }

    /// Makes what was written durable.
    ///
    /// System calls on Linux: of a file `fstat`, `fdatasync`; of a device DAX none, where it is
    /// durable already.
    ///
    /// # Errors
    ///
    /// - [`Unsupported`](Error::Unsupported): the platform has no such call.
    /// - [`NotSynced`](Error::NotSynced): the system failed to write what it had taken, and does
    ///   not say where; what was written since the last sync may be lost, and is not tried again.
    /// - [`Os`](Error::Os) of [`Subject::Sync`]: the system failed otherwise, with `ENOSPC` or
    ///   `EDQUOT` where there was no storage left.
    pub fn sync(&self) -> Result<(), Error> {
        self.admit_transfer(false)?;
        self.ask(Subject::Sync, Transfer::sync)
    }

    fn admit_transfer(&self, writing: bool) -> Result<(), Error> {
        admit_transfer(self.kind())?;
        self.readable()?;
        if writing { admit_writing(self.access(), self.kind()) } else { Ok(()) }
    }

    #[inline(always)]
    fn channel(
        &self,
        via: Option<<H::P as Transfer>::Guard>,
        range: core::ops::Range<u64>,
        writable: bool,
    ) -> Result<<H::P as Transfer>::Channel, Error> {
        H::P::channel(self.handle().into(), self.facts(), via, range, writable)
            .map_err(|fail| Error::of(fail, if writable { Subject::Write } else { Subject::Read }))
    }

    fn read_by(
        &self,
        channel: &<H::P as Transfer>::Channel,
        offset: u64,
        buffer: ReadBuffer<'_>,
    ) -> Result<(), TransferError> {
        let halted = H::P::read_at(self.handle().into(), channel, offset, buffer);
        halted.map_err(|halted| TransferError::of(halted, offset, Subject::Read))
    }

    fn write_by(
        &self,
        channel: &<H::P as Transfer>::Channel,
        offset: u64,
        bytes: WriteBuffer<'_>,
    ) -> Result<(), TransferError> {
        let halted = H::P::write_at(self.handle().into(), channel, offset, bytes);
        halted.map_err(|halted| TransferError::of(halted, offset, Subject::Write))
    }
}

/// A length in memory, of which no address has more bits.
fn wide(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

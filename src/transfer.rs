//! Reading and writing that survive bad memory.
//!
//! A load from bad memory raises SIGBUS on Linux, and a system call on it may fail anywhere. A
//! transfer of this chapter moves all bytes, or returns a [`TransferError`]: how many there were,
//! and where the first bad one is. A file is transferred by system calls, a device DAX by a copy
//! that takes the signal for an error, a region of physical memory through the [`Window`] that the
//! program has mapped.
//!
//! For one transfer there are [`Source::read_at`] and [`Source::write_at`]; a [`Reader`] or a
//! [`Writer`] keeps what many need.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use pmem2::{Error, Source, transfer::Reader};
//!
//! let reader = Reader::new(Source::new(std::fs::File::open(std::env::current_exe()?)?)?)?;
//! let mut block = [0; 4096];
//! match reader.read_at(0, &mut block) {
//!     Ok(()) => {}
//!     Err(partial) => match partial.error() {
//!         Error::IoFail { offset, length } => println!("bad: {length} bytes at {offset}"),
//!         other => println!("{} bytes, then: {other}", partial.done()),
//!     },
//! }
//! # Ok(()) }
//! ```
//!
//! [`Window`]: crate::bare::Window

mod error;

use core::{fmt, ops::Range};

pub use error::TransferError;
use pmem2_platform::{Access, Handle, Kind, Subject, Transfer};
pub use pmem2_platform::{Partial, ReadBuffer, WriteBuffer};
#[cfg(target_os = "linux")]
pub use pmem2_platform::{SigbusHandler, resume_after_sigbus};

use crate::{
    error::{Error, WriteFault},
    persist::decide::route,
    source::Source,
};

/// A source that is read many times: what that takes is made once.
///
/// It takes the source, or [`source.by_reference()`](Source::by_reference) where the source is to
/// stay in use beside it:
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
pub struct Reader<H: Handle<P: Transfer>> {
    /// In front of the source, since it is dropped first: it may need the handle for that.
    channel: <H::P as Transfer>::Channel,
    source: Source<H>,
    /// The size, unless it may change.
    size: Option<u64>,
}

impl<H: Handle<P: Transfer> + fmt::Debug> fmt::Debug for Reader<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.show("Reader", f)
    }
}

impl<H: Handle<P: Transfer>> Reader<H> {
    /// Prepares a source for reading.
    ///
    /// System calls on Linux: those of [`size`](Source::size); of a device DAX also those of
    /// [`alignment`](Source::alignment), `rt_sigaction` (of the handler), `mmap`; `munmap` when it
    /// is dropped.
    ///
    /// The handler stays: a shared library that has this in it and may be unloaded is linked with
    /// `-z nodelete` (see `SigbusHandler::install` there).
    ///
    /// # Errors
    ///
    /// - [`SourceTypeNotSupported`](Error::SourceTypeNotSupported): an anonymous source.
    /// - [`InvalidFileHandle`](Error::InvalidFileHandle): on Windows, the handle cannot be read.
    /// - [`Os`](Error::Os): the system failed.
    /// - Those of [`Source::size`].
    pub fn new(source: Source<H>) -> Result<Self, Error> {
        Self::prepare(source, None, false)
    }

    /// Prepares a source for reading, with what the program provides for it: on Linux somebody who
    /// handles SIGBUS, without an operating system where the region is mapped.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Reader::new).
    pub fn with_guard(source: Source<H>, guard: <H::P as Transfer>::Guard) -> Result<Self, Error> {
        Self::prepare(source, Some(guard), false)
    }

    // Where it is to stay from the first, as what this calls: a small stack has no room for copies.
    #[inline(always)]
    fn prepare(
        source: Source<H>,
        guard: Option<<H::P as Transfer>::Guard>,
        writable: bool,
    ) -> Result<Self, Error> {
        source.admit_transfer(writable)?;
        let size = source.size()?;
        let channel = source.channel(guard, 0..size, writable)?;
        let changes = matches!(source.kind(), Kind::RegularFile);
        Ok(Self { channel, source, size: (!changes).then_some(size) })
    }

    /// Returns the source.
    pub const fn source(&self) -> &Source<H> {
        &self.source
    }

    /// Gives back the source, and with it the handle.
    #[must_use]
    pub fn into_source(self) -> Source<H> {
        // First the channel: it may need the handle for that.
        drop(self.channel);
        self.source
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

    /// Fills memory that may be uninitialized, or may be anything.
    ///
    /// # Errors
    ///
    /// Those of [`Source::read_at`].
    pub fn read_into(&self, offset: u64, buffer: ReadBuffer<'_>) -> Result<(), TransferError> {
        self.check(offset, buffer.len())?;
        if buffer.is_empty() { Ok(()) } else { self.source.read_by(&self.channel, offset, buffer) }
    }

    fn show(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result
    where
        H: fmt::Debug,
    {
        let Self { source, size, channel: _ } = self;
        f.debug_struct(name).field("source", source).field("size", size).finish_non_exhaustive()
    }

    fn check(&self, offset: u64, length: usize) -> Result<(), Error> {
        let size = match self.size {
            Some(size) => size,
            None => self.source.size()?,
        };
        range(offset, length, size).map(drop)
    }
}

/// A source that is written, and read, many times: what that takes is made once. It takes the
/// source, or [`source.by_reference()`](Source::by_reference), as a [`Reader`] does.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pmem2::{Source, transfer::Writer};
/// # let path = std::env::temp_dir().join(format!("pmem2-writer-{}", std::process::id()));
///
/// let file = std::fs::File::options().read(true).write(true).create(true).open(&path)?;
/// # std::fs::remove_file(&path)?;
/// file.set_len(4096)?;
/// let writer = Writer::new(Source::new(file)?)?;
/// writer.write_at(512, b"kept")?;
/// // A file's bytes are durable after this, those of a device DAX or a region already before.
/// writer.sync()?;
/// # Ok(()) }
/// ```
///
/// Any number of threads may use it at once; where they write to the same bytes, those of each may
/// be there in the end. A device DAX stays mapped as by a [`Reader`], which says what that means to
/// a process that is told early of memory errors.
pub struct Writer<H: Handle<P: Transfer>>(Reader<H>);

impl<H: Handle<P: Transfer> + fmt::Debug> fmt::Debug for Writer<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.show("Writer", f)
    }
}

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
        Reader::prepare(source, None, true).map(Self)
    }

    /// Prepares a source for writing, with what the program provides for it, as
    /// [`Reader::with_guard`].
    ///
    /// # Errors
    ///
    /// Those of [`new`](Writer::new).
    pub fn with_guard(source: Source<H>, guard: <H::P as Transfer>::Guard) -> Result<Self, Error> {
        Reader::prepare(source, Some(guard), true).map(Self)
    }

    /// Returns the source.
    pub const fn source(&self) -> &Source<H> {
        self.0.source()
    }

    /// Gives back the source, and with it the handle. Bytes that were written are made durable by
    /// [`sync`](Writer::sync), or by the source's, not by this.
    #[must_use]
    pub fn into_source(self) -> Source<H> {
        self.0.into_source()
    }

    /// Fills `buffer` with the bytes at `offset`, as [`Reader::read_at`].
    ///
    /// # Errors
    ///
    /// Those of [`Source::read_at`].
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), TransferError> {
        self.0.read_at(offset, buffer)
    }

    /// Fills memory that may be uninitialized, or may be anything.
    ///
    /// # Errors
    ///
    /// Those of [`Source::read_at`].
    pub fn read_into(&self, offset: u64, buffer: ReadBuffer<'_>) -> Result<(), TransferError> {
        self.0.read_into(offset, buffer)
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

    /// Writes memory that may be anything.
    ///
    /// # Errors
    ///
    /// Those of [`Source::write_at`].
    pub fn write_from(&self, offset: u64, bytes: WriteBuffer<'_>) -> Result<(), TransferError> {
        let Reader { channel, source, .. } = &self.0;
        self.0.check(offset, bytes.len())?;
        if bytes.is_empty() { Ok(()) } else { source.write_by(channel, offset, bytes) }
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
    /// for good (see `SigbusHandler` there). The copy does not take the SIGSEGV of a buffer that is
    /// not mapped at all.
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
    /// - [`Os`](Error::Os) of [`Subject::Buffer`], `EFAULT`: the buffer's own memory, where the
    ///   system can tell.
    /// - [`SourceTypeNotSupported`](Error::SourceTypeNotSupported): an anonymous source.
    /// - [`InvalidFileHandle`](Error::InvalidFileHandle): on Windows, the handle cannot be read.
    /// - [`Os`](Error::Os): `EINVAL` of a file that was opened `O_DIRECT`, where offset, length or
    ///   memory is not aligned like its sectors.
    /// - Those of [`size`](Source::size), and what else the system says.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), TransferError> {
        self.read_into(offset, buffer.into())
    }

    /// Fills memory that may be uninitialized, or may be anything.
    ///
    /// # Errors
    ///
    /// Those of [`read_at`](Source::read_at).
    pub fn read_into(&self, offset: u64, buffer: ReadBuffer<'_>) -> Result<(), TransferError> {
        self.admit_transfer(false)?;
        let range = range(offset, buffer.len(), self.size()?)?;
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
    /// Bytes written to a device DAX or a region are durable on return, unless they [never
    /// are](crate::place::Reason); bytes written to a file after [`sync`](Source::sync). A write is
    /// not atomic: after a power cut, any of the bytes may be the old ones.
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

    /// Writes memory that may be anything.
    ///
    /// # Errors
    ///
    /// Those of [`write_at`](Source::write_at).
    pub fn write_from(&self, offset: u64, bytes: WriteBuffer<'_>) -> Result<(), TransferError> {
        self.admit_transfer(true)?;
        let range = range(offset, bytes.len(), self.size()?)?;
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
    ///   not say where; bytes written since the last sync may be lost, and are not tried again.
    /// - [`Os`](Error::Os) of [`Subject::Sync`]: the system failed otherwise, with `ENOSPC` or
    ///   `EDQUOT` where there was no storage left.
    pub fn sync(&self) -> Result<(), Error> {
        self.admit_transfer(false)?;
        self.query(Subject::Sync, Transfer::sync)
    }

    fn admit_transfer(&self, writing: bool) -> Result<(), Error> {
        // Before it is mapped, there is nothing to read or write in anonymous memory.
        if self.kind() == Kind::Anonymous {
            return Err(Error::SourceTypeNotSupported);
        }
        self.readable()?;
        if writing { admit_writing(self.access(), self.kind()) } else { Ok(()) }
    }

    #[inline(always)]
    fn channel(
        &self,
        guard: Option<<H::P as Transfer>::Guard>,
        range: Range<u64>,
        writable: bool,
    ) -> Result<<H::P as Transfer>::Channel, Error> {
        let subject = if writable { Subject::Write } else { Subject::Read };
        let mut channel = H::P::channel(self.handle().into(), self.facts(), guard, range, writable)
            .map_err(|fail| Error::from_fail(fail, subject));
        if let (Ok(made), true) = (&mut channel, writable) {
            match route(&H::P::means(made)) {
                Ok(route) => H::P::set_route(made, route),
                // Nothing is written that would not become durable.
                Err(why) => channel = Err(Error::NotDurable(why)),
            }
        }
        channel
    }

    fn read_by(
        &self,
        channel: &<H::P as Transfer>::Channel,
        offset: u64,
        buffer: ReadBuffer<'_>,
    ) -> Result<(), TransferError> {
        H::P::read_at(self.handle().into(), channel, offset, buffer)
            .map_err(|partial| TransferError::from_partial(partial, offset, Subject::Read))
    }

    fn write_by(
        &self,
        channel: &<H::P as Transfer>::Channel,
        offset: u64,
        bytes: WriteBuffer<'_>,
    ) -> Result<(), TransferError> {
        H::P::write_at(self.handle().into(), channel, offset, bytes)
            .map_err(|partial| TransferError::from_partial(partial, offset, Subject::Write))
    }
}

/// Admits a source that is to be written to at an offset.
pub(crate) const fn admit_writing(access: Access, kind: Kind) -> Result<(), Error> {
    if !access.contains(Access::WRITE) {
        return Err(Error::NotWritable(WriteFault::ReadOnly));
    }
    // Memory has no end to append to.
    if access.contains(Access::APPEND) && matches!(kind, Kind::RegularFile) {
        return Err(Error::NotWritable(WriteFault::Append));
    }
    Ok(())
}

/// Returns the range of `length` bytes at `offset`, if all of them are in a source of `size` bytes.
fn range(offset: u64, length: usize, size: u64) -> Result<Range<u64>, Error> {
    // No address has more than 64 bits.
    match offset.checked_add(u64::try_from(length).unwrap_or(u64::MAX)) {
        Some(end) if end <= size => Ok(offset..end),
        end => Err(Error::LengthOutOfRange { end: end.unwrap_or(u64::MAX), size }),
    }
}

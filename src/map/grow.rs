//! Changing the length and the storage of a mapped file.

use core::ops::{Range, RangeBounds};

use pmem2_platform::{Access, Handle, Kind, Map, MemoryFault, Protection, Subject};

use super::mapping::Mapping;
use crate::{
    error::{Error, WriteFault},
    place::granularity::expected::{Granularity, Sharing},
};

impl<H: Handle<P: Map>> Mapping<H> {
    /// Makes the file longer, so that the mapping has `length` bytes, and allocates storage for the
    /// new ones, which are zeros. Its addresses stay. On return the length is durable, or with
    /// [`Page`](Granularity::Page) is with the first bytes that are made so. A mapping that is as
    /// long already stays as it is.
    ///
    /// Several threads and processes may grow a file at once: it gets as long as the longest. A
    /// process that has it mapped sees others' bytes after [`catch_up`](Mapping::catch_up). One
    /// that maps it holds a lock that they hold, too ([`File::lock`]): ext4 shows a new length
    /// before it has zeroed the rest of what was the last page, and would zero what is stored there
    /// at that moment.
    ///
    /// [`File::lock`]: https://doc.rust-lang.org/std/fs/struct.File.html#method.lock
    ///
    /// System calls on Linux: `fstat`, `fallocate`, and `fdatasync` where a store needs no call.
    ///
    /// # Errors
    ///
    /// The mapping stays as it is.
    ///
    /// - [`MapRange`](Error::MapRange): there are no addresses for so many bytes; see
    ///   [`MapConfig::room`](crate::MapConfig::room).
    /// - [`Os`](Error::Os) with [`Subject::Allocation`]: there is no space (`ENOSPC`, `EDQUOT`,
    ///   `EFBIG`), or the file system cannot allocate (`EOPNOTSUPP`). At a limit for the size of
    ///   files (`RLIMIT_FSIZE`) the system also raises SIGXFSZ, whose default action ends the
    ///   process.
    /// - Those of [`deallocate`](Mapping::deallocate).
    pub fn grow(&self, length: usize) -> Result<(), Error> {
        if length > self.room() {
            return Err(self.refused(MemoryFault::Outside, 0..length));
        }
        self.resizable()?;
        let now = self.length();
        if length <= now {
            return Ok(());
        }
        let durable = self.granularity != Granularity::Page;
        H::P::extend(self.handle().into(), &self.facts, self.in_file(&(now..length)), durable)
            .map_err(|fail| Error::from_fail(fail, Subject::Allocation))?;
        self.memory.raise_reach(length);
        Ok(())
    }

    /// Makes the file shorter, durably, so that the mapping has `length` bytes. An access of
    /// another process, or through another mapping, to what was cut off raises SIGBUS.
    ///
    /// System calls on Linux: `fstat`, `ftruncate`, `fdatasync`.
    ///
    /// # Errors
    ///
    /// - [`MapRange`](Error::MapRange): it has fewer.
    /// - Those of [`deallocate`](Mapping::deallocate); the mapping has only `length` bytes all the
    ///   same.
    pub fn shrink(&mut self, length: usize) -> Result<(), Error> {
        self.resizable()?;
        self.check(&(length..length))?;
        self.memory.cut_reach(length);
        let size = self.in_file(&(0..length)).end;
        H::P::truncate(self.handle().into(), &self.facts, size)
            .map_err(|fail| Error::from_fail(fail, Subject::Resize))
    }

    /// Takes note of the bytes that the file has now, of those that there is room for, and returns
    /// their number. Others may have made the file longer or shorter.
    ///
    /// System calls on Linux: `fstat`; `fallocate` where the file is longer and can be written to,
    /// which waits until whoever makes it longer has finished.
    ///
    /// # Errors
    ///
    /// Those of [`Source::size`](crate::Source::size).
    pub fn catch_up(&self) -> Result<usize, Error> {
        if self.memory.is_borrowed() || self.facts.kind != Kind::RegularFile {
            return Ok(self.length());
        }
        self.memory.follow_reach(|seen| {
            let bytes = self.source().size()?.saturating_sub(self.offset);
            let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
            if bytes > seen && self.resizable().is_ok() {
                // Another may be in the middle of growing it: ext4 shows the new length before it
                // zeroes the rest of what was the last page, and would zero what is stored there.
                // The storage of a byte that there is waits for that, whatever comes of it.
                let _ =
                    H::P::extend(self.handle().into(), &self.facts, self.in_file(&(0..1)), false);
            }
            Ok(bytes)
        })
    }

    /// Makes sure that an access to the range raises no signal for want of memory or space, and
    /// takes no page fault: allocates storage for holes of the file if `write`, and makes page
    /// table entries for loads, or with `write` for stores.
    ///
    /// System calls on Linux: `madvise`; of a file that is to be written to `fstat`, `fallocate`
    /// before.
    ///
    /// # Errors
    ///
    /// - [`MapRange`](Error::MapRange): as for accesses; also where the file has become shorter, if
    ///   `write`.
    /// - [`NotMapped`](Error::NotMapped): as for accesses.
    /// - [`Os`](Error::Os) with [`Subject::Allocation`]: there is no space.
    /// - [`Os`](Error::Os) with [`Subject::Populate`]: an access would raise a signal (`EFAULT`:
    ///   the file is shorter; `EHWPOISON`: the memory is bad), or there is no memory (`ENOMEM`).
    /// - [`Unsupported`](Error::Unsupported): the kernel is older than Linux 5.14. The storage is
    ///   allocated.
    pub fn populate(&self, range: impl RangeBounds<usize>, write: bool) -> Result<(), Error> {
        let range = self.bounds(range);
        self.check(&range)?;
        if write && !self.memory.protection().contains(Protection::WRITE) {
            return Err(Error::NotMapped(Protection::WRITE));
        }
        let file = self.facts.kind == Kind::RegularFile && self.sharing() == Sharing::Shared;
        if write && file && !range.is_empty() {
            // To allocate what was cut off would make the file longer again.
            let size = self.source().size()?.saturating_sub(self.offset);
            let end = u64::try_from(range.end).unwrap_or(u64::MAX);
            if end > size {
                return Err(Error::MapRange { end, size });
            }
            H::P::extend(self.handle().into(), &self.facts, self.in_file(&range), false)
                .map_err(|fail| Error::from_fail(fail, Subject::Allocation))?;
        }
        match self.memory.populate(range.clone(), write) {
            Ok(done) => done.map_err(|fail| Error::from_fail(fail, Subject::Populate)),
            Err(fault) => Err(self.refused(fault, range)),
        }
    }

    /// Gives the storage of the range back to the file system, durably. Its bytes are zeros then.
    /// A later store to them, on tmpfs also a load, needs space again: see
    /// [`populate`](Mapping::populate).
    ///
    /// System calls on Linux: `fstat`, `fallocate`, `fdatasync`.
    ///
    /// # Errors
    ///
    /// - [`MapRange`](Error::MapRange): the range ends beyond the mapping.
    /// - [`SourceTypeNotSupported`](Error::SourceTypeNotSupported): no file, a private mapping, a
    ///   part of a mapping.
    /// - [`NotWritable`](Error::NotWritable): the file was opened read-only.
    /// - [`NotSynced`](Error::NotSynced), [`Os`](Error::Os): the system failed.
    pub fn deallocate(&self, range: impl RangeBounds<usize>) -> Result<(), Error> {
        self.resizable()?;
        let range = self.bounds(range);
        self.check(&range)?;
        if range.is_empty() {
            return Ok(());
        }
        H::P::deallocate(self.handle().into(), &self.facts, self.in_file(&range))
            .map_err(|fail| Error::from_fail(fail, Subject::Deallocation))
    }

    const fn handle(&self) -> &H {
        self.memory.handle()
    }

    /// Refuses what has no storage of its own to change.
    fn resizable(&self) -> Result<(), Error> {
        if self.facts.kind != Kind::RegularFile
            || self.sharing() == Sharing::Private
            || self.memory.is_borrowed()
        {
            Err(Error::SourceTypeNotSupported)
        } else if !self.facts.access.contains(Access::WRITE) {
            Err(Error::NotWritable(WriteFault::ReadOnly))
        } else {
            Ok(())
        }
    }

    /// Returns the range in the file.
    fn in_file(&self, range: &Range<usize>) -> Range<u64> {
        let at = |byte: usize| self.offset.saturating_add(u64::try_from(byte).unwrap_or(u64::MAX));
        at(range.start)..at(range.end)
    }
}

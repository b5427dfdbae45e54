//! Changing the length and the storage of a mapped file.

use core::ops::{Range, RangeBounds};

use pmem2_platform::{Access, Handle, Kind, Map, Protection, Subject};

use super::mapping::{Mapping, wide};
use crate::{
    error::{Error, WriteFault},
    place::granularity::expected::{Granularity, Sharing},
};

impl<H: Handle<P: Map>> Mapping<H> {
    /// Makes the file longer, so that the mapping has `length` bytes, and allocates storage for the
    /// new ones. Those that the file has already stay as they are; the others are zeros. Addresses
    /// stay. On return the length is durable, or with [`Page`](Granularity::Page) is with the first
    /// bytes that are made so. That holds for a mapping that is as long already, too, whose length
    /// somebody else may have set.
    ///
    /// Where others have cut the file, what was cut off comes back as zeros, up to `length`. Bytes
    /// that were stored after the new end in its last page may come back as they are.
    ///
    /// Several threads and processes may grow a file at once: it gets as long as the longest. A
    /// process that has it mapped sees others' bytes after [`catch_up`](Mapping::catch_up). One
    /// that maps it holds a lock that they hold, too ([`File::lock`]): ext4 shows a new length
    /// before it has zeroed the rest of what was the last page, and would zero what is stored there
    /// at that moment.
    ///
    /// [`File::lock`]: https://doc.rust-lang.org/std/fs/struct.File.html#method.lock
    ///
    /// System calls on Linux: `fstat`, `fallocate` where the mapping or the file is shorter, and
    /// `fdatasync` where a store needs no call.
    ///
    /// # Errors
    ///
    /// The mapping stays as it is.
    ///
    /// - [`NoRoom`](Error::NoRoom): there are no addresses for so many bytes; see
    ///   [`MapConfig::room`](crate::MapConfig::room).
    /// - [`Os`](Error::Os) with [`Subject::Allocation`]: there is no space (`ENOSPC`, `EDQUOT`,
    ///   `EFBIG`), or the file system cannot allocate (`EOPNOTSUPP`). On ext4 the file may be
    ///   longer then, and have all storage that there was: [`catch_up`](Mapping::catch_up), and
    ///   then [`shrink`](Mapping::shrink), give that back. At a limit for the size of files
    ///   (`RLIMIT_FSIZE`) the system also raises SIGXFSZ, whose default action ends the process.
    /// - [`NotSynced`](Error::NotSynced): the length may not be durable.
    /// - Those of [`deallocate`](Mapping::deallocate).
    pub fn grow(&self, length: usize) -> Result<(), Error> {
        self.resizable()?;
        if length > self.room() {
            return Err(Error::NoRoom { length: wide(length), room: wide(self.room()) });
        }
        if length == 0 {
            return Ok(());
        }
        let (range, known) = (self.in_file(&(0..length)), self.in_file(&(0..self.length())).end);
        H::P::extend(self.handle().into(), &self.facts, range, Some(known), self.needs_no_call())
            .map_err(|fail| Error::from_fail(fail, Subject::Allocation))?;
        self.memory.raise_reach(length);
        Ok(())
    }

    /// Makes the file shorter, durably, so that the mapping has `length` bytes; fewer where others
    /// have cut the file to less, which does not get longer. An access of another process, or
    /// through another mapping, to what was cut off raises SIGBUS. One that makes the file longer
    /// at that moment loses what it stored there, and one that cuts it to less finds it longer
    /// again: take a lock against both.
    ///
    /// System calls on Linux: `fstat`, `ftruncate`, `fdatasync`.
    ///
    /// # Errors
    ///
    /// - [`MapRange`](Error::MapRange): it has fewer; or the file has bytes after the mapping,
    ///   which would be lost, and nothing is cut. [`catch_up`](Mapping::catch_up) takes note of
    ///   those that there is room for.
    /// - Those of [`deallocate`](Mapping::deallocate); the mapping has only `length` bytes all the
    ///   same.
    pub fn shrink(&mut self, length: usize) -> Result<(), Error> {
        self.resizable()?;
        self.check(&(length..length))?;
        let size = self.in_file(&(length..self.length()));
        let known = size.end;
        match H::P::truncate(self.handle().into(), &self.facts, size) {
            Ok(had) if had > known => Err(Error::MapRange { end: had, size: known }),
            Ok(had) => {
                self.memory.cut_reach(length.min(self.of_size(had)));
                Ok(())
            }
            Err(fail) => {
                self.memory.cut_reach(length);
                Err(Error::from_fail(fail, Subject::Resize))
            }
        }
    }

    /// Takes note of the bytes that the file has now, of those that there is room for, and returns
    /// their number; of a part, of its own. Others may have made the file longer or shorter.
    /// Without [room](crate::MapConfig::room) the mapping never gets longer than it was made. A
    /// length that is new is durable on return, or with [`Page`](Granularity::Page) is with the
    /// first bytes that are made so.
    ///
    /// System calls on Linux: `fstat`; where the file is longer `lseek`, which waits until whoever
    /// makes it longer has finished, and moves nothing, and `fdatasync` where a store needs no
    /// call.
    ///
    /// # Errors
    ///
    /// The mapping stays as it is.
    ///
    /// - [`NotSynced`](Error::NotSynced): the new length may not be durable.
    /// - Those of [`Source::size`](crate::Source::size).
    pub fn catch_up(&self) -> Result<usize, Error> {
        if self.facts.kind != Kind::RegularFile {
            return Ok(self.length());
        }
        self.memory.follow_reach(|seen| {
            let bytes = self.of_size(self.source().size()?);
            if bytes.min(self.room()) > seen && self.sharing() == Sharing::Shared {
                // Another may be in the middle of growing it: ext4 shows the new length before it
                // zeroes the rest of what was the last page, and would zero what is stored there.
                H::P::settle(self.handle().into(), &self.facts, self.needs_no_call())
                    .map_err(|fail| Error::from_fail(fail, Subject::Size))?;
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
            let size = self.source().size()?.saturating_sub(self.offset);
            let end = wide(range.end);
            if end > size {
                return Err(Error::MapRange { end, size });
            }
            H::P::extend(self.handle().into(), &self.facts, self.in_file(&range), None, false)
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
    /// - [`MapRange`](Error::MapRange): the range ends beyond the mapping, or before it begins.
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

    /// Whether a store is durable without a call, so that the file's length has to be before.
    fn needs_no_call(&self) -> bool {
        self.granularity != Granularity::Page
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

    /// Returns the bytes that a file of this size has from the mapping's first one on.
    fn of_size(&self, size: u64) -> usize {
        usize::try_from(size.saturating_sub(self.offset)).unwrap_or(usize::MAX)
    }

    /// Returns the range in the file.
    fn in_file(&self, range: &Range<usize>) -> Range<u64> {
        let at = |byte: usize| self.offset.saturating_add(wide(byte));
        at(range.start)..at(range.end)
    }
}

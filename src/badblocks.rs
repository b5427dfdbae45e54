//! Bad blocks: the bytes that the system knows to be bad, and how they become good again.
//!
//! [`Source::bad_blocks`] lists them, [`Source::clear_bad_blocks`] gives a file other memory for
//! them, or tells a device to give them up. Bytes that are bad and on no list are found by reading:
//! see [`transfer`](crate::transfer).
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use pmem2::{Error, Source, badblocks::ClearBy};
//! # let path = std::env::temp_dir().join(format!("pmem2-badblocks-{}", std::process::id()));
//!
//! let file = std::fs::File::options().read(true).write(true).create(true).open(&path)?;
//! # std::fs::remove_file(&path)?;
//! file.set_len(1 << 20)?;
//! let source = Source::new(file)?;
//! for range in source.bad_blocks().into_iter().flatten() {
//!     // The contents of these bytes are lost; they are zeros afterwards.
//!     source.clear_bad_blocks(range?, ClearBy::Allocation)?;
//! }
//! // Bytes that are not listed as bad are never touched.
//! let good = source.clear_bad_blocks(0..4096, ClearBy::Allocation);
//! assert!(matches!(good, Err(Error::NotBad | Error::Unsupported(_) | Error::Os { .. })));
//! # Ok(()) }
//! ```

use core::{fmt, ops::Range};

pub use pmem2_platform::ClearBy;
use pmem2_platform::{self as platform, BadBlocks as _, Fail, Handle, Kind, Subject};

use crate::{error::Error, source::Source, transfer::admit_writing};

/// The bad bytes of a source: ranges in bytes of it, in ascending order; no two of them adjoin.
/// (pmem2_badblock_context_new(3), pmem2_badblock_next(3).)
///
/// The system's list is taken once, when this is made. Each step looks anew where the source lies,
/// and finds the first bad bytes at or after the end of the last range. So bytes that were
/// [cleared](Source::clear_bad_blocks) meanwhile are not told again, and nothing that was bad is
/// left out. After an error there is nothing more, until [`seek`](BadBlocks::seek) says where to go
/// on.
///
/// It holds the list: on Linux it is a value of about 4 KiB.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pmem2::{Error, Source, badblocks::BadBlocks};
///
/// let source = Source::new(std::fs::File::open(std::env::current_exe()?)?)?;
/// match BadBlocks::new(source.by_reference()) {
///     Ok(bad) => {
///         for range in bad {
///             println!("bad: {:?}", range?);
///         }
///     }
///     // An ordinary disk, or a system without such a list.
///     Err(Error::Unsupported(_)) => {}
///     // Only root may relate a device DAX to its region; no /sys.
///     Err(error) => println!("{error}"),
/// }
/// # Ok(()) }
/// ```
pub struct BadBlocks<H: Handle<P: platform::BadBlocks>> {
    source: Source<H>,
    list: <H::P as platform::BadBlocks>::List,
    at: Option<u64>,
}

impl<H: Handle<P: platform::BadBlocks> + fmt::Debug> fmt::Debug for BadBlocks<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, at, list: _ } = self;
        f.debug_struct("BadBlocks").field("source", source).field("at", at).finish_non_exhaustive()
    }
}

impl<H: Handle<P: platform::BadBlocks>> BadBlocks<H> {
    /// Takes the list of the device that the source lies on.
    ///
    /// # Errors
    ///
    /// Those of [`Source::bad_blocks`].
    pub fn new(source: Source<H>) -> Result<Self, Error> {
        source.admit_listing()?;
        let list = source.query(Subject::BadBlocks, platform::BadBlocks::list_bad)?;
        Ok(Self { source, list, at: Some(0) })
    }

    /// Returns the source.
    pub const fn source(&self) -> &Source<H> {
        &self.source
    }

    /// Goes on at this byte of the source.
    pub const fn seek(&mut self, offset: u64) {
        self.at = Some(offset);
    }

    /// Finds the next range.
    fn step(&mut self, from: u64) -> Result<Option<Range<u64>>, Error> {
        let Self { source, list, .. } = self;
        let handle = source.handle();
        let found = H::P::next_bad(handle.into(), source.facts(), list, from);
        match found.map_err(|fail| Error::from_fail(fail, Subject::BadBlocks))? {
            // A platform that goes backwards would be asked for ever.
            Some(range) if range.start < from || range.is_empty() => {
                Err(Error::Unknown(Subject::BadBlocks))
            }
            found => Ok(found),
        }
    }
}

impl<H: Handle<P: platform::BadBlocks>> Iterator for BadBlocks<H> {
    type Item = Result<Range<u64>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step(self.at?);
        self.at = match &step {
            Ok(Some(range)) => Some(range.end),
            _ => None,
        };
        step.transpose()
    }
}

impl<H: Handle<P: platform::BadBlocks>> core::iter::FusedIterator for BadBlocks<H> {}

impl<H: Handle<P: platform::BadBlocks>> Source<H> {
    /// Lists the bytes of the source that the system knows to be bad.
    ///
    /// On Linux: of a file the list of its disk, of a device DAX that of its region, which only
    /// root can relate to the device. A disk that is no persistent memory has no list, and neither
    /// has one in sector mode (BTT). The list of a volume of device-mapper is put together from
    /// those of its parts, if they are `linear`, for root only.
    ///
    /// Bytes that were written to a file and have no place on the disk yet get one first. If that
    /// fails since the memory is bad, the places are told all the same: `sync` says that it failed.
    ///
    /// System calls on Linux, with the steps of the iterator: `fstat`, `readlinkat`, `openat`,
    /// `read`, `close`; of a device DAX also `newfstatat`; of a file also `fstatfs`, `ioctl` with
    /// `FS_IOC_FIEMAP` where anything is bad on its disk, on XFS with `FS_IOC_FSGETXATTR`, and on a
    /// volume with `DM_TABLE_STATUS`.
    ///
    /// # Errors
    ///
    /// - [`Unsupported`](Error::Unsupported): the system keeps no list, or not for what the source
    ///   lies on (anonymous memory is nowhere), or it cannot be told where on it the source lies
    ///   (btrfs, f2fs, XFS's realtime device).
    /// - [`TooLarge`](Error::TooLarge) of [`Subject::BadBlocks`], from the iterator: the list was
    ///   cut off, and there are more.
    /// - [`Os`](Error::Os): the system failed, with `EACCES` where this user may not know; with
    ///   `EAGAIN`, from the iterator, where bytes of a file have no place yet, since it is being
    ///   written to: ask again.
    /// - [`InvalidFileHandle`](Error::InvalidFileHandle), and what else [`place`](Source::place)
    ///   says.
    pub fn bad_blocks(&self) -> Result<BadBlocks<&H>, Error> {
        BadBlocks::new(self.by_reference())
    }

    /// Gives the source good memory for these bytes, which are zeros then
    /// (pmem2_badblock_clear(3)). Their contents are lost. All of them must be bad as the system
    /// knows it now, or nothing is done.
    ///
    /// On Linux a file gets other blocks of its file system for those that these bytes are in. The
    /// good bytes in them are kept: they are read before, and written to the new blocks. Bytes in
    /// them that are listed as bad and are not in the range become zeros, too, even if they could
    /// be read. Nobody else may read, write or clear these blocks meanwhile, nor cut the file off
    /// there. Threads of one process that clear the same file take turns, in the order in which
    /// they came; other processes are not waited for, and a signal handler must not clear.
    ///
    /// Where the rest of a block cannot be read, `EIO` says so, and nothing is changed. That is so
    /// of most files of which a part of a page is bad: the kernel reads nothing of such a page if
    /// they are mapped directly (DAX), and often nothing if they are not. With
    /// [`LossyAllocation`](ClearBy::LossyAllocation) the bytes of these blocks that cannot be read
    /// become zeros; no good byte that this handle could read is lost.
    ///
    /// Before anything is freed, a spare file shows that the good bytes can be written again. It
    /// has no name, is made in the directory that the file is in (`/proc/self/fd` tells which), and
    /// is gone when it is closed. It is given to the owner of the file, whose quota it has to meet:
    /// where the owner is another user, this takes the right to give files away (CAP_CHOWN), and is
    /// `EPERM` without it. 64 blocks have to be free (`ENOSPC`), within that quota (`EDQUOT`), and
    /// these bytes must be allowed to be written to (`EFBIG` beyond RLIMIT_FSIZE, whose SIGXFSZ
    /// ends a program that does not handle it). Where the file cannot be made, `Os` of
    /// [`Subject::Spare`] says so, and nothing is changed; blocks in which nothing is good are
    /// cleared without it. A file that cannot be preallocated (with the block lists of ext3) is
    /// [`Unsupported`](Error::Unsupported).
    ///
    /// If the file system gives bad memory again, it is asked again, and the spare file holds what
    /// comes in between: for a moment thousands of blocks, or all that is free. Good bytes are
    /// written to memory that is listed as bad only when that did not help. No order of steps can
    /// save them:
    ///
    /// - for a moment, the good bytes of a block are in this process's memory only, and then in the
    ///   system's, until they are synced: a power failure loses them, and the first also the end of
    ///   the program;
    /// - on ext4 with `bigalloc`, a cluster stays where it is as long as any of its blocks is in
    ///   use, and so does the bad block in it;
    /// - where the spare file has the only good memory, or others take all that is free meanwhile;
    /// - where the file has already more than a project's quota allows, and the project is not the
    ///   directory's.
    ///
    /// If they could not be written back, [`Subject::WriteBack`] says so.
    ///
    /// The bad memory is free space of the file system then, for other files and for what the file
    /// system keeps for itself. Devices whose bus has `clear_error` in
    /// `/sys/bus/nd/devices/ndbus*/commands` make it good when it is next written to: the kernel
    /// asks them to. Of other NVDIMMs, and CXL, such writes fail with `EIO` (at the latest at
    /// fsync(2)), and a file system that is refused its own data stops working, perhaps much later:
    /// ext4 turns read-only, XFS shuts down. There, copy the file to another device instead, and
    /// leave the bad one where it is. Of memory that takes no commands at all (`memmap=`,
    /// virtio-pmem) the kernel believes every write to have made it good, whether it has or not.
    ///
    /// Afterwards the bytes are read and the list is looked at: an error then (`EIO`) says that the
    /// file system had no better memory, or the device cannot make it good. Of a range of several
    /// blocks, some may have been renewed when it fails.
    ///
    /// System calls on Linux: those of [`bad_blocks`](Source::bad_blocks); of a file also `fcntl`,
    /// `fallocate`, `pread64`, `pwrite64`, `fsync`, `futex`, `fchown` if the file is another
    /// user's, and the first time in a process `mmap`, `madvise`; by a device's command
    /// `ND_IOCTL_ARS_CAP` and `ND_IOCTL_CLEAR_ERROR`.
    ///
    /// # Errors
    ///
    /// - [`NotBad`](Error::NotBad): not all of them are listed; nothing was changed.
    /// - [`OffsetOutOfRange`](Error::OffsetOutOfRange),
    ///   [`LengthOutOfRange`](Error::LengthOutOfRange): no range of the source.
    /// - [`NotWritable`](Error::NotWritable): the source was opened read-only or to append.
    /// - [`Unsupported`](Error::Unsupported): it cannot be done `by` this.
    /// - [`Os`](Error::Os) of [`Subject::ClearBadBlock`]: the system failed; `EINVAL` where the
    ///   file was opened `O_DIRECT`, `EBUSY` where it was changed by others meanwhile, and what is
    ///   said above. Of [`Subject::WriteBack`]: good bytes beside the bad ones are lost, or not
    ///   durable. Of [`Subject::Spare`]: nothing was changed.
    /// - [`NotSynced`](Error::NotSynced): the system failed to write what it had taken before.
    ///   Nothing was cleared; it is told once.
    /// - Those of [`bad_blocks`](Source::bad_blocks).
    pub fn clear_bad_blocks(&self, range: Range<u64>, by: ClearBy) -> Result<(), Error> {
        self.admit_listing()?;
        // What is good beside it is written back, to where it was.
        admit_writing(self.access(), self.kind())?;
        admit_clearing(&range, self.size()?)?;
        H::P::clear_bad(self.handle().into(), self.facts(), range, by).map_err(|fail| match fail {
            // Where there is no list, that is the cause, whichever way was asked for.
            Fail::Unsupported if self.has_no_list() => Error::Unsupported(Subject::BadBlocks),
            fail => Error::from_fail(fail, Subject::ClearBadBlock),
        })
    }

    fn has_no_list(&self) -> bool {
        matches!(H::P::list_bad(self.handle().into(), self.facts()), Err(Fail::Unsupported))
    }

    /// Refuses a source that lies on nothing that a system may know to be bad.
    fn admit_listing(&self) -> Result<(), Error> {
        match self.kind() {
            Kind::Anonymous => Err(Error::Unsupported(Subject::BadBlocks)),
            _ => Ok(()),
        }
    }
}

/// Admits a range that is to be cleared, of a source of `size` bytes.
const fn admit_clearing(range: &Range<u64>, size: u64) -> Result<(), Error> {
    if range.start > i64::MAX.unsigned_abs() {
        return Err(Error::OffsetOutOfRange { offset: range.start });
    }
    if range.start >= range.end {
        return Err(Error::NotBad);
    }
    if range.end > size { Err(Error::LengthOutOfRange { end: range.end, size }) } else { Ok(()) }
}

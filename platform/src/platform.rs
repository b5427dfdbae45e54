//! The contract between the core and a system.

use core::fmt::{Debug, Display};

use crate::{Alignment, Borrowed, Facts, Fail, FileSystem};

/// A system, as seen by pmem2: something that can say what a handle refers to.
///
/// A native system is a zero-sized type ([`Native`](crate::Native)); a kernel of your own, an
/// emulator or a test is a reference to its file table. Two methods must be written,
/// [`describe`](Platform::describe) and [`size`](Platform::size); the others answer
/// [`Fail::Unsupported`] until they are.
///
/// A platform states facts and makes no decision: it does not refuse a directory, it says
/// [`Kind::Directory`]. It must not panic, and must not keep anything of the calling thread nor
/// wait for a lock that the interrupted code may hold, since it may be called from signal and
/// interrupt handlers.
///
/// pmem2's documentation has a page on it, "porting", and its feature `conformance` the suite that
/// tells whether an implementation kept the contract.
///
/// # What a handle promises
///
/// A method about an object takes no number but a [`Borrowed`], which safe code makes of a
/// [`Handle`](crate::Handle) only. For the time of the call an implementation may rely on this:
///
/// - The raw value names an object of `handle.platform()` that the caller may use, or none. That is
///   the platform to ask: in another file table the same number names another object.
/// - The object is not closed, and the raw value names no other one.
///
/// It may not rely on more. Whether the object is open at all ([`Fail::Absent`]), what it is, what
/// it was opened for, and whether it is the one that the facts are about ([`Fail::Replaced`]), it
/// looks at itself.
///
/// [`Kind::Directory`]: crate::Kind::Directory
pub trait Platform: Copy {
    /// What names an object: a descriptor number, a handle, an address. A plain value that owns
    /// nothing.
    type Raw: Copy;

    /// What tells one object from another, so that a handle that was closed and reused is noticed:
    /// not what names it, which is used again, but an inode's number and generation, an address.
    /// `Display` prints it for people.
    type Id: Copy + Eq + Debug + Display;

    /// Whether a handle that cannot be read is refused when a source is made of it, as on Linux.
    /// Where it is not (Windows, whose pmem2_source_from_handle(3) does not look at the access
    /// mode), it is refused when it is to be mapped.
    const REQUIRES_READ: bool = true;

    /// Describes what the handle refers to.
    ///
    /// A raw value that refers to nothing (closed, out of range) is
    /// [`Fail::Absent`]`(`[`Subject::Handle`]`)`. What refers to something that is no source (a
    /// directory, a write-only file) is described like everything else, and refused elsewhere.
    ///
    /// [`Subject::Handle`]: crate::Subject::Handle
    fn describe(handle: Borrowed<'_, Self>) -> Result<Facts<Self::Id>, Fail>;

    /// The size in bytes, as it is now.
    ///
    /// `facts` is what [`describe`](Platform::describe) said of the handle. Where it refers to
    /// another object meanwhile, this is [`Fail::Replaced`]; where it refers to nothing, what
    /// [`describe`](Platform::describe) says then. The same holds for every method that takes
    /// `facts`.
    ///
    /// Of an object of a [kind](crate::Kind) that no source can be of, a directory, it is never
    /// asked.
    fn size(handle: Borrowed<'_, Self>, facts: &Facts<Self::Id>) -> Result<u64, Fail>;

    /// The alignment in bytes that offsets and lengths of mappings need. Called only where
    /// [`Facts::alignment`] is `None`, since the system has to be asked. Any number may be
    /// returned; the core checks that it is a power of two.
    fn alignment(handle: Borrowed<'_, Self>, facts: &Facts<Self::Id>) -> Result<u64, Fail> {
        let _ = (handle, facts);
        Err(Fail::Unsupported)
    }

    /// The bytes that storage is allocated for, now: less than the size where the source is sparse.
    fn allocated(handle: Borrowed<'_, Self>, facts: &Facts<Self::Id>) -> Result<u64, Fail> {
        let _ = (handle, facts);
        Err(Fail::Unsupported)
    }

    /// The file system that the source is a file of.
    fn file_system(
        handle: Borrowed<'_, Self>,
        facts: &Facts<Self::Id>,
    ) -> Result<FileSystem, Fail> {
        let _ = (handle, facts);
        Err(Fail::Unsupported)
    }

    /// The page size: the alignment of an anonymous mapping.
    fn page_size(self) -> Result<Alignment, Fail> {
        Err(Fail::Unsupported)
    }
}

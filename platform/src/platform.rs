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
/// # What a handle promises
///
/// A method that is about an object takes no number but a [`Borrowed`] of the platform, which safe
/// code can make of a [`Handle`](crate::Handle) only. It promises that its raw value names an object
/// of its platform which was lent for the call, or none (then the answer is [`Fail::Absent`], not
/// trust in a number), and that this object is neither closed nor its number given to another one
/// before the call is over. It does not say what the object is, whether it may be written to, nor
/// that it is the one that the facts are about: [`Access`](crate::Access) and [`Fail::Replaced`]
/// are for the platform to see to. The platform to ask is the handle's, `handle.platform()`: a
/// number of another file table names another object.
///
/// pmem2's documentation has a page on it, "porting", and its feature `conformance` the suite that
/// tells whether an implementation kept the contract.
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
    const WANTS_READ: bool = true;

    /// What the handle refers to.
    ///
    /// A raw value that refers to nothing (closed, out of range) is
    /// [`Fail::Absent`]`(`[`What::Handle`]`)`. What refers to something that is no source (a
    /// directory, a write-only file) is described like everything else, and refused elsewhere.
    ///
    /// [`What::Handle`]: crate::What::Handle
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

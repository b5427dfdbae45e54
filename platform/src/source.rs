//! The contract between the core and a system, and what names the system's objects.

use core::{
    fmt::{self, Debug, Display},
    marker::PhantomData,
};

use crate::{
    alignment::Alignment,
    facts::{Facts, FileSystem},
    fail::Fail,
};

/// A system, as seen by pmem2: something that can say what a handle refers to.
///
/// A native system is a zero-sized type ([`Native`](crate::Native)); a kernel of your own, an
/// emulator or a test is a reference to its file table. Two methods must be written,
/// [`describe`](Platform::describe) and [`size`](Platform::size); the others answer
/// [`Fail::Unsupported`] until they are.
///
/// A platform states facts and makes no decision: it does not refuse a directory, it says
/// [`Kind::Directory`]. It must not panic. It may be called from signal and interrupt handlers, and
/// so it must not keep anything of the calling thread, nor wait for a lock that the interrupted
/// code may hold.
///
/// pmem2's guide has a page on porting, and its feature `conformance` the suite that tells whether
/// an implementation kept the contract.
///
/// # What a handle promises
///
/// A method about an object takes no number but a [`Borrowed`], which safe code makes of a
/// [`Handle`] only. For the time of the call an implementation may rely on this:
///
/// - The raw value names an object of `handle.platform()` that the caller may use, or none. That is
///   the platform to ask: in another file table the same number names another object.
/// - The object is not closed, and the raw value names no other one.
///
/// It may not rely on more. It looks itself whether the object is open at all ([`Fail::Absent`]),
/// what it is, what it was opened for, and whether it is the one that the facts are about
/// ([`Fail::Replaced`]).
///
/// [`Kind::Directory`]: crate::Kind::Directory
pub trait Platform: Copy {
    /// The name of an object: a descriptor number, a handle, an address. A plain value that owns
    /// nothing.
    type Raw: Copy;

    /// The identity of an object, by which a handle that was closed and reused is noticed: not its
    /// name, which is used again, but an inode's number and generation, an address. `Display`
    /// prints it for people.
    type Id: Copy + Eq + Debug + Display;

    /// Whether a source requires a handle that can be read, as on Linux. Where it does not
    /// (Windows, whose pmem2_source_from_handle(3) does not look at the access mode), such a handle
    /// is refused when it is to be mapped.
    const REQUIRES_READ: bool = true;

    /// Describes what the handle refers to.
    ///
    /// A raw value that refers to nothing (closed, out of range) is
    /// [`Fail::Absent`]`(`[`Subject::Handle`]`)`. An object that can be no source (a directory, a
    /// write-only file) is described like everything else, and refused by the core.
    ///
    /// [`Subject::Handle`]: crate::Subject::Handle
    fn describe(handle: Borrowed<'_, Self>) -> Result<Facts<Self::Id>, Fail>;

    /// Returns the size in bytes, as it is now. Never asked of an object of a [kind](crate::Kind)
    /// that can be no source, such as a directory.
    ///
    /// `facts` is what [`describe`](Platform::describe) said of the handle. Where it refers to
    /// another object meanwhile, this is [`Fail::Replaced`]; where it refers to nothing, what
    /// [`describe`](Platform::describe) says then. The same holds for every method that takes
    /// `facts`.
    fn size(handle: Borrowed<'_, Self>, facts: &Facts<Self::Id>) -> Result<u64, Fail>;

    /// Returns the alignment in bytes that offsets and lengths of mappings need. Called only where
    /// [`Facts::alignment`] is `None`, since the system has to be asked. Any number may be
    /// returned; the core checks that it is a power of two.
    fn alignment(handle: Borrowed<'_, Self>, facts: &Facts<Self::Id>) -> Result<u64, Fail> {
        let _ = (handle, facts);
        Err(Fail::Unsupported)
    }

    /// Returns the number of bytes that storage is allocated for, now: less than the size where the
    /// source is sparse.
    fn allocated(handle: Borrowed<'_, Self>, facts: &Facts<Self::Id>) -> Result<u64, Fail> {
        let _ = (handle, facts);
        Err(Fail::Unsupported)
    }

    /// Returns the file system that the source is a file of.
    fn file_system(
        handle: Borrowed<'_, Self>,
        facts: &Facts<Self::Id>,
    ) -> Result<FileSystem, Fail> {
        let _ = (handle, facts);
        Err(Fail::Unsupported)
    }

    /// Returns the page size: the alignment of an anonymous mapping.
    fn page_size(self) -> Result<Alignment, Fail> {
        Err(Fail::Unsupported)
    }
}

/// Something that names an object of a platform for as long as it lives: a borrowed descriptor, an
/// owned file, a region.
///
/// With the feature `std`, `File`, `OwnedFd`, `BorrowedFd` and their siblings on Windows are
/// handles; with the feature `alloc`, `Arc` and `Rc` of a handle.
///
/// # Safety
///
/// While the value is borrowed, [`raw`](Handle::raw) returns the same value and
/// [`platform`](Handle::platform) the same platform each time, and the raw value keeps naming the
/// same object, which the value owns or was lent: it is not closed and not reused. (A raw value
/// that names no object, such as descriptor -1, is allowed: it is refused when it is looked at.) If
/// the type is `Clone`, a clone names the same object with the same access.
///
/// A broken promise hits whoever owns the object that the raw value names instead: its bytes are
/// overwritten, holes are punched into it, and it is mapped. If that is memory which somebody has
/// references to, memory safety is lost.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no handle of pmem2",
    label = "no handle",
    note = "handles of the standard library (`File`, `OwnedFd`, `BorrowedFd`, on Windows \
            `OwnedHandle`, `BorrowedHandle`) need pmem2's feature `std`",
    note = "`Arc` and `Rc` of a handle need its feature `alloc`, which `std` brings",
    note = "a number becomes one by the unsafe `Fd::borrow_raw` or `WinHandle::borrow_raw`, a \
            region by `Extent::new`"
)]
pub unsafe trait Handle {
    /// The platform whose object this is.
    type P: Platform;

    /// Returns the platform.
    fn platform(&self) -> Self::P;

    /// Returns what the platform knows the object by.
    fn raw(&self) -> <Self::P as Platform>::Raw;
}

/// A pointer that leads to a handle is a handle.
macro_rules! forward {
    ($pointer:ty) => {
        // SAFETY: while the reference or smart pointer is borrowed, so is the handle that it leads
        // to: it is neither dropped nor exchanged, and promises for this time what it promises
        // itself.
        unsafe impl<H: Handle + ?Sized> Handle for $pointer {
            type P = H::P;
            #[inline]
            fn platform(&self) -> Self::P {
                (**self).platform()
            }
            #[inline]
            fn raw(&self) -> <Self::P as Platform>::Raw {
                (**self).raw()
            }
        }
    };
}

forward!(&H);
forward!(&mut H);
// Not Box: it is fundamental (RFC 1023), so a crate that does without `alloc` may implement Handle
// for a box of its own.
#[cfg(feature = "alloc")]
forward!(alloc::rc::Rc<H>);
#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
forward!(alloc::sync::Arc<H>);

/// A handle borrowed from another. Programs do not need it: the methods of a platform `P` take one,
/// and a pool makes one of every kind of handle.
///
/// Safe code makes it of a [`Handle`] only. So it promises what that does for the lifetime `'h`:
/// its [`raw`](Handle::raw) value names an object of its [`platform`](Handle::platform) that is
/// neither closed nor reused meanwhile, or none at all.
pub struct Borrowed<'h, P: Platform> {
    platform: P,
    raw: P::Raw,
    lifetime: PhantomData<&'h ()>,
}

impl<P: Platform> Clone for Borrowed<'_, P> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<P: Platform> Copy for Borrowed<'_, P> {}

impl<P: Platform> Debug for Borrowed<'_, P>
where
    P::Raw: Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Borrowed").field(&self.raw).finish()
    }
}

impl<'h, H: Handle> From<&'h H> for Borrowed<'h, H::P> {
    #[inline]
    fn from(handle: &'h H) -> Self {
        Self { platform: handle.platform(), raw: handle.raw(), lifetime: PhantomData }
    }
}

impl<P: Platform> Borrowed<'_, P> {
    /// Borrows the object that `platform` knows by `raw`: for a platform that asks another one on
    /// its behalf, and for C, whose handles are numbers. Everybody else makes it [`From`] a
    /// [`Handle`].
    ///
    /// # Safety
    ///
    /// The rule of [`Handle`], for the lifetime, which the caller chooses: `raw` names an object of
    /// `platform` that the caller may lend, and keeps naming it; or it names none, and does not
    /// begin to.
    #[inline]
    #[must_use]
    pub const unsafe fn from_raw(platform: P, raw: P::Raw) -> Self {
        Self { platform, raw, lifetime: PhantomData }
    }
}

// SAFETY: made only from a handle that is borrowed for 'h (or an Fd<'h> or WinHandle<'h>, which
// promise it for 'h), whose raw value therefore keeps its meaning for 'h; or by from_raw, whose
// caller promised it.
unsafe impl<P: Platform> Handle for Borrowed<'_, P> {
    type P = P;
    #[inline]
    fn platform(&self) -> P {
        self.platform
    }
    #[inline]
    fn raw(&self) -> P::Raw {
        self.raw
    }
}

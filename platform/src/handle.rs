//! Things that name an object of a platform.

use core::{fmt, marker::PhantomData};

use crate::{Descriptors, Platform};

/// Something that names an object of a platform for as long as it lives: a borrowed descriptor, an
/// owned file, a region.
///
/// `File`, `OwnedFd`, `BorrowedFd` and Windows' siblings of them are handles with the feature
/// `std`; `Arc` and `Rc` of a handle with the feature `alloc`.
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
    note = "handles of the standard library (`File`, `OwnedFd`, `BorrowedFd`, on Windows `OwnedHandle`, `BorrowedHandle`) need pmem2's feature `std`",
    note = "`Arc` and `Rc` of a handle need its feature `alloc`, which `std` brings",
    note = "a number becomes one by the unsafe `Fd::borrow_raw` or `WinHandle::borrow_raw`, a region by `Extent::of`"
)]
pub unsafe trait Handle {
    /// The platform whose object this is.
    type P: Platform;

    /// The platform.
    fn platform(&self) -> Self::P;

    /// What the platform knows the object by.
    fn raw(&self) -> <Self::P as Platform>::Raw;
}

/// What leads to a handle of type `H` is a handle.
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

/// A handle borrowed from another. Users of the library do not need it: every method of a
/// platform `P` that is about an object takes one, and a pool makes one of every kind of handle.
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

impl<P: Platform> fmt::Debug for Borrowed<'_, P>
where
    P::Raw: fmt::Debug,
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

impl<'h> From<Fd<'h>> for Borrowed<'h, Descriptors> {
    #[inline]
    fn from(fd: Fd<'h>) -> Self {
        Self { platform: Descriptors::default(), raw: fd.raw, lifetime: PhantomData }
    }
}

impl<P: Platform> Borrowed<'_, P> {
    /// Borrows the object that `platform` knows by `raw`: for a platform that asks another one on
    /// its behalf, and for C, whose handles are numbers. Everybody else has a [`Handle`], of which
    /// it is made [`From`].
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

/// A borrowed file descriptor: a number, four bytes.
///
/// With `std` it is made [`From`] `&File`, `&OwnedFd` and `BorrowedFd`, and by `Fd::of` from
/// whatever else is `AsFd`. Without it, [`Fd::borrow_raw`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Fd<'h> {
    raw: i32,
    lifetime: PhantomData<&'h ()>,
}

impl Fd<'_> {
    /// Borrows the descriptor with this number. Any number may be given, -1 too: one that is not an
    /// open descriptor is refused when a source is made of it.
    ///
    /// # Safety
    ///
    /// If `raw` is an open descriptor, the caller may lend it, and it stays open for the lifetime
    /// `'h`, which the caller chooses. If it is not, it does not become one meanwhile. The rule is
    /// that of [`std::os::fd::BorrowedFd::borrow_raw`], and so is the cost of breaking it:
    /// somebody else's file is written to, gets holes, and is mapped, and with it memory that
    /// others have references to.
    ///
    /// [`std::os::fd::BorrowedFd::borrow_raw`]: https://doc.rust-lang.org/std/os/fd/struct.BorrowedFd.html#method.borrow_raw
    #[inline]
    #[must_use]
    pub const unsafe fn borrow_raw(raw: i32) -> Self {
        Self { raw, lifetime: PhantomData }
    }

    /// The number.
    #[inline]
    #[must_use]
    pub const fn as_raw(self) -> i32 {
        self.raw
    }
}

impl fmt::Debug for Fd<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fd({})", self.raw)
    }
}

// SAFETY: who called borrow_raw promised it for 'h; AsFd promises it for the borrow that the Fd was
// made from.
unsafe impl Handle for Fd<'_> {
    type P = Descriptors;
    #[inline]
    fn platform(&self) -> Descriptors {
        Descriptors::default()
    }
    #[inline]
    fn raw(&self) -> i32 {
        self.raw
    }
}

#[cfg(all(feature = "std", unix))]
mod fds {
    use super::{Borrowed, Descriptors, Fd, Handle, PhantomData};
    use std::{
        fs::File,
        os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
    };

    impl<'h> Fd<'h> {
        /// Borrows the descriptor of anything that has one.
        #[inline]
        #[must_use]
        pub fn of(file: &'h impl AsFd) -> Self {
            file.as_fd().into()
        }
    }

    // For these types and not for all that are AsFd: a crate that does without `std` may have a
    // From for its own.
    impl<'h> From<&'h File> for Fd<'h> {
        #[inline]
        fn from(file: &'h File) -> Self {
            Self::of(file)
        }
    }

    impl<'h> From<&'h OwnedFd> for Fd<'h> {
        #[inline]
        fn from(fd: &'h OwnedFd) -> Self {
            Self::of(fd)
        }
    }

    impl<'h> From<&'h BorrowedFd<'_>> for Fd<'h> {
        #[inline]
        fn from(fd: &'h BorrowedFd<'_>) -> Self {
            Self::of(fd)
        }
    }

    impl<'h> From<BorrowedFd<'h>> for Fd<'h> {
        #[inline]
        fn from(fd: BorrowedFd<'h>) -> Self {
            Self { raw: fd.as_raw_fd(), lifetime: PhantomData }
        }
    }

    impl<'h> From<BorrowedFd<'h>> for Borrowed<'h, Descriptors> {
        #[inline]
        fn from(fd: BorrowedFd<'h>) -> Self {
            Fd::from(fd).into()
        }
    }

    /// What a descriptor of ours is to the standard library.
    macro_rules! std_fds {
        ($($fd:ty)*) => {$(
            impl AsRawFd for $fd {
                #[inline]
                fn as_raw_fd(&self) -> RawFd {
                    self.raw
                }
            }

            /// It may be a number that is no open descriptor: then the system answers `EBADF` to
            /// what is asked of this. A negative one, as -1, which a [`BorrowedFd`] cannot be,
            /// becomes the largest, which no descriptor has.
            impl AsFd for $fd {
                #[inline]
                fn as_fd(&self) -> BorrowedFd<'_> {
                    let raw = if self.raw < 0 { RawFd::MAX } else { self.raw };
                    // SAFETY: borrow_raw wants a descriptor that stays open, and not -1. It is not
                    // -1, and whoever made this of a number promised that it stays open if it is;
                    // if it is not, that it does not become it: no call takes it for one.
                    unsafe { BorrowedFd::borrow_raw(raw) }
                }
            }
        )*};
    }

    std_fds! { Fd<'_> Borrowed<'_, Descriptors> }

    macro_rules! fds {
        ($($fd:ty)*) => {$(
            // SAFETY: the type owns its descriptor, or borrows it for its lifetime (I/O safety),
            // and gives the same one each time.
            unsafe impl Handle for $fd {
                type P = Descriptors;
                #[inline]
                fn platform(&self) -> Descriptors {
                    Descriptors::default()
                }
                #[inline]
                fn raw(&self) -> i32 {
                    self.as_raw_fd()
                }
            }
        )*};
    }

    fds! { File OwnedFd BorrowedFd<'_> }
}

// Where there are no descriptors, a file is a handle all the same, so that portable code compiles
// there and gets `Fail::Unsupported` when it runs.
#[cfg(all(feature = "std", not(any(unix, windows))))]
// SAFETY: the raw value is a constant that names nothing.
unsafe impl Handle for std::fs::File {
    type P = Descriptors;
    #[inline]
    fn platform(&self) -> Descriptors {
        Descriptors::default()
    }
    #[inline]
    fn raw(&self) -> i32 {
        -1
    }
}

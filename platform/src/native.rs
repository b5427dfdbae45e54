//! The platforms of the system that this was compiled for, and the handles that its standard
//! library has.

use crate::{
    handle::Fd,
    source::{Borrowed, Handle},
};

/// The platform of the system that this was compiled for: `Linux` on Linux, `Windows` on Windows,
/// [`Bare`](crate::Bare) where there is no operating system,
/// [`Unsupported`](crate::Unsupported) where there is no backend.
#[cfg(target_os = "linux")]
pub type Native = crate::linux::sys::Linux;
/// The platform of the system that this was compiled for: `Linux` on Linux, `Windows` on Windows,
/// [`Bare`](crate::Bare) where there is no operating system,
/// [`Unsupported`](crate::Unsupported) where there is no backend.
#[cfg(windows)]
pub type Native = crate::windows::platform::Windows;
/// The platform of the system that this was compiled for: `Linux` on Linux, `Windows` on Windows,
/// [`Bare`](crate::Bare) where there is no operating system,
/// [`Unsupported`](crate::Unsupported) where there is no backend.
#[cfg(target_os = "none")]
pub type Native = crate::bare::source::Bare<'static>;
/// The platform of the system that this was compiled for: `Linux` on Linux, `Windows` on Windows,
/// [`Bare`](crate::Bare) where there is no operating system,
/// [`Unsupported`](crate::Unsupported) where there is no backend.
#[cfg(not(any(target_os = "linux", windows, target_os = "none")))]
pub type Native = crate::unsupported::Unsupported;

/// The platform of file descriptors: [`Native`] on Linux; on Windows the C runtime's, which
/// answers with the feature `crt` only.
#[cfg(target_os = "linux")]
pub type Descriptors = crate::linux::sys::Linux;
/// The platform of file descriptors: [`Native`] on Linux; on Windows the C runtime's, which
/// answers with the feature `crt` only.
#[cfg(windows)]
pub type Descriptors = crate::windows::crt::Crt;
/// The platform of file descriptors: [`Native`] on Linux; on Windows the C runtime's, which
/// answers with the feature `crt` only.
#[cfg(not(any(target_os = "linux", windows)))]
pub type Descriptors = crate::unsupported::Unsupported;

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
        self.as_raw()
    }
}

impl<'h> From<Fd<'h>> for Borrowed<'h, Descriptors> {
    #[inline]
    fn from(fd: Fd<'h>) -> Self {
        // SAFETY: what `from_raw` wants for 'h is what the Fd promises for it.
        unsafe { Self::from_raw(Descriptors::default(), fd.as_raw()) }
    }
}

#[cfg(all(feature = "std", unix))]
mod fds {
    use super::{Borrowed, Descriptors, Fd, Handle};
    use std::{
        fs::File,
        os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
    };

    impl<'h> From<BorrowedFd<'h>> for Borrowed<'h, Descriptors> {
        #[inline]
        fn from(fd: BorrowedFd<'h>) -> Self {
            Fd::from(fd).into()
        }
    }

    /// Makes a descriptor of ours one of the standard library's.
    macro_rules! std_fds {
        ($($fd:ty)*) => {$(
            impl AsRawFd for $fd {
                #[inline]
                fn as_raw_fd(&self) -> RawFd {
                    self.raw()
                }
            }

            /// The number may be no open descriptor: then the system answers `EBADF` to what is
            /// asked of this. A negative number, as -1, which a [`BorrowedFd`] cannot be, becomes
            /// the largest, which no descriptor has.
            impl AsFd for $fd {
                #[inline]
                fn as_fd(&self) -> BorrowedFd<'_> {
                    let raw = if self.raw() < 0 { RawFd::MAX } else { self.raw() };
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

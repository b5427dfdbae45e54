//! Borrowed file descriptors.

use core::{fmt, marker::PhantomData};

/// A borrowed file descriptor: a number, four bytes.
///
/// With `std` it is made [`From`] `&File`, `&OwnedFd` and `BorrowedFd`, and by `Fd::borrow` from
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
    /// that of `std::os::fd::BorrowedFd::borrow_raw`, and so is the cost of breaking it: somebody
    /// else's file is written to, gets holes, and is mapped, and with it memory that others have
    /// references to.
    #[inline]
    #[must_use]
    pub const unsafe fn borrow_raw(raw: i32) -> Self {
        Self { raw, lifetime: PhantomData }
    }

    /// Returns the number.
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

#[cfg(all(feature = "std", unix))]
mod fds {
    use super::{Fd, PhantomData};
    use std::{
        fs::File,
        os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    };

    impl<'h> Fd<'h> {
        /// Borrows the descriptor of anything that has one.
        #[inline]
        #[must_use]
        pub fn borrow(file: &'h impl AsFd) -> Self {
            file.as_fd().into()
        }
    }

    impl<'h> From<BorrowedFd<'h>> for Fd<'h> {
        #[inline]
        fn from(fd: BorrowedFd<'h>) -> Self {
            Self { raw: fd.as_raw_fd(), lifetime: PhantomData }
        }
    }

    // For these types and not for all that are AsFd: a crate that does without `std` may have a
    // From for its own.
    macro_rules! borrow {
        ($($fd:ty)*) => {$(
            impl<'h> From<&'h $fd> for Fd<'h> {
                #[inline]
                fn from(fd: &'h $fd) -> Self {
                    Self::borrow(fd)
                }
            }
        )*};
    }

    borrow! { File OwnedFd BorrowedFd<'_> }
}

//! Sources from file descriptors.

#[cfg(all(feature = "std", unix))]
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use pmem2_platform::Fd;
#[cfg(all(feature = "std", unix))]
use pmem2_platform::Handle;

use super::Source;
use crate::error::Error;

impl<'h> Source<Fd<'h>> {
    /// Makes a source of a borrowed file descriptor (pmem2_source_from_fd(3)). With `std`, `fd` may
    /// also be a `BorrowedFd`, or a reference to a `File`, an `OwnedFd` or a `BorrowedFd`;
    /// `Fd::borrow` makes it of whatever else has one (a socket, a pipe).
    ///
    /// # Errors
    ///
    /// Those of [`new`](Source::new).
    #[inline]
    pub fn from_fd(fd: impl Into<Fd<'h>>) -> Result<Self, Error> {
        Self::new(fd.into())
    }
}

/// The handle's descriptor.
#[cfg(all(feature = "std", unix))]
impl<H: Handle + AsFd> AsFd for Source<H> {
    #[inline]
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.handle().as_fd()
    }
}

/// The handle's number.
#[cfg(all(feature = "std", unix))]
impl<H: Handle + AsFd> AsRawFd for Source<H> {
    #[inline]
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

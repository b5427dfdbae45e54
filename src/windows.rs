//! The backend for Windows, and sources from its handles.
//!
//! [`Windows`] is the platform of handles, and [`Native`](crate::Native) there;
//! [`Source::from_handle`] makes a source of a [`WinHandle`]. [`Crt`] is the platform of the C
//! runtime's descriptors ([`Fd`](crate::Fd)), with the feature `crt`. A volume that is not DAX does
//! not say what it lies on, and there is no list of bad blocks: the guide's page on Windows has
//! what there is.

#[cfg(feature = "std")]
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, RawHandle};

#[cfg(feature = "std")]
use pmem2_platform::Handle;
use pmem2_platform::WinHandle;
pub use pmem2_platform::{Crt, RawWinHandle, WinFileId, WinLocation, WinVolume, Windows};

use crate::{error::Error, source::Source};

impl<'h> Source<WinHandle<'h>> {
    /// Makes a source of a borrowed handle (pmem2_source_from_handle(3)). With `std`, `handle` may
    /// also be a `BorrowedHandle`, or a reference to a `File`, an `OwnedHandle` or a
    /// `BorrowedHandle`; `WinHandle::borrow` makes it of whatever else has one. The access that it
    /// was opened for is not looked at: see [`new`](Source::new).
    ///
    /// The handle must stay open as [`WinHandle`] says: as long as the source is in use, and on a
    /// volume that is not DAX as long as a mapping of it is.
    ///
    /// ```
    /// use pmem2::{Source, WinHandle, windows::RawWinHandle};
    /// use std::{fs::File, os::windows::io::AsRawHandle};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let file = File::open(std::env::current_exe()?)?;
    /// let source = Source::from_handle(&file)?;
    ///
    /// // Without `std`: any `HANDLE`. SAFETY: the file stays open until the end.
    /// let handle = unsafe { WinHandle::borrow_raw(RawWinHandle::from_ptr(file.as_raw_handle())) };
    /// assert_eq!(Source::from_handle(handle)?.size()?, source.size()?);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`new`](Source::new).
    #[inline]
    pub fn from_handle(handle: impl Into<WinHandle<'h>>) -> Result<Self, Error> {
        Self::new(handle.into())
    }
}

/// The source's handle.
#[cfg(feature = "std")]
impl<H: Handle + AsHandle> AsHandle for Source<H> {
    #[inline]
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.handle().as_handle()
    }
}

/// The value of the source's handle.
#[cfg(feature = "std")]
impl<H: Handle + AsHandle> AsRawHandle for Source<H> {
    #[inline]
    fn as_raw_handle(&self) -> RawHandle {
        self.as_handle().as_raw_handle()
    }
}

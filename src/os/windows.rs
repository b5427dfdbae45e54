//! Sources from handles of Windows.

use pmem2_platform::WinHandle;

use crate::{Error, Source};

impl<'h> Source<WinHandle<'h>> {
    /// Makes a source of a borrowed handle (pmem2_source_from_handle(3)). With `std`, `handle` may be a reference to anything that
    /// has one, `&File` among them. What it was opened for is not looked at: see [`new`](Source::new).
    ///
    /// The handle must stay open as [`WinHandle`] says: as long as the source is in use, and on a volume that is not DAX as long as
    /// a mapping of it is.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Source::new).
    #[inline]
    pub fn from_handle(handle: impl Into<WinHandle<'h>>) -> Result<Self, Error> {
        Self::new(handle.into())
    }
}

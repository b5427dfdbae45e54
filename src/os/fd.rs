//! Sources from file descriptors.

use pmem2_platform::Fd;

use crate::{Error, Source};

impl<'h> Source<Fd<'h>> {
    /// Makes a source of a borrowed file descriptor (pmem2_source_from_fd(3)). With `std`, `fd` may
    /// be a reference to anything that has one, `&File` among them.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Source::new).
    #[inline]
    pub fn from_fd(fd: impl Into<Fd<'h>>) -> Result<Self, Error> {
        Self::new(fd.into())
    }
}

//! Sources from regions of physical memory.

use pmem2_platform::Extent;

use crate::{Error, Source};

impl<'t> Source<Extent<'t>> {
    /// Makes a source of a region of physical memory, or of a part of it. No memory but the region's tables is touched.
    ///
    /// # Errors
    ///
    /// - [`InvalidRegion`](Error::InvalidRegion): it has no bytes, goes on beyond the last address, or beyond the region that it is a part
    ///   of, or overlaps another one of its table.
    /// - [`InvalidFileType`](Error::InvalidFileType): it is memory that does not keep its contents, a virtual disk, or no memory.
    pub fn from_region(extent: Extent<'t>) -> Result<Self, Error> {
        Self::new(extent)
    }
}

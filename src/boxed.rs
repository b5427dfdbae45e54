//! Sources on the heap.

use alloc::boxed::Box;

use pmem2_platform::{Handle, try_box};

use crate::{
    error::{Error, Memory},
    source::Source,
};

impl<H: Handle> Source<H> {
    /// Makes a source in a box (with the feature `alloc`). An allocator that has no memory is an
    /// error here, where `Box::new` would abort.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Source::new), and [`OutOfMemory`](Error::OutOfMemory).
    pub fn boxed(handle: H) -> Result<Box<Self>, Error> {
        try_box(Self::new(handle)?).map_err(|_| Error::OutOfMemory(Memory::Heap))
    }
}

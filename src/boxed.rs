//! Sources and mappings on the heap.

use alloc::boxed::Box;

use pmem2_platform::{Handle, Locate, Map, try_box};

use crate::{
    error::{Error, Memory},
    map::{config::MapConfig, mapping::Mapping},
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

impl<H: Handle<P: Map + Locate>> Source<H> {
    /// Maps the source, and puts the mapping into a box (with the feature `alloc`).
    ///
    /// # Errors
    ///
    /// Those of [`map`](Source::map), and [`OutOfMemory`](Error::OutOfMemory).
    pub fn map_boxed(self, config: &MapConfig<'_>) -> Result<Box<Mapping<H>>, Error> {
        try_box(self.map(config)?).map_err(|_| Error::OutOfMemory(Memory::Heap))
    }
}

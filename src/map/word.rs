//! A word of a mapping.

use core::fmt;

use pmem2_platform::{Handle, Map};

use super::mapping::{Mapping, at};
use crate::error::Error;

/// An aligned word of 8 bytes in a mapping, made by [`Mapping::word`]. It is loaded and stored
/// whole, in the byte order of the processor.
pub struct Word<'m, H: Handle<P: Map>> {
    mapping: &'m Mapping<H>,
    offset: usize,
}

impl<'m, H: Handle<P: Map>> Word<'m, H> {
    #[inline]
    pub(super) fn new(mapping: &'m Mapping<H>, offset: usize) -> Result<Self, Error> {
        let word = mapping.memory.check_word(offset);
        word.map_err(|fault| mapping.refused(fault, at(offset, 8)))?;
        Ok(Self { mapping, offset })
    }

    /// Returns the offset in the mapping.
    #[inline]
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// Loads the word. It orders nothing by itself. After a [`fence`] for `Acquire` that follows
    /// it, loads see what was stored before the [commit](Mapping::commit) of the word that was
    /// loaded: so a mapping for loads only, which has no [`view`](Mapping::view), follows another
    /// process. What it sees need not be durable yet, the word included.
    ///
    /// ```
    /// # fn main() -> Result<(), pmem2::Error> {
    /// # use pmem2::{Granularity, MapConfig, Source};
    /// use std::sync::atomic::{Ordering, fence};
    ///
    /// # if cfg!(windows) { return Ok(()) }
    /// # let map = Source::from_anon(4096)?.map(&MapConfig::new(Granularity::Byte))?;
    /// # map.put(64, &7_u64)?;
    /// # map.commit(0, 64)?;
    /// let at = map.word(0)?.load()? as usize;
    /// fence(Ordering::Acquire);
    /// assert_eq!(map.get::<u64>(at)?, 7); // stored before the commit of `at`
    /// # Ok(()) }
    /// ```
    ///
    /// [`fence`]: core::sync::atomic::fence
    ///
    /// # Errors
    ///
    /// Those of [`read`](Mapping::read).
    #[inline]
    #[track_caller]
    pub fn load(&self) -> Result<u64, Error> {
        let word = self.mapping.memory.load(self.mapping.steps, self.offset);
        word.map_err(|fault| self.mapping.refused(fault, at(self.offset, 8)))
    }

    /// Stores the word in one store. It is durable on return, and not ordered after anything:
    /// [`commit`](Word::commit) is.
    ///
    /// # Errors
    ///
    /// Those of [`write`](Mapping::write).
    #[inline]
    #[track_caller]
    pub fn store(&self, word: u64) -> Result<(), Error> {
        let stores = self.mapping.stores();
        stores.store(self.offset, word)?;
        stores.finish()
    }

    /// Stores the word in one store, after everything that this thread has written or flushed
    /// before is durable, as [`Mapping::commit`] does.
    ///
    /// # Errors
    ///
    /// Those of [`commit`](Mapping::commit).
    #[inline]
    #[track_caller]
    pub fn commit(&self, word: u64) -> Result<(), Error> {
        self.mapping.commit(self.offset, word)
    }
}

impl<H: Handle<P: Map>> fmt::Debug for Word<'_, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Word").field("offset", &self.offset).finish_non_exhaustive()
    }
}

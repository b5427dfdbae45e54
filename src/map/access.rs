//! Accesses to mapped bytes. Whatever stores is durable on return.

use core::ops::RangeBounds;

use pmem2_platform::{Handle, Map, Plain, Shared};

use super::{
    mapping::{Mapping, at},
    word::Word,
};
use crate::error::Error;

impl<H: Handle<P: Map>> Mapping<H> {
    /// Copies the bytes at `offset` to `to`.
    ///
    /// # Errors
    ///
    /// - [`MapRange`](Error::MapRange): they end beyond the mapping.
    /// - [`NotMapped`](Error::NotMapped): the memory is not mapped for loads.
    #[inline]
    #[track_caller]
    pub fn read(&self, offset: usize, to: &mut [u8]) -> Result<(), Error> {
        let length = to.len();
        let done = self.memory.read(self.steps, offset, to);
        done.map_err(|fault| self.refused(fault, at(offset, length)))
    }

    /// Copies `from` to the bytes at `offset`. They are durable on return.
    ///
    /// # Errors
    ///
    /// - [`MapRange`](Error::MapRange): they end beyond the mapping.
    /// - [`NotMapped`](Error::NotMapped): the memory is not mapped for stores.
    /// - Those of [`persist`](Mapping::persist).
    #[inline]
    #[track_caller]
    pub fn write(&self, offset: usize, from: &[u8]) -> Result<(), Error> {
        let stores = self.stores();
        stores.write(offset, from)?;
        stores.finish()
    }

    /// Stores `byte` to each byte of the range. They are durable on return.
    ///
    /// # Errors
    ///
    /// Those of [`write`](Mapping::write); [`MapRange`](Error::MapRange) also of a range that ends
    /// before it begins.
    #[inline]
    #[track_caller]
    pub fn fill(&self, range: impl RangeBounds<usize>, byte: u8) -> Result<(), Error> {
        let stores = self.stores();
        stores.fill(range, byte)?;
        stores.finish()
    }

    /// Copies the bytes of the range to those at `to`, which may overlap them. They are durable on
    /// return.
    ///
    /// # Errors
    ///
    /// Those of [`read`](Mapping::read) and [`fill`](Mapping::fill).
    #[inline]
    #[track_caller]
    pub fn move_within(&self, from: impl RangeBounds<usize>, to: usize) -> Result<(), Error> {
        let stores = self.stores();
        stores.move_within(from, to)?;
        stores.finish()
    }

    /// Returns the value at `offset`, which needs no alignment.
    ///
    /// # Errors
    ///
    /// Those of [`read`](Mapping::read).
    #[inline]
    #[track_caller]
    pub fn get<T: Plain>(&self, offset: usize) -> Result<T, Error> {
        let value = self.memory.get(self.steps, offset);
        value.map_err(|fault| self.refused(fault, at(offset, size_of::<T>())))
    }

    /// Stores a value at `offset`, which needs no alignment. It is durable on return.
    ///
    /// # Errors
    ///
    /// Those of [`write`](Mapping::write).
    #[inline]
    #[track_caller]
    pub fn put<T: Plain>(&self, offset: usize, value: &T) -> Result<(), Error> {
        let stores = self.stores();
        stores.put(offset, value)?;
        stores.finish()
    }

    /// Returns the word of 8 bytes at `offset`, a multiple of 8.
    ///
    /// # Errors
    ///
    /// - [`MapRange`](Error::MapRange): it ends beyond the mapping.
    /// - [`OffsetUnaligned`](Error::OffsetUnaligned).
    #[inline]
    pub fn word(&self, offset: usize) -> Result<Word<'_, H>, Error> {
        Word::new(self, offset)
    }

    /// Stores a word of 8 bytes at `offset`, a multiple of 8, in one store, after everything that
    /// this thread has written or flushed before is durable. It is durable on return.
    ///
    /// After a power cut the word is the old one or the new one. If it is the new one, every byte
    /// is there that was written through the mapping before, or flushed. Those of a
    /// [batch](Mapping::batch) that has not ended are not among them: see [`Stores::commit`].
    ///
    /// Who loads the word, in another thread or process, and then fences, sees every store that
    /// this thread made before it, flushed or not: see [`Word::load`].
    ///
    /// [`Stores::commit`]: super::Stores::commit
    ///
    /// # Errors
    ///
    /// Those of [`word`](Mapping::word) and [`write`](Mapping::write).
    #[inline]
    #[track_caller]
    pub fn commit(&self, offset: usize, word: u64) -> Result<(), Error> {
        self.memory.check_word(offset).map_err(|fault| self.refused(fault, at(offset, 8)))?;
        self.drain();
        let stored = self.memory.store(self.steps, offset, word);
        stored.map_err(|fault| self.refused(fault, at(offset, 8)))?;
        self.persist(at(offset, 8))
    }

    /// Returns atomics at `offset`, in place.
    ///
    /// Stores to them become visible to others as they do in any shared memory. They are durable
    /// after [`persist`](Mapping::persist).
    ///
    /// # Errors
    ///
    /// - [`MapRange`](Error::MapRange): they end beyond the mapping.
    /// - [`OffsetUnaligned`](Error::OffsetUnaligned).
    /// - [`NotMapped`](Error::NotMapped): the memory is not mapped for loads and stores.
    #[inline]
    #[track_caller]
    pub fn view<T: Shared>(&self, offset: usize) -> Result<&T, Error> {
        let view = self.memory.view(self.steps, offset);
        view.map_err(|fault| self.refused(fault, at(offset, size_of::<T>())))
    }
}

//! Stores that become durable together.

use core::{
    cell::Cell,
    fmt,
    marker::PhantomData,
    ops::{Range, RangeBounds},
};

use pmem2_platform::{Handle, Map, MemoryFault, Plain};

use super::mapping::{Mapping, at};
use crate::{error::Error, place::granularity::expected::Granularity};

/// The time at which stores become durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// When the stores are finished.
    Finished,
    /// When the program flushes them.
    Flushed,
}

/// Stores to a mapping that become durable together: those of [`Mapping::batch`] at its end, those
/// of [`Mapping::unflushed`] when the program flushes them. A [`commit`](Stores::commit) comes
/// after all of them; one of the [mapping](Mapping::commit) knows nothing of them.
///
/// They belong to one thread, whose processor waits for what it has flushed.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pmem2::{Granularity, MapConfig, Source};
///
/// # if cfg!(windows) { return Ok(()) }
/// let map = Source::from_anon(4096)?.map(&MapConfig::new(Granularity::Byte))?;
/// let stores = map.unflushed();
/// stores.write(64, b"a record")?;
/// stores.put(72, &8_u32)?; // visible, and not durable yet
/// stores.commit(0, 1)?; // the record is durable, and then the word
/// # Ok(()) }
/// ```
pub struct Stores<'m, H: Handle<P: Map>> {
    mapping: &'m Mapping<H>,
    when: When,
    /// The bytes from the first to the last that are to be flushed when the stores are finished.
    pending: Cell<Option<(usize, usize)>>,
    /// The first failure to make stores durable.
    failed: Cell<Option<Error>>,
    /// Another thread would not wait for what this one has flushed.
    stays: PhantomData<*const ()>,
}

impl<H: Handle<P: Map>> Mapping<H> {
    /// Returns stores that have to be [finished](Stores::finish).
    #[inline]
    pub(super) const fn stores(&self) -> Stores<'_, H> {
        Stores::new(self, When::Finished)
    }

    /// Makes stores that become durable together, when `work` has returned: with one drain, and
    /// where the system is called with one call. That happens in any case, also where `work` fails
    /// or unwinds.
    ///
    /// `work` ends with `Ok::<_, Error>(())`, or with a call such as `stores.write(…)`: a plain
    /// `Ok(())` does not say which error it is.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use pmem2::{Error, Granularity, MapConfig, Source};
    ///
    /// # if cfg!(windows) { return Ok(()) }
    /// let map = Source::from_anon(4096)?.map(&MapConfig::new(Granularity::Byte))?;
    /// map.batch(|stores| {
    ///     stores.write(64, b"first")?;
    ///     stores.write(1024, b"second")?;
    ///     Ok::<_, Error>(())
    /// })?;
    /// map.commit(0, 2)?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// That of `work`; else that of [`persist`](Mapping::persist).
    #[track_caller]
    pub fn batch<T, E: From<Error>>(
        &self,
        work: impl FnOnce(&Stores<'_, H>) -> Result<T, E>,
    ) -> Result<T, E> {
        /// Finishes the stores when `work` unwinds.
        struct Finish<'s, 'm, H: Handle<P: Map>>(&'s Stores<'m, H>);
        impl<H: Handle<P: Map>> Drop for Finish<'_, '_, H> {
            fn drop(&mut self) {
                // Where that fails, the panic is what the program is told.
                let _ = self.0.finish();
            }
        }
        let stores = self.stores();
        let unwinding = Finish(&stores);
        let answer = work(&stores);
        core::mem::forget(unwinding);
        let finished = stores.finish();
        let answer = answer?;
        // Also where `work` did not tell that a commit failed.
        match stores.failed.take() {
            Some(error) => Err(error.into()),
            None => finished.map(|()| answer).map_err(E::from),
        }
    }

    /// Returns stores that are visible and not durable before the program has flushed them, by
    /// [`flush`](Mapping::flush) and [`drain`](Mapping::drain), or by
    /// [`persist`](Mapping::persist).
    #[must_use]
    pub const fn unflushed(&self) -> Stores<'_, H> {
        Stores::new(self, When::Flushed)
    }
}

impl<'m, H: Handle<P: Map>> Stores<'m, H> {
    #[inline]
    const fn new(mapping: &'m Mapping<H>, when: When) -> Self {
        let (pending, failed) = (Cell::new(None), Cell::new(None));
        Self { mapping, when, pending, failed, stays: PhantomData }
    }

    /// Copies `from` to the bytes at `offset`.
    ///
    /// # Errors
    ///
    /// Those of [`Mapping::write`].
    #[inline]
    #[track_caller]
    pub fn write(&self, offset: usize, from: &[u8]) -> Result<(), Error> {
        let done = self.mapping.memory.write(self.mapping.steps, offset, from);
        self.stored(done, at(offset, from.len()))
    }

    /// Stores `byte` to each byte of the range.
    ///
    /// # Errors
    ///
    /// Those of [`Mapping::fill`].
    #[inline]
    #[track_caller]
    pub fn fill(&self, range: impl RangeBounds<usize>, byte: u8) -> Result<(), Error> {
        let range = self.mapping.bounds(range);
        let done = self.mapping.memory.fill(self.mapping.steps, range.clone(), byte);
        self.stored(done, range)
    }

    /// Copies the bytes of the range to those at `to`, which may overlap them.
    ///
    /// # Errors
    ///
    /// Those of [`Mapping::move_within`].
    #[inline]
    #[track_caller]
    pub fn move_within(&self, from: impl RangeBounds<usize>, to: usize) -> Result<(), Error> {
        let from = self.mapping.bounds(from);
        self.mapping.check(&from)?;
        let done = self.mapping.memory.move_within(self.mapping.steps, from.clone(), to);
        self.stored(done, at(to, from.end.saturating_sub(from.start)))
    }

    /// Stores a value at `offset`, which needs no alignment.
    ///
    /// # Errors
    ///
    /// Those of [`Mapping::put`].
    #[inline]
    #[track_caller]
    pub fn put<T: Plain>(&self, offset: usize, value: &T) -> Result<(), Error> {
        let done = self.mapping.memory.put(self.mapping.steps, offset, value);
        self.stored(done, at(offset, size_of::<T>()))
    }

    /// Stores a word of 8 bytes at `offset`, a multiple of 8, in one store.
    ///
    /// # Errors
    ///
    /// Those of [`Word::store`](super::word::Word::store).
    #[inline]
    #[track_caller]
    pub fn store(&self, offset: usize, word: u64) -> Result<(), Error> {
        let done = self.mapping.memory.store(self.mapping.steps, offset, word);
        self.stored(done, at(offset, 8))
    }

    /// Makes durable what these stores have stored so far, and then stores a word in one store that
    /// is durable on return, as [`Mapping::commit`] does.
    ///
    /// # Errors
    ///
    /// Those of [`Mapping::commit`].
    #[inline]
    #[track_caller]
    pub fn commit(&self, offset: usize, word: u64) -> Result<(), Error> {
        self.finish()?;
        self.noted(self.mapping.commit(offset, word))
    }

    /// Adds a range that was stored to by other means: through a [view](Mapping::view), or
    /// [`as_ptr`](Mapping::as_ptr).
    ///
    /// # Errors
    ///
    /// Those of [`Mapping::flush`].
    #[inline]
    #[track_caller]
    pub fn flush(&self, range: impl RangeBounds<usize>) -> Result<(), Error> {
        let range = self.mapping.bounds(range);
        if self.mapping.granularity != Granularity::Page || self.when == When::Flushed {
            return self.mapping.flush(range);
        }
        self.mapping.check(&range)?;
        self.postpone(&range);
        Ok(())
    }

    /// Takes note of a range that is to be flushed when the stores are finished.
    #[inline]
    fn postpone(&self, range: &Range<usize>) {
        if range.start < range.end {
            let (start, end) = self.pending.get().unwrap_or((range.start, range.end));
            self.pending.set(Some((start.min(range.start), end.max(range.end))));
        }
    }

    #[inline]
    #[track_caller]
    fn stored(&self, done: Result<(), MemoryFault>, range: Range<usize>) -> Result<(), Error> {
        match done {
            Ok(()) if self.when == When::Finished => self.flush(range),
            Ok(()) => {
                self.postpone(&range);
                Ok(())
            }
            Err(fault) => Err(self.mapping.refused(fault, range)),
        }
    }

    /// Waits until the stores are durable.
    #[inline]
    #[track_caller]
    pub(super) fn finish(&self) -> Result<(), Error> {
        let finished = match self.pending.get() {
            Some((start, end)) => self.mapping.persist(start..end),
            None => {
                self.mapping.drain();
                Ok(())
            }
        };
        // Where the mapping has become shorter, nothing was made durable yet.
        if !matches!(finished, Err(Error::MapRange { .. })) {
            self.pending.set(None);
        }
        self.noted(finished)
    }

    /// Takes note of the first failure.
    #[inline]
    fn noted(&self, done: Result<(), Error>) -> Result<(), Error> {
        if let (Err(error), None) = (done, self.failed.get()) {
            self.failed.set(Some(error));
        }
        done
    }
}

impl<H: Handle<P: Map>> fmt::Debug for Stores<'_, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stores")
            .field("when", &self.when)
            .field("pending", &self.pending)
            .finish_non_exhaustive()
    }
}

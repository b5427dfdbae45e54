//! Making durable what was stored to a mapping.

use core::ops::{Range, RangeBounds};

use pmem2_platform::{Handle, Kind, Map, MemoryFault, Steps, Subject};

use super::mapping::Mapping;
use crate::{
    error::Error,
    place::granularity::expected::{Granularity, Sharing},
};

impl<H: Handle<P: Map>> Mapping<H> {
    /// Begins to make durable what was stored to the range (pmem2_get_flush_fn(3)). It is durable
    /// after a [`drain`](Mapping::drain) by the same thread; with
    /// [`Page`](Granularity::Page) on return.
    ///
    /// # Errors
    ///
    /// - [`MapRange`](Error::MapRange): the range ends beyond the mapping, or before it begins.
    /// - [`NotMapped`](Error::NotMapped): the memory is mapped for no access.
    /// - [`NotSynced`](Error::NotSynced), [`Os`](Error::Os): the system failed to store bytes, for
    ///   want of space (`ENOSPC`, `EDQUOT`) or otherwise. No byte of the file is known to be
    ///   durable that anybody has stored since the last success, in this range or beside it. The
    ///   system tells it once for each open file, to the thread that asks first, and does not try
    ///   again: a second call succeeds, though nothing was stored. The bytes have to be stored
    ///   again.
    #[inline]
    #[track_caller]
    pub fn flush(&self, range: impl RangeBounds<usize>) -> Result<(), Error> {
        let range = self.bounds(range);
        match self.granularity {
            Granularity::Byte => self.check(&range),
            Granularity::CacheLine => {
                let flushed = self.memory.flush(self.steps, range.clone());
                flushed.map_err(|fault| self.refused(fault, range))
            }
            Granularity::Page => self.call(range),
        }
    }

    /// Waits until everything that this thread has flushed is durable (pmem2_get_drain_fn(3)). No
    /// later store becomes durable before that.
    #[inline]
    #[track_caller]
    pub fn drain(&self) {
        self.steps.fence();
    }

    /// Makes durable what was stored to the range: [`flush`](Mapping::flush) and
    /// [`drain`](Mapping::drain) (pmem2_get_persist_fn(3)).
    ///
    /// System calls on Linux: with [PAGE](Granularity::Page) `msync`, as of whatever stores; else
    /// none.
    ///
    /// # Errors
    ///
    /// Those of [`flush`](Mapping::flush).
    #[inline]
    #[track_caller]
    pub fn persist(&self, range: impl RangeBounds<usize>) -> Result<(), Error> {
        self.flush(range)?;
        if self.granularity != Granularity::Page {
            self.drain();
        }
        Ok(())
    }

    /// Makes durable what anybody has stored to the range, where that is not known: a virtual
    /// machine, another process. Of a file the system is called whatever the granularity (msync(2)
    /// knows the pages that were stored to, where a flush walks all cache lines); of anything else
    /// it is [`persist`](Mapping::persist).
    ///
    /// System calls on Linux: of a file `msync`.
    ///
    /// # Errors
    ///
    /// Those of [`flush`](Mapping::flush).
    #[inline]
    #[track_caller]
    pub fn sync(&self, range: impl RangeBounds<usize>) -> Result<(), Error> {
        if self.facts.kind != Kind::RegularFile || self.sharing() == Sharing::Private {
            return self.persist(range);
        }
        let range = self.bounds(range);
        self.call(range)
    }

    /// Makes durable what was stored to the range, and moves it from the buffers of the memory to
    /// the medium (pmem2_deep_flush(3)), so that it survives where the platform fails to do so when
    /// the power fails. Of a file by msync(2), of a device DAX by `deep_flush` of its regions,
    /// which only root may use. Of a private mapping it does nothing.
    ///
    /// System calls on Linux: of a file `msync`; of a device DAX `fstat`, `readlinkat`, and for
    /// each region `openat`, `read`, `close`, `openat`, `write`, `close`.
    ///
    /// # Errors
    ///
    /// - [`Unsupported`](Error::Unsupported): anonymous memory; a device DAX of whose buffers the
    ///   kernel knows nothing (a region without DIMMs).
    /// - [`DaxRegionNotFound`](Error::DaxRegionNotFound): a device DAX that is in no region of
    ///   persistent memory.
    /// - [`Os`](Error::Os) with `EACCES`: this user may not.
    /// - Those of [`flush`](Mapping::flush).
    #[track_caller]
    pub fn deep_flush(&self, range: impl RangeBounds<usize>) -> Result<(), Error> {
        let range = self.bounds(range);
        match (self.facts.kind, self.sharing()) {
            (Kind::Anonymous, _) => Err(Error::Unsupported(Subject::DeepFlush)),
            (_, Sharing::Private) => self.check(&range),
            (Kind::RegularFile, _) => self.call(range),
            _ => {
                self.persist(range)?;
                H::P::deep_flush(self.memory.handle().into(), &self.facts)
                    .map_err(|fail| Error::from_fail(fail, Subject::DeepFlush))
            }
        }
    }

    /// Makes a range durable by the system's call.
    #[inline(never)]
    #[track_caller]
    fn call(&self, range: Range<usize>) -> Result<(), Error> {
        match self.memory.sync(self.steps, range.clone()) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(fail)) => Err(Error::from_fail(fail, Subject::Sync)),
            Err(fault) => Err(self.refused(fault, range)),
        }
    }

    /// Checks that the mapping has these bytes.
    #[inline]
    pub(super) fn check(&self, range: &Range<usize>) -> Result<(), Error> {
        if range.start <= range.end && range.end <= self.length() {
            Ok(())
        } else {
            Err(self.refused(MemoryFault::Outside, range.clone()))
        }
    }
}

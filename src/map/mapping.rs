//! A mapping: how it is made, what is known of it, and how it ends.

use core::{
    fmt,
    mem::MaybeUninit,
    ops::{Bound, Range, RangeBounds},
};

use pmem2_platform::{
    Access, Alignment, Facts, Fail, Handle, Kind, Locate, Map, MapSync, Memory, MemoryFault,
    Platform, Protection, Request, Subject, Undurable,
};

use super::config::MapConfig;
use crate::{
    error::{Error, WriteFault},
    place::granularity::{
        Terms,
        expected::{Expected, Granularity, Sharing},
    },
    source::Source,
};

/// A source that is mapped: `struct pmem2_map`, see pmem2_map_new(3). It owns the source and its
/// addresses, which are unmapped when it is dropped.
///
/// Others may change the bytes at any time: another process, a device, a thread with a mapping of
/// its own. So there is no `&[u8]` of them. Bytes are [read](Mapping::read) and
/// [written](Mapping::write), values [got](Mapping::get) and [put](Mapping::put), words and atomics
/// [used](Mapping::word) [in place](Mapping::view). Any number of threads may do so; where they
/// race, they may see some bytes of each, and nothing worse.
///
/// Offsets and lengths are in bytes, from the beginning of the mapping.
pub struct Mapping<H: Handle<P: Map>> {
    pub(super) memory: Memory<H>,
    pub(super) facts: Facts<<H::P as Platform>::Id>,
    pub(super) steps: <H::P as Map>::Steps,
    /// The offset of the first byte in the source.
    pub(super) offset: u64,
    pub(super) granularity: Granularity,
    terms: Terms<'static>,
    synchronous: MapSync,
}

impl<H: Handle<P: Map + Locate>> Source<H> {
    /// Maps the source (pmem2_map_new(3)). The mapping owns it; that of
    /// [`by_reference`](Source::by_reference) borrows it.
    ///
    /// On failure the source is dropped; [`try_map`](Source::try_map) gives it back.
    ///
    /// # Errors
    pub fn map(self, config: &MapConfig<'_>) -> Result<Mapping<H>, Error> {
        self.try_map(config).map_err(|(_, error)| error)
    }

    /// Maps the source, or gives it back with the reason.
    ///
    /// # Errors
    ///
    /// Those of [`map`](Source::map).
    pub fn try_map(self, config: &MapConfig<'_>) -> Result<Mapping<H>, (Self, Error)> {
        let (request, reach) = match self.request(config) {
            Ok(request) => request,
            Err(error) => return Err((self, error)),
        };
        let facts = *self.facts();
        let (memory, synchronous) = match Memory::map(self.into_inner(), &facts, &request, reach) {
            Ok(mapped) => mapped,
            Err((handle, fail)) => {
                let source = Self::described(handle, facts);
                return Err((source, Error::from_fail(fail, Subject::Mapping)));
            }
        };
        let source = Source::described(memory.handle(), facts);
        match source.decide(config, synchronous) {
            Ok((granularity, steps)) => {
                let (offset, terms) = (request.offset, Terms { place: None, ..config.terms });
                Ok(Mapping { memory, facts, steps, offset, granularity, terms, synchronous })
            }
            Err(error) => match memory.unmap() {
                Ok(handle) => Err((Self::described(handle, facts), error)),
                // It cannot be: it was mapped just now. The mapping is lost, the source is not.
                Err((memory, _)) => Err((Self::described(memory.leak(), facts), error)),
            },
        }
    }

    /// Maps the source into memory that the caller provides. On failure `place` is untouched.
    ///
    /// As always with `MaybeUninit`, the mapping is not dropped by itself (`assume_init_drop`).
    ///
    /// # Errors
    ///
    /// Those of [`map`](Source::map).
    pub fn map_in<'m>(
        self,
        place: &'m mut MaybeUninit<Mapping<H>>,
        config: &MapConfig<'_>,
    ) -> Result<&'m mut Mapping<H>, Error> {
        Ok(place.write(self.map(config)?))
    }

    /// Checks the configuration against the source.
    fn request(&self, config: &MapConfig<'_>) -> Result<(Request, usize), Error> {
        let range = self.check_range(config.offset, config.length)?;
        let private = config.terms.sharing == Sharing::Private;
        if config.protection.contains(Protection::WRITE)
            && !private
            && !self.access().contains(Access::WRITE)
        {
            return Err(Error::NotWritable(WriteFault::ReadOnly));
        }
        let too_large = Error::TooLarge(Subject::Mapping);
        let bytes = |bytes: u64| isize::try_from(bytes).ok().map(isize::unsigned_abs);
        let reach = bytes(range.end.saturating_sub(range.start)).ok_or(too_large)?;
        let room = bytes(config.room).ok_or(too_large)?;
        if room > reach && self.kind() != Kind::RegularFile {
            let end = range.start.saturating_add(config.room);
            return Err(Error::MapRange { end, size: range.end });
        }
        let alignment = Alignment::new(config.alignment)
            .ok_or(Error::InvalidAlignmentValue(config.alignment))?;
        let mut request = Request::new(range.start, room.max(reach));
        request.protection = config.protection;
        request.private = private;
        request.synchronous = self.tries_sync(&config.terms);
        request.alignment = Some(alignment).filter(|alignment| alignment.bytes() > 1);
        // What can be refused before anything is mapped, is.
        if let Some(known) = self.settled(&config.terms)? {
            self.accept(&config.terms, MapSync::Refused, known, config.granularity)?;
        }
        Ok((request, reach))
    }

    /// Decides the granularity of a mapping, and refuses it where it is too coarse.
    fn decide(
        &self,
        config: &MapConfig<'_>,
        synchronous: MapSync,
    ) -> Result<(Granularity, <H::P as Map>::Steps), Error> {
        let granularity = self.granularity_of(&config.terms, synchronous)?;
        self.accept(&config.terms, synchronous, granularity, config.granularity)?;
        match self.handle().platform().steps(granularity == Granularity::CacheLine) {
            Ok(steps) => Ok((granularity, steps)),
            Err(Fail::Unsupported) if granularity == Granularity::CacheLine => {
                Err(Error::NotDurable(Undurable::NoInstruction))
            }
            Err(fail) => Err(Error::from_fail(fail, Subject::Mapping)),
        }
    }
}

impl<H: Handle<P: Map + Locate>> Mapping<H> {
    /// Returns the granularity, and why it is that one, as the system says now.
    ///
    /// # Errors
    ///
    /// Those of [`expected_granularity`](Source::expected_granularity).
    pub fn expected(&self) -> Result<Expected, Error> {
        self.source().expected_of(&self.terms, self.synchronous)
    }
}

impl<H: Handle<P: Map>> Mapping<H> {
    /// Returns the address of the first byte. Whoever uses it answers for that.
    #[inline]
    #[must_use]
    pub const fn as_ptr(&self) -> *mut u8 {
        self.memory.as_ptr()
    }

    /// Returns the number of bytes that can be accessed.
    #[inline]
    #[must_use]
    pub fn length(&self) -> usize {
        self.memory.reach()
    }

    /// Returns the number of bytes that there are addresses for: the [length](Mapping::length), or
    /// what [`MapConfig::room`] asked for.
    #[inline]
    #[must_use]
    pub const fn room(&self) -> usize {
        self.memory.room()
    }

    /// Returns the offset of the first byte in the source.
    #[inline]
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns the granularity with which stores become durable
    /// (pmem2_map_get_store_granularity(3)).
    #[inline]
    #[must_use]
    pub const fn granularity(&self) -> Granularity {
        self.granularity
    }

    /// Returns who sees stores.
    #[inline]
    pub(super) const fn sharing(&self) -> Sharing {
        self.terms.sharing
    }

    /// Returns the source, which borrows the mapping's handle.
    #[inline]
    pub const fn source(&self) -> Source<&H> {
        Source::described(self.memory.handle(), self.facts)
    }

    /// Unmaps the memory (pmem2_map_delete(3)), and gives the source back.
    ///
    /// # Errors
    ///
    /// [`Os`](Error::Os): the memory is still mapped, and the mapping given back.
    pub fn unmap(self) -> Result<Source<H>, (Self, Error)> {
        let Self { memory, facts, steps, offset, granularity, terms, synchronous } = self;
        match memory.unmap() {
            Ok(handle) => Ok(Source::described(handle, facts)),
            Err((memory, fail)) => {
                let mapping =
                    Self { memory, facts, steps, offset, granularity, terms, synchronous };
                Err((mapping, Error::from_fail(fail, Subject::Unmapping)))
            }
        }
    }

    /// Returns the part of the mapping that has these bytes, and borrows it: for a thread that is
    /// to touch no others.
    ///
    /// # Errors
    ///
    /// [`MapRange`](Error::MapRange): the range ends beyond the mapping.
    pub fn part(&self, range: impl RangeBounds<usize>) -> Result<Mapping<&H>, Error> {
        let range = self.bounds(range);
        let before = u64::try_from(range.start).unwrap_or(u64::MAX);
        Ok(Mapping {
            memory: self.memory.part(range.clone()).map_err(|fault| self.refused(fault, range))?,
            facts: self.facts,
            steps: self.steps,
            offset: self.offset.saturating_add(before),
            granularity: self.granularity,
            terms: self.terms,
            synchronous: self.synchronous,
        })
    }

    /// Returns the two parts before and after `at`.
    ///
    /// # Errors
    ///
    /// [`MapRange`](Error::MapRange): `at` is beyond the mapping.
    pub fn split_at(&self, at: usize) -> Result<(Mapping<&H>, Mapping<&H>), Error> {
        Ok((self.part(..at)?, self.part(at..)?))
    }

    /// Returns the start and the end of a range. One that ends before it starts stays so, and is
    /// refused where it is used.
    pub(super) fn bounds(&self, range: impl RangeBounds<usize>) -> Range<usize> {
        let start = match range.start_bound() {
            Bound::Included(at) => *at,
            Bound::Excluded(at) => at.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(at) => at.saturating_add(1),
            Bound::Excluded(at) => *at,
            Bound::Unbounded => self.length(),
        };
        start..end
    }

    /// Makes the error of a refused access to these bytes.
    #[cold]
    pub(super) fn refused(&self, fault: MemoryFault, range: Range<usize>) -> Error {
        let wide = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        match fault {
            MemoryFault::Outside => {
                let end = if range.end >= range.start { wide(range.end) } else { u64::MAX };
                Error::MapRange { end, size: wide(self.length()) }
            }
            MemoryFault::Unaligned(alignment) => {
                Error::OffsetUnaligned { offset: wide(range.start), alignment: wide(alignment) }
            }
            MemoryFault::Protected(needed) => Error::NotMapped(needed),
        }
    }
}

impl<H: Handle<P: Map> + fmt::Debug> fmt::Debug for Mapping<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mapping")
            .field("memory", &self.memory)
            .field("offset", &self.offset)
            .field("granularity", &self.granularity)
            .field("sharing", &self.terms.sharing)
            .finish_non_exhaustive()
    }
}

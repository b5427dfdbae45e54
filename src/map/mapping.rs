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
    place::{
        granularity::{
            Terms,
            expected::{Expected, Granularity, Sharing},
            settled,
        },
        warning::Warning,
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
///
/// An access to memory that is bad, or beyond the end of a file that somebody cut, raises SIGBUS.
/// In the page that the end is in it raises none: stores there succeed, and are not in the file. A
/// [`Reader`](crate::transfer::Reader) of the [source](Mapping::source) has an error instead.
///
/// After fork(2) the memory is mapped in both processes, and what one unmaps stays with the other.
/// Both see what both store; with [`Sharing::Private`] only what was stored before. The
/// [length](Mapping::length) is each process's own: see [`catch_up`](Mapping::catch_up).
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pmem2::{Granularity, MapConfig, Mapping, Source};
/// use std::{fs::File, path::Path};
///
/// /// A storage engine: file, source and memory in one value.
/// struct Engine {
///     map: Mapping<File>,
/// }
///
/// impl Engine {
///     fn open(path: &Path) -> Result<Self, Box<dyn std::error::Error>> {
///         let mut options = File::options();
///         let file = options.read(true).write(true).create(true).truncate(false).open(path)?;
///         file.try_lock()?; // another that has it open would store to the same bytes
///         let source = Source::new(file)?;
///         if source.size()? < 1 << 20 {
///             source.handle().set_len(1 << 20)?; // one that is longer would be cut
///         }
///         let map = source.map(&MapConfig::new(Granularity::Page))?;
///         map.populate(.., true)?; // a full disk is an error here, and no signal later
///         map.grow(map.length())?; // makes its length durable; with PAGE the first write does
///         Ok(Self { map })
///     }
/// }
/// # if cfg!(windows) { return Ok(()) }
/// # let path = std::env::temp_dir().join(format!("pmem2-engine-{}", std::process::id()));
///
/// let engine = Engine::open(&path)?;
/// # std::fs::remove_file(&path)?;
/// engine.map.put(4096, &[1_u32, 2, 3])?;
/// engine.map.commit(0, 4096)?;
/// assert_eq!(engine.map.get::<u32>(4100)?, 2);
/// # Ok(()) }
/// ```
///
/// A part of it ends before it does:
///
/// ```compile_fail,E0505
/// # use pmem2::{Granularity, MapConfig, Source};
/// let map = Source::from_anon(100).unwrap().map(&MapConfig::new(Granularity::Byte)).unwrap();
/// let part = map.part(..50).unwrap();
/// drop(map);
/// part.write(0, &[1]);
/// ```
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
    /// Maps the source (pmem2_map_new(3)). The mapping owns it: a storage engine keeps file, source
    /// and memory in one value. A mapping of [`by_reference`](Source::by_reference) borrows it.
    ///
    /// On failure the source is dropped; [`try_map`](Source::try_map) gives it back.
    ///
    /// A length that was set just now is not durable by that, and a store that needs no call does
    /// not make it so: [`grow`](Mapping::grow) to the length does, as [`sync`](Source::sync) does.
    ///
    /// System calls on Linux: of a file `fstat`, `mmap` with `MAP_SYNC`, and where that is refused
    /// `mmap`; where it is granted also those that find the persistence domain, unless a place was
    /// kept ([`MapConfig::at_place`]): `fstat`, `fstatfs`, on XFS `ioctl`, `readlinkat`, `openat`,
    /// `read`, `close`, `newfstatat`. Of a device DAX those of [`size`](Source::size) and
    /// [`alignment`](Source::alignment), of the persistence domain, and `mmap`. `munmap` when it is
    /// dropped. Where the mapping is refused as too coarse, also those that find out why: those of
    /// [`expected_granularity`](Source::expected_granularity).
    ///
    /// # Errors
    ///
    /// In this order:
    ///
    /// - [`EmptyRange`](Error::EmptyRange): of [`MapConfig::range`].
    /// - Those of [`check_range`](Source::check_range).
    /// - [`NotWritable`](Error::NotWritable): stores are to reach a file that was opened read-only.
    /// - [`TooLarge`](Error::TooLarge): more bytes than `isize::MAX`.
    /// - [`NoRoom`](Error::NoRoom): [room](MapConfig::room) is wanted of what cannot grow: no file,
    ///   or one on hugetlbfs, which a mapping would make longer by itself.
    /// - [`InvalidAlignmentValue`](Error::InvalidAlignmentValue): of
    ///   [`aligned_to`](MapConfig::aligned_to).
    /// - [`SrcDevdaxPrivate`](Error::SrcDevdaxPrivate), [`NeverDurable`](Error::NeverDurable): of a
    ///   device DAX; nothing was mapped.
    /// - [`Os`](Error::Os): the system failed. With [`Subject::Mapping`] and `ENODEV` the file
    ///   system maps no files, with [`Subject::WritableMapping`] and `EPERM` the file is sealed.
    /// - [`GranularityNotSupported`](Error::GranularityNotSupported): the source has only a coarser
    ///   granularity than is wanted. It says why, and what helps.
    /// - [`NotDurable`](Error::NotDurable): the processor has no instruction that flushes cache
    ///   lines, or a [forced](MapConfig::forced) granularity cannot be had.
    pub fn map(self, config: &MapConfig<'_>) -> Result<Mapping<H>, Error> {
        self.try_map(config).map_err(|(_, error)| error)
    }

    /// Maps the source, or gives it back with the reason.
    ///
    /// # Errors
    ///
    /// Those of [`map`](Source::map).
    pub fn try_map(self, config: &MapConfig<'_>) -> Result<Mapping<H>, (Self, Error)> {
        let (request, reach, known) = match self.request(config) {
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
        match source.decide(config, known, synchronous) {
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

    /// Checks the configuration against the source, and returns the granularity where it is known
    /// before anything is mapped.
    fn request(
        &self,
        config: &MapConfig<'_>,
    ) -> Result<(Request, usize, Option<Granularity>), Error> {
        if config.length == Some(0) {
            return Err(Error::EmptyRange);
        }
        let range = self.check_range(config.offset, config.length.unwrap_or(0))?;
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
        if room > reach && !self.grows() {
            return Err(Error::NoRoom { length: config.room, room: 0 });
        }
        let alignment = Alignment::new(config.alignment)
            .ok_or(Error::InvalidAlignmentValue(config.alignment))?;
        let mut request = Request::new(range.start, room.max(reach));
        request.protection = config.protection;
        request.private = private;
        request.synchronous = self.tries_sync(&config.terms);
        request.alignment = Some(alignment).filter(|alignment| alignment.bytes() > 1);
        // What can be refused before anything is mapped, is.
        let known = self.settled(&config.terms)?;
        if let Some(known) = known {
            self.accept(&config.terms, MapSync::Refused, known, config.granularity)?;
        }
        Ok((request, reach, known))
    }

    /// Whether its file grows while it is mapped. One on hugetlbfs does so by itself, by mmap(2).
    fn grows(&self) -> bool {
        let page = || self.handle().platform().page_size();
        let huge = |unit: Alignment| page().is_ok_and(|page| unit.bytes() > page.bytes());
        self.kind() == Kind::RegularFile && !self.facts().alignment.is_some_and(huge)
    }

    /// Decides the granularity of a mapping, and refuses it where it is too coarse.
    fn decide(
        &self,
        config: &MapConfig<'_>,
        known: Option<Granularity>,
        synchronous: MapSync,
    ) -> Result<(Granularity, <H::P as Map>::Steps), Error> {
        let granularity = match known {
            Some(granularity) => granularity,
            None => {
                let granularity = self.granularity_of(&config.terms, synchronous)?;
                self.accept(&config.terms, synchronous, granularity, config.granularity)?;
                granularity
            }
        };
        Ok((granularity, steps_of(self.handle(), granularity)?))
    }
}

/// Returns the range of `length` bytes at `offset`.
#[inline]
pub(super) const fn at(offset: usize, length: usize) -> Range<usize> {
    offset..offset.saturating_add(length)
}

/// Returns a number of bytes in the address space as one in a source.
pub(super) fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// Returns the steps that this granularity needs.
fn steps_of<H: Handle<P: Map>>(
    handle: &H,
    granularity: Granularity,
) -> Result<<H::P as Map>::Steps, Error> {
    match handle.platform().steps(granularity == Granularity::CacheLine) {
        Ok(steps) => Ok(steps),
        Err(Fail::Unsupported) if granularity == Granularity::CacheLine => {
            Err(Error::NotDurable(Undurable::NoInstruction))
        }
        Err(fail) => Err(Error::from_fail(fail, Subject::Mapping)),
    }
}

impl<H: Handle<P: Map + Locate>> Mapping<H> {
    /// Returns what a person must know before trusting the memory with data, as the system says
    /// now: what a [`Place`](crate::place::Place) that was kept says without a question.
    ///
    /// There are warnings about regions of persistent memory only. A source on tmpfs or in a memfd,
    /// which keep nothing, and a granularity that is forced have none: [`expected`] tells these.
    ///
    /// [`expected`]: Mapping::expected
    ///
    /// # Errors
    ///
    /// Those of [`place`](Source::place).
    pub fn warnings(&self) -> Result<impl Iterator<Item = Warning> + use<H>, Error> {
        let place = self.source().place()?;
        let mut told = 0_usize;
        Ok(core::iter::from_fn(move || {
            let warning = place.warnings().nth(told);
            told = told.saturating_add(1);
            warning
        }))
    }

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
    /// Takes memory that the program has mapped itself (pmem2_map_from_existing(3)): see
    /// [`Memory::from_raw`]. It stays mapped when this is dropped. `offset` is that of its first
    /// byte in the source.
    ///
    /// Stores are made durable with the granularity that the program says. One that is finer than
    /// the memory needs does not make them so. Those that stay in the memory
    /// ([`is_private`](Memory::is_private)) and those to anonymous memory never are, and need
    /// nothing.
    ///
    /// # Errors
    ///
    /// The memory is given back.
    ///
    /// - Those of [`Source::new`], for its handle.
    /// - [`EmptyRange`](Error::EmptyRange): it has no bytes.
    /// - [`SrcDevdaxPrivate`](Error::SrcDevdaxPrivate): stores to a device DAX stay in the memory.
    /// - [`NotDurable`](Error::NotDurable): the processor has no instruction that flushes cache
    ///   lines, or the source has no call that makes stores durable
    ///   ([`Page`](Granularity::Page) of a device DAX).
    pub fn from_memory(
        memory: Memory<H>,
        offset: u64,
        granularity: Granularity,
    ) -> Result<Self, (Memory<H>, Error)> {
        let facts = match Source::new(memory.handle()) {
            Ok(_) if memory.room() == 0 => return Err((memory, Error::EmptyRange)),
            Ok(source) => *source.facts(),
            Err(error) => return Err((memory, error)),
        };
        let sharing = if memory.is_private() { Sharing::Private } else { Sharing::Shared };
        let terms = Terms { forced: Some(granularity), ..Terms::new(sharing) };
        let granularity = match settled(facts.kind, &terms) {
            Ok(settled) => settled.map_or(granularity, |settled| settled.granularity),
            Err(error) => return Err((memory, error)),
        };
        match steps_of(memory.handle(), granularity) {
            Ok(steps) => {
                let synchronous = MapSync::Unknown;
                Ok(Self { memory, facts, steps, offset, granularity, terms, synchronous })
            }
            Err(error) => Err((memory, error)),
        }
    }

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

    /// Returns the memory: for slices of it, whose maker answers for them
    /// ([`slice`](Memory::slice)).
    #[inline]
    pub const fn memory(&self) -> &Memory<H> {
        &self.memory
    }

    /// Unmaps the memory (pmem2_map_delete(3)), and gives the source back.
    ///
    /// System calls on Linux: `munmap`.
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
    /// [`MapRange`](Error::MapRange): the range ends beyond the mapping, or before it begins.
    pub fn part(&self, range: impl RangeBounds<usize>) -> Result<Mapping<&H>, Error> {
        let range = self.bounds(range);
        let before = wide(range.start);
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
        match fault {
            MemoryFault::Outside => {
                let end = if range.end >= range.start { wide(range.end) } else { u64::MAX };
                Error::MapRange { end, size: wide(self.length()) }
            }
            // The address is what counts, and the source's offset is aligned as it is: a part may
            // begin anywhere, and then its own offsets are not.
            MemoryFault::Unaligned(alignment) => {
                let (alignment, start) = (wide(alignment), wide(range.start));
                let aligned = self.offset.is_multiple_of(alignment);
                let offset = if aligned { start } else { self.offset.saturating_add(start) };
                Error::OffsetUnaligned { offset, alignment }
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

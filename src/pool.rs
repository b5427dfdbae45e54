//! A fixed number of sources, or of mappings, in the caller's memory.

use core::{convert::Infallible, fmt, marker::PhantomData, ops::Deref};

use pmem2_platform::{Borrowed, Lease, Locate, Map, Native, Platform, Slots, Stored};

use crate::{
    error::{Error, Memory},
    map::{config::MapConfig, mapping::Mapping},
    source::Source,
};

/// Room for `N` sources that borrow their handles: in a `static`, on the stack, in a struct. It
/// needs no allocator.
///
/// Threads and signal handlers share it. Taking a slot and giving it back are lock-free, and a full
/// pool is an error ([`OutOfMemory`](Error::OutOfMemory), `-ENOMEM`), never a wait.
///
/// Where the target has no compare-and-swap (Cortex-M0, riscv32imc) it needs the feature
/// `critical-section` and is absent without.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pmem2::Pool;
///
/// static SOURCES: Pool<pmem2::Native, 64> = Pool::new();
///
/// let file = std::fs::File::open(std::env::current_exe()?)?;
/// let source = SOURCES.source(&file)?;
/// assert!(source.size()? > 0);
/// # Ok(()) }
/// ```
///
/// A slot outlives neither the pool nor the file:
///
/// ```compile_fail,E0597
/// let file = std::fs::File::open(std::env::current_exe().unwrap()).unwrap();
/// let slot = {
///     let pool = pmem2::Pool::<pmem2::Native, 1>::new();
///     pool.source(&file).unwrap()
/// };
/// slot.size();
/// ```
///
/// ```compile_fail,E0505
/// let pool = pmem2::Pool::<pmem2::Native, 1>::new();
/// let file = std::fs::File::open(std::env::current_exe().unwrap()).unwrap();
/// let slot = pool.source(&file).unwrap();
/// drop(file);
/// slot.size();
/// ```
pub struct Pool<P: Platform = Native, const N: usize = 16, S: Stored = Sources<P>> {
    slots: Slots<S, N>,
    platform: PhantomData<fn() -> P>,
}

/// Room for `N` mappings that borrow their handles, made by [`Pool::of_mappings`].
pub type MapPool<P = Native, const N: usize = 16> = Pool<P, N, Mappings<P>>;

/// The values of a [`Pool`]: sources.
#[derive(Debug)]
pub struct Sources<P>(PhantomData<P>, Infallible);

/// The values of a [`MapPool`]: mappings.
#[derive(Debug)]
pub struct Mappings<P>(PhantomData<P>, Infallible);

impl<P: Platform> Stored for Sources<P> {
    type With<'h> = Source<Borrowed<'h, P>>;
}

// For platforms that live as long as the program, as zero-sized types do.
impl<P: Map + 'static> Stored for Mappings<P> {
    type With<'h> = Mapping<Borrowed<'h, P>>;
}

impl<P: Platform, const N: usize> Pool<P, N> {
    /// Makes an empty pool of sources.
    #[must_use]
    pub const fn new() -> Self {
        Self { slots: Slots::new(), platform: PhantomData }
    }

    /// Makes a source in a free slot. `handle` is a reference to any handle of the platform
    /// (`&File`, `&OwnedFd`, a region), or an [`Fd`](crate::Fd) or `BorrowedFd` by value.
    ///
    /// # Errors
    ///
    /// Those of [`Source::new`], and [`OutOfMemory`](Error::OutOfMemory) where no slot is free. On
    /// failure no slot is taken.
    pub fn source<'h>(
        &self,
        handle: impl Into<Borrowed<'h, P>>,
    ) -> Result<Slot<'_, 'h, P, N>, Error> {
        self.put(Source::new(handle.into())?)
    }
}

impl<P: Map + Locate + 'static, const N: usize> MapPool<P, N> {
    /// Makes an empty pool of mappings.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use pmem2::{Granularity, MapConfig, MapPool, Pool, map::Protection};
    ///
    /// static MAPPINGS: MapPool<pmem2::Native, 4> = Pool::of_mappings();
    ///
    /// # if cfg!(windows) { return Ok(()) }
    /// let file = std::fs::File::open(std::env::current_exe()?)?;
    /// let read = MapConfig::new(Granularity::Page).protection(Protection::READ);
    /// let map = MAPPINGS.map(&file, &read)?;
    /// assert_eq!(map.get::<[u8; 4]>(0)?, *b"\x7fELF");
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub const fn of_mappings() -> Self {
        Self { slots: Slots::new(), platform: PhantomData }
    }

    /// Makes a source, and maps it in a free slot, which unmaps it when it is dropped.
    ///
    /// # Errors
    ///
    /// Those of [`Source::new`] and [`Source::map`], and [`OutOfMemory`](Error::OutOfMemory) where
    /// no slot is free. On failure no slot is taken, and nothing stays mapped.
    pub fn map<'h>(
        &self,
        handle: impl Into<Borrowed<'h, P>>,
        config: &MapConfig<'_>,
    ) -> Result<Slot<'_, 'h, P, N, Mappings<P>>, Error> {
        self.put(Source::new(handle.into())?.map(config)?)
    }
}

impl<P: Platform, const N: usize, S: Stored> Pool<P, N, S> {
    fn put<'h>(&self, value: S::With<'h>) -> Result<Slot<'_, 'h, P, N, S>, Error> {
        match self.slots.put(value) {
            Ok(lease) => Ok(Slot { lease, platform: PhantomData }),
            Err(_) => Err(Error::OutOfMemory(Memory::Pool(N))),
        }
    }

    /// Returns the number of slots.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        N
    }

    /// Returns the number of slots taken at this moment; other threads may have changed it already.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.taken()
    }

    /// Returns whether no slot is taken at this moment.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<P: Platform, const N: usize> Default for Pool<P, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Platform, const N: usize, S: Stored> fmt::Debug for Pool<P, N, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("len", &self.len()).field("capacity", &N).finish()
    }
}

/// A source or a mapping in a pool. It gives the slot back when it is dropped
/// (pmem2_source_delete(3), pmem2_map_delete(3)), and can be used as a [`Source`] or a [`Mapping`]
/// until then.
///
/// It borrows its handle. To keep slot and file together, borrow from a file that lives as long (in
/// a `static`, in an `Arc` outside, leaked), or keep a [`Source`] that owns the file instead: that
/// needs no pool.
pub struct Slot<'pool, 'h, P: Platform = Native, const N: usize = 16, S: Stored = Sources<P>> {
    lease: Lease<'pool, 'h, S, N>,
    platform: PhantomData<fn() -> P>,
}

impl<'h, P: Platform, const N: usize, S: Stored> Deref for Slot<'_, 'h, P, N, S> {
    type Target = S::With<'h>;

    #[inline]
    fn deref(&self) -> &S::With<'h> {
        &self.lease
    }
}

impl<'h, P: Platform, const N: usize, S: Stored> fmt::Debug for Slot<'_, 'h, P, N, S>
where
    S::With<'h>: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Slot").field(&**self).finish()
    }
}

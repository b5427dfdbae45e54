//! A fixed number of sources in the caller's memory.

use core::{convert::Infallible, fmt, marker::PhantomData, ops::Deref};

use pmem2_platform::{Borrowed, Lease, Native, Platform, Slots, Stored};

use crate::{
    error::{Error, Memory},
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
pub struct Pool<P: Platform = Native, const N: usize = 16> {
    slots: Slots<Sources<P>, N>,
}

/// The values that a pool's slots hold.
struct Sources<P>(PhantomData<P>, Infallible);

impl<P: Platform> Stored for Sources<P> {
    type With<'h> = Source<Borrowed<'h, P>>;
}

impl<P: Platform, const N: usize> Pool<P, N> {
    /// Makes an empty pool.
    #[must_use]
    pub const fn new() -> Self {
        Self { slots: Slots::new() }
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
        let source = Source::new(handle.into())?;
        match self.slots.put(source) {
            Ok(lease) => Ok(Slot { lease }),
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

impl<P: Platform, const N: usize> fmt::Debug for Pool<P, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("len", &self.len()).field("capacity", &N).finish()
    }
}

/// A source in a pool. It gives the slot back when it is dropped (pmem2_source_delete(3)), and can
/// be used as a [`Source`] until then.
///
/// It borrows its handle. To keep slot and file together, borrow from a file that lives as long (in
/// a `static`, in an `Arc` outside, leaked), or keep a [`Source`] that owns the file instead: that
/// needs no pool.
pub struct Slot<'pool, 'h, P: Platform = Native, const N: usize = 16> {
    lease: Lease<'pool, 'h, Sources<P>, N>,
}

impl<'h, P: Platform, const N: usize> Deref for Slot<'_, 'h, P, N> {
    type Target = Source<Borrowed<'h, P>>;

    #[inline]
    fn deref(&self) -> &Source<Borrowed<'h, P>> {
        &self.lease
    }
}

impl<P: Platform, const N: usize> fmt::Debug for Slot<'_, '_, P, N>
where
    P::Raw: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Slot").field(&**self).finish()
    }
}

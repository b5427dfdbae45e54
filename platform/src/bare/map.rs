//! Memory of a region, where the program has it mapped.

use core::{fmt, ptr::NonNull};

use super::{
    region::RegionKind,
    source::{Bare, Extent},
};
use crate::{
    cpu::processor::{Cpu, write_flush_hint},
    errno::Errno,
    facts::Kind,
    fail::Fail,
    map::Map,
    persist::{Means, PersistenceDomain, Route, Undurable},
};

/// The program's call of a host that makes a range durable (virtio-pmem): takes the physical
/// address of its first byte, and its length in bytes.
pub type HostFlush<'t> = &'t dyn Fn(u64, usize) -> Result<(), Errno>;

/// The reason why an access to a [`Window`] was refused, or did not become durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WindowFault {
    /// Some of the bytes are outside the window.
    Outside,
    /// The region can only be read.
    ReadOnly,
    /// The bytes do not become durable.
    NotDurable(Undurable),
    /// The host's flush failed.
    Host(Errno),
}

impl fmt::Display for WindowFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outside => f.write_str("offset and length go on beyond the mapped region"),
            Self::ReadOnly => f.write_str("the region can only be read"),
            Self::NotDurable(why) => why.fmt(f),
            Self::Host(errno) => write!(f, "the host's flush failed: {errno}"),
        }
    }
}

impl core::error::Error for WindowFault {}

/// The bytes of an [`Extent`] where they are mapped. Made by [`Extent::mapped`].
#[derive(Clone, Copy)]
pub(super) struct Bytes<'t> {
    pub(super) at: NonNull<u8>,
    /// 0 for an extent that no source can be made of.
    length: usize,
    extent: Extent<'t>,
}

/// The bytes of an [`Extent`] where the program has them mapped, and what there is to make them
/// durable.
///
/// They are read and written here, and made durable by `Persist` of the crate `pmem2`. How follows
/// from the region's [`PersistenceDomain`]: where cache lines have to be flushed, a [`Cpu`] is
/// needed, and where a host flushes, its call. Without it, nothing is called durable.
pub struct Window<'t> {
    pub(super) bytes: Bytes<'t>,
    cpu: Cpu,
    host: Option<HostFlush<'t>>,
    hints: &'t [NonNull<u64>],
    /// The number of hints that the region needs.
    hints_needed: usize,
}

impl<'t> Extent<'t> {
    /// Makes a window on these bytes, which are mapped at `at`.
    ///
    /// An extent that no source can be made of (empty, wrapping, overlapping, of volatile memory)
    /// gives a window without bytes.
    ///
    /// # Safety
    ///
    /// For as long as the window lives, the [`length`](Extent::length) bytes at `at` are mapped to
    /// those of this extent as ordinary memory, for reading, and if the region is not read only for
    /// writing; they do not wrap around, and are no more than `isize::MAX`. Meanwhile no reference
    /// to any of them exists, and nobody else writes to what is accessed here at the same time.
    #[must_use]
    pub unsafe fn mapped(self, at: NonNull<u8>) -> Window<'t> {
        let length = match self.kind() {
            Kind::Region => clamped(self.length(), usize::MAX),
            _ => 0,
        };
        let bytes = Bytes { at, length, extent: self };
        Window {
            bytes,
            cpu: Cpu::fence_only(),
            host: None,
            hints: &[],
            hints_needed: self.region().hints_needed(),
        }
    }
}

/// The length as a number of this type, or the largest one. (Truncated, a region of 4 GiB and a
/// byte would have one byte.)
pub(super) fn clamped<N: TryFrom<u64>>(length: u64, largest: N) -> N {
    N::try_from(length).unwrap_or(largest)
}

impl Bytes<'_> {
    /// Returns the address of `length` bytes at `offset`, if they are all there.
    fn range(&self, offset: usize, length: usize) -> Result<NonNull<u8>, WindowFault> {
        match offset.checked_add(length) {
            Some(end) if end <= self.length => {
                // SAFETY: `add` wants that the offset is within what `at` points into, and at most
                // isize::MAX: it is at most the length, of which whoever called `mapped` has sworn
                // both.
                Ok(unsafe { self.at.add(offset) })
            }
            _ => Err(WindowFault::Outside),
        }
    }
}

impl<'t> Window<'t> {
    /// Adds the processor that flushes its cache lines.
    #[must_use]
    pub const fn flushed_by(mut self, cpu: Cpu) -> Self {
        self.cpu = cpu;
        self
    }

    /// Adds the call that makes a range durable, for a region that only its host makes durable.
    #[must_use]
    pub const fn flushed_by_host(mut self, host: HostFlush<'t>) -> Self {
        self.host = Some(host);
        self
    }

    /// Adds the flush hints of its DIMMs, which are written to whenever lines were flushed.
    ///
    /// # Safety
    ///
    /// They are the region's [`flush_hints`](crate::PhysicalRegion::flush_hints), mapped for writes
    /// as device memory for as long as the window lives, and aligned to 8 bytes.
    #[must_use]
    pub const unsafe fn with_hints(mut self, hints: &'t [NonNull<u64>]) -> Self {
        self.hints = hints;
        self
    }

    /// The extent that is mapped.
    #[must_use]
    pub const fn extent(&self) -> &Extent<'t> {
        &self.bytes.extent
    }

    /// The number of bytes.
    #[must_use]
    pub const fn length(&self) -> usize {
        self.bytes.length
    }

    /// Returns the facts from which it is decided how a store becomes durable.
    #[must_use]
    pub fn means(&self) -> Means {
        let region = self.bytes.extent.region();
        let mut means = Means::new(match region.kind() {
            RegionKind::Persistent => region.domain(),
            // Other memory keeps nothing, whatever is said of its domain.
            _ => PersistenceDomain::Never,
        });
        means.armed = !region.is_unarmed();
        means.cpu = Some(self.cpu);
        means.lacks_hints = self.hints.len() < self.hints_needed;
        means.call = self.host.is_some();
        means
    }

    /// Checks that the window has these bytes.
    ///
    /// # Errors
    ///
    /// [`Outside`](WindowFault::Outside).
    pub fn check_range(&self, offset: usize, length: usize) -> Result<(), WindowFault> {
        self.bytes.range(offset, length).map(drop)
    }

    /// Copies the bytes at `offset` to `to`.
    ///
    /// # Errors
    ///
    /// [`Outside`](WindowFault::Outside).
    pub fn read(&self, offset: usize, to: &mut [u8]) -> Result<(), WindowFault> {
        // SAFETY: the bytes of a slice can be written to.
        unsafe { self.read_to(offset, to.as_mut_ptr(), to.len()) }
    }

    /// Copies the bytes at `offset` to memory that may be uninitialized.
    ///
    /// # Safety
    ///
    /// The `length` bytes at `to` can be written to.
    pub(super) unsafe fn read_to(
        &self,
        offset: usize,
        to: *mut u8,
        length: usize,
    ) -> Result<(), WindowFault> {
        let from = self.bytes.range(offset, length)?;
        // SAFETY: `copy_to` wants both to be valid for that many bytes: the window's are mapped,
        // which whoever called `mapped` has sworn, and nobody writes to them meanwhile; the caller
        // answers for the others. Bytes of any value are a u8.
        unsafe { from.as_ptr().copy_to(to, length) };
        Ok(())
    }

    /// Copies `from` to the bytes at `offset`. They are visible then, and durable after `persist`
    /// of `pmem2::persist::Persist`. (A region that is not armed may be written to all the same,
    /// unless it is read only: nothing there becomes durable.)
    ///
    /// # Errors
    ///
    /// [`Outside`](WindowFault::Outside), [`ReadOnly`](WindowFault::ReadOnly): nothing was written.
    pub fn write(&mut self, offset: usize, from: &[u8]) -> Result<(), WindowFault> {
        // SAFETY: the bytes of a slice can be read.
        unsafe { self.write_from(offset, from.as_ptr(), from.len()) }
    }

    /// Copies memory that is no slice to the bytes at `offset`.
    ///
    /// # Safety
    ///
    /// The `length` bytes at `from` can be read.
    pub(super) unsafe fn write_from(
        &self,
        offset: usize,
        from: *const u8,
        length: usize,
    ) -> Result<(), WindowFault> {
        let to = self.bytes.range(offset, length)?;
        if self.bytes.extent.region().is_read_only() {
            return Err(WindowFault::ReadOnly);
        }
        // SAFETY: `copy_from` wants both to be valid for that many bytes: the window's are mapped
        // for writing, which whoever called `mapped` has sworn of a region that is not read only,
        // and nobody else accesses them meanwhile; the caller answers for the others.
        unsafe { to.as_ptr().copy_from(from, length) };
        Ok(())
    }

    /// Begins to make these bytes durable, in the way that was decided from
    /// [`means`](Window::means). They are durable after a [`drain`](Window::drain).
    ///
    /// # Errors
    ///
    /// [`Outside`](WindowFault::Outside), [`Host`](WindowFault::Host).
    #[doc(hidden)]
    pub fn flush_by(&self, route: Route, offset: usize, length: usize) -> Result<(), WindowFault> {
        let at = self.bytes.range(offset, length)?;
        if length == 0 {
            return Ok(());
        }
        match route {
            Route::Fence => Ok(()),
            Route::Flush(cpu) => {
                // SAFETY: `flush` wants the bytes to be mapped memory, which whoever called
                // `mapped` has sworn.
                unsafe { cpu.flush(at.as_ptr(), length) };
                Ok(())
            }
            Route::Call => {
                let host = self.host.ok_or(WindowFault::NotDurable(Undurable::NoCall))?;
                // The host must see what was stored.
                self.cpu.fence();
                let offset = u64::try_from(offset).map_err(|_| WindowFault::Outside)?;
                let base = self.bytes.extent.base().and_then(|base| base.checked_add(offset));
                host(base.ok_or(WindowFault::Outside)?, length).map_err(WindowFault::Host)
            }
        }
    }

    /// Waits until everything that was flushed is durable.
    pub fn drain(&self) {
        self.cpu.fence();
        for hint in self.hints {
            // SAFETY: whoever called `with_hints` has sworn that it is one, mapped and aligned.
            unsafe { write_flush_hint(hint.as_ptr()) };
        }
        if !self.hints.is_empty() {
            self.cpu.fence();
        }
    }
}

impl fmt::Debug for Window<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Bytes { at, length, extent } = self.bytes;
        f.debug_struct("Window")
            .field("extent", &extent)
            .field("at", &at)
            .field("length", &length)
            .finish_non_exhaustive()
    }
}

// SAFETY: it maps nothing.
unsafe impl Map for Bare<'_> {
    type Steps = Cpu;

    /// A region is used through a [`Window`].
    fn steps(self, _: bool) -> Result<Cpu, Fail> {
        Err(Fail::Unsupported)
    }
}

//! A mapped region: stores that are checked, and made durable.

use core::{fmt, ptr::NonNull};

use super::{
    region::{Durability, RegionKind},
    source::Extent,
};
use crate::{
    Errno, Kind,
    cpu::{Cpu, write_flush_hint},
};

/// The program's way to ask a host to make a range durable (virtio-pmem): the physical address of
/// its first byte, and its length.
pub type HostFlush<'t> = &'t dyn Fn(u64, usize) -> Result<(), Errno>;

/// Why an access to a [`Window`] was refused, or did not become durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WindowFault {
    /// Not all of the bytes are in the window.
    Outside,
    /// The region can only be read.
    ReadOnly,
    /// Nothing makes a store to this region durable.
    NeverDurable,
    /// The region is not armed: it will not keep what is stored.
    Unarmed,
    /// The region needs the flush of cache lines, and no processor was given that can:
    /// [`Window::flushed_by`].
    NoInstruction,
    /// The table does not say that the memory controllers are in the persistence domain, but has
    /// flush hints for them, and not all of these were given: [`Window::with_hints`].
    NoHints,
    /// The region needs a call of the host, and none was given: [`Window::flushed_by_host`].
    NoCall,
    /// The host's flush failed.
    Host(Errno),
}

impl fmt::Display for WindowFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Outside => "offset and length go on beyond the mapped region",
            Self::ReadOnly => "the region can only be read",
            Self::NeverDurable => "nothing makes a store to this region durable",
            Self::Unarmed => "the region is not armed: it will not keep what is stored",
            Self::NoInstruction => {
                "the region needs cache lines to be flushed: no processor was given that can"
            }
            Self::NoHints => {
                "the region needs its flush hints to be written to: they were not given"
            }
            Self::NoCall => "the region needs its host's flush: no call for it was given",
            Self::Host(errno) => return write!(f, "the host's flush failed: {errno}"),
        })
    }
}

impl core::error::Error for WindowFault {}

/// The bytes of an [`Extent`] where they are mapped. Made by [`Extent::mapped`].
#[derive(Clone, Copy)]
pub(super) struct Bytes<'t> {
    pub(super) at: NonNull<u8>,
    /// None if the extent is none that a source can be made of.
    length: usize,
    extent: Extent<'t>,
}

/// The bytes of an [`Extent`] where the program has them mapped: they can be read, written, and
/// made durable.
///
/// Which way a store becomes durable follows from the region's [`Durability`]. A region that needs
/// the flush of cache lines needs a [`Cpu`], one that its host flushes a call; both are refused
/// without, so that nothing is called durable that is not.
pub struct Window<'t> {
    pub(super) bytes: Bytes<'t>,
    cpu: Cpu,
    host: Option<HostFlush<'t>>,
    hints: &'t [NonNull<u64>],
    /// How many of them it needs.
    hints_needed: usize,
}

impl<'t> Extent<'t> {
    /// These bytes, as they are mapped at `at`.
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
    /// Where `length` bytes at `offset` are, if they are all there.
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
    /// The same, with the processor that flushes its cache lines.
    #[must_use]
    pub const fn flushed_by(mut self, cpu: Cpu) -> Self {
        self.cpu = cpu;
        self
    }

    /// The same, with the call that makes a range durable, for a region that only its host does
    /// that for.
    #[must_use]
    pub const fn flushed_by_host(mut self, host: HostFlush<'t>) -> Self {
        self.host = Some(host);
        self
    }

    /// The same, with the flush hints of its DIMMs, which are written to whenever lines were
    /// flushed.
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

    /// What is mapped.
    #[must_use]
    pub const fn extent(&self) -> &Extent<'t> {
        &self.bytes.extent
    }

    /// How many bytes there are.
    #[must_use]
    pub const fn length(&self) -> usize {
        self.bytes.length
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

    /// Likewise to memory that may be uninitialized.
    ///
    /// # Safety
    ///
    /// The `length` bytes at `to` can be written to.
    pub(crate) unsafe fn read_to(
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

    /// Copies `from` to the bytes at `offset`. They are visible then, and durable after
    /// [`persist`](Window::persist). (A region that is not armed may be written to all the same,
    /// unless it is read only: nothing there becomes durable.)
    ///
    /// # Errors
    ///
    /// [`Outside`](WindowFault::Outside), [`ReadOnly`](WindowFault::ReadOnly): nothing was written.
    pub fn write(&mut self, offset: usize, from: &[u8]) -> Result<(), WindowFault> {
        // SAFETY: the bytes of a slice can be read.
        unsafe { self.write_from(offset, from.as_ptr(), from.len()) }
    }

    /// Likewise, from memory that is no slice.
    ///
    /// # Safety
    ///
    /// The `length` bytes at `from` can be read.
    pub(crate) unsafe fn write_from(
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

    /// Whether what is written becomes durable by [`persist`](Window::persist).
    pub(crate) fn keeps(&self) -> Result<(), WindowFault> {
        let region = self.bytes.extent.region();
        if region.kind() != RegionKind::Persistent || region.durability() == Durability::None {
            return Err(WindowFault::NeverDurable);
        }
        if region.is_unarmed() {
            return Err(WindowFault::Unarmed);
        }
        match region.durability() {
            Durability::CacheFlush if !self.cpu.flushes() => Err(WindowFault::NoInstruction),
            Durability::CacheFlush if self.hints.len() < self.hints_needed => {
                Err(WindowFault::NoHints)
            }
            Durability::Call if self.host.is_none() => Err(WindowFault::NoCall),
            _ => Ok(()),
        }
    }

    /// Begins to make the bytes durable that are stored in this range. Several ranges may be
    /// flushed before one [`drain`](Window::drain). A range of no bytes needs neither a processor
    /// nor a call nor hints; of a region that will never keep anything
    /// ([`NeverDurable`](WindowFault::NeverDurable), [`Unarmed`](WindowFault::Unarmed)) it is
    /// refused like any other.
    ///
    /// # Errors
    ///
    /// What keeps them from becoming durable.
    pub fn flush(&self, offset: usize, length: usize) -> Result<(), WindowFault> {
        let at = self.bytes.range(offset, length)?;
        match self.keeps() {
            // What only the flush of some bytes needs.
            Err(WindowFault::NoInstruction | WindowFault::NoHints | WindowFault::NoCall)
                if length == 0 =>
            {
                return Ok(());
            }
            Ok(()) if length == 0 => return Ok(()),
            kept => kept?,
        }
        match (self.bytes.extent.region().durability(), self.host) {
            (Durability::CacheFlush, _) => {
                // SAFETY: `flush` wants the bytes to be mapped memory, which whoever called
                // `mapped` has sworn.
                unsafe { self.cpu.flush(at.as_ptr(), length) };
                Ok(())
            }
            (Durability::Call, Some(host)) => {
                // The host must see what was stored.
                self.cpu.fence();
                let offset = u64::try_from(offset).map_err(|_| WindowFault::Outside)?;
                let base = self.bytes.extent.base().and_then(|base| base.checked_add(offset));
                host(base.ok_or(WindowFault::Outside)?, length).map_err(WindowFault::Host)
            }
            _ => Ok(()),
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

    /// Makes the bytes durable that are stored in this range: [`flush`](Window::flush) and
    /// [`drain`](Window::drain).
    ///
    /// # Errors
    ///
    /// What keeps them from becoming durable.
    pub fn persist(&self, offset: usize, length: usize) -> Result<(), WindowFault> {
        self.flush(offset, length)?;
        self.drain();
        Ok(())
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

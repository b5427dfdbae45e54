//! The contract for mapping: what a system does, and the memory that it makes.

pub(crate) mod memory;
pub(crate) mod plain;
#[allow(unreachable_pub, reason = "tests/loom has the file, too, and hands it on")]
mod reach;
pub(crate) mod steps;

use core::{ops::Range, ptr::NonNull};

use crate::{
    alignment::Alignment,
    facts::Facts,
    fail::Fail,
    place::MapSync,
    source::{Borrowed, Platform},
};
use steps::Steps;

bitflags::bitflags! {
    /// The accesses that mapped memory allows: `PMEM2_PROT_*` of pmem2_config_set_protection(3). No
    /// bit is `PMEM2_PROT_NONE`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Protection: u8 {
        /// Loads.
        const READ = 1;
        /// Stores.
        const WRITE = 2;
        /// Execution of instructions.
        const EXEC = 4;
    }
}

/// A range of addresses. It is a name, not a right: [`Memory`](crate::Memory) owns addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub at: NonNull<u8>,
    /// The length in bytes.
    pub length: usize,
}

/// A mapping that is asked for. The core has checked it against the source; others who make one may
/// not have.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Request {
    /// The offset in the object in bytes, a multiple of its alignment.
    pub offset: u64,
    /// The length in bytes: not 0, and at most `isize::MAX`. It may end beyond the object, and in
    /// the middle of a page.
    pub length: usize,
    /// The accesses that are needed.
    pub protection: Protection,
    /// Whether stores stay in the mapping.
    pub private: bool,
    /// Whether a synchronous mapping (`MAP_SYNC`) is to be tried first.
    pub synchronous: bool,
    /// The alignment by which address and offset are to have the same remainder; `None` leaves it
    /// to the system.
    pub alignment: Option<Alignment>,
}

impl Request {
    /// Makes a request for `length` bytes at `offset`, shared, for loads and stores.
    #[must_use]
    pub const fn new(offset: u64, length: usize) -> Self {
        let protection = Protection::READ.union(Protection::WRITE);
        Self { offset, length, protection, private: false, synchronous: false, alignment: None }
    }
}

/// A mapping that was made.
#[derive(Clone, Copy, Debug)]
pub struct Mapped {
    /// The address of its first byte. It has as many bytes as were asked for.
    pub at: NonNull<u8>,
    /// The bytes that the system took, and that [`unmap`](Map::unmap) is called with: whole pages.
    pub taken: usize,
    /// The result of the attempt to map synchronously; [`MapSync::Refused`] where none was made.
    pub synchronous: MapSync,
}

/// A system that maps its objects.
///
/// [`steps`](Map::steps) has to be written; every other method answers [`Fail::Unsupported`] until
/// it is. A platform that maps nothing says so in it, too.
///
/// # Safety
///
/// [`map`](Map::map) and [`map_anonymous`](Map::map_anonymous) return memory of the length and with
/// the protection that were asked for, which stays until [`unmap`](Map::unmap). All of it is the
/// object's: its bytes may be given several times, at the same addresses, too, and nobody's other
/// memory ever. The object may become shorter or go bad meanwhile: an access then raises a signal
/// or an exception, and never reaches other memory.
///
/// Safe code can make up facts and requests. They may be anything, also of another object, and
/// beyond the end of this one: an implementation must not rely on them for this promise, nor for
/// the number of bytes that it says it took. It asks the handle, or refuses.
pub unsafe trait Map: Platform {
    /// The steps that lead a store to the medium: the processor's, or those of a model in its
    /// place.
    type Steps: Steps;

    /// Returns the steps for the mapped memory: with an instruction that flushes cache lines, if
    /// `flushes`. Where there is none, this is [`Fail::Unsupported`].
    fn steps(self, flushes: bool) -> Result<Self::Steps, Fail>;

    /// Maps bytes of an object at addresses of the system's choice.
    fn map(
        handle: Borrowed<'_, Self>,
        facts: &Facts<Self::Id>,
        request: &Request,
    ) -> Result<Mapped, Fail> {
        let _ = (handle, facts, request);
        Err(Fail::Unsupported)
    }

    /// Maps memory that belongs to no object and is zeros, for [`Anon`](crate::Anon).
    fn map_anonymous(self, request: &Request) -> Result<Mapped, Fail> {
        let _ = request;
        Err(Fail::Unsupported)
    }

    /// Unmaps memory. On failure it is still mapped.
    ///
    /// # Safety
    ///
    /// The caller owns the memory, which this platform mapped, and nobody uses it any more.
    unsafe fn unmap(self, taken: Span) -> Result<(), Fail> {
        let _ = taken;
        Err(Fail::Unsupported)
    }

    /// Makes these bytes of a mapping durable by a call of the system: msync(2).
    ///
    /// # Safety
    ///
    /// The bytes belong to a mapping that this platform made of the object.
    unsafe fn sync(handle: Borrowed<'_, Self>, bytes: Span) -> Result<(), Fail> {
        let _ = (handle, bytes);
        Err(Fail::Unsupported)
    }

    /// Makes sure that everything flushed so far has left the buffers of the memory below the
    /// object: `deep_flush` of its regions. [`Fail::Absent`] where it lies on no region,
    /// [`Fail::Unsupported`] where nobody knows whether there are such buffers.
    fn deep_flush(handle: Borrowed<'_, Self>, facts: &Facts<Self::Id>) -> Result<(), Fail> {
        let _ = (handle, facts);
        Err(Fail::Unsupported)
    }

    /// Makes the object at least `range.end` bytes long, and allocates storage for the bytes of the
    /// range that lie beyond `known`, or beyond its end where that comes first. New bytes are
    /// zeros. Those that it had stay. With `durable`, its length is durable on return. Without
    /// `known`, its length stays, and storage is allocated for all of the range.
    fn extend(
        handle: Borrowed<'_, Self>,
        facts: &Facts<Self::Id>,
        range: Range<u64>,
        known: Option<u64>,
        durable: bool,
    ) -> Result<(), Fail> {
        let _ = (handle, facts, range, known, durable);
        Err(Fail::Unsupported)
    }

    /// Waits until whoever makes the object longer has finished, and changes nothing. With
    /// `durable`, the length that it has is durable on return. The caller has just asked for it.
    fn settle(
        handle: Borrowed<'_, Self>,
        facts: &Facts<Self::Id>,
        durable: bool,
    ) -> Result<(), Fail> {
        let _ = (handle, facts, durable);
        Err(Fail::Unsupported)
    }

    /// Cuts the object to `size.start` bytes, durably, and leaves one that has more than `size.end`
    /// as it is. Never makes it longer. Returns the number of bytes that it had.
    fn truncate(
        handle: Borrowed<'_, Self>,
        facts: &Facts<Self::Id>,
        size: Range<u64>,
    ) -> Result<u64, Fail> {
        let _ = (handle, facts, size);
        Err(Fail::Unsupported)
    }

    /// Gives the storage of a range back, durably. Its bytes are zeros then.
    fn deallocate(
        handle: Borrowed<'_, Self>,
        facts: &Facts<Self::Id>,
        range: Range<u64>,
    ) -> Result<(), Fail> {
        let _ = (handle, facts, range);
        Err(Fail::Unsupported)
    }

    /// Makes page table entries for these bytes of a mapping, for stores if `write`. What would
    /// raise a signal in an access is an error here.
    ///
    /// # Safety
    ///
    /// The bytes belong to a mapping that this platform made.
    unsafe fn populate(self, bytes: Span, write: bool) -> Result<(), Fail> {
        let _ = (bytes, write);
        Err(Fail::Unsupported)
    }
}

//! The contract for reading and writing where memory may be bad.

mod buffer;
#[cfg(any(target_os = "linux", windows, test))]
pub(crate) mod pieces;

use core::{fmt, ops::Range};

pub use buffer::{ReadBuffer, WriteBuffer};

use crate::{
    facts::Facts,
    fail::Fail,
    persist::{Means, Route},
    source::{Borrowed, Platform},
};

/// A partial transfer: how far it came, and why it went no further.
///
/// [`From`] a [`Fail`] alone, nothing was transferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Partial {
    /// The number of bytes transferred, from the first one on. Some of those after them may have
    /// been, too.
    pub done: usize,
    /// Why it stopped. Of a transfer alone there are [`Fail::BadMemory`], [`Fail::Ended`] and
    /// [`Fail::BUFFER`].
    pub fail: Fail,
}

impl Partial {
    /// Returns the offset that a transfer came to which began at `offset`.
    #[must_use]
    pub fn reached(&self, offset: u64) -> u64 {
        after(offset, self.done)
    }
}

/// Returns the offset `more` bytes after `at`, or the last that there can be.
fn after(at: u64, more: usize) -> u64 {
    at.saturating_add(u64::try_from(more).unwrap_or(u64::MAX))
}

impl From<Fail> for Partial {
    fn from(fail: Fail) -> Self {
        Self { done: 0, fail }
    }
}

/// For those who write a platform. A program is told the sentence of pmem2's `TransferError`.
impl fmt::Display for Partial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "after {} bytes: {}", self.done, self.fail)
    }
}

impl core::error::Error for Partial {}

/// A system that reads and writes its objects, and survives bad memory.
///
/// Every method answers [`Fail::Unsupported`] until it is written. A platform that transfers
/// nothing says `impl Transfer for MyKernel { type Guard = Infallible; type Channel = Infallible;
/// }` ([`core::convert::Infallible`]).
///
/// The object that the [`Borrowed`] names is read and overwritten: [`Platform`] says what an
/// implementation may rely on.
pub trait Transfer: Platform {
    /// The guard that the program provides for transfers, where the platform cannot arrange it: on
    /// Linux who handles SIGBUS, without an operating system where a region is mapped.
    type Guard: Copy;

    /// The state that is made once and kept over many transfers: on Linux the mapping of a device
    /// DAX. It owns what it needs except the handle, and gives it back when it is dropped.
    type Channel;

    /// Prepares transfers of bytes of `range`, which is in the object: for reading or, if
    /// `writable`, for both.
    ///
    /// Without a `guard` of the program's the platform arranges it, or says [`Fail::Unsupported`].
    fn channel(
        handle: Borrowed<'_, Self>,
        facts: &Facts<Self::Id>,
        guard: Option<Self::Guard>,
        range: Range<u64>,
        writable: bool,
    ) -> Result<Self::Channel, Fail> {
        let _ = (handle, facts, guard, range, writable);
        Err(Fail::Unsupported)
    }

    /// Returns the facts from which the core decides how what is written through the channel
    /// becomes durable. Until it is written: by the system's call, [`sync`](Transfer::sync).
    fn means(channel: &Self::Channel) -> Means {
        let _ = channel;
        Means::CALL
    }

    /// Takes note of the core's decision: [`write_at`](Transfer::write_at) makes durable in this
    /// way what it writes to memory itself. Called once, before anything is written.
    fn set_route(channel: &mut Self::Channel, route: Route) {
        let _ = (channel, route);
    }

    /// Fills the buffer with the bytes at `offset`, which are in the channel's range. Goes on where
    /// the system makes a pause.
    fn read_at(
        handle: Borrowed<'_, Self>,
        channel: &Self::Channel,
        offset: u64,
        buffer: ReadBuffer<'_>,
    ) -> Result<(), Partial> {
        let _ = (handle, channel, offset, buffer);
        Err(Fail::Unsupported.into())
    }

    /// Writes the buffer to `offset`, as [`read_at`](Transfer::read_at) reads. Bytes written to
    /// memory itself are durable on return, as far as the platform can make them; those written to
    /// a file are after [`sync`](Transfer::sync).
    fn write_at(
        handle: Borrowed<'_, Self>,
        channel: &Self::Channel,
        offset: u64,
        buffer: WriteBuffer<'_>,
    ) -> Result<(), Partial> {
        let _ = (handle, channel, offset, buffer);
        Err(Fail::Unsupported.into())
    }

    /// Makes what was written durable, with what is needed to find it again. Where the system fails
    /// to store it, this is [`Fail::NotSynced`].
    fn sync(handle: Borrowed<'_, Self>, facts: &Facts<Self::Id>) -> Result<(), Fail> {
        let _ = (handle, facts);
        Err(Fail::Unsupported)
    }
}

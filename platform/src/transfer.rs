//! The contract for reading and writing where memory may be bad.

mod buffer;
#[cfg(any(target_os = "linux", windows, test))]
pub(crate) mod pieces;

use core::{fmt, ops::Range};

pub use buffer::{ReadBuffer, WriteBuffer};

use crate::{
    facts::Facts,
    fail::Fail,
    source::{Borrowed, Platform},
};

/// Why a transfer did not come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// The object's memory is bad: the first bad byte is one of the naturally aligned `unit` bytes
    /// that the next byte is in, and none before it. `unit` is a power of two, as exact as the
    /// system tells.
    Medium {
        /// In bytes.
        unit: u64,
    },
    /// The object has no more bytes.
    End,
    /// The caller's memory is bad, not mapped, or not to be written to.
    Buffer,
    /// Something else.
    Fail(Fail),
}

/// A transfer that did not come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Partial {
    /// So many bytes were transferred before. Of those behind it some may have been, too.
    pub done: usize,
    /// Why it went no further.
    pub why: Cause,
}

/// Speaks to those who write a platform; a program is told the sentence of pmem2's `TransferError`.
impl fmt::Display for Partial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { done, why } = self;
        write!(f, "after {done} bytes: ")?;
        match why {
            Cause::Medium { unit } => write!(f, "one of the next {unit} bytes is bad"),
            Cause::End => f.write_str("there are no more"),
            Cause::Buffer => f.write_str("the caller's memory cannot be accessed"),
            Cause::Fail(fail) => fail.fmt(f),
        }
    }
}

impl core::error::Error for Partial {}

/// A system that reads and writes its objects, and survives it where their memory is bad.
///
/// Every method answers [`Fail::Unsupported`] until it is written, and so a platform that does no
/// such thing says `impl Transfer for MyKernel { type Guard = Infallible; type Channel = Infallible; }`.
///
/// What is read and overwritten is the object that the [`Borrowed`] names: [`Platform`] says what
/// an implementation may rely on.
pub trait Transfer: Platform {
    /// What a transfer goes through and the program may provide, where it is not for this platform
    /// to arrange it: on Linux who handles SIGBUS, without a system where a region is mapped.
    type Guard: Copy;

    /// What is made once and kept over many transfers: on Linux the mapping of a device DAX. It
    /// owns what it needs but the handle, and gives it back when it is dropped.
    type Channel;

    /// Prepares transfers of bytes of `range`, which is in the object, for reading or, if
    /// `writable`, both.
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

    /// Fills the buffer with the bytes at `offset`, which are in the channel's range. Goes on where
    /// the system makes a pause.
    fn read_at(
        handle: Borrowed<'_, Self>,
        channel: &Self::Channel,
        offset: u64,
        buffer: ReadBuffer<'_>,
    ) -> Result<(), Partial> {
        let _ = (handle, channel, offset, buffer);
        Err(Partial { done: 0, why: Cause::Fail(Fail::Unsupported) })
    }

    /// Writes the buffer to `offset`, as [`read_at`](Transfer::read_at) reads. What is written to memory
    /// itself is durable on return, as far as the platform can make it; what is written to a file
    /// is so after [`sync`](Transfer::sync).
    fn write_at(
        handle: Borrowed<'_, Self>,
        channel: &Self::Channel,
        offset: u64,
        buffer: WriteBuffer<'_>,
    ) -> Result<(), Partial> {
        let _ = (handle, channel, offset, buffer);
        Err(Partial { done: 0, why: Cause::Fail(Fail::Unsupported) })
    }

    /// Makes what was written durable, with what is needed to find it again. Where the system fails
    /// to store it, this is [`Fail::NotSynced`].
    fn sync(handle: Borrowed<'_, Self>, facts: &Facts<Self::Id>) -> Result<(), Fail> {
        let _ = (handle, facts);
        Err(Fail::Unsupported)
    }
}

//! Why a transfer was partial.

use core::fmt;

use pmem2_platform::{Fail, Partial, Subject};

use crate::error::Error;

/// A partial transfer: how far it came, and why it went no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TransferError {
    done: usize,
    error: Error,
}

impl TransferError {
    /// Returns the number of bytes transferred, from the first one on. Some of those after them may
    /// have been, too.
    #[must_use]
    pub const fn done(&self) -> usize {
        self.done
    }

    /// Returns why it went no further.
    #[must_use]
    pub const fn error(&self) -> Error {
        self.error
    }

    /// Says where in the source a transfer stopped that began at `offset`.
    pub(super) fn from_partial(partial: Partial, offset: u64, subject: Subject) -> Self {
        let Partial { done, fail } = partial;
        let at = partial.reached(offset);
        let error = match fail {
            Fail::BadMemory(unit) => {
                let into_block = at.wrapping_sub(unit.floor(at));
                Error::IoFail { offset: at, length: unit.bytes().saturating_sub(into_block) }
            }
            Fail::Ended => Error::SourceShrank { size: at },
            fail => Error::from_fail(fail, subject),
        };
        Self { done, error }
    }
}

/// Nothing was transferred.
impl From<Error> for TransferError {
    fn from(error: Error) -> Self {
        Self { done: 0, error }
    }
}

/// Without how far it came.
impl From<TransferError> for Error {
    fn from(error: TransferError) -> Self {
        error.error
    }
}

impl fmt::Display for TransferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.done > 0 {
            write!(f, "after {} bytes: ", self.done)?;
        }
        self.error.fmt(f)
    }
}

impl core::error::Error for TransferError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// The error as an [`std::io::Error`], as of [`Error`]; `get_ref` gives it back with how far it
/// came.
#[cfg(feature = "std")]
impl From<TransferError> for std::io::Error {
    fn from(error: TransferError) -> Self {
        Self::new(error.error.kind(), error)
    }
}

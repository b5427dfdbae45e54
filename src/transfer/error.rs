//! Why a transfer ended early.

use core::fmt;

use pmem2_platform::{Cause, Errno, Partial, Subject};

use crate::error::Error;

/// Why a transfer did not come to its end, and how far it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TransferError {
    done: usize,
    error: Error,
}

impl TransferError {
    /// How many bytes were transferred, from the first one on. Some of those behind them may have
    /// been, too.
    #[must_use]
    pub const fn done(&self) -> usize {
        self.done
    }

    /// Why it went no further.
    #[must_use]
    pub const fn error(&self) -> Error {
        self.error
    }

    /// What stopped a transfer that began at `offset`.
    pub(super) fn from_partial(halted: Partial, offset: u64, asked: Subject) -> Self {
        let Partial { done, why } = halted;
        let at = offset.saturating_add(u64::try_from(done).unwrap_or(u64::MAX));
        let error = match why {
            Cause::Medium { unit } => {
                // As many bytes as there are from here to the end of the block. It is a power of
                // two: to divide by it would cost a small machine more than all the rest.
                let more = unit.saturating_sub(1);
                Error::IoFail { offset: at, length: unit.max(1).saturating_sub(at & more) }
            }
            Cause::End => Error::SourceShrank { size: at },
            Cause::Buffer => Error::Os { subject: Subject::Buffer, errno: Errno::EFAULT },
            Cause::Fail(fail) => Error::from_fail(fail, asked),
            _ => Error::Unknown(asked),
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
        match self.done {
            0 => self.error.fmt(f),
            done => {
                write!(f, "after {done} bytes: ")?;
                self.error.fmt(f)
            }
        }
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

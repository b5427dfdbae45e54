//! Why a call failed.

use core::{
    ffi::c_int,
    fmt::{self, Display},
};

use pmem2::{Code, Error, error::Errno, transfer::TransferError};

/// Why a call failed: pmem2's errors, and those that only C can make.
#[derive(Clone, Copy)]
pub(crate) enum Failure {
    /// pmem2's own.
    Error(Error),
    /// The same of a transfer, with how far it got.
    Transfer(TransferError),
    /// An argument that must not be NULL is NULL.
    Null(&'static str),
    /// An argument is not aligned to what its type needs.
    Misaligned(&'static str),
    /// What shall be a source is none, or none any more.
    NoSource,
    /// What shall be a context of bad blocks is none, or none any more.
    NoContext,
    /// The pointer to what is made is to be written where that itself is.
    Within(&'static str),
    /// A number that size_t cannot hold.
    Overflow(u64),
    /// A buffer is shorter than what it shall take.
    Short { given: usize, needed: usize },
    /// All of the library's slots are taken. One function ends what is in one; the other makes it
    /// in the caller's memory.
    Full { slots: usize, end: &'static str, instead: &'static str },
    /// There is no memory for what the library makes.
    NoMemory,
    /// A number that is none of those that a member of the caller's structure may have.
    NoValue { member: &'static str, value: u32 },
    /// What pmem2 has a code for, and C a sentence of its own.
    Said(Code, &'static str),
}

impl Failure {
    /// What the function returns.
    #[cold]
    pub(crate) const fn code(self) -> c_int {
        match self {
            Self::Error(error) => error.code(),
            Self::Transfer(error) => error.error().code(),
            Self::Null(_)
            | Self::Misaligned(_)
            | Self::NoSource
            | Self::NoContext
            | Self::Within(_) => Errno::EINVAL.raw().saturating_neg(),
            Self::Overflow(_) => Errno::EOVERFLOW.raw().saturating_neg(),
            Self::Short { .. } => Code::BufferTooSmall.raw(),
            Self::Full { .. } | Self::NoMemory => Errno::ENOMEM.raw().saturating_neg(),
            Self::NoValue { .. } => Code::InvalidRegionFormat.raw(),
            Self::Said(code, _) => code.raw(),
        }
    }
}

impl From<Error> for Failure {
    #[inline]
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<TransferError> for Failure {
    fn from(error: TransferError) -> Self {
        Self::Transfer(error)
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Without the names of Rust's functions.
            Self::Error(error) => write!(f, "{error:#}"),
            Self::Transfer(error) => write!(f, "{error:#}"),
            Self::Null(argument) => write!(f, "the argument {argument} is NULL"),
            Self::Misaligned(argument) => write!(f, "the argument {argument} is not aligned as its type needs"),
            Self::NoSource => f.write_str("the argument src is not a source: none was made there, or it was deleted"),
            Self::NoContext => {
                f.write_str("the argument bbctx is no bad block context: none was made there, or it was deleted")
            }
            Self::Within(argument) => {
                write!(f, "the argument {argument} lies within storage, where what it shall point to is made")
            }
            Self::Overflow(value) => write!(f, "the answer, {value} bytes, is more than size_t can hold here"),
            Self::Short { given, needed } => {
                write!(f, "the buffer is too small for the answer: it has {given} bytes, {needed} are needed")
            }
            Self::Full { slots, end, instead } => write!(
                f,
                "all {slots} of the library's slots are taken: delete what is in one ({end}), or make this one in memory of the \
                 program's own ({instead})"
            ),
            Self::NoMemory => f.write_str("out of memory: the allocator gave none for the bad block context"),
            Self::NoValue { member, value } => write!(
                f,
                "{member} is {value}, which the header does not have: was the whole structure set to zeros first?"
            ),
            Self::Said(_, sentence) => f.write_str(sentence),
        }
    }
}

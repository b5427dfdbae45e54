//! Why a call failed.

use core::{
    ffi::c_int,
    fmt::{self, Display},
};

use pmem2::{Code, Errno, Error};

/// Why a call failed: pmem2's errors, and those that only C can make.
#[derive(Clone, Copy)]
pub(crate) enum Failure {
    /// pmem2's own.
    Error(Error),
    /// An argument that must not be NULL is NULL.
    Null(&'static str),
    /// An argument is not aligned to what its type needs.
    Misaligned(&'static str),
    /// What shall be a source is none, or none any more.
    NoSource,
    /// The pointer to the source is to be written where the source itself is.
    Within,
    /// A number that size_t cannot hold.
    Overflow(u64),
    /// A buffer is shorter than what it shall take.
    Short { given: usize, needed: usize },
    /// All of the library's slots are taken. The function makes the source in the caller's memory.
    Full { slots: usize, instead: &'static str },
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
            Self::Null(_) | Self::Misaligned(_) | Self::NoSource | Self::Within => Errno::EINVAL.raw().saturating_neg(),
            Self::Overflow(_) => Errno::EOVERFLOW.raw().saturating_neg(),
            Self::Short { .. } => Code::BufferTooSmall.raw(),
            Self::Full { .. } => Errno::ENOMEM.raw().saturating_neg(),
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

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => error.fmt(f),
            Self::Null(argument) => write!(f, "the argument {argument} is NULL"),
            Self::Misaligned(argument) => write!(f, "the argument {argument} is not aligned as its type needs"),
            Self::NoSource => f.write_str("the argument src is not a source: none was made there, or it was deleted"),
            Self::Within => f.write_str("the argument src lies within storage, where the source itself is"),
            Self::Overflow(value) => write!(f, "the answer, {value} bytes, is more than size_t can hold here"),
            Self::Short { given, needed } => {
                write!(f, "the buffer is too small for the answer: it has {given} bytes, {needed} are needed")
            }
            Self::Full { slots, instead } => write!(
                f,
                "all {slots} of the library's slots are taken: delete a source (pmem2_source_delete), or make this one in memory \
                 of the program's own ({instead})"
            ),
            Self::NoValue { member, value } => write!(
                f,
                "{member} is {value}, which the header does not have: was the whole structure set to zeros first?"
            ),
            Self::Said(_, sentence) => f.write_str(sentence),
        }
    }
}

//! Why a call failed.

use core::{
    ffi::c_int,
    fmt::{self, Display},
};

use pmem2::{Code, Error, error::Errno, transfer::TransferError};

/// A sentence, and the code that a function returns with it.
pub(crate) trait Coded: Display {
    /// Returns the negative code.
    fn code(&self) -> c_int;
}

/// Why a call failed: pmem2's errors, and those that C alone has.
#[derive(Clone, Copy)]
pub(crate) enum Failure {
    /// An error of pmem2.
    Error(Error),
    /// An error of a transfer, with how far it got.
    Transfer(TransferError),
    /// An argument that must not be NULL is NULL.
    Null(&'static str),
    /// An argument is not aligned to its type.
    Misaligned(&'static str),
    /// An argument points to no such object, or to one that was deleted.
    NotMade { argument: &'static str, object: &'static str },
    /// The pointer to an object would be written into the object.
    Within(&'static str),
    /// A number of bytes that size_t cannot hold.
    Overflow(u64),
    /// A buffer is shorter than its text. In bytes.
    Short { given: usize, needed: usize },
    /// All slots of the library are taken.
    Full {
        slots: usize,
        /// The function that empties one.
        delete: &'static str,
        /// The function that needs none.
        instead: &'static str,
    },
    /// The heap has no memory for such an object.
    NoMemory(&'static str),
    /// A member of the caller's structure has a value that the header does not define.
    NoValue { member: &'static str, value: u32 },
    /// A failure that pmem2 has a code for, in a sentence of C's own.
    Said(Code, &'static str),
}

impl Coded for Failure {
    #[cold]
    fn code(&self) -> c_int {
        match self {
            Self::Error(error) => error.code(),
            Self::Transfer(error) => error.error().code(),
            Self::Null(_) | Self::Misaligned(_) | Self::NotMade { .. } | Self::Within(_) => {
                Errno::EINVAL.raw().saturating_neg()
            }
            Self::Overflow(_) => Errno::EOVERFLOW.raw().saturating_neg(),
            Self::Short { .. } => Code::BufferTooSmall.raw(),
            Self::Full { .. } | Self::NoMemory(_) => Errno::ENOMEM.raw().saturating_neg(),
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
            // The alternate form names no functions of Rust.
            Self::Error(error) => write!(f, "{error:#}"),
            Self::Transfer(error) => write!(f, "{error:#}"),
            Self::Null(argument) => write!(f, "the argument {argument} is NULL"),
            Self::Misaligned(argument) => {
                write!(f, "the argument {argument} is not aligned as its type needs")
            }
            Self::NotMade { argument, object } => write!(
                f,
                "the argument {argument} is not a {object}: none was made there, or it was deleted"
            ),
            Self::Within(argument) => write!(
                f,
                "the argument {argument} lies within storage, which the object itself will fill"
            ),
            Self::Overflow(bytes) => {
                write!(f, "the answer, {bytes} bytes, is more than size_t can hold here")
            }
            Self::Short { given, needed } => write!(
                f,
                "the buffer is too small for the answer: it has {given} bytes, {needed} are needed"
            ),
            Self::Full { slots, delete, instead } => write!(
                f,
                "all {slots} of the library's slots are taken: delete what is in one ({delete}), \
                 or use memory of the program's own ({instead})"
            ),
            Self::NoMemory(object) => {
                write!(f, "out of memory: the allocator gave none for the {object}")
            }
            Self::NoValue { member, value } => write!(
                f,
                "{member} is {value}, which the header does not define: was the whole structure \
                 set to zeros first?"
            ),
            Self::Said(_, sentence) => f.write_str(sentence),
        }
    }
}

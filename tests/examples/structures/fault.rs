//! The reasons why a structure in a mapping refuses.

use core::fmt;

use pmem2::Error;

#[derive(Debug)]
pub(crate) enum Fault {
    /// The mapping refused.
    Map(Error),
    /// The mapping has other contents.
    Foreign,
    /// The bytes at this offset are not those that were stored.
    Damaged(usize),
    /// There is no space.
    Full,
    /// The buffer is too small for this many bytes.
    Buffer(usize),
    /// A commit failed, so that it is not known what is durable: open the structure again.
    Unsettled,
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Map(error)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Map(error) => error.fmt(f),
            Self::Foreign => f.write_str("there is something else"),
            Self::Damaged(at) => write!(f, "damaged at byte {at}"),
            Self::Full => f.write_str("there is no space"),
            Self::Buffer(length) => write!(f, "it takes a buffer of {length} bytes"),
            Self::Unsettled => f.write_str("a commit failed before: open it again"),
        }
    }
}

impl core::error::Error for Fault {}

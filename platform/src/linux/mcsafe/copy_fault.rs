//! How a copy may end.

use core::fmt;

/// Why a copy from or to a [`Mapping`] did not come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CopyFault {
    /// The bytes are not all in the mapping. Nothing was copied.
    Outside,
    /// The mapping's memory is bad, or is not there.
    Medium {
        /// So many bytes before it were copied. The next one is in the first bad cache line, or a whole line may have been copied
        /// less than could be read.
        copied: usize,
        /// The memory is bad; otherwise the system has none there: a file was cut off, or the file system knows the block as bad.
        error: bool,
        /// As exactly as the system knows where: the bytes of a naturally aligned block that `copied` lies in. 1 if it does not say.
        unit: u64,
    },
    /// The buffer's memory is bad, or is not there: EFAULT.
    Buffer {
        /// So many bytes were copied before.
        copied: usize,
    },
}

impl fmt::Display for CopyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outside => f.write_str("offset and length go on beyond the mapping"),
            Self::Medium { copied, error: true, .. } => write!(f, "a memory error after {copied} bytes"),
            Self::Medium { copied, error: false, .. } => write!(f, "no memory after {copied} bytes"),
            Self::Buffer { copied } => write!(f, "the buffer's memory failed after {copied} bytes"),
        }
    }
}

impl core::error::Error for CopyFault {}

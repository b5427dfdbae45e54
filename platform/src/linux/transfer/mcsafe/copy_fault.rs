//! How a copy may end.

use core::fmt;

/// Why a copy from or to a [`GuardedCopy`](crate::GuardedCopy) did not come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CopyFault {
    /// The bytes are not all in the mapping. Nothing was copied.
    Outside,
    /// The mapping's memory is bad, or is not there.
    Medium {
        /// So many bytes before it were copied: the next one is the first that failed, as exactly
        /// as the system says where that is (and up to 63 before it where it does not say, which
        /// is not known to happen).
        copied: usize,
        /// The memory is bad; otherwise the system has none there: a file was cut off, or the file
        /// system knows the block as bad.
        error: bool,
        /// As exactly as the system knows where: the bytes of a naturally aligned block that
        /// `copied` lies in. 1 if it does not say.
        unit: u64,
    },
    /// The buffer's memory is bad, or is not there: EFAULT.
    Buffer {
        /// So many bytes were copied before.
        copied: usize,
    },
}

impl CopyFault {
    /// The same where the first `before` of these bytes do not count.
    #[cfg_attr(
        not(all(
            any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"),
            target_pointer_width = "64"
        )),
        expect(dead_code, reason = "there is no copy here")
    )]
    pub(super) const fn after(self, before: usize) -> Self {
        match self {
            Self::Outside => self,
            Self::Medium { copied, error, unit } => {
                Self::Medium { copied: copied.saturating_sub(before), error, unit }
            }
            Self::Buffer { copied } => Self::Buffer { copied: copied.saturating_sub(before) },
        }
    }
}

impl fmt::Display for CopyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outside => f.write_str("offset and length go on beyond the mapping"),
            Self::Medium { copied, error: true, .. } => {
                write!(f, "a memory error after {copied} bytes")
            }
            Self::Medium { copied, error: false, .. } => {
                write!(f, "no memory after {copied} bytes")
            }
            Self::Buffer { copied } => write!(f, "the buffer's memory failed after {copied} bytes"),
        }
    }
}

impl core::error::Error for CopyFault {}

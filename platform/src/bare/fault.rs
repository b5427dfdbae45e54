//! Faults of tables, which refuse them, and warnings.

use core::fmt;

use super::bytes::Bytes;

/// The fault of a firmware table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TableFault {
    /// The signature is that of another table.
    Signature,
    /// The table is too short, or a part of it would lie beyond its end.
    Length,
    /// The table is longer than the given memory.
    Truncated {
        /// The length in bytes that the table states.
        length: u32,
        /// The number of bytes given.
        given: u64,
    },
    /// The checksum of ACPI's root pointer (RSDP) is wrong. In another table a mismatch is a
    /// [warning](TableWarning::Checksum).
    Checksum,
    /// At this offset in bytes there is no valid structure of an NFIT (its length is impossible),
    /// or no valid token of a devicetree. (A devicetree's region without an address is
    /// [`RegionFault::Unaddressed`](crate::RegionFault) instead.)
    Structure(u32),
    /// A physical address in the table cannot be reached.
    Unreachable(u64),
    /// The devicetree has a version of the format that this library does not know: it is neither 16
    /// nor 17, nor compatible with one of these.
    Version {
        /// The version of its format.
        version: u32,
        /// The oldest version that it is compatible with.
        compatible: u32,
    },
    /// The table is larger, or has more parts, than that of any machine, and would take too long to
    /// read.
    TooMany,
}

impl fmt::Display for TableFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signature => {
                f.write_str("the firmware's table is another one: signature mismatch")
            }
            Self::Length => f.write_str(
                "the firmware's table is malformed: it is too short, or a part of it would lie \
                 beyond its end",
            ),
            Self::Truncated { length, given } => write!(
                f,
                "the firmware's table is truncated: its length is {length} bytes, longer than the \
                 memory that it is in, which has {given}"
            ),
            Self::Checksum => {
                f.write_str("the firmware's root pointer (RSDP) is malformed: checksum mismatch")
            }
            Self::TooMany => f.write_str(
                "the firmware's table is malformed: it is larger, or has more parts, than that of \
                 any machine",
            ),
            Self::Version { version, compatible } => write!(
                f,
                "the firmware's table cannot be read: it is a devicetree of version {version}, \
                 compatible with version {compatible}; only versions 16 and 17 are known"
            ),
            Self::Structure(at) => write!(
                f,
                "the firmware's table is malformed: invalid structure or token at byte {at}"
            ),
            Self::Unreachable(at) => write!(
                f,
                "the firmware's table is out of reach: nothing at the physical address {at:#x}"
            ),
        }
    }
}

impl core::error::Error for TableFault {}

/// Returns the first `length` bytes, the length that the table states.
pub(super) fn whole(all: Bytes<'_>, length: u32) -> Result<Bytes<'_>, TableFault> {
    let whole = usize::try_from(length).ok().and_then(|length| all.head(length));
    whole.ok_or_else(|| {
        let given = u64::try_from(all.len()).unwrap_or(u64::MAX);
        TableFault::Truncated { length, given }
    })
}

/// A fault of an NFIT that is read all the same, as Linux reads it with a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TableWarning {
    /// A checksum mismatch.
    Checksum {
        /// The checksum in the table: its byte 9.
        found: u8,
        /// The right checksum.
        expected: u8,
    },
    /// Only zeros follow from this offset in bytes on. The table counts up to there.
    ZeroTail(u32),
    /// The structure at this offset in bytes has the length 0. The table counts up to there, though
    /// more than zeros follow.
    ZeroLength(u32),
}

impl TableWarning {
    /// Returns a stable word for programs: `"wrong_checksum"`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Checksum { .. } => "wrong_checksum",
            Self::ZeroTail(_) => "zero_tail",
            Self::ZeroLength(_) => "zero_length",
        }
    }
}

impl fmt::Display for TableWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checksum { found, expected } => write!(
                f,
                "the firmware's table has a checksum mismatch: its byte 9 is {found:#04x}, and \
                 {expected:#04x} would be right"
            ),
            Self::ZeroTail(at) => {
                write!(f, "the firmware's table ends early: only zeros from its byte {at} on")
            }
            Self::ZeroLength(at) => write!(
                f,
                "the firmware's table ends early: the structure at its byte {at} has the length 0, \
                 and nothing after it is read"
            ),
        }
    }
}

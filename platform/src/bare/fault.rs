//! Faults of tables: those that make it refused, and those that are warnings.

use core::fmt;

use super::bytes::Bytes;

/// What is wrong with a firmware table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TableFault {
    /// There is no such table here: the signature is another one.
    Signature,
    /// The table is too short to be one, or a part of it would lie beyond its end.
    Length,
    /// The table is longer than the memory that was given.
    Truncated {
        /// How many bytes it says that it has.
        length: u32,
        /// How many were given.
        given: u64,
    },
    /// The bytes of ACPI's root pointer (RSDP) do not add up to 0. Of another table's bytes that is
    /// a [warning](TableWarning::Checksum).
    Checksum,
    /// What is at this offset in bytes is no structure of an NFIT, since it has a length that
    /// cannot be; or no token of a devicetree that can be there. (A devicetree's region without an
    /// address is none of it: [`RegionFault::Unaddressed`](crate::RegionFault).)
    Structure(u32),
    /// A physical address in it cannot be reached.
    Unreachable(u64),
    /// It is a devicetree of a version of the format that this library does not know: neither 16
    /// nor 17, nor a later one that is compatible with one of these.
    Version {
        /// The version of its format.
        version: u32,
        /// The oldest version that it is compatible with.
        compatible: u32,
    },
    /// It has more parts than any machine has, or is larger than any: to read it shall not take for
    /// ever.
    TooMany,
}

impl fmt::Display for TableFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signature => "the firmware's table makes no sense: its signature is another table's",
            Self::Length => {
                "the firmware's table makes no sense: it is too short to be one, or a part of it would lie beyond its end"
            }
            Self::Truncated { length, given } => {
                return write!(
                    f,
                    "the firmware's table makes no sense: it says that it has {length} bytes, longer than the memory that it is in, \
                     which has {given}"
                );
            }
            Self::Checksum => "the firmware's root pointer (RSDP) makes no sense: its bytes do not add up to 0",
            Self::TooMany => "the firmware's table makes no sense: it is larger, or has more parts than any machine has",
            Self::Version { version, compatible } => {
                return write!(
                    f,
                    "the firmware's table cannot be read: it is a devicetree of version {version}, compatible with version \
                     {compatible}, and only versions 16 and 17 are known"
                );
            }
            Self::Structure(at) => {
                return write!(
                    f,
                    "the firmware's table makes no sense: what is at its byte {at} is no structure or node that can be there"
                );
            }
            Self::Unreachable(at) => {
                return write!(f, "the firmware's table is out of reach: there is nothing at the physical address {at:#x}");
            }
        })
    }
}

impl core::error::Error for TableFault {}

/// The first `length` bytes of these, as many as the table that begins there says it has.
pub(super) fn whole(all: Bytes<'_>, length: u32) -> Result<Bytes<'_>, TableFault> {
    let whole = usize::try_from(length).ok().and_then(|length| all.head(length));
    whole.ok_or_else(|| {
        let given = u64::try_from(all.len()).unwrap_or(u64::MAX);
        TableFault::Truncated { length, given }
    })
}

/// A fault of an NFIT that can be read all the same, as Linux reads it and warns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TableWarning {
    /// Its bytes do not add up to 0.
    Checksum {
        /// The checksum that it has: its byte 9.
        found: u8,
        /// The one that would be right.
        expected: u8,
    },
    /// It has nothing but zeros from this offset in bytes on. What comes before counts.
    ZeroTail(u32),
    /// The structure at this offset in bytes has the length 0. What comes before counts, and
    /// nothing from there on, though it is more than zeros.
    ZeroLength(u32),
}

impl TableWarning {
    /// A word for programs, which stays: `"wrong_checksum"`.
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
                "the firmware's table has a wrong checksum: its byte 9 is {found:#04x} and should be {expected:#04x}"
            ),
            Self::ZeroTail(at) => write!(
                f,
                "the firmware's table ends early: it has only zeros from its byte {at} on"
            ),
            Self::ZeroLength(at) => write!(
                f,
                "the firmware's table ends early: the structure at its byte {at} has the length 0, and what comes after \
                 it is not read"
            ),
        }
    }
}

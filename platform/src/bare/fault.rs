//! What can be wrong with a table.

use core::fmt;

/// What is wrong with a firmware table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TableFault {
    /// There is no such table here: the signature is another one.
    Signature,
    /// The table is longer than the memory that was given, or too short to be one.
    Length,
    /// Its bytes do not add up to 0.
    Checksum,
    /// What is at this offset in bytes is no structure of an NFIT, since it has a length that
    /// cannot be; or no token of a devicetree that can be there. (A devicetree's region without an
    /// address is none of it: [`RegionFault::Unaddressed`](crate::RegionFault).)
    Structure(u32),
    /// A physical address in it cannot be reached.
    Unreachable(u64),
    /// It is of a version of its format that this library does not know.
    Version,
    /// It has more parts than any machine has, or is larger than any: to read it shall not take for
    /// ever.
    TooMany,
}

impl fmt::Display for TableFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signature => "the firmware's table makes no sense: its signature is another table's",
            Self::Length => {
                "the firmware's table makes no sense: it is longer than the memory that it is in, or too short to be one"
            }
            Self::Checksum => "the firmware's table makes no sense: its bytes do not add up to 0",
            Self::Version => "the firmware's table cannot be read: its format has a version that is not known",
            Self::TooMany => "the firmware's table makes no sense: it is larger, or has more parts than any machine has",
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

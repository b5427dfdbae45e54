//! GUIDs.

use core::fmt;

use super::bytes::Bytes;

/// A GUID, the name of a range's type in a table.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Guid {
    /// The first three fields as numbers, which lie in memory in little-endian order.
    fields: (u32, u16, u16),
    rest: [u8; 8],
}

impl Guid {
    /// Makes a GUID of its fields.
    pub(super) const fn new(a: u32, b: u16, c: u16, rest: [u8; 8]) -> Self {
        Self { fields: (a, b, c), rest }
    }

    /// Reads the GUID at this offset.
    pub(super) fn at(bytes: Bytes<'_>, at: usize) -> Option<Self> {
        let bytes = bytes.tail(at)?;
        Some(Self::new(bytes.u32(0)?, bytes.u16(4)?, bytes.u16(6)?, bytes.array(8)?))
    }
}

/// Prints the usual notation: `66f0d379-b4f3-4074-ac43-0d3318b78cdb`.
impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ((a, b, c), [d0, d1, node @ ..]) = (self.fields, self.rest);
        write!(f, "{a:08x}-{b:04x}-{c:04x}-{d0:02x}{d1:02x}-")?;
        node.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Guid({self})")
    }
}

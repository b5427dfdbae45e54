//! Fields of a table, each read only where it is.

use core::fmt;

/// Bytes of a table.
#[derive(Clone, Copy)]
pub(super) struct Bytes<'t>(&'t [u8]);

/// How many there are: a table is long.
impl fmt::Debug for Bytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} bytes]", self.0.len())
    }
}

impl<'t> Bytes<'t> {
    pub(super) const fn new(bytes: &'t [u8]) -> Self {
        Self(bytes)
    }

    pub(super) const fn len(self) -> usize {
        self.0.len()
    }

    pub(super) const fn as_slice(self) -> &'t [u8] {
        self.0
    }

    /// Whether both are the same place in memory.
    pub(super) fn is(self, other: Self) -> bool {
        core::ptr::eq(self.0, other.0)
    }

    pub(super) fn is_zeros(self) -> bool {
        self.0.iter().all(|&byte| byte == 0)
    }

    pub(super) fn from(self, at: usize) -> Option<Self> {
        self.0.get(at..).map(Self)
    }

    pub(super) fn to(self, end: usize) -> Option<Self> {
        self.0.get(..end).map(Self)
    }

    pub(super) fn array<const N: usize>(self, at: usize) -> Option<[u8; N]> {
        self.0.get(at..)?.first_chunk().copied()
    }

    pub(super) fn u8(self, at: usize) -> Option<u8> {
        self.0.get(at).copied()
    }

    pub(super) fn u16(self, at: usize) -> Option<u16> {
        self.array(at).map(u16::from_le_bytes)
    }

    pub(super) fn u32(self, at: usize) -> Option<u32> {
        self.array(at).map(u32::from_le_bytes)
    }

    pub(super) fn u64(self, at: usize) -> Option<u64> {
        self.array(at).map(u64::from_le_bytes)
    }

    /// Devicetrees are big-endian.
    pub(super) fn big32(self, at: usize) -> Option<u32> {
        self.array(at).map(u32::from_be_bytes)
    }
}

/// A GUID, by which a table names the type of a range.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Guid {
    /// The first three fields, as numbers: they lie in memory in little-endian order.
    fields: (u32, u16, u16),
    rest: [u8; 8],
}

impl Guid {
    /// The GUID with these fields.
    pub(super) const fn new(a: u32, b: u16, c: u16, rest: [u8; 8]) -> Self {
        Self { fields: (a, b, c), rest }
    }

    /// The GUID at this offset.
    pub(super) fn at(bytes: Bytes<'_>, at: usize) -> Option<Self> {
        let bytes = bytes.from(at)?;
        Some(Self::new(bytes.u32(0)?, bytes.u16(4)?, bytes.u16(6)?, bytes.array(8)?))
    }
}

/// The usual notation: `66f0d379-b4f3-4074-ac43-0d3318b78cdb`.
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

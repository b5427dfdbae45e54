//! Fields of a table, with a check of each offset.

use core::fmt;

/// Bytes of a table.
#[derive(Clone, Copy)]
pub(super) struct Bytes<'t>(&'t [u8]);

/// Shows only the number of bytes: a table is long.
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

    /// Tells whether both are the same place in memory.
    pub(super) fn is_same(self, other: Self) -> bool {
        core::ptr::eq(self.0, other.0)
    }

    pub(super) fn is_zeros(self) -> bool {
        self.0.iter().all(|&byte| byte == 0)
    }

    pub(super) fn tail(self, at: usize) -> Option<Self> {
        self.0.get(at..).map(Self)
    }

    pub(super) fn head(self, end: usize) -> Option<Self> {
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

    /// Reads a big-endian field, as devicetrees have them.
    pub(super) fn big32(self, at: usize) -> Option<u32> {
        self.array(at).map(u32::from_be_bytes)
    }
}

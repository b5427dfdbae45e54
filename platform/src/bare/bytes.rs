//! Fields of a table, each read only where it is.

/// Bytes of a table.
#[derive(Clone, Copy)]
pub(super) struct Bytes<'t>(&'t [u8]);

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

/// A GUID as it lies in memory.
pub(super) const fn guid(a: u32, b: u16, c: u16, d: [u8; 8]) -> [u8; 16] {
    let ([a0, a1, a2, a3], [b0, b1], [c0, c1]) =
        (a.to_le_bytes(), b.to_le_bytes(), c.to_le_bytes());
    let [d0, d1, d2, d3, d4, d5, d6, d7] = d;
    [a0, a1, a2, a3, b0, b1, c0, c1, d0, d1, d2, d3, d4, d5, d6, d7]
}

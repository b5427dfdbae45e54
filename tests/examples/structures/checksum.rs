//! A checksum: CRC-32, bit by bit. A program that is in a hurry takes one of the crates for it.

/// The checksum of bytes that come in pieces.
#[derive(Clone, Copy)]
pub(crate) struct Checksum(u32);

impl Checksum {
    pub(crate) const fn new() -> Self {
        Self(u32::MAX)
    }

    pub(crate) const fn and(mut self, bytes: &[u8]) -> Self {
        let mut rest = bytes;
        while let [byte, next @ ..] = rest {
            self.0 ^= *byte as u32;
            let mut bits = 8;
            while bits > 0 {
                self.0 = (self.0 >> 1) ^ (0xedb8_8320 * (self.0 & 1));
                bits -= 1;
            }
            rest = next;
        }
        self
    }

    pub(crate) const fn value(self) -> u32 {
        !self.0
    }
}

//! Alignments.

/// An alignment in bytes: a power of two, in one byte of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Alignment {
    /// Below 64.
    log2: u8,
}

impl Alignment {
    /// Makes an alignment of `bytes`; `None` if that is not a power of two.
    #[must_use]
    pub const fn new(bytes: u64) -> Option<Self> {
        if bytes.is_power_of_two() { Some(Self::from_log2(bytes.trailing_zeros())) } else { None }
    }

    /// Makes the alignment of 2 to the power of `log2` bytes, or the largest one.
    pub(crate) const fn from_log2(log2: u32) -> Self {
        let [log2, ..] = (if log2 < u64::BITS { log2 } else { u64::BITS - 1 }).to_le_bytes();
        Self { log2 }
    }

    /// Returns the alignment in bytes, a power of two.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        1_u64.wrapping_shl(u32::from_le_bytes([self.log2, 0, 0, 0]))
    }

    /// Returns the largest multiple of the alignment that is not over `value`.
    #[must_use]
    pub const fn floor(self, value: u64) -> u64 {
        value & !self.bytes().wrapping_sub(1)
    }

    /// Returns whether `value` is a multiple of the alignment.
    #[must_use]
    pub const fn divides(self, value: u64) -> bool {
        self.floor(value) == value
    }
}

#[cfg(test)]
mod tests {
    use super::Alignment;

    #[test]
    fn alignment_is_a_power_of_two() {
        for shift in 0..64 {
            let bytes = 1_u64 << shift;
            let alignment = Alignment::new(bytes).unwrap();
            assert_eq!(alignment.bytes(), bytes);
            assert!(alignment.divides(0));
            assert!(alignment.divides(bytes));
            assert!(shift == 0 || !alignment.divides(bytes / 2));
            assert!(shift == 0 || !alignment.divides(bytes + 1));
            assert_eq!([bytes, bytes - 1].map(|value| alignment.floor(value)), [bytes, 0]);
            assert_eq!(alignment.floor(u64::MAX), u64::MAX - (bytes - 1));
            assert_eq!(Alignment::from_log2(shift), alignment);
        }
        assert_eq!(Alignment::from_log2(64), Alignment::from_log2(63));
        for bytes in [0, 3, 4095, 4097, u64::MAX, (1 << 63) + 1] {
            assert_eq!(Alignment::new(bytes), None);
        }
    }
}

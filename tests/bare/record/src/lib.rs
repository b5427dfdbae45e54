//! The records that the kernel appends to its persistent memory, and their state after a cut. The
//! kernel and its judge share this.
#![no_std]

/// A record. The log keeps nothing else: reading it gives its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its number in the log, from 1.
    pub sequence: u64,
    /// The boot that wrote it, from 1.
    pub boot: u64,
}

/// The bytes of a record: no divisor or multiple of a cache line, so that most records lie in two
/// or three.
pub const LENGTH: usize = 8 * WORDS;

const WORDS: usize = 13;

/// The mark that sets a log apart from other data.
const MAGIC: u64 = u64::from_le_bytes(*b"pmem2log");

impl Record {
    /// Returns the bytes in memory: magic number, sequence, boot, words that differ from record to
    /// record, checksum.
    #[must_use]
    pub fn encode(self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        let mut state = mix(self.sequence, self.boot);
        let (words, _) = bytes.as_chunks_mut::<8>();
        for word in &mut *words {
            *word = state.to_le_bytes();
            state = mix(state, MAGIC);
        }
        for (word, value) in words.iter_mut().zip([MAGIC, self.sequence, self.boot]) {
            *word = value.to_le_bytes();
        }
        if let Some((sum, words)) = words.split_last_mut() {
            *sum = checksum(words).to_le_bytes();
        }
        bytes
    }

    /// Parses a record; `None` if the bytes are no whole record.
    #[must_use]
    pub fn decode(bytes: &[u8; LENGTH]) -> Option<Self> {
        let (words, _) = bytes.as_chunks::<8>();
        let [magic, sequence, boot, .., _] = words else { return None };
        let record =
            Self { sequence: u64::from_le_bytes(*sequence), boot: u64::from_le_bytes(*boot) };
        (u64::from_le_bytes(*magic) == MAGIC && record.encode() == *bytes).then_some(record)
    }

    /// Returns whether this record may follow `before`, or be the first.
    #[must_use]
    pub fn follows(self, before: Option<Self>) -> bool {
        let Some(before) = before else { return self == Self { sequence: 1, boot: 1 } };
        before.sequence.checked_add(1) == Some(self.sequence)
            && [Some(before.boot), before.boot.checked_add(1)].contains(&Some(self.boot))
    }
}

/// Returns the last record of a log: of the whole records that follow one another from the
/// beginning. `read` returns the bytes at an offset, as long as there are any.
pub fn last(mut read: impl FnMut(u64) -> Option<[u8; LENGTH]>) -> Option<Record> {
    let mut last = None;
    let mut at = 0;
    while let Some(record) = read(at).and_then(|bytes| Record::decode(&bytes)) {
        if !record.follows(last) {
            break;
        }
        last = Some(record);
        at = offset(record.sequence);
    }
    last
}

/// Returns the offset in bytes of the record after the one with this sequence number.
#[must_use]
pub const fn offset(sequence: u64) -> u64 {
    sequence.saturating_mul(LENGTH as u64)
}

fn checksum(words: &[[u8; 8]]) -> u64 {
    words.iter().fold(0, |sum, word| mix(sum, u64::from_le_bytes(*word)))
}

/// Mixes two numbers: each of their bits changes many of the result.
const fn mix(a: u64, b: u64) -> u64 {
    let mixed = (a.rotate_left(25) ^ b).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed ^ (mixed >> 29)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use std::vec::Vec;

    const RECORD: Record = Record { sequence: 7, boot: 3 };

    #[test]
    fn a_record_is_read_as_it_was_written_and_no_bit_may_differ() {
        let bytes = RECORD.encode();
        assert_eq!(Record::decode(&bytes), Some(RECORD));
        for bit in 0..LENGTH * 8 {
            let mut other = bytes;
            other[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Record::decode(&other), None, "bit {bit}");
        }
    }

    #[test]
    fn a_record_that_is_torn_is_none() {
        let (old, new) = (RECORD.encode(), Record { sequence: 8, ..RECORD }.encode());
        for cut in 1..LENGTH {
            let mut torn = old;
            torn[..cut].copy_from_slice(&new[..cut]);
            assert_eq!(Record::decode(&torn).is_some(), torn == old || torn == new, "{cut}");
            torn = [0; LENGTH];
            torn[..cut].copy_from_slice(&new[..cut]);
            assert_eq!(Record::decode(&torn), None, "{cut}");
        }
    }

    #[test]
    fn a_log_ends_where_records_do_not_follow() {
        let ends = |records: &[(u64, u64)]| {
            let all: Vec<_> = records
                .iter()
                .map(|&(sequence, boot)| Record { sequence, boot }.encode())
                .collect();
            last(|at| all.get(usize::try_from(at).unwrap() / LENGTH).copied())
                .map(|last| last.sequence)
        };
        assert_eq!(ends(&[]), None);
        assert_eq!(ends(&[(2, 1)]), None);
        assert_eq!(ends(&[(1, 2)]), None);
        assert_eq!(ends(&[(1, 1), (2, 1), (3, 2)]), Some(3));
        assert_eq!(ends(&[(1, 1), (2, 1), (4, 1)]), Some(2));
        assert_eq!(ends(&[(1, 1), (2, 1), (2, 1)]), Some(2));
        assert_eq!(ends(&[(1, 1), (2, 3)]), Some(1));
        assert_eq!(ends(&[(1, 1), (2, 2), (3, 1)]), Some(2));
    }
}

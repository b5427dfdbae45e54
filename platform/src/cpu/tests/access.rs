//! Copies to mapped memory, from it and within it against a loop over bytes, and the sizes of the
//! accesses that they are made of.

use std::vec::Vec;

use crate::cpu::access::{fill, load, load_word, move_within, pieces, store, store_word};

/// Bytes that differ, at a multiple of 64.
#[repr(align(64))]
#[derive(Clone, PartialEq, Debug)]
struct Bytes([u8; 160]);

impl Bytes {
    fn new(seed: u8) -> Self {
        let mut bytes = Self([0; 160]);
        for (byte, at) in bytes.0.iter_mut().zip(0_u8..) {
            *byte = at.wrapping_mul(37) ^ seed;
        }
        bytes
    }

    fn at(&mut self, offset: usize) -> *mut u8 {
        self.0[offset..].as_mut_ptr()
    }
}

/// Each alignment of both, and each length up to five words.
fn each(mut check: impl FnMut(usize, usize, usize)) {
    for to in 32..48 {
        for from in 32..48 {
            for length in 0..=40 {
                check(to, from, length);
            }
        }
    }
}

#[test]
fn copies_are_those_of_a_loop_over_bytes() {
    each(|to, from, length| {
        let (mut source, mut expected) = (Bytes::new(1), Bytes::new(2));
        expected.0[to..to + length].copy_from_slice(&source.0[from..from + length]);
        for copy in [store, load] {
            let mut target = Bytes::new(2);
            // SAFETY: both have so many bytes there, and nobody else has them.
            unsafe { copy(target.at(to), source.at(from), length) };
            assert_eq!(target, expected, "{length} bytes from {from} to {to}");
        }
        let (mut filled, mut expected) = (Bytes::new(3), Bytes::new(3));
        expected.0[to..to + length].fill(from as u8);
        // SAFETY: as above.
        unsafe { fill(filled.at(to), from as u8, length) };
        assert_eq!(filled, expected, "{length} bytes at {to}");
    });
}

#[test]
fn what_overlaps_is_moved_whole() {
    each(|to, from, length| {
        let (mut moved, mut expected) = (Bytes::new(4), Bytes::new(4));
        expected.0.copy_within(from..from + length, to);
        let all = moved.at(0);
        // SAFETY: the value has so many bytes there, and nobody else has them.
        unsafe { move_within(all.add(to), all.add(from), length) };
        assert_eq!(moved, expected, "{length} bytes from {from} to {to}");
    });
}

/// Each piece is aligned by its size, they follow each other, and none is smaller than it has to
/// be: whole words where address and length are words.
#[test]
fn the_pieces_of_a_range() {
    let of = |address, length| {
        let mut found = Vec::new();
        pieces(address, length, |done, size| found.push((done, size)));
        found
    };
    for address in 0..16 {
        for length in 0..=64 {
            let mut end = 0;
            for (done, size) in of(address, length) {
                assert_eq!((done, (address + done) % size), (end, 0), "{length} at {address}");
                assert!([1, 2, 4, 8].contains(&size));
                end = done + size;
            }
            assert_eq!(end, length);
            let least = of(address, length).len();
            assert!(least <= length / 8 + 6, "{least} accesses of {length} bytes");
            if address % 8 == 0 && length % 8 == 0 {
                assert!(of(address, length).iter().all(|(_, size)| *size == 8));
            }
        }
    }
    assert_eq!(of(0, 8), [(0, 8)]);
    assert_eq!(of(3, 14), [(0, 1), (1, 4), (5, 8), (13, 1)]);
    assert_eq!(of(usize::MAX & !7, 8), [(0, 8)]);
}

#[test]
fn a_word_is_in_the_order_of_the_processor() {
    const WORD: u64 = 0x0123_4567_89ab_cdef;
    let mut bytes = Bytes::new(5);
    let at = bytes.at(8).cast::<u64>();
    // SAFETY: 8 bytes are there, at a multiple of 8.
    let loaded = unsafe {
        store_word(at, WORD);
        load_word(at)
    };
    assert_eq!(loaded, WORD);
    let expected = [&Bytes::new(5).0[..8], &WORD.to_ne_bytes(), &Bytes::new(5).0[16..]].concat();
    assert_eq!(bytes.0.to_vec(), expected);
}

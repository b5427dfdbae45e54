use std::{vec, vec::Vec};

use proptest::prelude::*;

use crate::linux::mcsafe::native::Guard;

/// Room around what is copied, which must stay as it is.
const AROUND: usize = 96;

/// Copies `length` bytes from `from` of one buffer to `to` of another.
fn check(from: usize, to: usize, length: usize) {
    let source: Vec<u8> = (0..from + length).map(|index| (index * 7 + index / 251) as u8).collect();
    let mut target = vec![0xEE; to + length + AROUND];
    let mut expected = target.clone();
    expected[to..to + length].copy_from_slice(&source[from..]);
    let guarded = source.as_ptr_range();
    // SAFETY: both are slices of that length, and nothing is bad: no handler is needed.
    let result = unsafe {
        Guard::of_the_program().unwrap().copy(
            target[to..].as_mut_ptr(),
            source[from..].as_ptr(),
            length,
            guarded.start.addr()..guarded.end.addr(),
        )
    };
    assert_eq!(result, Ok(()));
    assert!(target == expected, "{length} bytes from {from} to {to}");
}

#[test]
fn every_length_up_to_three_lines() {
    for length in 0..=192 {
        for (from, to) in [(0, 0), (1, 0), (0, 1), (7, 56), (63, 1)] {
            check(from, to, length);
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_from_anywhere_to_anywhere(from in 0..AROUND, to in 0..AROUND, length in prop_oneof![0..300_usize, 0..70_000_usize]) {
        check(from, to, length);
    }
}

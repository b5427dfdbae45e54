//! Any range of a file that is cut off anywhere, against its bytes.

use std::os::unix::fs::FileExt;

use proptest::prelude::*;

use super::{
    gone, handler,
    shrunk::{Shrunk, byte, page},
};

const PAGES: usize = 20;
/// The bytes of the buffer before and around.
const BEFORE: u8 = 0xEE;

/// An offset and a length in the file: small ones too, and those about its pages' ends.
fn ranges() -> impl Strategy<Value = (usize, usize)> {
    let length = PAGES * page();
    let near = (0..PAGES, 0..200_usize)
        .prop_map(|(index, more)| (index * page() + more).saturating_sub(100));
    let offset = prop_oneof![0..length, near];
    (offset, prop_oneof![0..200_usize, 0..length])
        .prop_map(move |(offset, wanted)| (offset, wanted.min(length - offset)))
}

proptest! {
    #[test]
    fn what_is_read((offset, length) in ranges(), shift in 0..80_usize, left in 0..=PAGES) {
        let file = Shrunk::new(PAGES * page());
        let mapping = file.mapping(handler(), false);
        file.cut(left * page());
        let mut buffer = vec![BEFORE; shift + length + 80];
        let result = mapping.read(offset as u64, &mut buffer[shift..shift + length]);
        let there = (left * page()).saturating_sub(offset).min(length);
        prop_assert_eq!(result, if there == length { Ok(()) } else { Err(gone(there)) });
        for (index, &found) in buffer.iter().enumerate() {
            let inside = index.checked_sub(shift).filter(|&index| index < there);
            let expected = inside.map_or(BEFORE, |index| byte(offset + index));
            prop_assert_eq!(found, expected, "byte {} of the buffer", index);
        }
    }

    #[test]
    fn what_is_written((offset, length) in ranges(), shift in 0..80_usize, left in 0..=PAGES) {
        let file = Shrunk::new(PAGES * page());
        let mapping = file.mapping(handler(), true);
        let end = left * page();
        file.cut(end);
        let buffer: Vec<u8> = (0..shift + length).map(|index| !byte(offset + index)).collect();
        let result = mapping.write(offset as u64, &buffer[shift..]);
        let there = end.saturating_sub(offset).min(length);
        prop_assert_eq!(result, if there == length { Ok(()) } else { Err(gone(there)) });
        let mut found = vec![0; end];
        file.file.read_exact_at(&mut found, 0).unwrap();
        for (index, found) in found.into_iter().enumerate() {
            let inside = index.checked_sub(offset).filter(|&index| index < there);
            let expected = inside.map_or(byte(index), |inside| buffer[shift + inside]);
            prop_assert_eq!(found, expected, "byte {} of the file", index);
        }
    }
}

#[test]
fn many_lengths_of_many_pages() {
    let length = 600 * page();
    let file = Shrunk::new(length);
    let mapping = file.mapping(handler(), false);
    let mut buffer = vec![0; length];
    assert_eq!(mapping.read(0, &mut buffer), Ok(()));
    assert!(buffer.iter().enumerate().all(|(index, &found)| found == byte(index)));
    for left in [599, 300, 1, 0] {
        file.cut(left * page());
        assert_eq!(mapping.read(0, &mut buffer), Err(gone(left * page())));
        assert_eq!(mapping.read(0, &mut buffer[..left * page()]), Ok(()));
    }
    file.restore();
    assert_eq!(mapping.read(0, &mut buffer), Ok(()), "nothing is left of the faults");
}

//! The other side of a copy fails.

use std::os::unix::fs::FileExt;

use pmem2_platform::{Fail, Partial};

use super::{
    gone, handler,
    shrunk::{Shrunk, byte, page},
};

#[test]
fn a_buffer_that_is_cut_off_is_no_bad_block() {
    let (file, other) = (Shrunk::new(8 * page()), Shrunk::new(8 * page()));
    let mapping = file.mapping(handler(), true);
    let mut memory = other.memory();
    for (shift, left) in [(0, 3), (5, 3), (64, 0), (4000, 7)] {
        // What was written before went beyond what was copied.
        file.restore();
        other.restore();
        other.cut(left * page());
        let there = (left * page()).saturating_sub(shift);
        assert_eq!(
            memory.filled(shift, &mapping),
            Err(Partial { done: there, fail: Fail::BUFFER })
        );
        assert!((0..there).all(|index| memory.touch(shift + index) == byte(index)));
        let written = memory.drained(shift, &mapping);
        assert_eq!(written, Err(Partial { done: there, fail: Fail::BUFFER }));
    }
}

/// Whichever comes first.
#[test]
fn both_sides_are_cut_off() {
    let (file, other) = (Shrunk::new(8 * page()), Shrunk::new(8 * page()));
    let mapping = file.mapping(handler(), false);
    let mut memory = other.memory();
    for (source, target) in [(2, 5), (5, 2)] {
        file.cut(source * page());
        other.cut(target * page());
        let expected = match source < target {
            true => gone(source * page()),
            false => Partial { done: target * page(), fail: Fail::BUFFER },
        };
        assert_eq!(memory.filled(0, &mapping), Err(expected));
        other.restore();
        file.restore();
    }
}

/// Another mapping of the file that is read: which of the two failed is a matter of addresses.
#[test]
fn a_buffer_in_the_same_file_is_still_a_buffer() {
    let file = Shrunk::new(8 * page());
    let mapping = file.mapping(handler(), false);
    let mut memory = file.memory();
    file.cut(4 * page());
    assert_eq!(memory.filled(5 * page(), &mapping), Err(Partial { done: 0, fail: Fail::BUFFER }));
    assert_eq!(mapping.read(5 * page() as u64, &mut [0; 1]), Err(gone(0)));
}

/// Either side ends anywhere in a line of its own or of the other one: what is told of is there, to
/// the byte.
#[test]
fn an_end_at_any_place_of_a_line() {
    let (source, target) = (Shrunk::new(2 * page()), Shrunk::new(2 * page()));
    let (from, to) = (source.mapping(handler(), false), target.mapping(handler(), true));
    let mut bytes = vec![0; 2 * page()];
    let mut buffer = vec![0; 2 * page()];
    for there in (0..=130).chain([191, 192, 193, 319, 320, 321, 385]) {
        for shift in 0..64 {
            for more in [1, 70, 400] {
                source.cut(page());
                buffer.fill(0);
                let found =
                    from.read((page() - there) as u64, &mut buffer[shift..shift + there + more]);
                assert_eq!(found, Err(gone(there)), "{more} to {shift}");
                assert!(
                    (0..there).all(|index| buffer[shift + index] == byte(page() - there + index)),
                    "{there} to {shift}"
                );
                assert!(
                    buffer[..shift].iter().chain(&buffer[shift + there..]).all(|&byte| byte == 0)
                );

                target.cut(page());
                let new = |index: usize| byte(index * 3 + shift);
                buffer.iter_mut().enumerate().for_each(|(index, byte)| *byte = new(index));
                let written =
                    to.write((page() - there) as u64, &buffer[shift..shift + there + more]);
                assert_eq!(written, Err(gone(there)), "{more} from {shift}");
                target.file.read_exact_at(&mut bytes[..page()], 0).expect("what is left");
                assert!(
                    (0..there).all(|index| bytes[page() - there + index] == new(shift + index)),
                    "{there} from {shift}"
                );
            }
        }
    }
}

/// Both sides end in the same line or two: whichever is reached first, and the source where that is
/// the same byte.
#[test]
fn two_ends_at_any_place_of_a_line() {
    let (source, target) = (Shrunk::new(2 * page()), Shrunk::new(2 * page()));
    let mapping = source.mapping(handler(), false);
    let mut memory = target.memory();
    source.cut(page());
    target.cut(page());
    for there in 0..130 {
        for room in 0..130 {
            let found = memory.filled_with(page() - room, &mapping, page() - there, 200);
            let expected = if there <= room {
                gone(there)
            } else {
                Partial { done: room, fail: Fail::BUFFER }
            };
            assert_eq!(found, Err(expected), "{there} and {room}");
            assert!(
                (0..there.min(room)).all(
                    |index| memory.touch(page() - room + index) == byte(page() - there + index)
                )
            );
        }
    }
}

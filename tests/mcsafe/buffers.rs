//! The other side of a copy fails.

use pmem2_platform::CopyFault;

use crate::{
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
        assert_eq!(memory.filled(shift, &mapping), Err(CopyFault::Buffer { copied: there }));
        assert!((0..there).all(|index| memory.touch(shift + index) == byte(index)));
        let written = memory.drained(shift, &mapping);
        assert_eq!(written, Err(CopyFault::Buffer { copied: there }));
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
            false => CopyFault::Buffer { copied: target * page() },
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
    assert_eq!(memory.filled(5 * page(), &mapping), Err(CopyFault::Buffer { copied: 0 }));
    assert_eq!(mapping.read(5 * page() as u64, &mut [0; 1]), Err(gone(0)));
}

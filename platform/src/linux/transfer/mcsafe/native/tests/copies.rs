use std::{vec, vec::Vec};

use proptest::prelude::*;

use crate::linux::transfer::mcsafe::native::Guard;

/// Room around the copied bytes, which must stay as it is.
const AROUND: usize = 96;

/// Copies `length` bytes from `from` of one buffer to `to` of another.
fn check(from: usize, to: usize, length: usize) {
    let source: Vec<u8> = (0..from + length).map(|index| (index * 7 + index / 251) as u8).collect();
    let to = AROUND + to;
    let mut target = vec![0xEE; to + length + AROUND];
    let mut expected = target.clone();
    expected[to..to + length].copy_from_slice(&source[from..]);
    let guarded = source.as_ptr_range();
    // SAFETY: both are slices of that length. Nothing is bad, so no handler is needed.
    let result = unsafe {
        Guard::assume_installed().unwrap().copy(
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
    fn any_bytes_from_anywhere_to_anywhere(
        from in 0..AROUND,
        to in 0..AROUND,
        length in prop_oneof![0..300_usize, 0..70_000_usize],
    ) {
        check(from, to, length);
    }
}

/// Lengths whose low half is small. The target is a few pages, mapped repeatedly.
#[test]
fn more_than_four_gibibytes() {
    const LENGTH: usize = (4 << 30) + 10;
    const PART: usize = 2 << 20;
    let target = mapped(LENGTH + PART);
    // SAFETY: a memfd's name is a string of C's.
    let fd = unsafe { libc::memfd_create(c"part".as_ptr(), libc::MFD_CLOEXEC) };
    // SAFETY: the descriptor is this test's.
    assert_eq!(unsafe { libc::ftruncate(fd, PART as i64) }, 0);
    for at in (0..LENGTH).step_by(PART) {
        let (protection, flags) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_FIXED);
        // SAFETY: it replaces a part of this test's own mapping, to which there is no reference.
        let part =
            unsafe { libc::mmap(target.wrapping_add(at).cast(), PART, protection, flags, fd, 0) };
        assert_ne!(part, libc::MAP_FAILED);
    }
    // Zeros that take no memory, up to the last ones. More of them come before the end of the first
    // line than the low half says.
    let room = mapped(LENGTH + PART);
    let source = room.wrapping_add(1);
    for (shift, byte) in (LENGTH - 20..LENGTH).zip(1_u8..) {
        // SAFETY: it is mapped, and nobody else's.
        unsafe { source.wrapping_add(shift).write(byte) };
    }
    let guarded = source.addr()..source.addr() + LENGTH;
    // SAFETY: as many bytes are mapped, and nobody else uses them.
    let result =
        unsafe { Guard::assume_installed().unwrap().copy(target, source, LENGTH, guarded) };
    assert_eq!(result, Ok(()));
    for (shift, byte) in (LENGTH - 20..LENGTH).zip(1_u8..) {
        // SAFETY: it is mapped, and nobody else's.
        assert_eq!(unsafe { target.wrapping_add(shift).read() }, byte);
    }
    for at in [room, target] {
        // SAFETY: this test mapped it, and nobody uses it any more.
        assert_eq!(unsafe { libc::munmap(at.cast(), LENGTH + PART) }, 0);
    }
    // SAFETY: it is this test's.
    unsafe { libc::close(fd) };
}

/// Maps so many bytes, which take no memory before they are written to.
fn mapped(length: usize) -> *mut u8 {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: a mapping at an address of the kernel's choice touches nobody's memory.
    let at = unsafe {
        libc::mmap(core::ptr::null_mut(), length, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0)
    };
    assert_ne!(at, libc::MAP_FAILED);
    at.cast()
}

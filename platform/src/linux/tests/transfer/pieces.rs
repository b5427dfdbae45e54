//! The byte at which a transfer stops, and how exactly it is known.

use std::{format, vec, vec::Vec};

use proptest::prelude::*;

use super::{FD, file, halted, of_file, read, write};
use crate::{
    Fail, Partial, ReadBuffer, WriteBuffer,
    linux::{
        sys::page,
        tests::world::{Call, World},
        transfer,
    },
};

const SECTOR: u64 = 512;
const PAGE: u64 = 4096;
/// The largest block that may be given where less is not known.
const LARGEST: u64 = match page::FIXED {
    Some(page) => page.bytes(),
    None => 65536,
};

fn bad(bytes: core::ops::Range<u64>, block: u64, all_or_nothing: bool) -> World {
    let mut world = file(5 * 65536);
    (world.medium.bad, world.medium.block, world.medium.all_or_nothing) =
        (vec![bytes], block, all_or_nothing);
    world
}

#[test]
fn the_first_bad_sector() {
    for all_or_nothing in [false, true] {
        for (at, offset, length) in
            [(5 * SECTOR, 0, 65536), (5 * SECTOR + 100, 7, 10_000), (70_000, 512, 200_000)]
        {
            let world = bad(at..at + 1, SECTOR, all_or_nothing);
            let done = (at / SECTOR * SECTOR - offset) as usize;
            assert_eq!(
                read(&world, offset, length).0,
                halted(done, Fail::bad_memory(SECTOR)),
                "{at}"
            );
            // In the midst of a bad sector it is already the first byte.
            assert_eq!(read(&world, at, 10).0, halted(0, Fail::bad_memory(SECTOR)), "{at}");
            // What a write says is that a page, at most, cannot be written.
            assert_eq!(
                write(&world, offset, &vec![1; length]).0,
                halted(done, Fail::bad_memory(LARGEST)),
                "{at}"
            );
        }
    }
}

/// The kernel reads whole pages: of which sector it was is not known.
#[test]
fn the_first_bad_page() {
    for all_or_nothing in [false, true] {
        let world = bad(3 * PAGE + 1600..3 * PAGE + 1601, PAGE, all_or_nothing);
        let expected = |done| halted(done, Fail::bad_memory(PAGE));
        assert_eq!(read(&world, 0, 65536).0, expected(3 * PAGE as usize));
        assert_eq!(read(&world, 3 * PAGE + 5, 65536).0, expected(0));
        assert_eq!(read(&world, 3 * PAGE + 4000, 1).0, expected(0));
        assert_eq!(read(&world, 4 * PAGE, 65536).0.map(drop), Ok(()));
    }
}

/// Whether the kernel calls a page that cannot be written the medium's fault or the memory's.
#[test]
fn a_bad_page_that_is_written() {
    for blames_memory in [false, true] {
        let mut world = bad(3 * PAGE + 1600..3 * PAGE + 1601, PAGE, true);
        world.medium.blames_memory = blames_memory;
        let expected = |done| halted(done, Fail::bad_memory(LARGEST));
        assert_eq!(write(&world, PAGE, &[1; 65536]).0, expected(2 * PAGE as usize));
        assert_eq!(write(&world, 3 * PAGE + 5, &[1; 10]).0, expected(0));
        assert_eq!(write(&world, 4 * PAGE, &[1; 65536]).0, Ok(()));
    }
}

/// A file that is read past the cache takes no small pieces: the smallest that failed is what is
/// known.
#[test]
fn pieces_that_are_refused() {
    let mut world = bad(8192..8193, SECTOR, true);
    world.medium.multiple = 4096;
    let (answer, calls) = read(&world, 0, 65536);
    // Nor can it be asked which sectors around are good.
    assert_eq!(answer, halted(8192, Fail::bad_memory(LARGEST)));
    assert!(calls.contains(&Call::Pread(8192, 4096)), "{calls:?}");
    let first = vec![Call::Pread(0, 65535)];
    let invalid = Fail::Os(crate::Subject::Read, crate::Errno::EINVAL);
    assert_eq!(read(&world, 0, 65535), (halted(0, invalid), first));
}

/// The number of calls that find one bad sector in a gigabyte. (There is no file of that size
/// here.)
#[test]
fn it_is_found_by_halves() {
    let world = bad(300_000..300_001, SECTOR, true);
    let (_, calls) = read(&world, 0, 5 * 65536);
    assert!(calls.len() < 60, "{} calls", calls.len());
}

/// Any file, any bad blocks, any memory.
#[derive(Clone, Debug)]
struct Case {
    length: usize,
    bad: Vec<(u64, u64)>,
    block: u64,
    all_or_nothing: bool,
    most: usize,
    offset: u64,
    wanted: usize,
    /// The number of bytes of the buffer that are mapped.
    memory: usize,
}

fn cases() -> impl Strategy<Value = Case> {
    let bad = prop::collection::vec((0..40_000_u64, 1..3000_u64), 0..3);
    let most = prop_oneof![Just(usize::MAX), 1000..20_000_usize];
    let memory = prop_oneof![Just(usize::MAX), 0..40_000_usize];
    (
        0..40_000_usize,
        bad,
        prop_oneof![Just(SECTOR), Just(PAGE)],
        any::<bool>(),
        most,
        0..40_000_u64,
        0..40_000_usize,
        memory,
    )
        .prop_map(|(length, bad, block, all_or_nothing, most, offset, wanted, memory)| {
            let memory = memory.min(wanted);
            Case { length, bad, block, all_or_nothing, most, offset, wanted, memory }
        })
}

impl Case {
    fn world(&self) -> World {
        let mut world = file(self.length);
        let medium = &mut world.medium;
        medium.bad = self.bad.iter().map(|&(at, length)| at..at + length).collect();
        (medium.block, medium.all_or_nothing, medium.most) =
            (self.block, self.all_or_nothing, self.most);
        world
    }

    /// Byte by byte: how many can be transferred of those that are there, and why no more.
    fn expected(&self, world: &World, end: usize) -> (usize, Option<Fail>) {
        for index in 0..self.wanted {
            let at = self.offset + index as u64;
            if at >= end as u64 {
                return (index, Some(Fail::Ended));
            }
            if world.medium.is_bad(at) {
                return (index, Some(Fail::bad_memory(self.block)));
            }
            if index == self.memory {
                return (index, Some(Fail::BUFFER));
            }
        }
        (self.wanted, None)
    }
}

fn check(
    answer: Result<(), Partial>,
    expected: (usize, Option<Fail>),
    world: &World,
    offset: u64,
) -> Result<(), TestCaseError> {
    match (answer, expected) {
        (Ok(()), (_, None)) => {}
        (
            Err(Partial { done, fail: Fail::BadMemory(unit) }),
            (wanted, Some(Fail::BadMemory(least))),
        ) => {
            prop_assert_eq!(done, wanted);
            let (unit, least) = (unit.bytes(), least.bytes());
            prop_assert!(unit >= least && unit <= LARGEST.max(least), "{}", unit);
            // There is a bad byte in it.
            let block = (offset + done as u64) / unit * unit;
            let medium = &world.medium;
            prop_assert!(medium.bad.iter().any(|bad| bad.start < block + unit && block < bad.end));
        }
        (Err(Partial { done, fail }), (wanted, Some(expected))) => {
            prop_assert_eq!((done, fail), (wanted, expected));
        }
        (answer, expected) => prop_assert!(false, "{:?}, not {:?}", answer, expected),
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_read(case in cases()) {
        let mut world = case.world();
        let mut buffer = vec![0xEE_u8; case.wanted];
        let start = buffer.as_ptr().addr();
        world.medium.absent = start + case.memory..start + case.wanted;
        let expected = case.expected(&world, case.length);
        let channel = of_file(&world);
        // SAFETY: the buffer is this test's, and longer than what is said to be there.
        let memory = unsafe { ReadBuffer::from_raw_parts(buffer.as_mut_ptr(), case.wanted) };
        let answer = transfer::read(world.sys(), FD, &channel, case.offset, memory);
        check(answer, expected, &world, case.offset)?;
        let bytes = world.medium.bytes.borrow();
        for (index, &found) in buffer.iter().take(expected.0).enumerate() {
            prop_assert_eq!(found, bytes[case.offset as usize + index], "{}", index);
        }
    }

    #[test]
    fn any_write(case in cases()) {
        let mut world = case.world();
        let buffer: Vec<u8> = (0..case.wanted).map(|index| (index * 3 + 1) as u8).collect();
        let start = buffer.as_ptr().addr();
        world.medium.absent = start + case.memory..start + case.wanted;
        let before = world.medium.bytes.borrow().clone();
        let expected = case.expected(&world, usize::MAX);
        let channel = of_file(&world);
        // SAFETY: as above.
        let memory = unsafe { WriteBuffer::from_raw_parts(buffer.as_ptr(), case.wanted) };
        let answer = transfer::write(world.sys(), FD, &channel, case.offset, memory);
        check(answer, expected, &world, case.offset)?;
        let bytes = world.medium.bytes.borrow();
        let (start, end) = (case.offset as usize, case.offset as usize + expected.0);
        if expected.0 > 0 {
            prop_assert_eq!(&bytes[start..end], &buffer[..expected.0]);
        }
        for (index, &found) in bytes.iter().enumerate().filter(|(index, _)| !(start..end).contains(index)) {
            prop_assert_eq!(found, before.get(index).copied().unwrap_or(0), "{}", format!("{index}"));
        }
    }
}

//! Reading and writing at an offset: what comes of each code, where it is bad, how far it gets.

use std::{vec, vec::Vec};

use proptest::prelude::*;

use super::{
    disk::Disk,
    world::{Call, HANDLE, World},
};
use crate::{
    Errno, Fail, Partial, Subject,
    windows::{
        errors::Code,
        source::describe,
        transfer::{channel, read, sync, write},
    },
};

fn world(disk: Disk) -> World {
    World { disk, ..World::file() }
}

/// Reads `length` bytes at `offset`: the result, and what was read.
fn reads(world: &World, offset: u64, length: usize) -> (Result<(), Partial>, Vec<u8>) {
    let mut buffer = vec![0xEE; length];
    let result = read(world, HANDLE, channel(world, HANDLE), offset, buffer.as_mut_slice().into());
    (result, buffer)
}

fn writes(world: &World, offset: u64, bytes: &[u8]) -> Result<(), Partial> {
    write(world, HANDLE, channel(world, HANDLE), offset, bytes.into())
}

fn halted(done: usize, fail: Fail) -> Result<(), Partial> {
    Err(Partial { done, fail })
}

#[test]
fn bytes_come_and_go_in_any_number_of_calls() {
    for most in [usize::MAX, 4096, 7, 1] {
        let world = world(Disk { most, ..Disk::new() });
        for (offset, length) in [(0, 1), (0, 4096), (4000, 200), (163_840, 100), (163_939, 1)] {
            let (result, buffer) = reads(&world, offset, length);
            assert_eq!(result, Ok(()), "{length} at {offset}");
            assert_eq!(buffer, world.disk.bytes.borrow()[offset as usize..][..length]);
        }
        assert_eq!(writes(&world, 4090, &[9; 12]), Ok(()));
        let mut expected = Disk::new().bytes.take();
        expected[4090..4102].fill(9);
        assert_eq!(*world.disk.bytes.borrow(), expected);
    }
}

/// The mode of the handle is asked for once and goes with each call; a handle without an answer is
/// taken for one that does not wait.
#[test]
fn whether_the_handle_waits() {
    for waits in [true, false] {
        let world = world(Disk { waits, ..Disk::new() });
        assert_eq!(reads(&world, 5, 3).0.and(writes(&world, 6, &[1])), Ok(()));
        let expected =
            [Call::Waits, Call::Read(waits, 5, 3), Call::Waits, Call::Write(waits, 6, 1)];
        assert_eq!(world.calls(), expected);
        for code in [1, 5, 50, 87] {
            let world = world.failing(0, code);
            assert_eq!(reads(&world, 5, 3).0, Ok(()));
            assert_eq!(world.calls(), [Call::Waits, Call::Read(false, 5, 3)]);
        }
    }
}

/// More than the system has memory for goes in pieces.
#[test]
fn a_long_transfer() {
    let disk = Disk::new();
    disk.bytes.borrow_mut().resize((1 << 24) + 9, 1);
    let world = world(disk);
    let (result, buffer) = reads(&world, 0, (1 << 24) + 9);
    assert_eq!(result, Ok(()));
    assert!(buffer == *world.disk.bytes.borrow());
    assert_eq!(
        world.calls(),
        [Call::Waits, Call::Read(true, 0, 1 << 24), Call::Read(true, 1 << 24, 9)]
    );
}

#[test]
fn the_end_of_the_file() {
    for ends_quietly in [true, false] {
        let world = world(Disk { ends_quietly, ..Disk::new() });
        let (result, buffer) = reads(&world, 163_900, 41);
        assert_eq!(result, halted(40, Fail::Ended));
        assert_eq!(buffer[..40], world.disk.bytes.borrow()[163_900..]);
        assert_eq!(reads(&world, 200_000, 1).0, halted(0, Fail::Ended));
    }
    // Beyond what any file has the system is not asked.
    let world = world(Disk::new());
    for offset in [1 << 63, u64::MAX] {
        assert_eq!(reads(&world, offset, 1).0, halted(0, Fail::Ended));
        assert_eq!(writes(&world, offset, &[1]), halted(0, Fail::Os(Subject::Write, Errno::EFBIG)));
    }
    assert_eq!(world.calls(), [Call::Waits, Call::Waits, Call::Waits, Call::Waits]);
    // What takes nothing.
    let world = World { disk: Disk { most: 0, ..Disk::new() }, ..World::file() };
    assert_eq!(writes(&world, 0, &[1]), halted(0, Fail::Malformed(Subject::Write)));
    assert_eq!(reads(&world, 0, 1).0, halted(0, Fail::Ended));
}

/// By the numbers of winerror.h: what a device says of its medium.
const MEDIUM: [u32; 11] = [23, 25, 27, 29, 30, 323, 483, 1117, 1126, 1127, 1128];
const BUFFER: [u32; 2] = [998, 1784];
/// The codes that are EIO: written bytes may be lost. 0 is a failure without a code.
/// (tests/scripted: the core makes `Error::NotSynced` of it.)
const LOST: [u32; 14] = [0, 23, 25, 27, 29, 30, 31, 38, 323, 483, 1117, 1126, 1127, 1128];
const INVALID_HANDLE: u32 = 6;
const HANDLE_EOF: u32 = 38;

fn failed(what: Subject, code: u32) -> Fail {
    match code {
        INVALID_HANDLE => Fail::Absent(Subject::Handle),
        code => Code(code).fail(what),
    }
}

/// A file of which nothing can be transferred.
#[test]
fn every_code_of_a_transfer() {
    for code in (0..=2000).chain([4390, 0x2000_0001, u32::MAX]) {
        let all: Vec<u64> = (0..=320).collect();
        let world = world(Disk { bad: all, code, ..Disk::new() });
        let of = |what, unit| match code {
            code if MEDIUM.contains(&code) => Fail::bad_memory(unit),
            code if BUFFER.contains(&code) => Fail::BUFFER,
            HANDLE_EOF if what == Subject::Read => Fail::Ended,
            code => failed(what, code),
        };
        assert_eq!(reads(&world, 5000, 2000).0, halted(0, of(Subject::Read, 65536)), "{code}");
        assert_eq!(writes(&world, 5000, &[1; 2000]), halted(0, of(Subject::Write, 4096)), "{code}");
        assert_eq!(*world.disk.bytes.borrow(), *Disk::new().bytes.borrow());
    }
    // The numbers that matter, in errno.
    for (code, errno) in
        [(5, Errno::EACCES), (39, Errno::ENOSPC), (112, Errno::ENOSPC), (223, Errno::EFBIG)]
    {
        assert_eq!(failed(Subject::Write, code), Fail::Os(Subject::Write, errno));
    }
    assert_eq!(
        [33, 87, 995, 1295].map(|code| Code(code).errno()),
        [Errno::EBUSY, Errno::EINVAL, Errno::EINTR, Errno::ENOSPC]
    );
}

/// A failure that is over when it is tried again is none.
#[test]
fn a_medium_that_recovers() {
    for code in MEDIUM {
        let world = world(Disk::new()).failing(1, code);
        let (result, buffer) = reads(&world, 700, 5000);
        assert_eq!(result, Ok(()));
        assert_eq!(buffer, world.disk.bytes.borrow()[700..5700]);
        let world = world.failing(1, code);
        assert_eq!(writes(&world, 700, &[3; 5000]), Ok(()));
        assert_eq!(world.disk.bytes.borrow()[700..5700], [3; 5000]);
    }
}

#[test]
fn every_code_of_sync() {
    let world = World::file();
    let facts = describe(&world, HANDLE).unwrap();
    world.calls();
    assert_eq!(sync(&world, HANDLE, &facts), Ok(()));
    assert_eq!(world.calls(), [Call::FileId, Call::Flush]);
    for code in (0..=2000).chain([u32::MAX]) {
        let expected = match code {
            code if LOST.contains(&code) => Fail::NotSynced,
            code => failed(Subject::Sync, code),
        };
        assert_eq!(sync(&world.failing(1, code), HANDLE, &facts), Err(expected), "{code}");
    }
    let other = World { wide: Ok((9, [9; 16])), ..World::file() };
    assert_eq!(sync(&other, HANDLE, &facts), Err(Fail::Replaced));
    assert_eq!(other.calls(), [Call::FileId], "another file is not flushed");
}

/// Past the cache a sector is as exact as it gets, and a page through it, which is found by asking
/// for its neighbours.
#[test]
fn the_first_bad_byte() {
    for (unit, bad, expected) in [
        (512, 9, (9 * 512, 512)),
        (512, 8, (8 * 512, 512)),
        (4096, 9, (4096, 4096)),
        (4096, 15, (4096, 4096)),
        (4096, 16, (8192, 4096)),
    ] {
        let world = world(Disk { unit, bad: vec![bad, 100], ..Disk::new() });
        for offset in [0, 1, 511, 512, 4095] {
            let (start, unit) = expected;
            let done = (start - offset) as usize;
            let (result, buffer) = reads(&world, offset, 100_000);
            assert_eq!(result, halted(done, Fail::bad_memory(unit)), "{bad} from {offset}");
            assert_eq!(buffer[..done], world.disk.bytes.borrow()[offset as usize..][..done]);
            // A page is what a write is known to fail of.
            assert_eq!(
                writes(&world, offset, &[5; 100_000]),
                halted(done, Fail::bad_memory(unit.max(4096)))
            );
        }
    }
}

/// Memory of the caller's that ends.
#[test]
fn a_buffer_that_ends() {
    // Of a real buffer each byte has its own fate; this one takes short pieces only, so that it
    // gets there.
    let world = world(Disk { room: 16, ..Disk::new() });
    assert_eq!(reads(&world, 3, 100).0, Ok(()));
    let world = World { disk: Disk { room: 0, ..Disk::new() }, ..World::file() };
    assert_eq!(reads(&world, 3, 100).0, halted(0, Fail::BUFFER));
    assert_eq!(writes(&world, 3, &[0; 100]), halted(0, Fail::BUFFER));
}

proptest! {
    /// Whatever is bad: all before it is read, what is told is where the first is, and the unit has
    /// it.
    #[test]
    fn any_read(
        bad in prop::collection::vec(0_u64..321, 0..4),
        paged: bool,
        offset in 0_u64..163_940,
        length in 1_usize..60_000,
    ) {
        let unit = if paged { 4096 } else { 512 };
        let world = world(Disk { unit, bad: bad.clone(), ..Disk::new() });
        let length = length.min((163_940 - offset) as usize);
        let (result, buffer) = reads(&world, offset, length);
        let end = offset + length as u64;
        // The units of which a byte is wanted and a sector is bad.
        let blocks = bad.iter().map(|sector| sector * 512 / unit * unit);
        let first = blocks.filter(|start| start + unit > offset && *start < end).min();
        let done = match first {
            None => {
                prop_assert_eq!(result, Ok(()));
                length
            }
            Some(first) => {
                let at = first.max(offset);
                match result {
                    Err(Partial { done, fail: Fail::BadMemory(told) }) => {
                        prop_assert_eq!(offset + done as u64, at);
                        let told = told.bytes();
                        prop_assert!(told >= unit);
                        let around = at & !(told - 1)..(at & !(told - 1)) + told;
                        prop_assert!(
                            bad.iter().any(|sector| around.contains(&(sector * 512))),
                            "a bad one is in it"
                        );
                        done
                    }
                    other => panic!("{other:?}"),
                }
            }
        };
        prop_assert_eq!(&buffer[..done], &world.disk.bytes.borrow()[offset as usize..][..done]);
    }
}

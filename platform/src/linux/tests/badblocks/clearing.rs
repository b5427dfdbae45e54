//! Clearing by allocation: what is kept, what is zeros, what is not touched.

use core::ops::Range;
use std::{collections::BTreeSet, format, string::String, vec, vec::Vec};

use proptest::{collection::vec as vector, prelude::*, sample::Index};

use super::super::{
    disk::{extent, pattern},
    world::{APPEND, Call, FD, READ_WRITE, World, object},
};
use crate::{ClearBy, Errno, Fail, Subject, linux::badblocks};

pub(super) const EIO: Fail = Fail::Os(Subject::ClearBadBlock, Errno::EIO);
pub(super) const NOT_BAD: Fail = Fail::NotBad;

pub(super) fn clear(world: &World, range: Range<u64>) -> Result<(), Fail> {
    clear_by(ClearBy::Allocation, world, range)
}

pub(super) fn clear_by(by: ClearBy, world: &World, range: Range<u64>) -> Result<(), Fail> {
    badblocks::clear(object(world.sys(), FD, &world.facts()), range, by)
}

/// Returns the calls that change something. (To allocate what is allocated changes nothing, and a
/// block is allocated before anything is punched out.)
pub(super) fn changes(calls: &[Call]) -> Vec<Call> {
    let punched = calls.iter().position(|call| matches!(call, Call::Punch(..)));
    let change = |(at, call): &(usize, &Call)| match call {
        Call::Punch(..) | Call::Pwrite(..) | Call::ClearError(..) => true,
        Call::Allocate(..) => punched.is_some_and(|punched| *at > punched),
        _ => false,
    };
    let calls = calls.iter().enumerate().filter(change);
    calls.map(|(_, call)| call.clone()).collect()
}

/// The bad sectors of a world cannot be read.
pub(super) fn poisoned(mut world: World, sectors: &[Range<u64>]) -> World {
    world.disk.poison = sectors.iter().map(|bad| bad.start * 512..bad.end * 512).collect();
    world
}

#[test]
fn a_sector_in_a_block() {
    // Byte 5120 and on: the third sector of the second block.
    let world = poisoned(World::eight_blocks("1010 1\n"), &[1010..1011]);
    assert_eq!(world.walk(), (vec![5120..5632], None));
    assert_eq!(clear(&world, 5120..5632), Ok(()));
    let mut expected = pattern(8 << 12);
    expected[5120..5632].fill(0);
    assert_eq!(*world.disk.bytes.borrow(), expected);
    assert_eq!(world.walk(), (vec![], None), "it lies elsewhere now");
    let calls = world.calls();
    assert_eq!(
        changes(&calls),
        [Call::Punch(4096, 4096), Call::Allocate(4096, 4096), Call::Pwrite(4096, 4096)]
    );
    // All that is done after the punch was done before, where nothing can be lost by it; and the
    // spare file is closed when all is written.
    let order = [
        Call::Spare("/mnt/some/".into()),
        Call::Take(8192, 62 << 12),
        Call::Take(4096, 4096),
        Call::Rehearse(8191, 1),
        Call::Allocate(4096, 4096),
        Call::Punch(4096, 4096),
        Call::Pwrite(4096, 4096),
        Call::Close,
        Call::Fsync,
    ];
    let mut rest = calls.iter();
    for call in order {
        assert!(rest.any(|made| *made == call), "{call:?} in {calls:?}");
    }
    // What was on its way is there before the list is read, and what was written back is there in
    // the end.
    let at = |call: fn(&Call) -> bool| {
        calls.iter().enumerate().filter(|(_, it)| call(it)).map(|(at, _)| at).collect()
    };
    let (synced, lists, written): (Vec<_>, Vec<_>, Vec<_>) = (
        at(|call| *call == Call::Fsync),
        at(|call| matches!(call, Call::Open(path) if path.ends_with("badblocks"))),
        at(|call| matches!(call, Call::Pwrite(..))),
    );
    // (The first list is the walk's.)
    assert!(
        synced.len() == 2 && lists[0] < synced[0] && synced[0] < lists[1] && synced[1] > written[0],
        "{calls:?}"
    );
}

/// Every page of a long range is looked at in the end.
#[test]
fn what_is_looked_at_afterwards() {
    for page in 0..4 {
        // The spare file has 62 blocks before.
        let bad = (62 + page) * 8 + 2002;
        let world = poisoned(World::eight_blocks("1008 32\n"), &[bad..bad + 1]);
        let mut world = world;
        world.disk.free = Some(core::cell::Cell::new(2000 * 512));
        assert_eq!(clear(&world, 4096..20_480), Err(EIO), "{page}");
    }
}

/// A range that is not all listed as bad now is refused, and nothing is touched.
#[test]
fn what_is_not_bad() {
    let world = World::eight_blocks("1010 2\n1012 1\n1014 1\n");
    let bad = 5120..6656;
    for range in [
        0..512,
        bad.start - 1..bad.end,
        bad.start..bad.end + 1,
        bad.start..bad.end + 1024,
        bad.end..bad.end + 1,
        0..8 << 12,
        0..u64::MAX,
        bad.start..u64::MAX,
        u64::MAX - 1..u64::MAX,
        bad.start..bad.start,
        bad.end..bad.start,
        8 << 12..(8 << 12) + 512,
    ] {
        assert_eq!(clear(&world, range.clone()), Err(NOT_BAD), "{range:?}");
        assert_eq!(changes(&world.calls()), [], "{range:?}");
    }
    assert_eq!(*world.disk.bytes.borrow(), pattern(8 << 12));
    assert_eq!(clear(&World::eight_blocks(""), 0..512), Err(NOT_BAD));
    // By a list that is not whole it may be bad.
    let cut = World::eight_blocks("1010 1\n1");
    for range in [0..512, 5120..6144] {
        assert_eq!(clear(&cut, range), Err(Fail::TooLarge(Subject::BadBlocks)));
    }
    assert_eq!(changes(&cut.calls()), []);
    assert_eq!(clear(&cut, 5120..5632), Ok(()), "what is known is enough");
}

#[test]
fn parts_of_sectors_and_many_blocks() {
    // Sectors 4 to 36: from the middle of the first block to the middle of the fifth.
    let list = "1004 33\n1050 1\n";
    for range in [2048..18_944, 2049..18_943, 2048..4096, 4096..16_384, 3000..3001, 18_431..18_433]
    {
        let world = poisoned(World::eight_blocks(list), &[1004..1037, 1050..1051]);
        assert_eq!(clear(&world, range.clone()), Ok(()), "{range:?}");
        let blocks = range.start / 4096 * 4096..range.end.next_multiple_of(4096);
        let mut expected = pattern(8 << 12);
        for (at, byte) in (0_u64..).zip(&mut expected) {
            // All that was bad in these blocks.
            if blocks.contains(&at) && (2048..18_944).contains(&at) {
                *byte = 0;
            }
        }
        assert_eq!(*world.disk.bytes.borrow(), expected, "{range:?}");
        let touched: Vec<_> = changes(&world.calls())
            .into_iter()
            .filter(|call| matches!(call, Call::Punch(..)))
            .collect();
        let expected: Vec<_> = blocks.step_by(4096).map(|at| Call::Punch(at, 4096)).collect();
        assert_eq!(touched, expected, "{range:?}");
    }
}

#[test]
fn at_the_end_of_a_file() {
    // 700 bytes, of which the second sector is bad, as far as it goes.
    let world = World::bad_file(pattern(700), vec![extent(0, 1000 * 512, 4096)], "1001 7\n");
    assert_eq!(world.walk(), (vec![512..700], None));
    assert_eq!(clear(&world, 512..700), Ok(()));
    let mut expected = pattern(700);
    expected[512..].fill(0);
    assert_eq!(*world.disk.bytes.borrow(), expected, "and no longer than before");
    assert_eq!(
        clear(&World::bad_file(vec![], vec![extent(0, 1000 * 512, 4096)], "1000 8\n"), 0..512),
        Err(NOT_BAD)
    );
    // A bad first sector, and a good second one of 188 bytes.
    let world = World::bad_file(pattern(700), vec![extent(0, 1000 * 512, 4096)], "1000 1\n");
    assert_eq!(clear(&world, 0..512), Ok(()));
    let mut expected = pattern(700);
    expected[..512].fill(0);
    assert_eq!(*world.disk.bytes.borrow(), expected);
}

#[test]
fn block_sizes() {
    for block in [512, 1024, 2048, 4096] {
        let mut world = poisoned(World::eight_blocks("1009 1\n"), &[1009..1010]);
        world.disk.block = block;
        assert_eq!(clear(&world, 4608..5120), Ok(()), "{block}");
        let mut expected = pattern(8 << 12);
        expected[4608..5120].fill(0);
        assert_eq!(*world.disk.bytes.borrow(), expected, "{block}");
    }
    for block in [0, 1, 256, 511, 513, 3072, 4097, 8192, 65_536, u64::MAX] {
        let mut world = World::eight_blocks("1009 1\n");
        world.disk.block = block;
        assert_eq!(clear(&world, 4608..5120), Err(Fail::Unsupported), "{block}");
        assert_eq!(changes(&world.calls()), []);
    }
}

/// Good bytes that share a block and cannot be read are no good: nothing is touched.
#[test]
fn good_bytes_that_cannot_be_read() {
    let world = poisoned(World::eight_blocks("1010 1\n"), &[1010..1012]);
    assert_eq!(clear(&world, 5120..5632), Err(EIO));
    assert_eq!(changes(&world.calls()), []);
    // A file that is shorter than it was said to be.
    for by in [ClearBy::Allocation, ClearBy::LossyAllocation] {
        let world = World::eight_blocks("1010 1\n");
        world.disk.bytes.borrow_mut().truncate(5632);
        assert_eq!(clear_by(by, &world, 5120..5632), Err(EIO));
        assert_eq!(changes(&world.calls()), []);
    }
}

/// Good bytes that cannot be read are given up where that was asked for, and no others.
#[test]
fn what_is_given_up() {
    // Of the second block the third sector is bad; those that cannot be read are its own, two of
    // the same block, and all.
    for unreadable in [1010..1011, 1010..1012, 1008..1011, 1008..1016] {
        let world = poisoned(World::eight_blocks("1010 1\n"), core::slice::from_ref(&unreadable));
        assert_eq!(
            clear_by(ClearBy::LossyAllocation, &world, 5120..5632),
            Ok(()),
            "{unreadable:?}"
        );
        let mut expected = pattern(8 << 12);
        expected[(unreadable.start as usize - 1000) * 512..(unreadable.end as usize - 1000) * 512]
            .fill(0);
        assert_eq!(*world.disk.bytes.borrow(), expected, "{unreadable:?}");
        assert_eq!(world.walk(), (vec![], None), "{unreadable:?}");
    }
    // What is not bad is refused as ever.
    let world = poisoned(World::eight_blocks("1010 1\n"), &[1008..1016]);
    for range in [4096..8192, 5119..5632, 5120..5633, 0..512] {
        assert_eq!(
            clear_by(ClearBy::LossyAllocation, &world, range.clone()),
            Err(NOT_BAD),
            "{range:?}"
        );
    }
    assert_eq!(changes(&world.calls()), []);
    // A sector that was read in part is no sector.
    let mut world = poisoned(World::eight_blocks("1010 1\n"), &[1010..1011]);
    world.disk.poison.push(1012 * 512 + 100..1012 * 512 + 101);
    world.disk.chunk = 100;
    assert_eq!(clear_by(ClearBy::LossyAllocation, &world, 5120..5632), Ok(()));
    let mut expected = pattern(8 << 12);
    expected[5120..5632].fill(0);
    expected[6144..6656].fill(0);
    assert_eq!(*world.disk.bytes.borrow(), expected);
}

#[test]
fn blocks_that_come_back() {
    let mut world = World::eight_blocks("1010 1\n");
    world.disk.free = None;
    assert_eq!(clear(&world, 5120..5632), Err(EIO), "it is listed still");
    let mut expected = pattern(8 << 12);
    expected[5120..5632].fill(0);
    assert_eq!(*world.disk.bytes.borrow(), expected, "what was good is there");
    let punches =
        |world: &World| world.calls().iter().filter(|call| matches!(call, Call::Punch(..))).count();
    let most = 260;
    assert_eq!(punches(&world), most + 1, "it was tried often");
    // To places that are as bad: that many.
    for (blocks, result, tries) in [
        // The spare file gets 62 and one in the place of this, and after each try 1, 2, 4, … 64.
        (63, Ok(()), 1),
        (64, Ok(()), 2),
        (65, Ok(()), 2),
        (66, Ok(()), 3),
        (68, Ok(()), 3),
        (69, Ok(()), 4),
        (132, Ok(()), 7),
        (197, Ok(()), 8),
        (198, Ok(()), 9),
        // What it has is given back before the last one.
        (197 + 65 * (most - 8) + 1, Ok(()), most + 1),
        (197 + 65 * (most - 8) + 2, Err(EIO), most + 1),
    ] {
        let mut world = World::eight_blocks(&format!("1010 1\n2000 {}\n", blocks * 8));
        world.disk.free = Some(core::cell::Cell::new(2000 * 512));
        assert_eq!(clear(&world, 5120..5632), result, "{blocks}");
        assert_eq!(punches(&world), tries, "{blocks}");
        assert_eq!(*world.disk.bytes.borrow(), expected);
    }
    // To one that is not listed, and cannot be read.
    let mut world = poisoned(World::eight_blocks("1010 1\n"), &[63 * 8 + 2002..63 * 8 + 2003]);
    world.disk.free = Some(core::cell::Cell::new(2000 * 512));
    assert_eq!(clear(&world, 5120..5632), Err(EIO));
}

/// Bytes that are no zeros afterwards.
#[test]
fn what_is_not_zeros_is_not_cleared() {
    let mut world = World::eight_blocks("1010 1\n");
    world.disk.forgets = true;
    assert_eq!(clear(&world, 5120..5632), Err(EIO));
}

#[test]
fn short_transfers() {
    for chunk in [1, 7, 511, 512, 513, 4095] {
        let mut world = World::eight_blocks("1010 1\n");
        world.disk.chunk = chunk;
        assert_eq!(clear(&world, 5120..5632), Ok(()), "{chunk}");
        let mut expected = pattern(8 << 12);
        expected[5120..5632].fill(0);
        assert_eq!(*world.disk.bytes.borrow(), expected, "{chunk}");
    }
    let mut world = World::eight_blocks("1010 1\n");
    world.disk.chunk = 0;
    assert_eq!(clear(&world, 5120..5632), Err(EIO));
}

/// A transfer of more than was asked for.
#[test]
fn transfers_of_too_much() {
    let mut world = World::eight_blocks("1010 1\n");
    world.disk.exaggerates = true;
    assert_eq!(clear(&world, 5120..5632), Err(EIO));
}

/// Bytes that are written back would go to the end of the file. (O_APPEND was set after the file
/// was described, or while another thread had its turn: the core has checked it before.)
#[test]
fn a_file_that_is_appended_to() {
    let world = World::eight_blocks("1010 1\n").opened(READ_WRITE | APPEND);
    assert_eq!(clear(&world, 5120..5632), Err(Fail::Unsupported));
    assert_eq!(world.calls(), [Call::Fstat, Call::Turns, Call::Getfl]);
}

/// The system would take whole sectors only, of memory that is aligned.
#[test]
fn a_file_without_a_cache() {
    let direct = rustix::fs::OFlags::DIRECT.bits();
    let world = World::eight_blocks("1010 1\n").opened(READ_WRITE | direct);
    assert_eq!(clear(&world, 5120..5632), Err(Fail::Os(Subject::ClearBadBlock, Errno::EINVAL)));
    assert_eq!(world.calls(), [Call::Fstat, Call::Turns, Call::Getfl]);
}

#[test]
fn ways_that_a_file_has_not() {
    let world = World::eight_blocks("1010 1\n");
    assert_eq!(
        badblocks::clear(
            object(world.sys(), FD, &world.facts()),
            5120..5632,
            ClearBy::DeviceCommand
        ),
        Err(Fail::Unsupported)
    );
    assert_eq!(world.calls(), [Call::Fstat]);
    let mut broken = World::eight_blocks("1010 1\n");
    broken.stat.size = -1;
    assert_eq!(clear(&broken, 5120..5632), Err(Fail::Malformed(Subject::Size)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any part of any bad range of any file becomes zeros. No good byte is changed, the file keeps
    /// its size, and bytes that are bad afterwards were bad before.
    #[test]
    fn any_part(
        places in vector(0..12_u64, 1..10),
        bad in vector(0..96_u64, 1..40),
        less in 0..4096_u64,
        block in prop::sample::select(&[512_u64, 1024, 4096][..]),
        which in any::<Index>(),
        part in (any::<Index>(), any::<Index>()),
        is_lossy in any::<bool>(),
    ) {
        let bad: BTreeSet<u64> = bad.into_iter().collect();
        let list: String = bad.iter().map(|sector| format!("{sector} 1\n")).collect();
        let size = places.len() as u64 * 4096 - less;
        let mut extents: Vec<_> = places.iter().zip(0_u64..).map(|(place, at)| extent(at * 4096, place * 4096, 4096)).collect();
        // Now and then a hole.
        extents.retain(|extent| extent.physical != 0);
        let mut world = World::bad_file(pattern(size), extents, &list);
        world.disk.block = block;
        // As of a DAX file, of which a page is read or not, where what cannot be read is given up.
        let unit = if is_lossy { 4096 } else { 512 };
        world.disk.poison = bad.iter().map(|sector| sector * 512 / unit * unit..(sector * 512 / unit + 1) * unit).collect();
        let unreadable: BTreeSet<u64> = (0..size).filter(|&at| world.disk.is_poisoned(at)).collect();
        let (before, end) = world.walk();
        prop_assert_eq!(end, None);
        if before.is_empty() {
            return Ok(());
        }
        let whole = &before[which.index(before.len())];
        let length = (whole.end - whole.start) as usize;
        let start = whole.start + part.0.index(length) as u64;
        let range = start..start + 1 + part.1.index((whole.end - start) as usize) as u64;
        let by = if is_lossy { ClearBy::LossyAllocation } else { ClearBy::Allocation };
        prop_assert_eq!(clear_by(by, &world, range.clone()), Ok(()));
        let blocks = range.start / block * block..range.end.next_multiple_of(block);
        let (after, end) = world.walk();
        prop_assert_eq!(end, None);
        let is_in = |ranges: &[Range<u64>], at: u64| ranges.iter().any(|range| range.contains(&at));
        let bytes = world.disk.bytes.borrow();
        prop_assert_eq!(bytes.len() as u64, size);
        for (at, (byte, good)) in (0_u64..).zip(bytes.iter().zip(pattern(size))) {
            let was_bad = is_in(&before, at);
            prop_assert!(if range.contains(&at) { *byte == 0 } else { *byte == good || (was_bad || blocks.contains(&at) && unreadable.contains(&at)) && *byte == 0 }, "{}", at);
            prop_assert!(!range.contains(&at) || !is_in(&after, at), "{}", at);
            prop_assert!(!is_in(&after, at) || was_bad, "{}", at);
        }
    }
}

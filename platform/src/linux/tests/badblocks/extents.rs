//! Files: where they lie, by FIEMAP, against a map of every sector.

use core::ops::Range;
use std::{cell::RefCell, collections::BTreeSet, format, string::String, vec, vec::Vec};

use proptest::{collection::vec as vector, prelude::*, sample::Index};

use super::super::{
    disk::{LAST, UNPLACED, UNWRITTEN, extent, pattern},
    world::{Call, FD, World, object},
};
use super::walk;
use crate::{
    Errno, Fail, Subject,
    linux::{
        badblocks,
        sys::ioctl::{EXTENTS, Extent},
    },
};

const SECTOR: u64 = 512;
const GARBAGE: Fail = Fail::Malformed(Subject::Extents);
const WRITTEN_TO: Fail = Fail::Os(Subject::Extents, Errno::EAGAIN);

/// An extent in sectors.
fn sectors(logical: u64, physical: u64, count: u64) -> Extent {
    extent(logical * SECTOR, physical * SECTOR, count * SECTOR)
}

fn file(size: u64, extents: &[Extent], list: &str) -> World {
    World::bad_file(pattern(size), extents.to_vec(), list)
}

fn bytes(ranges: &[Range<u64>]) -> (Vec<Range<u64>>, Option<Fail>) {
    (ranges.iter().map(|range| range.start * SECTOR..range.end * SECTOR).collect(), None)
}

/// The list, the file's extents, and the bad ranges of the file, in sectors.
type Row<'r> = (&'r str, &'r [Extent], &'r [Range<u64>]);

#[test]
fn where_files_lie() {
    let whole = [sectors(0, 1000, 64)];
    let rows: &[Row] = &[
        ("", &whole, &[]),
        ("0 1000\n1064 5\n", &whole, &[]),
        ("1000 1\n", &whole, &[0..1]),
        ("1063 1\n", &whole, &[63..64]),
        ("0 5000\n", &whole, &[0..64]),
        ("1001 2\n1005 1\n", &whole, &[1..3, 5..6]),
        // In reverse order on the device: a bad range of both.
        ("1015 10\n", &[sectors(0, 1020, 16), sectors(16, 1004, 16)], &[0..5, 27..32]),
        // Adjoining in the file, not on the device.
        ("1007 1\n2000 1\n", &[sectors(0, 1000, 8), sectors(8, 2000, 8)], &[7..9]),
        // Adjoining on the device, not in the file.
        ("1007 2\n", &[sectors(0, 1000, 8), sectors(16, 1008, 8)], &[7..8, 16..17]),
        // A hole at the beginning, and one at the end.
        ("1000 100\n", &[sectors(8, 1000, 8)], &[8..16]),
        // Shared by two parts of the file.
        ("1001 1\n", &[sectors(0, 1000, 8), sectors(8, 1000, 8)], &[1..2, 9..10]),
        ("1000 1\n", &[], &[]),
    ];
    for (list, extents, expected) in rows {
        assert_eq!(
            file(64 * SECTOR, extents, list).walk(),
            bytes(expected),
            "{list:?}, {extents:?}"
        );
    }
}

#[test]
fn at_the_end_of_a_file() {
    // 100 bytes of the second sector, in a block of 8.
    let list = "1000 8\n";
    let world = file(612, &[sectors(0, 1000, 8)], list);
    assert_eq!(world.walk(), (vec![0..612], None));
    assert_eq!(file(0, &[sectors(0, 1000, 8)], list).walk(), (vec![], None));
    assert_eq!(
        file(0, &[], "1000 8\n1").walk(),
        (vec![], None),
        "no bytes, and so none of which nothing is known"
    );
    // Preallocated after the end.
    assert_eq!(
        file(SECTOR, &[sectors(0, 2000, 8), sectors(8, 1000, 8)], list).walk(),
        (vec![], None)
    );
    // From inside a range, and from its end.
    let facts = world.facts();
    let list = badblocks::known::list(object(world.sys(), FD, &facts)).unwrap();
    let next = |from| badblocks::next(object(world.sys(), FD, &facts), &list, from);
    assert_eq!(
        [next(1), next(611), next(612), next(u64::MAX)],
        [Ok(Some(1..612)), Ok(Some(611..612)), Ok(None), Ok(None)]
    );
    let mut broken = world.clone();
    broken.stat.size = -1;
    assert_eq!(
        badblocks::next(object(broken.sys(), FD, &facts), &list, 0),
        Err(Fail::Malformed(Subject::Size))
    );
}

#[test]
fn a_list_that_was_cut_ends_in_an_error() {
    let too_large = Some(Fail::TooLarge(Subject::BadBlocks));
    let world = |list| file(64 * SECTOR, &[sectors(0, 1000, 64)], list);
    assert_eq!(world("1001 1\n10").walk(), (vec![512..1024], too_large));
    assert_eq!(world("10").walk(), (vec![], too_large), "never none");
    // The last range ends where the file does.
    assert_eq!(world("1000 64\n10").walk(), (vec![0..64 * 512], too_large));
}

/// However many calls it takes, each batch begins after the last one.
#[test]
fn any_number_of_extents() {
    for count in [EXTENTS - 1, EXTENTS, EXTENTS + 1, 3 * EXTENTS, 1000] {
        // Every other sector, in reverse order on the device.
        let count = count as u64;
        let extents: Vec<_> = (0..count).map(|n| sectors(2 * n, 3 * (count - n), 1)).collect();
        let size = 2 * count * SECTOR;
        let expected = bytes(&[2 * (count - 1)..2 * (count - 1) + 1]);
        for marks_last in [true, false] {
            let mut world = file(size, &extents, "3 1\n");
            world.disk.marks_last = marks_last;
            let facts = world.facts();
            let list = badblocks::known::list(object(world.sys(), FD, &facts)).unwrap();
            world.calls();
            assert_eq!(walk(world.sys(), &world, &list, 0), expected);
            let maps = world.calls().iter().filter(|call| matches!(call, Call::Extents(_))).count();
            // The first walk to the last one, and one after it.
            assert!(maps as u64 <= count.div_ceil(EXTENTS as u64) + 2, "{maps} for {count}");
        }
    }
    // The kernel marks the last extent: nobody asks for more after it.
    let world = file(64 * SECTOR, &[sectors(0, 1000, 8)], "1001 1\n");
    let facts = world.facts();
    let list = badblocks::known::list(object(world.sys(), FD, &facts)).unwrap();
    world.calls();
    assert_eq!(badblocks::next(object(world.sys(), FD, &facts), &list, 2 * SECTOR), Ok(None));
    assert_eq!(world.calls().iter().filter(|call| matches!(call, Call::Extents(_))).count(), 1);
    // One bad range of a thousand extents, each a sector.
    let extents: Vec<_> = (0..1000).map(|n| sectors(n, 2000 - 2 * n, 1)).collect();
    assert_eq!(file(1000 * SECTOR, &extents, "0 3000\n").walk(), bytes(&[0..1000]));
}

/// With nothing bad on the whole disk, it does not matter where a file lies.
#[test]
fn nothing_bad_takes_no_look() {
    let world = World::eight_blocks("");
    let facts = world.facts();
    let list = badblocks::known::list(object(world.sys(), FD, &facts)).unwrap();
    world.calls();
    assert_eq!(badblocks::next(object(world.sys(), FD, &facts), &list, 0), Ok(None));
    assert_eq!(world.calls(), [Call::Fstat]);
}

#[test]
fn flags() {
    let world = |flags| file(64 * SECTOR, &[Extent { flags, ..sectors(0, 1000, 64) }], "1000 1\n");
    for bit in 0..32 {
        let flag = 1 << bit;
        // LAST, DATA_ENCRYPTED, UNWRITTEN, MERGED, SHARED.
        let expected = match flag {
            1 | 0x80 | UNWRITTEN | 0x1000 | 0x2000 => bytes(&[0..1]),
            // DELALLOC.
            4 => (vec![], Some(WRITTEN_TO)),
            _ => (vec![], Some(Fail::Unsupported)),
        };
        assert_eq!(world(flag).walk(), expected, "{flag:#x}");
    }
    // What it says besides may stay.
    for flag in (0..32).map(|bit| 1 << bit) {
        let settles = [LAST, 2, 4, 0x80, UNWRITTEN, 0x1000, 0x2000].contains(&flag);
        let expected = if settles { WRITTEN_TO } else { Fail::Unsupported };
        assert_eq!(world(UNPLACED | flag).walk(), (vec![], Some(expected)), "{flag:#x}");
    }
}

/// Bytes that were stored after the kernel gave a place to all others have none yet. The call is
/// repeated from there on, a number of times.
#[test]
fn extents_without_a_place_yet() {
    let extents = [sectors(0, 1000, 8), sectors(8, 2000, 8), sectors(24, 3000, 8)];
    let world = |late: [u32; 3]| {
        let mut world = file(32 * SECTOR, &extents, "1007 1\n2000 1\n3001 1\n");
        world.disk.late =
            RefCell::new(extents.iter().map(|extent| extent.logical).zip(late).collect());
        world
    };
    let next = |world: &World, from| {
        let facts = world.facts();
        let list = badblocks::known::list(object(world.sys(), FD, &facts)).unwrap();
        world.calls();
        let found = badblocks::next(object(world.sys(), FD, &facts), &list, from);
        let maps = world.calls().into_iter().filter_map(|call| match call {
            Call::Extents(at) => Some(at / SECTOR),
            _ => None,
        });
        (found, maps.collect::<Vec<_>>())
    };
    let found = Ok(Some(7 * SECTOR..9 * SECTOR));
    assert_eq!(next(&world([0; 3]), 0), (found.clone(), vec![0]));
    assert_eq!(next(&world([0, 0, 5]), 0), (found.clone(), vec![0]), "that far it does not look");
    assert_eq!(
        next(&world([0, 2, 0]), 0),
        (found.clone(), vec![0, 8, 8]),
        "what was found is kept meanwhile"
    );
    assert_eq!(next(&world([1, 0, 0]), 3 * SECTOR), (found.clone(), vec![3, 3]));
    // Behind the second one there is a hole.
    assert_eq!(
        next(&world([0, 0, 1]), 9 * SECTOR),
        (Ok(Some(25 * SECTOR..26 * SECTOR)), vec![9, 16])
    );
    // As often in each place.
    let maps: Vec<u64> = [0; 257].into_iter().chain([8; 256]).collect();
    assert_eq!(next(&world([256, 512, 768]), 0), (found, maps.clone()));
    assert_eq!(next(&world([256, 513, 0]), 0), (Err(WRITTEN_TO), maps));
    assert_eq!(next(&world([257, 0, 0]), 0), (Err(WRITTEN_TO), vec![0; 257]));
    assert_eq!(world([256, 512, 768]).walk(), bytes(&[7..9, 25..26]));
}

#[test]
fn extents_that_make_no_sense() {
    let rows: &[&[Extent]] = &[
        &[extent(1, 1 << 20, 512)],
        &[extent(0, 1, 512)],
        &[extent(0, 512, 100)],
        &[extent(512, 1 << 20, u64::MAX - 511)],
        &[extent(0, u64::MAX - 511, 1024)],
        // Twice, or backwards.
        &[sectors(0, 1000, 2), sectors(0, 1000, 2)],
        &[sectors(0, 1000, 2), sectors(1, 1000, 2)],
    ];
    for extents in rows {
        assert_eq!(
            file(64 * SECTOR, extents, "1 1\n").walk(),
            (vec![], Some(GARBAGE)),
            "{extents:?}"
        );
    }
}

/// Kernels that would keep us for ever.
#[test]
fn answers_without_progress() {
    let rows: [fn(u64) -> (u32, Extent); 4] = [
        // The same again and again.
        |_| (1, sectors(0, 1000, 1)),
        // More than there is room for.
        |_| (EXTENTS as u32 + 1, sectors(0, 1000, 64)),
        |_| (u32::MAX, sectors(0, 1000, 64)),
        |start| (1, extent(start, 512, 0)),
    ];
    for answer in rows {
        let mut world = World::eight_blocks("5000 1\n");
        let facts = world.facts();
        let list = badblocks::known::list(object(world.sys(), FD, &facts)).unwrap();
        world.disk.answer = Some(answer);
        world.calls();
        assert_eq!(badblocks::next(object(world.sys(), FD, &facts), &list, 0), Err(GARBAGE));
        assert!(world.calls().len() <= 3);
    }
}

#[test]
fn errors_of_the_map() {
    let world = World::eight_blocks("1000 1\n");
    let facts = world.facts();
    let list = badblocks::known::list(object(world.sys(), FD, &facts)).unwrap();
    world.calls();
    for (errno, fail) in [
        (95, Fail::Unsupported),
        (25, Fail::Unsupported),
        (22, Fail::Os(Subject::Extents, Errno::EINVAL)),
    ] {
        assert_eq!(
            badblocks::next(object(world.failing(1, errno).sys(), FD, &facts), &list, 0),
            Err(fail)
        );
    }
    // Bytes that could not be stored first, since the memory is bad, have a place nevertheless.
    let lost = world.failing(1, 5);
    assert_eq!(badblocks::next(object(lost.sys(), FD, &facts), &list, 0), Ok(Some(0..512)));
    assert_eq!(lost.calls(), [Call::Fstat, Call::Extents(0), Call::Extents(0)]);
    // One that does not store anything, and fails so, does not do so for ever.
    let mut broken = World::eight_blocks("1000 1\n");
    broken.disk.unreadable_map = true;
    assert_eq!(
        badblocks::next(object(broken.sys(), FD, &facts), &list, 0),
        Err(Fail::Os(Subject::Extents, Errno::EIO))
    );
}

/// A file of so many sectors, and for each where it is: a permutation with holes, in extents of
/// random length.
fn layout() -> impl Strategy<Value = Vec<Option<u64>>> {
    (1..120_usize, vector((any::<Index>(), 1..6_usize, any::<bool>()), 1..40)).prop_map(
        |(size, pieces)| {
            let (mut places, mut next) = (vec![None; size], BTreeSet::new());
            let mut at = 0;
            for (where_to, length, hole) in pieces {
                let first = where_to.index(200) as u64;
                for n in 0..length {
                    let place = first + n as u64;
                    // Each sector of the device once.
                    if at < size {
                        places[at] = (!hole && next.insert(place)).then_some(place);
                        at += 1;
                    }
                }
            }
            places
        },
    )
}

/// The extents of a file whose sectors lie there, cut where `cuts` says so although they need not
/// be.
fn extents_of(places: &[Option<u64>], cuts: &BTreeSet<usize>) -> Vec<Extent> {
    let mut extents: Vec<Extent> = Vec::new();
    for (at, place) in places.iter().enumerate() {
        let Some(place) = *place else { continue };
        let (logical, physical) = (at as u64 * SECTOR, place * SECTOR);
        match extents.last_mut() {
            Some(last)
                if last.logical + last.length == logical
                    && last.physical + last.length == physical
                    && !cuts.contains(&at) =>
            {
                last.length += SECTOR;
            }
            _ => extents.push(extent(logical, physical, SECTOR)),
        }
    }
    extents
}

fn listed(bad: &BTreeSet<u64>) -> String {
    bad.iter().map(|sector| format!("{sector} 1\n")).collect()
}

/// The bad bytes of the file from here on, sector by sector.
fn mapped(places: &[Option<u64>], bad: &BTreeSet<u64>, from: u64, size: u64) -> Vec<Range<u64>> {
    let mut found: Vec<Range<u64>> = Vec::new();
    for (at, place) in places.iter().enumerate() {
        let (start, end) = ((at as u64 * SECTOR).max(from), ((at as u64 + 1) * SECTOR).min(size));
        if start < end && place.is_some_and(|place| bad.contains(&place)) {
            match found.last_mut() {
                Some(last) if last.end == start => last.end = end,
                _ => found.push(start..end),
            }
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn walks(
        places in layout(),
        bad in vector(0..206_u64, 0..100),
        cuts in vector(any::<Index>(), 0..20),
        starts in vector(any::<Index>(), 1..4),
        less in 0..512_u64,
        marks_last in any::<bool>(),
    ) {
        let bad: BTreeSet<u64> = bad.into_iter().collect();
        let cuts: BTreeSet<usize> = cuts.into_iter().map(|cut| cut.index(places.len())).collect();
        let size = places.len() as u64 * SECTOR - less;
        let mut world = file(size, &extents_of(&places, &cuts), &listed(&bad));
        world.disk.marks_last = marks_last;
        let list = badblocks::known::list(object(world.sys(), FD, &world.facts())).unwrap();
        let starts = starts.into_iter().map(|start| start.index(size as usize + 1000) as u64);
        for from in starts.chain([0]) {
            prop_assert_eq!(walk(world.sys(), &world, &list, from), (mapped(&places, &bad, from, size), None));
        }
    }

    /// Bytes that were cleared during the walk are not reported again, and none that were bad
    /// before are left out.
    #[test]
    fn clearing_while_iterating(
        places in layout(),
        bad in vector(0..206_u64, 0..100),
        cleared in vector(any::<Index>(), 0..10),
    ) {
        let bad: BTreeSet<u64> = bad.into_iter().collect();
        let size = places.len() as u64 * SECTOR;
        let mut now = places.clone();
        let mut world = file(size, &extents_of(&now, &BTreeSet::new()), &listed(&bad));
        let list = badblocks::known::list(object(world.sys(), FD, &world.facts())).unwrap();
        let (mut at, mut told) = (0, Vec::new());
        let mut cleared = cleared.into_iter();
        while let Some(range) = badblocks::next(object(world.sys(), FD, &world.facts()), &list, at).unwrap() {
            at = range.end;
            // What is told is what is bad now, as it is now.
            prop_assert_eq!(Some(range.clone()), mapped(&now, &bad, range.start, size).into_iter().next());
            told.extend((range.start / SECTOR..range.end / SECTOR).map(|sector| sector as usize));
            // A sector of the file, anywhere, gets another place.
            if let Some(sector) = cleared.next() {
                let sector = sector.index(now.len());
                now[sector] = Some(10_000 + sector as u64);
                world = file(size, &extents_of(&now, &BTreeSet::new()), &listed(&bad));
            }
        }
        for (at, place) in now.iter().enumerate() {
            let is_bad = place.is_some_and(|place| bad.contains(&place));
            prop_assert!(!is_bad || told.contains(&at), "sector {} is bad and was not told", at);
        }
    }
}

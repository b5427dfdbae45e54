//! Bad blocks as pmem2 tells of them: exactly those that were made, in bytes of the source.

use std::{fs::File, ops::Range, os::unix::fs::FileExt};

use pmem2::{Error, badblocks::ClearBy, error::Subject};
use pmem2_guest::machine::{Device, MIB, Machine, PAGE};
use rustix::fs::{FallocateFlags, fallocate};

use super::{
    bed::Bed,
    extents::extents,
    ground::{Ground, SECTOR},
    inject::{Way, wait_for},
};

/// Every list that there is for the test's bytes.
pub(crate) fn listed(ground: &Ground) -> Vec<(u64, u64)> {
    if ground.disk.is_some() { ground.disk_list() } else { ground.region_list() }
}

/// Asserts that pmem2 says the same as the lists and the file's extents.
fn agree(bed: &Bed, what: &str) -> Vec<Range<u64>> {
    let expected = bed.where_listed(&listed(&bed.ground));
    assert_eq!(bed.bad(), Ok(expected.clone()), "{what}");
    expected
}

pub(crate) fn exactly_what_was_made_bad(machine: &Machine, device: &Device) {
    let bed = Bed::new(machine, device);
    assert_eq!(agree(&bed, "nothing"), []);
    let start = bed.range.start;
    for (number, way) in Way::of(&bed.ground).into_iter().enumerate() {
        let page = start + 8 * (number as u64 + 1) * PAGE;
        way.inject(&bed.ground, bed.place(page + 1024));
        let from = page + if way.length() == SECTOR { 1024 } else { 0 };
        assert!(agree(&bed, "one by one").contains(&(from..from + way.length())), "{way:?}");
    }
    // Those that adjoin are one.
    let Some(way) = Way::of(&bed.ground).into_iter().find(|way| way.length() == SECTOR) else {
        return;
    };
    for sector in [3, 5, 4, 7] {
        way.inject(&bed.ground, bed.place(start + 100 * PAGE + sector * SECTOR));
    }
    let around = |sectors: Range<u64>| {
        start + 100 * PAGE + sectors.start * SECTOR..start + 100 * PAGE + sectors.end * SECTOR
    };
    let found = agree(&bed, "adjoining");
    assert!(found.contains(&around(3..6)) && found.contains(&around(7..8)), "{found:?}");
    // From any byte on.
    let source = bed.source();
    let mut cursor = source.bad_blocks().expect("a list");
    for (from, expected) in [(3 * SECTOR, 3..6), (4 * SECTOR + 1, 4..6), (6 * SECTOR, 7..8)] {
        cursor.seek(start + 100 * PAGE + from);
        let found = cursor.next().expect("more").expect("a range");
        assert_eq!(found.end, around(expected.clone()).end);
        assert!(
            found.start <= start + 100 * PAGE + from.max(expected.start * SECTOR)
                && !found.is_empty(),
            "{found:?}"
        );
    }
    if device.is_file() {
        in_pieces(machine, device);
        reversed(machine, device);
        at_the_end(machine, device);
        nothing_at_all(machine, device);
    }
}

fn allocate(file: &File, at: u64, length: u64) {
    fallocate(file, FallocateFlags::empty(), at, length).expect("allocated");
}

fn punch(file: &File, at: u64, length: u64) {
    fallocate(file, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, at, length)
        .expect("a hole");
}

/// A file with holes, in more pieces than one answer of the kernel has.
fn in_pieces(machine: &Machine, device: &Device) {
    const PIECES: u64 = 200;
    let mut bed = Bed::empty(machine, device, 2 * PIECES * PAGE);
    allocate(&bed.file, 0, 2 * PIECES * PAGE);
    bed.file.write_all_at(&vec![1; (2 * PIECES * PAGE) as usize], 0).expect("written");
    for piece in 0..PIECES {
        punch(&bed.file, (2 * piece + 1) * PAGE, PAGE);
    }
    bed.file.sync_all().expect("synced");
    assert!(extents(&bed.file).len() >= PIECES as usize, "{}", extents(&bed.file).len());
    bed.ground = Ground::of(machine, device, bed.place(0));
    for piece in [0, 1, 77, PIECES - 1] {
        Way::Listed.inject(&bed.ground, bed.place(2 * piece * PAGE + 512));
    }
    assert_eq!(agree(&bed, "in pieces").len(), 4);
    // One range of the device that is in the file and in its holes.
    Way::Listed.inject(&bed.ground, bed.place(40 * PAGE) + PAGE);
    let hole = bed.place(60 * PAGE) + PAGE;
    for sector in 0..16 {
        Way::Listed.inject(&bed.ground, hole - 8 * SECTOR + sector * SECTOR);
    }
    assert!(agree(&bed, "holes").contains(&(60 * PAGE..61 * PAGE)));
}

fn reversed(machine: &Machine, device: &Device) {
    let (bed, expected) = over_reversed_pieces(machine, device);
    assert_eq!(agree(&bed, "reversed"), expected);
}

/// A file whose pieces lie on the device in reverse order, and a bad range that goes from one to
/// the other; what is bad of the file.
pub(crate) fn over_reversed_pieces(machine: &Machine, device: &Device) -> (Bed, [Range<u64>; 2]) {
    const PIECES: u64 = 8;
    let mut bed = Bed::empty(machine, device, PIECES * PAGE);
    for piece in (0..PIECES).rev() {
        bed.file.write_all_at(&[7; 4096], piece * PAGE).expect("written");
        bed.file.sync_all().expect("synced");
    }
    let places: Vec<u64> = (0..PIECES).map(|piece| bed.place(piece * PAGE)).collect();
    // Near each other: XFS leaves a page between.
    let follows =
        |&piece: &usize| (PAGE..4 * PAGE).contains(&places[piece].wrapping_sub(places[piece + 1]));
    let pair = (0..PIECES as usize - 1).find(follows);
    let pair = pair.unwrap_or_else(|| panic!("no piece before the one that it follows: {places:?}"))
        as u64;
    bed.ground = Ground::of(machine, device, bed.place(pair * PAGE));
    // From the end of the second to the beginning of the first.
    for at in
        (places[pair as usize + 1] + PAGE - SECTOR..=places[pair as usize]).step_by(SECTOR as usize)
    {
        Way::Listed.inject(&bed.ground, at);
    }
    let [first, second] = [pair * PAGE, (pair + 1) * PAGE];
    (bed, [first..first + SECTOR, second + PAGE - SECTOR..second + PAGE])
}

/// A file that ends within a block.
fn at_the_end(machine: &Machine, device: &Device) {
    let mut bed = Bed::empty(machine, device, PAGE + 1000);
    bed.file.write_all_at(&[3; 4096 + 1000], 0).expect("written");
    bed.file.sync_all().expect("synced");
    bed.ground = Ground::of(machine, device, bed.place(0));
    for sector in 0..4 {
        Way::Listed.inject(&bed.ground, bed.place(PAGE) + sector * SECTOR);
    }
    let tail = PAGE..PAGE + 1000;
    assert_eq!(agree(&bed, "at the end"), [tail]);
}

/// Files without memory of their own.
fn nothing_at_all(machine: &Machine, device: &Device) {
    let empty = Bed::empty(machine, device, 0);
    assert_eq!(empty.bad(), Ok(vec![]));
    let sparse = Bed::empty(machine, device, 16 * MIB);
    assert_eq!(sparse.bad(), Ok(vec![]));
    sparse.file.write_all_at(&[1], 8 * MIB).expect("written");
    // Not synced: the system has to say where it is all the same.
    assert_eq!(sparse.bad(), Ok(vec![]));
    let clear = sparse.source().clear_bad_blocks(0..SECTOR, ClearBy::Allocation);
    assert_eq!(clear, Err(Error::NotBad));
}

/// More than the kernel can tell: what it tells, and then an error.
pub(crate) fn cut_off(machine: &Machine, device: &Device) {
    const MOST: u64 = 512;
    // Where the numbers of sectors are long.
    let far = |bed: &Bed| device.is_file() || bed.range.end == device.size(machine);
    let bed = std::iter::repeat_with(|| Bed::new(machine, device)).find(far).expect("a last one");
    let ways = Way::of(&bed.ground);
    let way = ways.into_iter().find(|way| way.length() == SECTOR).expect("a way for sectors");
    for number in 0..MOST {
        way.inject(&bed.ground, bed.place(bed.range.start) + 2 * number * SECTOR);
    }
    let path = bed.ground.disk.as_ref().unwrap_or(&bed.ground.region).join("badblocks");
    let text = || std::fs::read_to_string(&path).expect("a list");
    wait_for("a list that is cut off", || text().len() == 4095);
    let text = text();
    let (whole, _) = text.rsplit_once('\n').expect("a whole line");
    let lines = whole.lines().count();
    assert!((lines as u64) < MOST, "{lines}");
    let mut blocks = pmem2::badblocks::BadBlocks::new(bed.source()).expect("a list");
    for number in 0..lines as u64 {
        let at = bed.range.start + 2 * number * SECTOR;
        assert_eq!(blocks.next(), Some(Ok(at..at + SECTOR)), "{number}");
    }
    assert_eq!(blocks.next(), Some(Err(Error::TooLarge(Subject::BadBlocks))));
    assert_eq!(blocks.next(), None);
    // What is not told is not known to be bad.
    if device.is_file() {
        let at = bed.range.start + 2 * (MOST - 1) * SECTOR;
        let cleared = bed.source().clear_bad_blocks(at..at + SECTOR, ClearBy::Allocation);
        assert_eq!(cleared, Err(Error::TooLarge(Subject::BadBlocks)));
    }
}

//! The same files and devices through Debian's libpmem2, side by side. Where the two differ, the
//! difference is in a table with its reason; any other fails, and so does one in the table that is
//! no more. Files only: libdaxctl wants more of a device DAX than a made-up /sys has.

use std::{
    fs::File,
    ops::Range,
    os::{fd::AsRawFd, unix::fs::FileExt},
};

use pmem2::{Error, Source, badblocks::ClearBy};

use super::{
    collect,
    common::{
        device_dax::{Entry, with_sysfs},
        libpmem2::Libpmem2,
        made::DISK,
        nd::{self, Bus, partition},
    },
    image::{Image, Mounted, places, reversed},
    listed,
};

const BLOCK: u64 = 4096;

/// Sectors of the region before the first of the namespace's data.
const BEFORE: u64 = 4096;

/// Ranges, and the code at the end.
type Answer = (Vec<Range<u64>>, i32);

fn ours(file: &File) -> Answer {
    let code = |error: Option<Error>| error.map_or(0, |error| error.code());
    match Source::new(file).expect("a source").bad_blocks() {
        Ok(blocks) => {
            let (found, error) = collect(blocks);
            (found, code(error))
        }
        Err(error) => (Vec::new(), error.code()),
    }
}

fn theirs(library: &Libpmem2, file: &File) -> Answer {
    let source = library.source(file.as_raw_fd()).expect("a source");
    let (found, code) = source.bad_blocks();
    source.delete();
    (found, code.unwrap_or(0))
}

/// The whole blocks of the file that these bytes are in, merged: libpmem2 counts in blocks.
fn blocks(ranges: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut all: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        let (start, end) = (range.start / BLOCK * BLOCK, range.end.next_multiple_of(BLOCK));
        match all.last_mut() {
            Some(last) if last.end >= start => last.end = end,
            _ => all.push(start..end),
        }
    }
    all
}

/// A pmem disk with a file system.
struct Pmem {
    mounted: Mounted,
    disk: Entry,
    region: Entry,
}

impl Pmem {
    /// The kernel knows these sectors of the disk to be bad: they are in the region's list and in
    /// the disk's.
    fn bad(&self, sectors: &[Range<u64>]) {
        self.disk.write("badblocks", listed(sectors.to_vec()));
        let shifted = sectors.iter().map(|bad| bad.start + BEFORE..bad.end + BEFORE);
        self.region.write("badblocks", listed(shifted));
    }
}

fn with_pmem<T: Send>(image: &Image, body: impl FnOnce(&Pmem) -> T + Send) -> T {
    with_sysfs(|sysfs| {
        let mounted = image.mount();
        let bus = Bus::new(sysfs);
        bus.dimm(0, "8680-1", "1");
        let region = bus.region(0, &[0]);
        region.entry.write("resource", "0x100000000\n");
        let disk = region.fsdax("pmem0", mounted.device());
        body(&Pmem { mounted, disk, region: region.entry })
    })
}

/// A file of so many blocks, and where each begins on the disk.
fn file(mounted: &Mounted, name: &str, blocks: u64) -> (File, Vec<u64>) {
    let file = mounted.file(name);
    file.write_all_at(&vec![1; (blocks * BLOCK) as usize], 0).expect("written");
    let places = places(&file).into_iter().map(|place| place.expect("no hole")).collect();
    (file, places)
}

/// Where both agree, but for the unit.
#[test]
fn files_in_one_piece() {
    needs_root!();
    let library = Libpmem2::load();
    with_pmem(&Image::ext4(BLOCK), |pmem| {
        let (file, places) = file(&pmem.mounted, "file", 10);
        let first = places[0];
        assert!(places.windows(2).all(|two| two[1] == two[0] + 8), "{places:?}");
        let rows: [&[Range<u64>]; 6] = [
            &[],
            &[first - 8..first],
            &[first..first + 8],
            &[first + 3..first + 4],
            &[first + 9..first + 10, first + 30..first + 40, first + 79..first + 80],
            &[first - 8..first + 4, first + 76..first + 100],
        ];
        for sectors in rows {
            pmem.bad(sectors);
            let (found, code) = ours(&file);
            assert_eq!((blocks(&found), code), theirs(&library, &file), "{sectors:?}");
        }
    });
}

/// So many files are made for one that has no place on the disk yet.
const TRIES: usize = 20;

/// The findings of each, and why they differ: ours, theirs.
#[test]
fn differences() {
    needs_root!();
    const EINVAL: i32 = -libc::EINVAL;
    const NOSUPP: i32 = -100_001;
    let library = Libpmem2::load();
    let mut found: Vec<(&str, Answer, Answer)> = Vec::new();
    with_pmem(&Image::ext4(BLOCK), |pmem| {
        // Theirs first: ours gives what was just written its place.
        let both = |name, file: &File| {
            let theirs = theirs(&library, file);
            (name, ours(file), theirs)
        };
        let (whole, places) = file(&pmem.mounted, "file", 2);

        // The unit.
        pmem.bad(&[places[0] + 3..places[0] + 4]);
        found.push(both("a sector of a block", &whole));
        // Only the disk's list has it: somebody wrote it there, as ndctl's inject-error does.
        pmem.region.write("badblocks", "");
        found.push(both("in the disk's list only", &whole));
        pmem.disk.write("badblocks", "");
        pmem.region.write("badblocks", format!("{} 1\n", places[0] + BEFORE));
        found.push(both("in the region's list only", &whole));

        let empty = pmem.mounted.file("empty");
        found.push(both("an empty file", &empty));
        pmem.bad(&[0..8]);
        // Until one has no place yet when theirs looks: whoever calls sync(1) on this machine gives
        // it one.
        let mut fresh = (0..TRIES).map(|number| {
            let fresh = pmem.mounted.file(&format!("fresh-{number}"));
            fresh.write_all_at(&[1; 2 * BLOCK as usize], 0).expect("written");
            both("a file that was just written", &fresh)
        });
        found.push(fresh.find(|(_, ours, theirs)| ours != theirs).expect("a file without a place"));

        // The text ends in the middle of a line.
        pmem.disk.write("badblocks", format!("{} 1\n{}", places[0], places[0] + 8));
        pmem.region
            .write("badblocks", format!("{} 1\n{}", places[0] + BEFORE, places[0] + 8 + BEFORE));
        found.push(both("a list that was cut off", &whole));

        // On a part of the disk.
        let part = partition(&pmem.disk, "pmem0p1", pmem.mounted.device());
        pmem.disk.write("dev", "259:7000\n");
        part.write("start", "2048\n");
        pmem.bad(&[places[0] + 2048..places[0] + 2049]);
        found.push(both("a file on a partition", &whole));

        // There is no device-mapper here that could be asked; one of md cannot be.
        nd::volume("md0", pmem.mounted.device(), &[&pmem.disk]);
        found.push(both("a file on a volume", &whole));
    });
    with_pmem(&Image::xfs(), |pmem| {
        let (reversed, places) = reversed(&pmem.mounted, 2);
        let first = places[1].expect("a place");
        pmem.bad(&[first..first + 16]);
        found.push((
            "a bad range of two extents in reverse order",
            ours(&reversed),
            theirs(&library, &reversed),
        ));
    });
    let ordinary = tempfile::tempfile_in(DISK).expect("a file");
    ordinary.write_all_at(&[1; 8192], 0).expect("written");
    found.push(("a file on an ordinary disk", ours(&ordinary), theirs(&library, &ordinary)));

    let sector = |number: u64| number * 512..(number + 1) * 512;
    let none: Answer = (vec![], 0);
    let expected: Vec<(&str, Answer, Answer)> = vec![
        // The good sectors of the block are not bad.
        ("a sector of a block", (vec![sector(3)], 0), (vec![0..BLOCK], 0)),
        // The driver of the disk goes by its own list.
        ("in the disk's list only", (vec![sector(3)], 0), none.clone()),
        ("in the region's list only", none.clone(), (vec![0..BLOCK], 0)),
        ("an empty file", none.clone(), (vec![], EINVAL)),
        // Its extents have no place yet, and are taken to be at the disk's first byte.
        ("a file that was just written", none.clone(), (vec![0..BLOCK], 0)),
        ("a list that was cut off", (vec![sector(0)], -libc::EOVERFLOW), (vec![0..BLOCK], 0)),
        ("a file on a partition", (vec![sector(0)], 0), none.clone()),
        ("a file on a volume", (vec![], NOSUPP), none.clone()),
        (
            "a bad range of two extents in reverse order",
            (vec![0..2 * BLOCK], 0),
            (vec![0..BLOCK], 0),
        ),
        ("a file on an ordinary disk", (vec![], NOSUPP), none.clone()),
    ];
    assert_eq!(found, expected);
}

/// libpmem2 zeroes what it is told to, and the blocks around it.
#[test]
fn clearing() {
    needs_root!();
    let library = Libpmem2::load();
    with_pmem(&Image::ext4(BLOCK), |pmem| {
        let contents = |file: &File| {
            let mut bytes = vec![0; 4 * BLOCK as usize];
            file.read_exact_at(&mut bytes, 0).expect("its contents");
            bytes
        };
        // Bad is a sector of the second block; the third one is good.
        for (range, code, lost) in [
            (BLOCK..BLOCK + 512, 0, BLOCK..BLOCK + 512),
            (2 * BLOCK..3 * BLOCK, Error::NotBad.code(), 0..0),
            (BLOCK..2 * BLOCK, Error::NotBad.code(), 0..0),
        ] {
            let name = format!("{}-{}", range.start, range.end);
            let (mine, places) = file(&pmem.mounted, &name, 4);
            pmem.bad(&[places[1]..places[1] + 1]);
            let source = Source::new(&mine).expect("a source");
            let result = source.clear_bad_blocks(range.clone(), ClearBy::Allocation);
            assert_eq!(result.map_or_else(|error| error.code(), |()| 0), code, "{range:?}");
            let zeros = |bytes: &[u8]| bytes.iter().filter(|&&byte| byte == 0).count() as u64;
            assert_eq!(zeros(&contents(&mine)), lost.end - lost.start, "{range:?}");

            let (their_file, places) = file(&pmem.mounted, &(name + " of libpmem2"), 4);
            pmem.bad(&[places[1]..places[1] + 1]);
            let source = library.source(their_file.as_raw_fd()).expect("a source");
            assert_eq!(source.clear_bad_blocks(&range), Ok(()), "{range:?}");
            source.delete();
            assert_eq!(
                zeros(&contents(&their_file)),
                range.end - range.start,
                "{range:?}: good bytes are lost"
            );
        }
    });
}

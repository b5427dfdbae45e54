//! Where the bad sectors of a disk are in its files.

use std::{collections::BTreeSet, fs::File, io::Write, ops::Range, os::unix::fs::FileExt};

use pmem2::{Error, Source, error::Subject};
use rustix::{
    fs::{FallocateFlags, fallocate},
    io::Errno,
};

use super::{
    common::{
        device_dax::Entry,
        nd::{self, Bus, partition},
    },
    image::{Image, Mounted, places, reversed},
    listed, on_pmem, walk,
};

/// The bad bytes of a file of which each block lies so: sector by sector.
fn expected(places: &[Option<u64>], block: u64, bad: &BTreeSet<u64>, size: u64) -> Vec<Range<u64>> {
    let mut found: Vec<Range<u64>> = Vec::new();
    for (number, place) in (0_u64..).zip(places) {
        for sector in 0..block / 512 {
            let (start, end) =
                (number * block + sector * 512, (number * block + (sector + 1) * 512).min(size));
            if start < size && place.is_some_and(|place| bad.contains(&(place + sector))) {
                match found.last_mut() {
                    Some(last) if last.end == start => last.end = end,
                    _ => found.push(start..end),
                }
            }
        }
    }
    found
}

/// Files of every shape, each with its name.
fn shapes(mounted: &Mounted, block: u64) -> Vec<(&'static str, File)> {
    let bytes = |count: u64| vec![7_u8; (count * block) as usize];
    let whole = mounted.file("whole");
    whole.write_all_at(&bytes(40), 0).expect("written");
    let odd = mounted.file("odd");
    odd.write_all_at(&bytes(3), 0).expect("written");
    odd.set_len(2 * block + 100).expect("cut");
    let empty = mounted.file("empty");
    let sparse = mounted.file("sparse");
    for at in [3, 4, 9, 200] {
        sparse.write_all_at(&bytes(1), at * block).expect("written");
    }
    sparse.set_len(300 * block).expect("a hole at the end");
    let hole = mounted.file("hole");
    hole.set_len(50 * block).expect("nothing but a hole");
    // More extents than one answer has.
    let every_other = mounted.file("every other block");
    for at in 0..100 {
        every_other.write_all_at(&bytes(1), 2 * at * block).expect("written");
    }
    every_other.sync_all().expect("in its place");
    // XFS allocates what is between them, too.
    for at in 0..100 {
        let punch = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        fallocate(&every_other, punch, (2 * at + 1) * block, block)
            .or_else(|errno| match errno {
                // Not with the maps of ext3, on older kernels, where nothing is allocated there.
                Errno::OPNOTSUPP => Ok(()),
                errno => Err(errno),
            })
            .expect("punched");
    }
    let shared =
        [("whole", whole), ("odd", odd), ("empty", empty), ("sparse", sparse), ("hole", hole)];
    shared.into_iter().chain([("every other block", every_other)]).collect()
}

fn every_shape(image: &Image, block: u64) {
    on_pmem(image, |mounted, disk| {
        for (name, file) in shapes(mounted, block) {
            by_its_map(name, &file, &places(&file), disk, block);
        }
    });
}

/// The bad bytes of a file, for lists of many kinds, against where FIBMAP says that its blocks lie.
fn by_its_map(name: &str, file: &File, places: &[Option<u64>], disk: &Entry, block: u64) {
    let size = file.metadata().expect("its size").len();
    let source = Source::new(file).expect("a source");
    // Every sector of the device on which a block of the file begins, and those around it.
    let near: BTreeSet<u64> = places
        .iter()
        .flatten()
        .flat_map(|place| [place.saturating_sub(1), *place, place + 1])
        .collect();
    let mut lists: Vec<BTreeSet<u64>> = vec![BTreeSet::new()];
    for step in [1, 2, 3, 7, 31] {
        lists.push(near.iter().copied().step_by(step).take(400).collect());
    }
    // From the first sector of a block to the last one of the next on the device.
    lists.extend(
        places.iter().flatten().take(20).map(|place| (*place..place + 2 * block / 512).collect()),
    );
    for bad in lists {
        let text = listed(bad.iter().map(|sector| *sector..sector + 1));
        assert_ne!(text.len(), 4095, "{name}: the kernel would have cut it off");
        disk.write("badblocks", &text);
        assert_eq!(
            walk(&source),
            (expected(places, block, &bad, size), None),
            "{name}: {bad:?} of {places:?}"
        );
    }
    disk.write("badblocks", "0 10000000\n");
    let everything: BTreeSet<u64> =
        places.iter().flatten().flat_map(|place| *place..place + block / 512).collect();
    assert_eq!(
        walk(&source),
        (expected(places, block, &everything, size), None),
        "{name}: all of the disk"
    );
}

/// libpmem2 does not tell the second of them (its defect 17).
#[test]
fn blocks_in_reverse_order() {
    needs_root!();
    on_pmem(&Image::xfs(), |mounted, disk| {
        let (file, places) = reversed(mounted, 100);
        by_its_map("reversed", &file, &places, disk, 4096);
    });
}

#[test]
fn every_shape_on_ext4() {
    needs_root!();
    for block in [1024, 4096] {
        every_shape(&Image::ext4(block), block);
    }
}

#[test]
fn every_shape_on_ext4_with_the_maps_of_ext3() {
    needs_root!();
    every_shape(&Image::new("ext4", &["-b", "4096", "-O", "^extents,^64bit"]), 4096);
}

#[test]
fn every_shape_on_xfs() {
    needs_root!();
    every_shape(&Image::xfs(), 4096);
}

/// Space that is allocated and not written has a place: the one that it has when it is written, and
/// only then does FIBMAP say so.
#[test]
fn what_is_not_written_yet() {
    needs_root!();
    for image in [Image::ext4(4096), Image::xfs()] {
        on_pmem(&image, |mounted, disk| {
            let file = mounted.file("unwritten");
            fallocate(&file, FallocateFlags::empty(), 0, 30 << 12).expect("allocated");
            let source = Source::new(&file).expect("a source");
            // A sector of each sixteen, wherever the file may be; and all.
            let lists = (0..16)
                .map(|first| -> BTreeSet<u64> { (0..40_u64).map(|n| first + 16 * n).collect() });
            let lists: Vec<_> = lists.collect();
            disk.write("badblocks", "0 10000000\n");
            assert_eq!(walk(&source), (vec![0..30 << 12], None));
            // Where it begins, by bisection: half of the disk is bad.
            let first = (0..20).rev().fold(0_u64, |first, bit| {
                let half = first + (1 << bit);
                disk.write("badblocks", format!("0 {half}\n"));
                if walk(&source).0.first().is_some_and(|range| range.start == 0) {
                    first
                } else {
                    half
                }
            });
            let answers: Vec<_> = lists
                .into_iter()
                .map(|list| {
                    let bad: BTreeSet<u64> =
                        list.into_iter().map(|sector| first + sector).collect();
                    disk.write("badblocks", listed(bad.iter().map(|sector| *sector..sector + 1)));
                    (walk(&source), bad)
                })
                .collect();
            file.write_all_at(&[1; 30 << 12], 0).expect("written");
            let places = places(&file);
            assert_eq!(places[0], Some(first));
            for (answer, bad) in answers {
                assert_eq!(answer, (expected(&places, 4096, &bad, 30 << 12), None), "{bad:?}");
                assert!(!answer.0.is_empty());
            }
        });
    }
}

/// Bytes that were written just now have no place yet; they get one.
#[test]
fn a_file_that_was_just_written() {
    needs_root!();
    for image in [Image::ext4(4096), Image::xfs()] {
        on_pmem(&image, |mounted, disk| {
            disk.write("badblocks", "0 10000000\n");
            for round in 0..20 {
                let mut file = mounted.file(&format!("new{round}"));
                file.write_all(&[1; 10_000]).expect("written");
                assert_eq!(
                    walk(&Source::new(&file).expect("a source")),
                    (vec![0..10_000], None),
                    "{round}"
                );
            }
        });
    }
}

/// As the kernel cuts it: 512 entries, of which a page has a part.
#[test]
fn as_many_as_the_kernel_keeps() {
    needs_root!();
    on_pmem(&Image::ext4(4096), |mounted, disk| {
        let file = mounted.file("large");
        file.write_all_at(&vec![1; 4 << 20], 0).expect("written");
        let places = places(&file);
        let first = places[0].expect("a place");
        // Within the first extent, which is as long as that.
        assert!(
            places.windows(2).take(200).all(|two| two[1] == two[0].map(|place| place + 8)),
            "{places:?}"
        );
        let bad: Vec<u64> = (0..512).map(|n| first + 2 * n).collect();
        let mut text = listed(bad.iter().map(|sector| *sector..sector + 1));
        assert!(text.len() > 4095, "{}", text.len());
        text.truncate(4095);
        let known = text.bytes().filter(|&byte| byte == b'\n').count() as u64;
        disk.write("badblocks", &text);
        let (found, end) = walk(&Source::new(&file).expect("a source"));
        assert_eq!(end, Some(Error::TooLarge(Subject::BadBlocks)));
        assert_eq!(found, (0..known).map(|n| n * 1024..n * 1024 + 512).collect::<Vec<_>>());
    });
}

#[test]
fn a_partition_and_volumes() {
    needs_root!();
    on_pmem(&Image::ext4(4096), |mounted, _| {
        let file = mounted.file("file");
        file.write_all_at(&[1; 8192], 0).expect("written");
        let first = places(&file)[0].expect("a place");
        let source = Source::new(&file).expect("a source");
        let bus = Bus::another(1, "e820", "/sys/devices/platform/e820_pmem");
        let disk = bus.region(1, &[]).fsdax("pmem1", (259, 7000));
        let part = partition(&disk, "pmem1p1", mounted.device());
        part.write("start", "2048\n");
        disk.write("badblocks", format!("{} 1\n", first + 2048 + 3));
        assert_eq!(walk(&source), (vec![3 * 512..4 * 512], None));
        part.write("start", "0\n");
        assert_eq!(walk(&source), (vec![], None));
        // A volume, without any device-mapper to ask; and one of md, which cannot be asked.
        let volume = nd::volume("dm-0", mounted.device(), &[&disk]);
        match walk(&source) {
            (found, Some(Error::Os { subject: Subject::Volume, .. })) if found.is_empty() => {}
            other => panic!("{other:?}"),
        }
        drop(volume);
        nd::volume("md0", mounted.device(), &[&disk]);
        assert_eq!(walk(&source), (vec![], Some(Error::Unsupported(Subject::BadBlocks))));
    });
}

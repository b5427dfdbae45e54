//! Clearing by allocation, with real file systems. Of a list that does not change, a file is rid of
//! its bad blocks if it gets others.

use std::{collections::BTreeSet, fs::File, ops::Range, os::unix::fs::FileExt};

use pmem2::{
    Error, Source,
    badblocks::ClearBy,
    error::{Errno, Subject},
};
use rustix::mount::{UnmountFlags, mount_bind, unmount};
use tempfile::TempDir;

use super::{
    common::thread::as_nobody,
    image::{Image, places},
    listed, on_pmem, walk,
};

/// Bytes of which each tells its place, and none is zero.
pub(crate) fn pattern(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at % 251) as u8 + 1).collect()
}

pub(crate) fn contents(file: &File) -> Vec<u8> {
    let mut bytes = vec![0; file.metadata().expect("its size").len() as usize];
    file.read_exact_at(&mut bytes, 0).expect("its contents");
    bytes
}

pub(crate) fn zeroed(mut bytes: Vec<u8>, range: Range<u64>) -> Vec<u8> {
    bytes[range.start as usize..range.end as usize].fill(0);
    bytes
}

fn clear_each(image: &Image, block: u64) {
    on_pmem(image, |mounted, disk| {
        let size = 10 * block + 700;
        let file = mounted.file("file");
        file.write_all_at(&pattern(size as usize), 0).expect("written");
        let before = places(&file);
        let (second, fifth, last) = (before[1].unwrap(), before[5].unwrap(), before[10].unwrap());
        // A sector of the second block; three blocks and a half; the second sector of the last
        // block, of which 188 bytes are in the file.
        let list =
            listed([second + 1..second + 2, fifth..fifth + 7 * block / 1024, last + 1..last + 2]);
        disk.write("badblocks", &list);
        let source = Source::new(&file).expect("a source");
        let bad = [
            block + 512..block + 1024,
            5 * block..8 * block + block / 2,
            10 * block + 512..10 * block + 700,
        ];
        let (found, error) = walk(&source);
        assert_eq!((&found[..], error), (&bad[..], None), "{before:?}");

        // What is not all bad is refused, and nothing is touched.
        for range in
            [0..512, block + 511..block + 1024, block + 512..block + 1025, block + 512..9 * block]
        {
            assert_eq!(
                source.clear_bad_blocks(range.clone(), ClearBy::Allocation),
                Err(Error::NotBad),
                "{range:?}"
            );
        }
        assert_eq!((contents(&file), places(&file)), (pattern(size as usize), before.clone()));

        // While iterating.
        let (mut told, mut expected) = (Vec::new(), pattern(size as usize));
        for range in source.bad_blocks().expect("a list") {
            let range = range.expect("a range");
            assert_eq!(
                source.clear_bad_blocks(range.clone(), ClearBy::Allocation),
                Ok(()),
                "{range:?}"
            );
            expected = zeroed(expected, range.clone());
            assert_eq!(contents(&file), expected, "{range:?}");
            told.push(range);
        }
        assert_eq!((&told[..], walk(&source)), (&bad[..], (vec![], None)));
        let after = places(&file);
        for (number, (before, after)) in before.iter().zip(&after).enumerate() {
            let renewed = [1, 5, 6, 7, 8, 10].contains(&number);
            assert_eq!(before != after, renewed, "block {number}: {before:?} and {after:?}");
        }
        assert_eq!(file.metadata().expect("its size").len(), size);
        // It is good once more, and stays so when it comes from the device.
        assert_eq!(
            source.clear_bad_blocks(bad[0].clone(), ClearBy::Allocation),
            Err(Error::NotBad)
        );
        rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)
            .expect("out of the cache");
        assert_eq!(contents(&file), expected);
    });
}

#[test]
fn on_ext4() {
    needs_root!();
    for block in [1024, 4096] {
        clear_each(&Image::ext4(block), block);
    }
}

#[test]
fn on_xfs() {
    needs_root!();
    clear_each(&Image::xfs(), 4096);
}

/// ext4 can punch such a file and cannot preallocate it: a bad block could not be kept from coming
/// back.
#[test]
fn on_ext4_with_the_maps_of_ext3() {
    needs_root!();
    let image = Image::new("ext4", &["-b", "4096", "-O", "^extents,^64bit"]);
    on_pmem(&image, |mounted, disk| {
        let file = mounted.file("file");
        file.write_all_at(&pattern(3 * 4096), 0).expect("written");
        let place = places(&file)[1].expect("a place");
        disk.write("badblocks", listed([place..place + 1]));
        let source = Source::new(&file).expect("a source");
        for by in [ClearBy::Allocation, ClearBy::LossyAllocation] {
            let result = source.clear_bad_blocks(4096..4608, by);
            assert_eq!(result, Err(Error::Unsupported(Subject::ClearBadBlock)));
        }
        assert_eq!((contents(&file), places(&file)[1]), (pattern(3 * 4096), Some(place)));
    });
}

/// Freed blocks are given out again, at once or after a commit: the second and the third file are
/// offered what the first one had. And one block of each, which is the first that would be given
/// out again.
fn one_after_the_other(image: &Image, block: u64) {
    const SIZE: u64 = 1 << 20;
    on_pmem(image, |mounted, disk| {
        let files = [0, 1, 2].map(|number| {
            let file = mounted.file(&format!("file {number}"));
            file.write_all_at(&pattern(SIZE as usize), 0).expect("written");
            file
        });
        let mut bad = BTreeSet::new();
        let bad_blocks = |bad: &mut BTreeSet<u64>, places: Vec<Option<u64>>| {
            bad.extend(places.into_iter().flatten());
            let mut ranges: Vec<Range<u64>> = Vec::new();
            for &at in bad.iter() {
                match ranges.last_mut() {
                    Some(last) if last.end == at => last.end = at + block / 512,
                    _ => ranges.push(at..at + block / 512),
                }
            }
            disk.write("badblocks", listed(ranges));
        };
        for file in &files {
            bad_blocks(&mut bad, places(file));
        }
        for file in &files {
            let source = Source::new(file).expect("a source");
            assert_eq!(walk(&source), (vec![0..SIZE], None));
            assert_eq!(source.clear_bad_blocks(0..SIZE, ClearBy::Allocation), Ok(()));
            assert_eq!((walk(&source), contents(file)), ((vec![], None), vec![0; SIZE as usize]));
            file.write_all_at(&pattern(SIZE as usize), 0).expect("written");
        }
        for file in &files {
            let source = Source::new(file).expect("a source");
            let mut expected = contents(file);
            for number in [5, 100, 101, 200] {
                let all = places(file);
                bad_blocks(&mut bad, vec![all[number]]);
                let range = number as u64 * block..number as u64 * block + block;
                assert_eq!(walk(&source), (vec![range.clone()], None));
                assert_eq!(source.clear_bad_blocks(range.clone(), ClearBy::Allocation), Ok(()));
                expected = zeroed(expected, range);
                assert!(contents(file) == expected, "{number}");
                let changed = all.iter().zip(&places(file)).filter(|(was, is)| was != is).count();
                assert_eq!(changed, 1, "{number}: where the others are is as it was");
            }
        }
    });
}

#[test]
fn files_one_after_the_other_on_ext4() {
    needs_root!();
    for block in [1024, 4096] {
        for options in ["has_journal", "^has_journal"] {
            let image = Image::new("ext4", &["-b", &block.to_string(), "-O", options]);
            one_after_the_other(&image, block);
        }
    }
}

#[test]
fn files_one_after_the_other_on_xfs() {
    needs_root!();
    one_after_the_other(&Image::xfs(), 4096);
}

/// The good bytes beside a bad sector, which never comes to memory that is known to be bad.
#[test]
fn where_the_same_block_comes_back() {
    needs_root!();
    for block in [1024, 4096] {
        let image = Image::new("ext4", &["-b", &block.to_string(), "-O", "^has_journal"]);
        on_pmem(&image, |mounted, disk| {
            let file = mounted.file("file");
            file.write_all_at(&pattern(3 * 4096), 0).expect("written");
            let place = places(&file)[1].expect("a place");
            disk.write("badblocks", listed([place..place + 1]));
            let source = Source::new(&file).expect("a source");
            let range = block..block + 512;
            assert_eq!(source.clear_bad_blocks(range.clone(), ClearBy::Allocation), Ok(()));
            assert_ne!(places(&file)[1], Some(place));
            assert_eq!(contents(&file), zeroed(pattern(3 * 4096), range), "nothing good is lost");
            // The spare file is gone, and what it had is free.
            let names = std::fs::read_dir(mounted.path(".")).expect("the directory");
            let mut names: Vec<_> = names.map(|name| name.expect("a name").file_name()).collect();
            names.sort();
            assert_eq!(names, ["file", "lost+found"]);
        });
    }
}

/// A cluster of several blocks stays where it is as long as one of them is in use: nothing can be
/// done for a block in it, and nothing good is lost.
#[test]
fn on_ext4_with_clusters() {
    needs_root!();
    let image = Image::new("ext4", &["-b", "4096", "-O", "bigalloc", "-C", "65536"]);
    on_pmem(&image, |mounted, disk| {
        let file = mounted.file("file");
        file.write_all_at(&pattern(16 * 4096), 0).expect("written");
        let place = places(&file)[1].expect("a place");
        disk.write("badblocks", listed([place..place + 1]));
        let source = Source::new(&file).expect("a source");
        let result = source.clear_bad_blocks(4096..4608, ClearBy::Allocation);
        assert_eq!(result, Err(Error::Os { subject: Subject::ClearBadBlock, errno: Errno::EIO }));
        assert_eq!(contents(&file), zeroed(pattern(16 * 4096), 4096..4608));
    });
}

/// A directory that nobody may make files in, a file that was deleted, one of which only the file
/// is mounted here, and no /proc.
#[test]
fn where_the_directory_is_not_at_hand() {
    needs_root!();
    let image = Image::ext4(4096);
    on_pmem(&image, |mounted, disk| {
        let spare = |errno| Err(Error::Os { subject: Subject::Spare, errno });
        let new = |name: &str| {
            let file = mounted.file(name);
            file.write_all_at(&pattern(3 * 4096), 0).expect("written");
            let place = places(&file)[1].expect("a place");
            disk.write("badblocks", listed([place..place + 1]));
            file
        };
        let clear = |file: &File| {
            let source = Source::new(file).expect("a source");
            source.clear_bad_blocks(4096..4608, ClearBy::Allocation)
        };
        let file = new("another user's directory");
        assert_eq!(as_nobody(|| clear(&file)), spare(Errno::EACCES));
        assert!(contents(&file) == pattern(3 * 4096), "nothing was changed");
        // Nothing good is in a block that is all bad.
        let place = places(&file)[1].expect("a place");
        disk.write("badblocks", listed([place..place + 8]));
        let source = Source::new(&file).expect("a source");
        let all = as_nobody(|| source.clear_bad_blocks(4096..8192, ClearBy::Allocation));
        assert_eq!(all, Ok(()));

        let file = new("deleted");
        std::fs::remove_file(mounted.path("deleted")).expect("deleted");
        assert_eq!(clear(&file), Ok(()));

        let file = new("bound");
        drop(file);
        let directory = TempDir::new_in("/dev/shm").expect("a directory elsewhere");
        let name = directory.path().join("bound");
        File::create(&name).expect("a file elsewhere");
        mount_bind(mounted.path("bound"), &name).expect("bound");
        let file = File::options().read(true).write(true).open(&name).expect("the file");
        assert_eq!(clear(&file), spare(Errno::from_raw(libc::EXDEV)));
        assert!(contents(&file) == pattern(3 * 4096), "nothing was changed");
        unmount(&name, UnmountFlags::DETACH).expect("unbound");

        let file = new("without proc");
        let empty = TempDir::new_in("/dev/shm").expect("a directory");
        mount_bind(empty.path(), "/proc").expect("hidden");
        let cleared = clear(&file);
        unmount("/proc", UnmountFlags::DETACH).expect("there again");
        assert_eq!(cleared, spare(Errno::ENOENT));
        assert!(contents(&file) == pattern(3 * 4096), "nothing was changed");
    });
}

#[test]
fn who_may_not_write() {
    needs_root!();
    on_pmem(&Image::ext4(4096), |mounted, disk| {
        mounted.file("file").write_all_at(&pattern(4096), 0).expect("written");
        let file = File::open(mounted.path("file")).expect("a file for reading");
        disk.write("badblocks", "0 10000000\n");
        let source = Source::new(&file).expect("a source");
        assert_eq!(walk(&source), (vec![0..4096], None));
        let error = source.clear_bad_blocks(0..4096, ClearBy::Allocation);
        assert!(matches!(error, Err(Error::NotWritable(_))), "{error:?}");
        assert_eq!(contents(&file), pattern(4096));
        // What is written back would go to the end.
        let file = File::options()
            .read(true)
            .append(true)
            .open(mounted.path("file"))
            .expect("a file for appending");
        let place = places(&file)[0].expect("a place");
        disk.write("badblocks", listed([place..place + 1]));
        let source = Source::new(&file).expect("a source");
        let error = source.clear_bad_blocks(0..512, ClearBy::Allocation);
        assert!(matches!(error, Err(Error::NotWritable(_))), "{error:?}");
        // Even if that was said after it became a source.
        let file =
            File::options().read(true).write(true).open(mounted.path("file")).expect("a file");
        let source = Source::new(&file).expect("a source");
        rustix::fs::fcntl_setfl(&file, rustix::fs::OFlags::APPEND).expect("O_APPEND");
        let error = source.clear_bad_blocks(0..512, ClearBy::Allocation);
        assert_eq!(error, Err(Error::Unsupported(Subject::ClearBadBlock)));
        // Nor what is written without a cache, since it may be a part of a sector, and memory that
        // is not aligned.
        rustix::fs::fcntl_setfl(&file, rustix::fs::OFlags::DIRECT).expect("O_DIRECT");
        for by in [ClearBy::Allocation, ClearBy::LossyAllocation] {
            let error = source.clear_bad_blocks(0..512, by);
            assert_eq!(
                error,
                Err(Error::Os { subject: Subject::ClearBadBlock, errno: Errno::EINVAL })
            );
        }
        rustix::fs::fcntl_setfl(&file, rustix::fs::OFlags::empty()).expect("no flags");
        assert_eq!(contents(&file), pattern(4096));
    });
}

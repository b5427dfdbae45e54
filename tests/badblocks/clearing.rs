//! Clearing by allocation, with real file systems. Of a list that does not change, a file is rid of
//! its bad blocks if it gets others.

use std::{fs::File, ops::Range, os::unix::fs::FileExt};

use pmem2::{ClearBy, Errno, Error, Source, What};

use super::{
    image::{Image, places},
    listed, on_pmem, walk,
};

const EIO: Error = Error::Os { what: What::ClearBadBlock, errno: Errno::EIO };

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
    for block in [1024, 4096] {
        clear_each(&Image::ext4(block), block);
    }
}

#[test]
fn on_xfs() {
    clear_each(&Image::xfs(), 4096);
}

/// ext4 can punch such a file and cannot preallocate it: writing allocates too.
#[test]
fn on_ext4_with_the_maps_of_ext3() {
    let image = Image::new("ext4", &["-b", "4096", "-O", "^extents,^64bit"]);
    on_pmem(&image, |mounted, disk| {
        let file = mounted.file("file");
        file.write_all_at(&pattern(3 * 4096), 0).expect("written");
        let place = places(&file)[1].expect("a place");
        disk.write("badblocks", listed([place..place + 1]));
        let source = Source::new(&file).expect("a source");
        // Whether it gets another block is for the file system to say; in either case nothing good
        // is lost.
        let result = source.clear_bad_blocks(4096..4608, ClearBy::Allocation);
        let moved = places(&file)[1] != Some(place);
        assert_eq!(result, if moved { Ok(()) } else { Err(EIO) });
        assert_eq!(contents(&file), zeroed(pattern(3 * 4096), 4096..4608));
    });
}

/// Without a journal, a block that was freed is given out again at once. With a driver that clears
/// what is written it would be good then; of a list that does not change it is not.
#[test]
fn where_the_same_block_comes_back() {
    let image = Image::new("ext4", &["-b", "4096", "-O", "^has_journal"]);
    on_pmem(&image, |mounted, disk| {
        let file = mounted.file("file");
        file.write_all_at(&pattern(3 * 4096), 0).expect("written");
        let place = places(&file)[1].expect("a place");
        disk.write("badblocks", listed([place..place + 1]));
        let source = Source::new(&file).expect("a source");
        let result = source.clear_bad_blocks(4096..4608, ClearBy::Allocation);
        let moved = places(&file)[1] != Some(place);
        assert_eq!(result, if moved { Ok(()) } else { Err(EIO) });
        assert_eq!(contents(&file), zeroed(pattern(3 * 4096), 4096..4608), "nothing good is lost");
    });
}

#[test]
fn who_may_not_write() {
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
        assert_eq!(error, Err(Error::Unsupported(What::ClearBadBlock)));
        // Nor what is written without a cache, since it may be a part of a sector, and memory that
        // is not aligned.
        rustix::fs::fcntl_setfl(&file, rustix::fs::OFlags::DIRECT).expect("O_DIRECT");
        for by in [ClearBy::Allocation, ClearBy::LossyAllocation] {
            let error = source.clear_bad_blocks(0..512, by);
            assert_eq!(error, Err(Error::Os { what: What::ClearBadBlock, errno: Errno::EINVAL }));
        }
        rustix::fs::fcntl_setfl(&file, rustix::fs::OFlags::empty()).expect("no flags");
        assert_eq!(contents(&file), pattern(4096));
    });
}

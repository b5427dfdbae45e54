//! Addresses that are aligned as the offset is.

use std::os::unix::fs::MetadataExt;

use pmem2::{
    Error, Granularity, MapConfig, Source,
    error::{Errno, Subject},
};

use crate::{
    DIRECTORIES,
    common::child::{Ended, in_child},
    file_in, read_file,
};

const PAGE: MapConfig<'static> = MapConfig::new(Granularity::Page);

#[test]
fn address_and_offset_have_the_same_remainder() {
    for directory in DIRECTORIES {
        let file = file_in(directory, 64 << 20);
        let source = Source::new(&file).expect("a source");
        for alignment in (0..=30).map(|power| 1_u64 << power) {
            for offset in [0, 4096, 3 * 4096, (2 << 20) - 4096, 2 << 20, (32 << 20) + 8192] {
                for length in [1 << 20, 16 << 20] {
                    let config = PAGE.offset(offset).length(length).aligned_to(alignment);
                    let map = source.by_reference().map(&config).expect("a mapping");
                    let at = map.as_ptr() as u64;
                    assert_eq!(at % alignment, offset % alignment, "{alignment}, {offset}");
                    assert_eq!(map.length() as u64, length);
                    let last = map.length() - 8;
                    map.put(last, &(alignment ^ offset)).expect("a store");
                    let mut bytes = [0; 8];
                    source.read_at(offset + last as u64, &mut bytes).expect("it is there");
                    assert_eq!(u64::from_ne_bytes(bytes), alignment ^ offset);
                }
            }
        }
    }
}

#[test]
fn anonymous_memory() {
    for alignment in (0..=30).map(|power| 1_u64 << power) {
        let config = MapConfig::new(Granularity::Byte).aligned_to(alignment).offset(4096);
        let map = Source::from_anon(5000).unwrap().map(&config).expect("a mapping");
        // The offset is ignored.
        assert_eq!((map.as_ptr() as u64 % alignment, map.length()), (0, 5000));
        map.fill(.., 1).expect("stores");
    }
}

/// All mappings of these sizes at once: a hint that somebody has is not taken.
#[test]
fn many_at_once() {
    let file = file_in(DIRECTORIES[1], 1 << 20);
    let maps: Vec<_> = (0..200)
        .map(|_| {
            let config = PAGE.offset(4096).aligned_to(4 << 20);
            Source::new(&file).unwrap().map(&config).expect("a mapping")
        })
        .collect();
    let mut at: Vec<_> = maps.iter().map(|map| map.as_ptr() as usize).collect();
    at.sort_unstable();
    at.dedup();
    assert_eq!(at.len(), 200);
    assert!(at.iter().all(|at| at % (4 << 20) == 4096));
    // Nothing was left of the tries.
    let inode = format!(" {} ", file.metadata().expect("metadata").ino());
    let all = std::fs::read_to_string("/proc/self/maps").expect("the address space");
    assert_eq!(all.lines().filter(|line| line.contains(&inode)).count(), 200);
}

#[test]
fn refused_alignments() {
    let mut maps = [vec![0; 1 << 20], vec![0; 1 << 20]];
    let file = file_in(DIRECTORIES[0], 1 << 20);
    let out_of_memory = Error::Os { subject: Subject::Mapping, errno: Errno::ENOMEM };
    for (alignment, expected) in [
        (0, Error::InvalidAlignmentValue(0)),
        (3, Error::InvalidAlignmentValue(3)),
        (4095, Error::InvalidAlignmentValue(4095)),
        (u64::MAX, Error::InvalidAlignmentValue(u64::MAX)),
        // More than there are addresses.
        (1 << 47, out_of_memory),
        (1 << 62, out_of_memory),
        (1 << 63, out_of_memory),
    ] {
        let [before, after] = &mut maps;
        let ended = in_child(|| {
            let path = c"/proc/self/maps";
            let length = read_file(path, before);
            let config = PAGE.offset(4096).aligned_to(alignment);
            let error = Source::new(&file).unwrap().map(&config).map(drop).expect_err("too much");
            let read = read_file(path, after);
            (error, before[..length] == after[..read])
        });
        assert_eq!(ended, Ended::With((expected, true)), "{alignment}");
    }
}

//! Accesses that are refused: outside, unaligned, not allowed. Nothing is changed then.

use std::{
    ops::Range,
    sync::atomic::{AtomicU8, AtomicU32, AtomicU64},
};

use pmem2::{
    Error, Fd, Granularity, Handle, MapConfig, Mapping, Source,
    error::{Subject, WriteFault},
    map::{Map, Protection},
};

use crate::{DIRECTORIES, file_in};

const PAGE: MapConfig<'static> = MapConfig::new(Granularity::Page);
const SIZE: usize = 5000;

type Method<H> = (&'static str, fn(&Mapping<H>, Range<usize>) -> Result<(), Error>);

/// Every method that takes a range, and the accesses that it needs.
fn methods<H: Handle<P: Map>>() -> [(Protection, Method<H>); 17] {
    let (none, read, write) = (Protection::empty(), Protection::READ, Protection::WRITE);
    let both = read.union(write);
    [
        (read, ("read", |map, range| map.read(range.start, &mut vec![0; range.len()]))),
        (write, ("write", |map, range| map.write(range.start, &vec![9; range.len()]))),
        (write, ("fill", |map, range| map.fill(range, 9))),
        (both, ("move from", |map, range| map.move_within(range, 0))),
        (both, ("move to", |map, range| map.move_within(0..range.len(), range.start))),
        (write, ("stored", |map, range| map.unflushed().fill(range, 9))),
        (write, ("batch", |map, range| map.batch(|stores| stores.fill(range, 9)))),
        (none, ("flush", |map, range| map.flush(range))),
        (none, ("persist", |map, range| map.persist(range))),
        (none, ("sync", |map, range| map.sync(range))),
        (none, ("batch, flush", |map, range| map.batch(|stores| stores.flush(range)))),
        (none, ("unflushed, flush", |map, range| map.unflushed().flush(range))),
        (none, ("part", |map, range| map.part(range).map(drop))),
        (none, ("split", |map, range| map.split_at(range.end).map(drop))),
        (none, ("deallocate", |map, range| map.deallocate(range))),
        (read, ("populate", |map, range| map.populate(range, false))),
        (write, ("populate, write", |map, range| map.populate(range, true))),
    ]
}

/// Every method that takes an offset: its size, its alignment, and the accesses that it needs.
fn values<H: Handle<P: Map>>() -> [(Protection, usize, usize, Method<H>); 8] {
    let (read, write) = (Protection::READ, Protection::WRITE);
    let both = read.union(write);
    [
        (read, 4, 1, ("get", |map, at| map.get::<u32>(at.start).map(drop))),
        (write, 16, 1, ("put", |map, at| map.put(at.start, &9_u128))),
        (read, 8, 8, ("load", |map, at| map.word(at.start)?.load().map(drop))),
        (write, 8, 8, ("store", |map, at| map.word(at.start)?.store(9))),
        (write, 8, 8, ("commit", |map, at| map.commit(at.start, 9))),
        (write, 8, 8, ("word, commit", |map, at| map.word(at.start)?.commit(9))),
        (write, 8, 8, ("batch, commit", |map, at| map.batch(|stores| stores.commit(at.start, 9)))),
        (both, 16, 8, ("view", |map, at| map.view::<[AtomicU64; 2]>(at.start).map(drop))),
    ]
}

fn all<H: Handle<P: Map>>(map: &Mapping<H>) -> Vec<u8> {
    let mut all = vec![0; map.length()];
    map.read(0, &mut all).expect("loads");
    all
}

fn filled(map: &Mapping<Fd<'_>>) -> Vec<u8> {
    let bytes: Vec<u8> = (0..map.length()).map(|at| (at * 7 + at / 251) as u8).collect();
    map.write(0, &bytes).expect("stores");
    bytes
}

#[test]
fn outside() {
    for directory in DIRECTORIES {
        let file = file_in(directory, SIZE as u64);
        // Addresses there are, but no bytes.
        let map = Source::new(Fd::from(&file)).unwrap().map(&PAGE.room(1 << 20)).unwrap();
        let bytes = filled(&map);
        let after = |end: usize| Err(Error::MapRange { end: end as u64, size: SIZE as u64 });
        #[allow(clippy::reversed_empty_ranges, reason = "programs may give such a range")]
        let ranges = [
            (0..SIZE + 1, after(SIZE + 1)),
            (SIZE..SIZE + 1, after(SIZE + 1)),
            (SIZE + 1..SIZE + 1, after(SIZE + 1)),
            (4999..5008, after(5008)),
            (5100..8000, after(8000)),
            (1 << 20..(1 << 20) + 1, after((1 << 20) + 1)),
            (usize::MAX..usize::MAX, after(usize::MAX)),
        ];
        for (_, (name, method)) in methods() {
            for (range, expected) in ranges.clone() {
                assert_eq!(method(&map, range.clone()), expected, "{name}, {range:?}");
            }
        }
        // What takes a range, and not an offset and a length: one that ends before it starts.
        let ranged = |name: &&str| !matches!(*name, "read" | "write" | "move to" | "split");
        for (_, (name, method)) in methods().into_iter().filter(|(_, (name, _))| ranged(name)) {
            for (start, end) in [(2, 1), (SIZE, 0), (usize::MAX, 1), (usize::MAX, usize::MAX - 1)] {
                let error = Err(Error::MapRange { end: u64::MAX, size: SIZE as u64 });
                assert_eq!(method(&map, start..end), error, "{name}, {start}..{end}");
            }
        }
        for (_, size, _, (name, method)) in values() {
            for at in [4992 + 8 * usize::from(size <= 8), 1 << 19, usize::MAX - 7] {
                let end = at.saturating_add(size);
                assert_eq!(method(&map, at..at), after(end), "{name}, {at}");
            }
        }
        // Ranges of more numbers than there are.
        assert_eq!(map.fill(..=usize::MAX, 9), after(usize::MAX));
        let bounds = (std::ops::Bound::Excluded(usize::MAX), std::ops::Bound::Unbounded);
        assert!(map.fill(bounds, 9).is_err());
        assert!(map.read(usize::MAX, &mut [0; 2]).is_err());
        assert!(map.move_within(0..10, usize::MAX - 5).is_err());
        assert!(all(&map) == bytes, "nothing was changed");
        assert_eq!(file.metadata().unwrap().len(), SIZE as u64);
        // Nothing, at the very end, is no more than there is.
        for (_, (name, method)) in methods() {
            assert_eq!(method(&map, SIZE..SIZE), Ok(()), "{name}");
        }
        assert!(all(&map) == bytes, "nothing was changed");
    }
}

#[test]
fn unaligned() {
    let file = file_in(DIRECTORIES[1], SIZE as u64);
    let map = Source::new(Fd::from(&file)).unwrap().map(&PAGE).unwrap();
    let bytes = filled(&map);
    for (_, _, alignment, (name, method)) in values() {
        for at in (0..64).filter(|at| at % alignment != 0) {
            let (offset, alignment) = (at as u64, alignment as u64);
            let error = Error::OffsetUnaligned { offset, alignment };
            assert_eq!(method(&map, at..at), Err(error), "{name}, {at}");
        }
    }
    assert!(all(&map) == bytes, "nothing was changed");
    // A view needs the alignment of its fields, however large it is.
    assert!(map.view::<[AtomicU32; 2]>(4).is_ok() && map.view::<[AtomicU8; 8]>(1).is_ok());
    let unaligned = map.view::<[AtomicU32; 2]>(6).map(drop);
    assert_eq!(unaligned, Err(Error::OffsetUnaligned { offset: 6, alignment: 4 }));
    // The address counts, and not the offset in a part.
    let part = map.part(4..).unwrap();
    assert_eq!(part.word(4).unwrap().load(), map.word(8).unwrap().load());
    assert!(part.word(8).is_err());
}

#[test]
fn not_allowed() {
    let (read, write, exec) = (Protection::READ, Protection::WRITE, Protection::EXEC);
    for protection in [Protection::empty(), read, write, read | write, exec, read | exec] {
        for empty in [false, true] {
            let file = file_in(DIRECTORIES[0], SIZE as u64);
            let source = Source::new(Fd::from(&file)).unwrap();
            let map = source.map(&PAGE.protection(protection)).unwrap();
            let range = if empty { 8..8 } else { 8..16 };
            let expected = |needed: Protection, name: &str| {
                if !protection.contains(needed) {
                    let missing = if protection.contains(read) { write } else { needed & read };
                    Err(Error::NotMapped(if missing.is_empty() { needed } else { missing }))
                } else if name.contains("flush") || matches!(name, "persist" | "sync") {
                    let refused = !protection.intersects(read | write) && !empty;
                    if refused { Err(Error::NotMapped(read)) } else { Ok(()) }
                } else {
                    Ok(())
                }
            };
            for (needed, (name, method)) in methods() {
                let found = method(&map, range.clone());
                assert_eq!(found, expected(needed, name), "{protection:?}, {name}, {range:?}");
            }
            for (needed, _, _, (name, method)) in values() {
                let found = method(&map, range.clone());
                let expected = match expected(needed, name) {
                    // Atomics need both at once.
                    Err(_) if name == "view" => Err(Error::NotMapped(needed)),
                    other => other,
                };
                assert_eq!(found, expected, "{protection:?}, {name}");
            }
            let bytes = std::fs::read(format!("/proc/self/fd/{}", map.source().handle().raw()));
            let changed = bytes.unwrap().iter().any(|&byte| byte != 0);
            assert_eq!(changed, protection.contains(write), "{protection:?}");
            let storage = std::os::unix::fs::MetadataExt::blocks(&file.metadata().unwrap());
            assert!(storage == 0 || protection.contains(write), "{protection:?}: it got storage");
        }
    }
}

/// Changing a file is only for files that are open for writing, and shared.
#[test]
fn growth_and_storage() {
    let unsupported = Err(Error::SourceTypeNotSupported);
    let file = file_in(DIRECTORIES[0], 8192);
    let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
    let read_only = std::fs::File::open(path).unwrap();
    let read = PAGE.protection(Protection::READ).room(1 << 20);
    let mut map = Source::new(&read_only).unwrap().map(&read).unwrap();
    let refused = Err(Error::NotWritable(WriteFault::ReadOnly));
    assert_eq!((map.grow(9000), map.shrink(1), map.deallocate(..)), (refused, refused, refused));
    assert_eq!(map.populate(.., true), Err(Error::NotMapped(Protection::WRITE)));
    assert_eq!(map.populate(.., false), Ok(()));
    let private = PAGE.sharing(pmem2::Sharing::Private).room(1 << 20);
    let mut map = Source::new(&file).unwrap().map(&private).unwrap();
    map.fill(.., 1).unwrap();
    assert_eq!(map.grow(9000), unsupported);
    assert_eq!((map.shrink(1), map.deallocate(..)), (unsupported, unsupported));
    assert_eq!(map.get::<u8>(8191), Ok(1));
    let byte = MapConfig::new(Granularity::Byte);
    let mut map = Source::from_anon(8192).unwrap().map(&byte).unwrap();
    assert_eq!(map.grow(8192), unsupported);
    assert_eq!((map.shrink(1), map.deallocate(..)), (unsupported, unsupported));
    assert_eq!(map.catch_up(), Ok(8192));
    assert_eq!(map.deep_flush(..), Err(Error::Unsupported(Subject::DeepFlush)));
    assert_eq!(map.grow(8193), unsupported, "room would not help");
    let map = Source::new(&file).unwrap().map(&PAGE.room(1 << 20)).unwrap();
    let mut part = map.part(..4096).unwrap();
    assert_eq!((part.grow(4096), part.shrink(1)), (unsupported, unsupported));
    assert_eq!((part.deallocate(..), part.catch_up()), (unsupported, Ok(4096)));
    assert_eq!(file.metadata().unwrap().len(), 8192);
    let none = Source::from_anon(100).unwrap().map(&byte.room(101)).map(drop);
    assert_eq!(none, Err(Error::NoRoom { length: 101, room: 0 }));
    let room = 1 << 63;
    let none = Source::new(&file).unwrap().map(&PAGE.room(room)).map(drop);
    assert_eq!(none, Err(Error::TooLarge(Subject::Mapping)));
}

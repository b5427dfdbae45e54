//! The memory that parent and child share after fork(2), and files that become shorter.

use std::fs::File;

use pmem2::{
    Error, Granularity, Handle, MapConfig, Mapping, Sharing, Source,
    error::{Errno, Subject},
    map::Map,
    transfer::Reader,
};

use crate::{
    DIRECTORIES,
    common::child::{Ended, in_child},
    file_in, read_file,
};

const PAGE: MapConfig<'static> = MapConfig::new(Granularity::Page);
const BYTE: MapConfig<'static> = MapConfig::new(Granularity::Byte);

/// Stores in the parent, in the child and in the parent again, and returns what each sees of the
/// others: the child of the parent's before fork, the parent of the child's.
fn seen<H: Handle<P: Map>>(map: &Mapping<H>) -> (u64, u64) {
    map.put(0, &1_u64).expect("a store");
    let ended = in_child(|| {
        let before = map.get::<u64>(0)?;
        map.put(8, &2_u64)?;
        map.commit(16, 3)?;
        Ok::<_, Error>(before)
    });
    let Ended::With(Ok(before)) = ended else { panic!("{ended:?}") };
    let words: [u64; 2] = map.get(8).expect("loads");
    map.put(0, &4_u64).expect("it is still the parent's");
    assert_eq!(words[1], words[0] / 2 * 3, "all or nothing");
    (before, words[0])
}

#[test]
fn stores_after_fork() {
    for directory in DIRECTORIES {
        // Both see what both store.
        let file = file_in(directory, 8192);
        assert_eq!(seen(&Source::new(&file).unwrap().map(&PAGE).unwrap()), (1, 2));
        // What was stored before is in both, and what is stored then in one.
        let file = file_in(directory, 8192);
        let private = PAGE.sharing(Sharing::Private);
        assert_eq!(seen(&Source::new(&file).unwrap().map(&private).unwrap()), (1, 0));
    }
    let source = || Source::from_anon(8192).expect("a source");
    assert_eq!(seen(&source().map(&BYTE).unwrap()), (1, 2));
    let private = BYTE.sharing(Sharing::Private);
    assert_eq!(seen(&source().map(&private).unwrap()), (1, 0));
}

/// Stores of the parent are seen by a child that is there already.
#[test]
fn both_ways() {
    use std::sync::atomic::{AtomicU64, Ordering};
    let file = file_in(DIRECTORIES[0], 4096);
    let map = Source::new(&file).unwrap().map(&PAGE).unwrap();
    let word: &AtomicU64 = map.view(0).unwrap();
    let wait = |value| {
        while word.load(Ordering::Acquire) != value {
            std::thread::yield_now();
        }
    };
    std::thread::scope(|threads| {
        let child = threads.spawn(|| {
            in_child(|| {
                word.store(1, Ordering::Release);
                wait(2);
                map.get::<u64>(64)
            })
        });
        wait(1);
        map.put(64, &7_u64).unwrap();
        word.store(2, Ordering::Release);
        assert_eq!(child.join().unwrap(), Ended::With(Ok(7)));
    });
}

/// Each has addresses of its own: what one unmaps, drops or replaces stays with the other.
#[test]
fn each_unmaps_its_own() {
    let mut maps = [vec![0; 1 << 20], vec![0; 1 << 20]];
    for directory in DIRECTORIES {
        for drops in [true, false] {
            let file = file_in(directory, 4096);
            let mut map = Some(Source::new(&file).unwrap().map(&PAGE).unwrap());
            map.as_ref().unwrap().fill(.., 1).unwrap();
            let [before, after] = &mut maps;
            let ended = in_child(|| {
                let path = c"/proc/self/maps";
                let length = read_file(path, before);
                let map = map.take().expect("the child's copy");
                map.write(0, &[2]).expect("a store");
                if drops {
                    drop(map);
                } else {
                    let source = map.unmap().map_err(|(_, error)| error).expect("unmapped");
                    source.write_at(1, &[3]).expect("the descriptor is still open");
                }
                let read = read_file(path, after);
                (before[..length] != after[..read], length > read)
            });
            assert_eq!(ended, Ended::With((true, true)), "the child unmapped it");
            let map = map.take().expect("the parent's");
            assert_eq!(map.get::<[u8; 3]>(0), Ok([2, if drops { 1 } else { 3 }, 1]));
            map.fill(.., 4).unwrap();
            assert!(map.unmap().is_ok());
        }
    }
}

/// The length of a mapping is each process's own, and the file's is not.
#[test]
fn the_child_grows() {
    for directory in DIRECTORIES {
        let file = file_in(directory, 4096);
        let map = Source::new(&file).unwrap().map(&PAGE.room(1 << 20)).unwrap();
        let ended = in_child(|| {
            map.grow(100_000)?;
            map.write(99_999, &[1])
        });
        assert_eq!(ended, Ended::With(Ok(())));
        assert_eq!((map.length(), file.metadata().unwrap().len()), (4096, 100_000));
        assert_eq!(map.catch_up(), Ok(100_000));
        assert_eq!(map.get::<u8>(99_999), Ok(1));
    }
}

/// An access to what is cut off raises SIGBUS; calls that do not touch it are errors.
#[test]
fn files_that_become_shorter() {
    for directory in DIRECTORIES {
        let file = file_in(directory, 4 * 4096);
        let map = Source::new(&file).unwrap().map(&PAGE).unwrap();
        map.fill(.., 1).unwrap();
        file.set_len(5000).unwrap();
        assert_eq!(map.length(), 4 * 4096, "it does not know");
        for at in [2 * 4096, 4 * 4096 - 8] {
            let killed = Ended::Killed(libc::SIGBUS);
            assert_eq!(in_child(|| map.get::<u64>(at).map(drop)), killed);
            assert_eq!(in_child(|| map.put(at, &2_u64)), killed);
            assert_eq!(in_child(|| map.word(at).and_then(|word| word.store(2))), killed);
        }
        // Up to the end of its last page there are bytes, though they are not the file's.
        assert_eq!(map.get::<[u8; 2]>(4999), Ok([1, 0]));
        // What is gone has nothing to be synced.
        assert_eq!((map.sync(..), map.persist(..), map.deep_flush(..)), (Ok(()), Ok(()), Ok(())));
        let faults = Err(Error::Os { subject: Subject::Populate, errno: Errno::EFAULT });
        assert_eq!(map.populate(2 * 4096.., false), faults);
        // A reader tells where the end is, and touches no mapping.
        let reader = Reader::new(map.source()).unwrap();
        let mut bytes = vec![7; 4 * 4096];
        let error = reader.read_at(0, &mut bytes).expect_err("it is shorter");
        assert_eq!((error.done(), error.error().code()), (0, pmem2::Code::LengthOutOfRange.raw()));
        assert_eq!(reader.read_at(0, &mut bytes[..5000]), Ok(()));
        assert_eq!(bytes[4998..5001], [1, 1, 7]);
        // With a mapping that knows, an access is an error.
        assert_eq!(map.catch_up(), Ok(5000));
        assert_eq!(map.get::<u8>(5000), Err(Error::MapRange { end: 5001, size: 5000 }));
        let source = map.unmap().map_err(|(_, error)| error).expect("unmapped");
        assert_eq!(source.size(), Ok(5000));
    }
}

/// The source outlives its descriptor where the mapping owns a copy, and the memory does in any
/// case.
#[test]
fn closed_descriptors() {
    let file = file_in(DIRECTORIES[0], 4096);
    let own: File = file.try_clone().unwrap();
    let map = Source::new(own).unwrap().map(&PAGE.room(1 << 20)).unwrap();
    drop(file);
    map.fill(.., 1).unwrap();
    map.grow(8192).unwrap();
    map.write(8190, &[2; 2]).unwrap();
    let file = map.unmap().map_err(|(_, error)| error).unwrap().into_inner();
    assert_eq!(file.metadata().unwrap().len(), 8192);
}

//! Growth: the length of a mapping, the file's and its storage, by threads, processes and openers.

use std::{
    fs::File,
    io::{Seek, SeekFrom},
    os::{
        fd::AsRawFd,
        unix::fs::{FileExt, MetadataExt},
    },
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    thread,
};

use pmem2::{
    Error, Granularity, MapConfig, Mapping, Source,
    error::{Errno, Subject},
    map::Protection,
    transfer::{Reader, TransferError},
};
use rustix::fs::{MemfdFlags, OFlags, SealFlags, fcntl_add_seals};

use crate::{
    DIRECTORIES,
    common::{
        child::{Ended, in_child},
        made::{self, memfd},
        trace::traced,
    },
    file_in,
};

const PAGE: usize = 4096;
const ROOM: usize = 1 << 20;
const CONFIG: MapConfig<'static> = MapConfig::new(Granularity::Page).room(ROOM as u64);

fn mapped(file: &File) -> Mapping<&File> {
    Source::new(file).expect("a source").map(&CONFIG).expect("a mapping")
}

fn os<T>(subject: Subject, errno: Errno) -> Result<T, Error> {
    Err(Error::Os { subject, errno })
}

fn size(file: &File) -> u64 {
    file.metadata().expect("metadata").len()
}

/// The file opened once more.
fn opened_again(file: &File) -> File {
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    File::options().read(true).write(true).open(path).expect("the file")
}

/// The bytes of a mapping as a test sees them that does not want to be killed.
fn loaded(map: &Mapping<&File>, at: usize) -> Ended<Result<u8, Error>> {
    in_child(|| map.get(at))
}

fn killed<T>() -> Ended<T> {
    Ended::Killed(libc::SIGBUS)
}

#[test]
fn step_by_step() {
    for directory in DIRECTORIES {
        for start in [0, PAGE as u64] {
            let file = file_in(directory, start + 100);
            let config = CONFIG.offset(start);
            let map = Source::new(&file).unwrap().map(&config).unwrap();
            assert_eq!((map.length(), map.room()), (100, ROOM));
            let at = map.as_ptr();
            map.fill(.., 1).unwrap();
            let mut length = 100;
            for grown in [101, 4095, 4096, 4097, 4097, 50, 100_000, ROOM] {
                assert_eq!(map.grow(grown), Ok(()));
                let new = length.max(grown);
                assert_eq!((map.length(), size(&file)), (new, start + new as u64));
                let mut bytes = vec![0xEE; new - length];
                map.read(length, &mut bytes).unwrap();
                assert!(bytes.iter().all(|&byte| byte == 0), "new bytes are zeros");
                map.fill(length..new, 1).unwrap();
                length = new;
            }
            assert_eq!((map.as_ptr(), map.room()), (at, ROOM), "the addresses stay");
            assert!(file.metadata().unwrap().blocks() * 512 >= ROOM as u64, "it has storage");
            let mut bytes = vec![0; ROOM];
            map.source().read_at(start, &mut bytes).unwrap();
            assert!(bytes.iter().all(|&byte| byte == 1), "everything is in the file");
            let length = (ROOM + 1) as u64;
            assert_eq!(map.grow(ROOM + 1), Err(Error::NoRoom { length, room: ROOM as u64 }));
            assert_eq!(size(&file), start + ROOM as u64);
        }
    }
}

#[test]
fn shorter_and_longer_again() {
    for directory in DIRECTORIES {
        let file = file_in(directory, 3 * PAGE as u64);
        let mut map = mapped(&file);
        map.fill(.., 1).unwrap();
        for (length, next) in [(2 * PAGE, 3 * PAGE), (PAGE + 1, 2 * PAGE), (100, 5 * PAGE), (0, 9)]
        {
            map.shrink(length).unwrap();
            assert_eq!((map.length(), size(&file)), (length, length as u64));
            let outside = Error::MapRange { end: length as u64 + 1, size: length as u64 };
            assert_eq!(map.write(length, &[2]), Err(outside), "and no signal");
            assert!(map.shrink(length + 1).is_err(), "that is no way to grow");
            map.grow(next).unwrap();
            let mut bytes = vec![0xEE; next];
            map.read(0, &mut bytes).unwrap();
            let (old, new) = bytes.split_at(length);
            assert!(old.iter().all(|&byte| byte == 1) && new.iter().all(|&byte| byte == 0));
            map.fill(.., 1).unwrap();
        }
    }
}

/// Several threads grow one mapping, and several mappings of their own.
#[test]
fn threads_at_once() {
    for directory in DIRECTORIES {
        for one in [true, false] {
            let file = file_in(directory, 1);
            let common = mapped(&file);
            thread::scope(|threads| {
                for number in 0..4_usize {
                    let (file, common) = (&file, &common);
                    threads.spawn(move || {
                        let own = (!one).then(|| mapped(file));
                        let map = own.as_ref().unwrap_or(common);
                        for step in 1..=60 {
                            let length = (4 * step + number) * 1000;
                            map.grow(length).unwrap();
                            assert!(map.length() >= length);
                            // One's own bytes, at the end, and no signal.
                            map.write(length - 100, &[number as u8 + 1; 100]).unwrap();
                            assert!(map.catch_up().unwrap() >= length);
                        }
                    });
                }
            });
            assert_eq!(size(&file), 243_000, "as long as the longest");
            assert_eq!(common.catch_up(), Ok(243_000));
            for step in 1..=60 {
                for number in 0..4 {
                    let end = (4 * step + number) * 1000;
                    assert_eq!(common.get::<[u8; 100]>(end - 100), Ok([number as u8 + 1; 100]));
                }
            }
        }
    }
}

/// Whoever learns of new bytes may store to them, though whoever made them is not back yet.
#[test]
fn bytes_that_another_has_just_made() {
    for directory in DIRECTORIES {
        let file = file_in(directory, 100);
        let (first, second) = (mapped(&file), mapped(&file));
        let end = AtomicBool::new(false);
        let stored = thread::scope(|threads| {
            let stores = threads.spawn(|| {
                let (mut seen, mut stored) = (100, Vec::new());
                while !end.load(Ordering::Relaxed) {
                    let length = second.catch_up().unwrap();
                    if length != seen {
                        second.unflushed().put(length - 8, &length).unwrap();
                        stored.push(length);
                        seen = length;
                    }
                }
                stored
            });
            for step in 1..2000 {
                first.grow(100 + 500 * step).unwrap();
            }
            end.store(true, Ordering::Relaxed);
            stores.join().unwrap()
        });
        // ext4 also shows lengths in between, at ends of blocks: the next number may lie over it.
        let nexts = stored.iter().skip(1).copied().chain([usize::MAX]);
        for (&length, _) in stored.iter().zip(nexts).filter(|&(length, next)| next - length >= 8) {
            assert_eq!(second.get(length - 8), Ok(length), "{directory}");
        }
    }
}

/// The race of the test above is seldom lost: these are the calls that keep from it.
#[test]
fn catching_up_waits_for_who_makes_a_file_longer() {
    let file = file_in(DIRECTORIES[0], 100);
    let map = mapped(&file);
    let calls = |map: &Mapping<&File>| traced(|| assert!(map.catch_up().is_ok()));
    assert_eq!(calls(&map), ["fstat"], "as long as before");
    file.set_len(5000).unwrap();
    assert_eq!(calls(&map), ["fstat", "lseek"]);
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let read_only = File::open(path).unwrap();
    let read = CONFIG.protection(Protection::READ);
    let map = Source::new(&read_only).unwrap().map(&read).unwrap();
    file.set_len(6000).unwrap();
    assert_eq!(calls(&map), ["fstat", "lseek"], "others may store there");
    assert_eq!(map.catch_up(), Ok(6000));
}

/// Two processes grow a file by turns and at once. Each sees the other's bytes when it catches up.
#[test]
fn two_processes() {
    for directory in DIRECTORIES {
        let file = file_in(directory, PAGE as u64);
        let again = opened_again(&file);
        let map = mapped(&file);
        // The first word counts who is ready; nobody grows before both are.
        let grow = |map: &Mapping<&File>, number: usize| -> Result<(), Error> {
            let ready: &AtomicU32 = map.view(0)?;
            ready.fetch_add(1, Ordering::SeqCst);
            while ready.load(Ordering::SeqCst) < 2 {
                thread::yield_now();
            }
            for step in 1..=100 {
                let length = PAGE + (2 * step + number) * 1000;
                map.grow(length)?;
                map.write(length - 8, &[number as u8 + 1; 8])?;
            }
            Ok(())
        };
        thread::scope(|threads| {
            let child = threads.spawn(|| {
                in_child(|| {
                    let map = Source::new(&again)?.map(&CONFIG)?;
                    grow(&map, 0)
                })
            });
            grow(&map, 1).unwrap();
            assert_eq!(child.join().unwrap(), Ended::With(Ok(())));
        });
        assert_eq!(size(&file), (PAGE + 201_000) as u64);
        assert_eq!(map.catch_up(), Ok(PAGE + 201_000));
        for step in 1..=100 {
            for number in 0..2 {
                let end = PAGE + (2 * step + number) * 1000;
                assert_eq!(map.get::<[u8; 8]>(end - 8), Ok([number as u8 + 1; 8]));
            }
        }
    }
}

/// A program that opens the file twice, or two of them.
#[test]
fn two_openers() {
    for directory in DIRECTORIES {
        let file = file_in(directory, 2 * PAGE as u64);
        let (mut first, other) = (mapped(&file), opened_again(&file));
        let second = mapped(&other);
        first.grow(4 * PAGE).unwrap();
        // It does not know yet.
        assert_eq!(second.length(), 2 * PAGE);
        assert!(second.write(3 * PAGE, &[1]).is_err());
        assert_eq!(second.catch_up(), Ok(4 * PAGE));
        second.write(3 * PAGE, &[1]).unwrap();
        assert_eq!(first.get::<u8>(3 * PAGE), Ok(1));
        first.shrink(PAGE + 1).unwrap();
        // It does not know yet: nothing keeps it from what is no more.
        assert_eq!(loaded(&second, 3 * PAGE), killed());
        let stored = in_child(|| second.write(2 * PAGE, &[2]));
        assert_eq!(stored, killed());
        // The last page is there, with zeros after the end.
        assert_eq!(loaded(&second, PAGE + 100), Ended::With(Ok(0)));
        // Neither call touches the bytes, and so neither is killed. What was cut off stays so.
        let shorter = Error::MapRange { end: 4 * PAGE as u64, size: PAGE as u64 + 1 };
        assert_eq!(second.populate(.., true), Err(shorter));
        assert_eq!(second.populate(.., false), os(Subject::Populate, Errno::EFAULT));
        assert_eq!(size(&file), PAGE as u64 + 1);
        // A reader does not touch the mapping.
        let reader = Reader::new(second.source()).unwrap();
        let mut bytes = [7; 8];
        let read = reader.read_at(3 * PAGE as u64, &mut bytes);
        assert!(matches!(read, Err(TransferError { .. })), "{read:?}");
        assert_eq!(reader.read_at(PAGE as u64 - 7, &mut bytes), Ok(()));
        assert_eq!(second.catch_up(), Ok(PAGE + 1));
        assert!(second.write(3 * PAGE, &[1]).is_err(), "and no signal");
        // A lock that both ask for keeps the second from opening.
        file.try_lock().unwrap();
        assert!(other.try_lock().is_err());
        file.unlock().unwrap();
        assert!(other.try_lock().is_ok());
    }
}

/// A file system of 16 pages.
fn small(length: u64) -> File {
    let made = made::file_on("tmpfs", "size=65536", length).expect("a small file system");
    let path = format!("/proc/self/fd/{}", made.raw());
    File::options().read(true).write(true).open(path).expect("the file")
}

#[test]
fn a_full_file_system() {
    needs_root!();
    let full = os(Subject::Allocation, Errno::ENOSPC);
    let file = small(0);
    file.set_len(100).unwrap();
    let map = mapped(&file);
    map.fill(.., 1).unwrap();
    map.grow(10 * PAGE).unwrap();
    map.fill(PAGE.., 2).unwrap();
    for _ in 0..2 {
        assert_eq!(map.grow(17 * PAGE), full);
        assert_eq!((map.length(), size(&file)), (10 * PAGE, 10 * PAGE as u64), "as it was");
    }
    // All that there is room for can be stored, with no signal.
    map.grow(16 * PAGE).unwrap();
    assert_eq!(in_child(|| map.fill(.., 3)), Ended::With(Ok(())));
    assert_eq!(map.get::<u8>(16 * PAGE - 1), Ok(3));
    assert_eq!(map.grow(16 * PAGE + 1), full);
    // What is given back can be had again, if nobody has taken it.
    map.deallocate(4 * PAGE..8 * PAGE).unwrap();
    map.grow(20 * PAGE).unwrap();
    assert_eq!(map.populate(.., true), full);
    // Holes of a full file system: a load of one takes a page of tmpfs, too.
    assert_eq!(in_child(|| map.fill(4 * PAGE..8 * PAGE, 4)), killed());
    assert_eq!(loaded(&map, 5 * PAGE), killed());
    let mut bytes = [7; PAGE];
    map.source().read_at(5 * PAGE as u64, &mut bytes).unwrap();
    assert_eq!(bytes, [0; PAGE]);
}

/// The file has its length, and no storage: each store may be one too many.
#[test]
fn a_sparse_file_of_a_full_file_system() {
    needs_root!();
    let file = small(ROOM as u64);
    let map = mapped(&file);
    assert_eq!(map.length(), ROOM);
    assert_eq!(in_child(|| map.fill(.., 1)), killed());
    map.deallocate(..).unwrap();
    assert_eq!(map.populate(.., true), os(Subject::Allocation, Errno::ENOSPC));
    // Where it is told that there is room, there is.
    map.populate(..16 * PAGE, true).unwrap();
    assert_eq!(in_child(|| map.fill(..16 * PAGE, 1)), Ended::With(Ok(())));
    assert_eq!(map.populate(..16 * PAGE + 1, true), os(Subject::Allocation, Errno::ENOSPC));
}

/// In a child with a limit for files, with SIGXFSZ ignored or not.
fn limited(
    handler: libc::sighandler_t,
    body: impl FnOnce() -> Result<(), Error>,
) -> Ended<Result<(), Error>> {
    in_child(|| {
        let limit = libc::rlimit { rlim_cur: 3 * PAGE as u64, rlim_max: 3 * PAGE as u64 };
        // SAFETY: the limit is one; the action is none of ours.
        unsafe {
            libc::signal(libc::SIGXFSZ, handler);
            libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit);
        }
        body()
    })
}

#[test]
fn a_limit_for_files() {
    for directory in DIRECTORIES {
        let file = file_in(directory, PAGE as u64);
        let map = mapped(&file);
        let ended = limited(libc::SIG_IGN, || map.grow(3 * PAGE).and_then(|()| map.fill(.., 1)));
        assert_eq!(ended, Ended::With(Ok(())));
        assert_eq!(map.catch_up(), Ok(3 * PAGE));
        let ended = limited(libc::SIG_IGN, || map.grow(3 * PAGE + 1));
        assert_eq!(ended, Ended::With(os(Subject::Allocation, Errno::EFBIG)));
        assert_eq!(size(&file), 3 * PAGE as u64);
        // As the documentation says.
        let ended = limited(libc::SIG_DFL, || map.grow(3 * PAGE + 1));
        assert_eq!(ended, Ended::Killed(libc::SIGXFSZ));
        assert_eq!(size(&file), 3 * PAGE as u64);
        // What is there may be longer than the limit, and is stored to all the same.
        file.set_len(10 * PAGE as u64).unwrap();
        let ended = limited(libc::SIG_DFL, || {
            map.catch_up()?;
            map.fill(.., 2)
        });
        assert_eq!(ended, Ended::With(Ok(())));
        let mut last = [0];
        map.source().read_at(10 * PAGE as u64 - 1, &mut last).unwrap();
        assert_eq!(last, [2]);
    }
}

#[test]
fn seals() {
    let sealed = File::from(memfd(MemfdFlags::ALLOW_SEALING, 2 * PAGE as u64).expect("a memfd"));
    fcntl_add_seals(&sealed, SealFlags::GROW | SealFlags::SHRINK).expect("seals");
    let mut map = mapped(&sealed);
    assert_eq!(map.grow(3 * PAGE), os(Subject::Allocation, Errno::EPERM));
    assert_eq!(map.length(), 2 * PAGE);
    map.fill(.., 1).unwrap();
    assert_eq!(map.shrink(PAGE), os(Subject::Resize, Errno::EPERM));
    // As it says: less of it is accessed than there is.
    assert_eq!((map.length(), size(&sealed)), (PAGE, 2 * PAGE as u64));
    let again = Error::MapRange { end: 2 * PAGE as u64, size: PAGE as u64 };
    assert_eq!(map.shrink(PAGE), Err(again), "it has not become shorter");
    assert_eq!(map.catch_up(), Ok(2 * PAGE));
    assert_eq!(map.get::<u8>(PAGE), Ok(1));
}

/// Bytes that a mapping does not know of are not cut off, and none that was cut off comes back.
#[test]
fn shrinking_cuts_off_its_own_and_nothing_else() {
    for directory in DIRECTORIES {
        let file = file_in(directory, ROOM as u64);
        let two = MapConfig::new(Granularity::Page).range(0..2 * PAGE as u64);
        let mut map = Source::new(&file).unwrap().map(&two).unwrap();
        let (end, size_known) = (ROOM as u64, 2 * PAGE as u64);
        for length in [2 * PAGE, PAGE, 1, 0] {
            assert_eq!(map.shrink(length), Err(Error::MapRange { end, size: size_known }));
            assert_eq!((map.length(), size(&file)), (2 * PAGE, ROOM as u64));
        }
        // Bytes that there is room for are cut off after they are known.
        let mut map = mapped(&file);
        file.set_len(ROOM as u64 / 2).unwrap();
        assert_eq!(map.catch_up(), Ok(ROOM / 2));
        file.set_len(ROOM as u64).unwrap();
        assert!(map.shrink(PAGE).is_err());
        assert_eq!(map.catch_up(), Ok(ROOM));
        map.shrink(4 * PAGE).unwrap();
        assert_eq!(size(&file), 4 * PAGE as u64);
        assert_eq!(map.shrink(4 * PAGE), Ok(()), "it has so many");
        // A part has those of its own bytes that are left.
        let part = map.part(PAGE..3 * PAGE).unwrap();
        file.set_len(PAGE as u64 + 10).unwrap();
        assert_eq!((part.catch_up(), part.length()), (Ok(10), 10));
        assert_eq!((map.length(), map.catch_up()), (4 * PAGE, Ok(PAGE + 10)));
        file.set_len(4 * PAGE as u64).unwrap();
        assert_eq!(part.catch_up(), Ok(2 * PAGE));
        // It was cut to less already, also to less than the mapping begins with.
        for cut in [PAGE as u64 + 10, 0] {
            file.set_len(4 * PAGE as u64).unwrap();
            let offset = PAGE as u64;
            let mut map = Source::new(&file).unwrap().map(&CONFIG.offset(offset)).unwrap();
            file.set_len(cut).unwrap();
            map.shrink(2 * PAGE).unwrap();
            assert_eq!((map.length() as u64, size(&file)), (cut.saturating_sub(offset), cut));
        }
    }
}

/// The file's own end counts, not the one that the mapping knows.
#[test]
fn growing_begins_at_the_end_of_the_file() {
    for directory in DIRECTORIES {
        let file = file_in(directory, 4 * PAGE as u64);
        file.write_all_at(b"old", 3 * PAGE as u64).unwrap();
        let config = CONFIG.range(PAGE as u64..2 * PAGE as u64).room(8 * PAGE as u64);
        let map = Source::new(&file).unwrap().map(&config).unwrap();
        map.grow(3 * PAGE).unwrap();
        assert_eq!(map.get(2 * PAGE), Ok(*b"old"), "bytes that the file had");
        assert_eq!(size(&file), 4 * PAGE as u64);
        map.grow(7 * PAGE).unwrap();
        for grown in [7 * PAGE, 2 * PAGE] {
            file.set_len(0).unwrap();
            map.grow(grown).unwrap();
            assert_eq!(size(&file), (PAGE + grown) as u64);
            assert_eq!(in_child(|| map.fill(..grown, 1)), Ended::With(Ok(())), "no signal");
            let storage = file.metadata().unwrap().blocks() * 512;
            assert!(storage >= grown as u64, "{storage} of {grown} bytes have storage");
        }
        assert_eq!(map.catch_up(), Ok(2 * PAGE));
    }
}

/// A full file system is an error of `grow`, and no signal, also where the file was cut.
#[test]
fn a_file_that_was_cut_on_a_full_file_system() {
    needs_root!();
    let file = small(10 * PAGE as u64);
    let map = mapped(&file);
    file.set_len(0).unwrap();
    assert_eq!(map.grow(17 * PAGE), os(Subject::Allocation, Errno::ENOSPC));
    map.grow(16 * PAGE).unwrap();
    assert_eq!(in_child(|| map.fill(.., 3)), Ended::With(Ok(())));
}

/// It waits for others and changes nothing, whoever opened the file.
#[test]
fn catching_up_changes_nothing() {
    for directory in DIRECTORIES {
        let mut file = file_in(directory, PAGE as u64);
        file.seek(SeekFrom::Start(7)).unwrap();
        let map = mapped(&file);
        file.set_len(ROOM as u64).unwrap();
        assert_eq!(map.catch_up(), Ok(ROOM));
        drop(map);
        assert_eq!(file.metadata().unwrap().blocks(), 0, "no storage");
        assert_eq!(file.stream_position().unwrap(), 7);
        file.set_len(PAGE as u64).unwrap();
        let map = mapped(&file);
        let stop = AtomicU32::new(0);
        thread::scope(|threads| {
            threads.spawn(|| {
                while stop.load(Ordering::Relaxed) == 0 {
                    map.catch_up().unwrap();
                }
            });
            for _ in 0..3000 {
                file.set_len(ROOM as u64).unwrap();
                file.set_len(0).unwrap();
                thread::yield_now();
                assert_eq!(size(&file), 0, "it stays cut");
            }
            stop.store(1, Ordering::Relaxed);
        });
    }
}

/// As the documentation says: no signal, no error, and not in the file.
#[test]
fn a_file_that_is_cut_within_its_last_page() {
    for directory in DIRECTORIES {
        let file = file_in(directory, PAGE as u64);
        let map = mapped(&file);
        file.set_len(100).unwrap();
        let stored = in_child(|| {
            map.write(200, b"x")?;
            map.get::<u8>(200)
        });
        // The system may have zeroed it when it wrote the page to the disk.
        assert!([0, b'x'].map(|byte| Ended::With(Ok(byte))).contains(&stored), "{stored:?}");
        assert_eq!(file.read_at(&mut [0; 8], 200).unwrap(), 0, "it is not in the file");
        assert_eq!(map.catch_up(), Ok(100));
        assert!(matches!(map.write(200, b"x"), Err(Error::MapRange { .. })));
        map.grow(PAGE).unwrap();
        assert!([0, b'x'].contains(&map.get(200).unwrap()));
    }
}

/// There mmap(2) makes the file longer by itself.
#[test]
fn no_room_on_hugetlbfs() {
    const HUGE: u64 = 2 << 20;
    let file = File::from(memfd(MemfdFlags::HUGETLB, HUGE).expect("a memfd"));
    let room = CONFIG.room(2 * HUGE).protection(Protection::READ);
    let refused = Source::new(&file).unwrap().map(&room).map(|map| map.length());
    assert_eq!(refused, Err(Error::NoRoom { length: 2 * HUGE, room: 0 }));
    assert_eq!(size(&file), HUGE);
    // No more than there is: that is no room.
    assert_eq!(Source::new(&file).unwrap().check_range(0, 0), Ok(0..HUGE));
}

#[test]
fn files_that_are_appended_to_grow_too() {
    let named = tempfile::NamedTempFile::new_in(DIRECTORIES[0]).unwrap();
    named.as_file().set_len(100).unwrap();
    let file = File::from(made::path(named.path(), OFlags::RDWR | OFlags::APPEND).unwrap());
    let map = mapped(&file);
    map.grow(5000).unwrap();
    map.write(50, &[1; 4000]).unwrap();
    assert_eq!((size(&file), map.get::<u8>(4049)), (5000, Ok(1)));
}

#[test]
fn storage_and_page_tables() {
    for directory in DIRECTORIES {
        let file = file_in(directory, 64 * PAGE as u64);
        let map = mapped(&file);
        let storage = || {
            file.sync_all().unwrap();
            file.metadata().unwrap().blocks() * 512
        };
        let resident = |map: &Mapping<&File>, pages: usize| -> usize {
            let mut seen = vec![0; pages];
            // SAFETY: mincore changes nothing but the vector, which has a byte for each page.
            let done =
                unsafe { libc::mincore(map.as_ptr().cast(), pages * PAGE, seen.as_mut_ptr()) };
            assert_eq!(done, 0);
            seen.iter().filter(|&&byte| byte & 1 == 1).count()
        };
        assert_eq!(storage(), 0);
        map.populate(PAGE..9 * PAGE, true).unwrap();
        assert!((8 * PAGE as u64..16 * PAGE as u64).contains(&storage()), "{}", storage());
        assert!(resident(&map, 64) >= 8);
        map.populate(.., true).unwrap();
        assert_eq!(resident(&map, 64), 64);
        map.fill(.., 1).unwrap();
        assert!(storage() >= 64 * PAGE as u64);
        // Bytes are zeros then, and pages storage no more.
        map.deallocate(10..63 * PAGE).unwrap();
        assert!(storage() <= 4 * PAGE as u64, "{}", storage());
        let mut bytes = vec![0; 64 * PAGE];
        map.read(0, &mut bytes).unwrap();
        assert!(bytes[..10].iter().chain(&bytes[63 * PAGE..]).all(|&byte| byte == 1));
        assert!(bytes[10..63 * PAGE].iter().all(|&byte| byte == 0));
        assert_eq!((map.length(), size(&file)), (64 * PAGE, 64 * PAGE as u64));
        map.fill(.., 2).unwrap();
        assert_eq!(map.get::<u8>(30 * PAGE), Ok(2));
        // Of no file.
        let byte = MapConfig::new(Granularity::Byte);
        let anonymous = Source::from_anon(16 * PAGE as u64).unwrap().map(&byte).unwrap();
        anonymous.populate(.., true).unwrap();
        anonymous.populate(1..5, false).unwrap();
        assert_eq!(anonymous.get::<u64>(8), Ok(0));
    }
}

//! Where programs live: a full descriptor table, a chroot without /sys, many threads, a program
//! that closes too early.

use std::{
    fs::File,
    os::fd::AsRawFd,
    sync::{
        Barrier,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    thread,
};

use crate::common::{
    child::{Ended, fill_the_descriptor_table, in_child},
    device_dax::{dev_null, with_sysfs},
    fd,
    made::{self, DISK, FILE_SIZE, memfd, terminal},
    thread::{with_own_descriptors, with_own_root},
};
use pmem2::{
    Error, Handle, Kind, Pool, Source,
    error::{Errno, HandleFault, Memory, Subject},
    linux::Linux,
    report::Report,
};
use rustix::fs::{CWD, FileType, MemfdFlags, Mode, OFlags, mknodat};

const REPLACED: Error = Error::InvalidFileHandle(HandleFault::Replaced);
const NOT_OPEN: Error = Error::InvalidFileHandle(HandleFault::NotOpen);

fn file(size: u64) -> File {
    let file = tempfile::tempfile_in(DISK).expect("a file");
    file.set_len(size).expect("its size");
    file
}

#[test]
fn a_full_descriptor_table() {
    needs_root!();
    with_sysfs(|sysfs| {
        sysfs.device_dax("8192\n", "4096\n");
        let (file, null) = (file(FILE_SIZE), dev_null());
        let answers = in_child(|| {
            let full = fill_the_descriptor_table();
            let (of_file, of_device) = (Source::new(&file), Source::new(&null));
            (
                full,
                of_file.and_then(|source| source.size()),
                of_file.and_then(|source| source.alignment()),
                of_device.map(|source| source.kind()),
                of_device.and_then(|source| source.size()),
                of_device.and_then(|source| source.alignment()),
            )
        });
        let emfile = |what| Err(Error::Os { subject: what, errno: Errno::EMFILE });
        let expected = (
            libc::EMFILE,
            Ok(FILE_SIZE),
            Ok(4096),
            Ok(Kind::DeviceDax),
            emfile(Subject::Size),
            emfile(Subject::Alignment),
        );
        assert_eq!(answers, Ended::With(expected));
        let sentence = Error::Os { subject: Subject::Size, errno: Errno::EMFILE }.to_string();
        assert!(sentence.contains("RLIMIT_NOFILE"), "{sentence}");
    });
}

#[test]
fn a_chroot_without_sys() {
    needs_root!();
    let root = tempfile::tempdir_in(DISK).expect("a directory");
    let (before, null, (_master, slave)) =
        (file(FILE_SIZE), dev_null(), terminal().expect("a terminal"));
    with_own_root(root.path(), || {
        assert!(!std::fs::exists("/sys").expect("a root directory"));
        let source = Source::new(&before).expect("a file needs no /sys");
        assert_eq!((source.size(), source.alignment()), (Ok(FILE_SIZE), Ok(4096)));
        let inside = File::create_new("/inside").expect("a file");
        inside.set_len(5).expect("its size");
        assert_eq!(
            Source::new(File::open("/inside").expect("the file")).and_then(|source| source.size()),
            Ok(5)
        );

        // That they are no device DAX, statx(2) tells (ci/guest has some that are).
        for device in [null.as_raw_fd(), slave.as_raw_fd()] {
            let error = Source::from_fd(fd(device)).map(|_| ()).expect_err("no device DAX");
            assert_eq!(error, Error::InvalidFileType(Kind::CharacterDevice));
            assert_eq!(error.code(), -100_005);
        }
        // Of a node that was not opened it does not.
        let number = rustix::fs::makedev(1, 3);
        mknodat(CWD, "/null", FileType::CharacterDevice, Mode::RUSR, number).expect("a node");
        let unopened = made::path("/null", OFlags::PATH).expect("O_PATH");
        assert_eq!(Report::new(&unopened).kind(), Some(Kind::UnknownDevice(Subject::Sysfs)));
        let error = Report::new_unopened(&unopened).verdict().expect_err("it cannot be told");
        assert_eq!(error, Error::UnknownFileType(Subject::Sysfs));
        assert!(error.to_string().contains("/sys"), "{error}");
        assert_eq!(
            Source::new(File::open("/").expect("a root")).unwrap_err(),
            Error::InvalidFileType(Kind::Directory)
        );
    });
}

#[test]
fn a_device_that_was_opened_before_the_chroot() {
    needs_root!();
    let root = tempfile::tempdir_in(DISK).expect("a directory");
    with_sysfs(|sysfs| {
        sysfs.device_dax("8192\n", "4096\n");
        let source = Source::new(dev_null()).expect("a source");
        assert_eq!(source.size(), Ok(8192));
        with_own_root(root.path(), || {
            assert_eq!(source.kind(), Kind::DeviceDax);
            assert_eq!(
                source.size(),
                Err(Error::Os { subject: Subject::Size, errno: Errno::ENOENT })
            );
            assert_eq!(
                source.alignment(),
                Err(Error::Os { subject: Subject::Alignment, errno: Errno::ENOENT })
            );
        });
    });
}

#[test]
fn a_descriptor_that_was_closed_and_reused() {
    with_own_descriptors(|| {
        let (first, second) =
            (file(1), File::from(memfd(MemfdFlags::empty(), 2).expect("a memfd")));
        let number = first.as_raw_fd();
        let source = Source::from_fd(fd(number)).expect("a source");
        assert_eq!(source.size(), Ok(1));

        // What a C program does with close and open: this table is this thread's own. SAFETY: dup2
        // exchanges the file under `first`, which is used as a number only from here on.
        assert_eq!(unsafe { libc::dup2(second.as_raw_fd(), number) }, number);
        assert_eq!(source.size(), Err(REPLACED));
        assert_eq!(source.allocated(), Err(REPLACED));
        assert_eq!(source.file_system(), Err(REPLACED));
        assert_eq!(source.check_range(0, 0), Err(REPLACED));
        assert_eq!(REPLACED.code(), -100_004);
        assert!(REPLACED.to_string().contains("reused"));
        assert_eq!(source.alignment(), Ok(4096), "it touches nothing");
        // A new source is one of the new file.
        assert_eq!(Source::from_fd(fd(number)).and_then(|source| source.size()), Ok(2));

        drop(first);
        assert_eq!(source.size(), Err(NOT_OPEN));
        assert_eq!(source.allocated(), Err(NOT_OPEN));
        assert_eq!(source.file_system(), Err(NOT_OPEN));
        assert_eq!(source.check_range(0, 0), Err(NOT_OPEN));
        assert_eq!(Source::from_fd(fd(number)).map(|_| ()), Err(NOT_OPEN));
    });
}

#[test]
fn a_device_that_was_closed_and_reused() {
    needs_root!();
    with_own_descriptors(|| {
        with_sysfs(|sysfs| {
            sysfs.device_dax("8192\n", "4096\n");
            let (null, zero) = (dev_null(), File::open("/dev/zero").expect("/dev/zero"));
            let source = Source::from_fd(fd(null.as_raw_fd())).expect("a source");
            // SAFETY: dup2 exchanges the file under `null`, which is used as a number only from
            // here on.
            assert!(unsafe { libc::dup2(zero.as_raw_fd(), null.as_raw_fd()) } >= 0);
            assert_eq!((source.size(), source.alignment()), (Err(REPLACED), Err(REPLACED)));
            drop(null);
            assert_eq!((source.size(), source.alignment()), (Err(NOT_OPEN), Err(NOT_OPEN)));
        });
    });
}

#[test]
fn a_full_pool() {
    let pool = Pool::<Linux, 2>::new();
    let file = file(FILE_SIZE);
    let first = pool.source(&file).expect("a slot");
    let second = pool.source(&file).expect("another");
    let error = pool.source(&file).map(|_| ()).expect_err("no third");
    assert_eq!(error, Error::OutOfMemory(Memory::Pool(2)));
    assert_eq!((error.code(), error.errno()), (-libc::ENOMEM, Errno::ENOMEM));
    assert!(error.to_string().contains("the pool is full"), "{error}");
    assert_eq!(pool.len(), 2);
    drop(first);
    assert_eq!(pool.len(), 1);
    let third = pool.source(&file).expect("the slot that was given back");
    assert_eq!((second.size(), third.size()), (Ok(FILE_SIZE), Ok(FILE_SIZE)));
}

#[test]
fn eight_threads_on_one_pool() {
    const THREADS: u32 = 8;
    const ROUNDS: u32 = 2000;
    const SLOTS: usize = 5;
    static POOL: Pool<Linux, SLOTS> = Pool::new();
    let (start, made, full) = (Barrier::new(8), AtomicU32::new(0), AtomicU32::new(0));
    let work = |thread: u32| {
        // A size of its own tells whose source a slot holds.
        let mine = file(u64::from(thread) * 4096 + 1);
        start.wait();
        for _ in 0..ROUNDS {
            // Two at a time: eight threads want sixteen slots and there are five.
            let slots = [POOL.source(&mine), POOL.source(&mine)];
            for slot in &slots {
                match slot {
                    Ok(slot) => {
                        assert_eq!(slot.size(), Ok(u64::from(thread) * 4096 + 1));
                        assert_eq!(slot.handle().raw(), mine.as_raw_fd());
                        made.fetch_add(1, Relaxed);
                    }
                    Err(error) => {
                        assert_eq!(*error, Error::OutOfMemory(Memory::Pool(SLOTS)));
                        full.fetch_add(1, Relaxed);
                    }
                }
            }
            assert!(POOL.len() <= SLOTS);
        }
    };
    thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || work(thread));
        }
    });
    assert_eq!(made.load(Relaxed) + full.load(Relaxed), THREADS * ROUNDS * 2);
    // With five slots somebody always gets one.
    assert!(made.load(Relaxed) >= ROUNDS);
    assert!(POOL.is_empty());
    let file = file(1);
    let all = [(); SLOTS].map(|()| POOL.source(&file).expect("every slot came back"));
    assert_eq!(POOL.len(), all.len());
}

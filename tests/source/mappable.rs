//! Whether a file can be mapped at all: what the kernel refuses, and the words for it.

use std::{fs::File, io::Read, os::fd::AsRawFd, path::Path, thread};

use crate::common::{made::memfd, thread::with_own_mounts};
use pmem2::{
    Error, Granularity, Kind, Sharing, Source,
    error::{Errno, Subject},
    report::Report,
};
use rustix::{
    fs::{MemfdFlags, SealFlags, fcntl_add_seals},
    io::write,
    mount::{MountFlags, UnmountFlags, mount, unmount},
};

const READ_ONLY: Error = Error::Os { subject: Subject::WritableMapping, errno: Errno::EPERM };
const NOT_AT_ALL: Error = Error::Os { subject: Subject::Mapping, errno: Errno::ENODEV };

/// Returns the verdict on `file`, the answer for a shared mapping, and the report.
fn told(file: &File) -> (Result<(), Error>, Result<Granularity, Error>, String) {
    let source = Source::new(file).expect("a source, which maps nothing");
    assert_eq!(source.kind(), Kind::RegularFile);
    let (size, report) = (source.size(), Report::new(file));
    let expected = source.expected_granularity(Sharing::Shared);
    assert_eq!(report.granularity(), Some(expected));
    assert_eq!(source.report().verdict(), report.verdict());
    // A private one is not tried.
    let private = source.expected_granularity(Sharing::Private);
    assert_eq!(private.map(|expected| expected.granularity), Ok(Granularity::Byte));
    assert_eq!(source.size(), size, "nothing was done to it");
    (report.verdict(), expected.map(|expected| expected.granularity), report.to_string())
}

/// A file in memory of so many bytes with these seals.
fn sealed(flags: MemfdFlags, size: u64, seals: SealFlags) -> File {
    let file = File::from(memfd(flags | MemfdFlags::ALLOW_SEALING, size).expect("a memfd"));
    fcntl_add_seals(&file, seals).expect("seals");
    file
}

#[test]
fn what_is_sealed_is_for_reading() {
    let huge = MemfdFlags::HUGETLB | MemfdFlags::HUGE_2MB;
    let (page, mapped) = (Ok(Granularity::Page), Ok(()));
    for (flags, size, seals, expected) in [
        (MemfdFlags::empty(), 4096, SealFlags::empty(), page),
        (MemfdFlags::empty(), 4096, SealFlags::GROW | SealFlags::SHRINK, page),
        (MemfdFlags::empty(), 4096, SealFlags::WRITE, Err(READ_ONLY)),
        (MemfdFlags::empty(), 1, SealFlags::FUTURE_WRITE, Err(READ_ONLY)),
        // There is nothing to write to.
        (MemfdFlags::empty(), 0, SealFlags::WRITE, page),
        (huge, 2 << 20, SealFlags::empty(), page),
        // It does not become longer by being tried, as it would by being mapped for writing.
        (huge, 0, SealFlags::empty(), page),
        (huge, 2 << 20, SealFlags::WRITE, Err(READ_ONLY)),
    ] {
        let file = sealed(flags, size, seals);
        let (verdict, granularity, report) = told(&file);
        assert_eq!((verdict, granularity), (mapped, expected), "{flags:?}, {size}, {seals:?}");
        let system = if flags.contains(MemfdFlags::HUGETLB) { "hugetlbfs" } else { "tmpfs" };
        let first = format!("persistent: no: ordinary memory ({system})");
        assert_eq!(report.lines().next(), Some(&*first));
        let why = "granularity      none: opened for writing, but can be mapped for reading only: operation not permitted \
                   (EPERM); it is sealed against writing (F_SEAL_WRITE, F_SEAL_FUTURE_WRITE)";
        assert_eq!(report.lines().any(|line| line == why), expected.is_err(), "{report}");
        // Whoever opened it for reading is refused nothing.
        let reader = File::open(format!("/proc/self/fd/{}", file.as_raw_fd())).expect("opened");
        assert_eq!(told(&reader).1, page);
    }
}

/// Files of the kernel's own have no memory, though they are regular files.
#[test]
fn files_that_cannot_be_mapped() {
    for path in ["/proc/self/ns/net", "/proc/self/cmdline", "/sys/kernel/notes"] {
        let file = File::open(path).expect(path);
        refused(&file, path);
    }
}

fn refused(file: &File, name: &str) {
    let (verdict, granularity, report) = told(file);
    assert_eq!((verdict, granularity), (Err(NOT_AT_ALL), Err(NOT_AT_ALL)), "{name}");
    let said = "refused: the source cannot be mapped: no such device (ENODEV); its file \
                system has no shared mappings (FUSE with direct I/O, the kernel's own files in \
                /proc and /sys): copy it to one that has";
    assert_eq!(report.lines().take(2).collect::<Vec<_>>(), [said, "code             ENODEV"]);
    assert_eq!(report.lines().last(), Some("granularity      none"), "the reason is said once");
}

/// FOPEN_DIRECT_IO of linux/fuse.h.
const DIRECT_IO: u32 = 1;

#[test]
fn a_file_in_user_space() {
    needs_root!();
    with_own_mounts(|| {
        for (flags, mapped) in [(0, true), (DIRECT_IO, false)] {
            let place = tempfile::NamedTempFile::new().expect("a place");
            let server = serve(place.path(), flags);
            let file = File::options().read(true).write(true).open(place.path()).expect("opened");
            assert_eq!(file.metadata().expect("fstat").len(), FUSE_SIZE);
            if mapped {
                assert_eq!(told(&file).1, Ok(Granularity::Page));
            } else {
                refused(&file, "FUSE");
            }
            drop(file);
            unmount(place.path(), UnmountFlags::empty()).expect("unmounted");
            assert!(server.join().expect("the server") >= 3, "requests were answered");
        }
    });
}

/// The size of the file.
const FUSE_SIZE: u64 = 8192;

/// Mounts a file system of one file on `place`, which is opened with these flags, and answers for
/// it until it is unmounted: how many requests there were. (linux/fuse.h, protocol 7.31.)
fn serve(place: &Path, open_flags: u32) -> thread::JoinHandle<u32> {
    const REGULAR: u32 = 0o100_000;
    let device = File::options().read(true).write(true).open("/dev/fuse");
    let device = device.expect("/dev/fuse, of the module fuse");
    let options = format!("fd={},rootmode={REGULAR:o},user_id=0,group_id=0", device.as_raw_fd());
    let options = std::ffi::CString::new(options).expect("options");
    mount("pmem2", place, "fuse", MountFlags::empty(), options.as_c_str()).expect("a mount");
    thread::spawn(move || answer(device, open_flags))
}

fn answer(mut device: File, open_flags: u32) -> u32 {
    const REGULAR: u32 = 0o100_000;
    let words =
        |words: &[u32]| -> Vec<u8> { words.iter().flat_map(|word| word.to_ne_bytes()).collect() };
    // struct fuse_attr: ino, size, blocks and three times; nanoseconds, mode, nlink, owner, group,
    // rdev, blksize.
    let numbers = [1, FUSE_SIZE, 16, 0, 0, 0].map(u64::to_ne_bytes).concat();
    let attributes = [numbers, words(&[0, 0, 0, REGULAR | 0o666, 1, 0, 0, 0, 4096, 0])].concat();
    let (mut buffer, mut requests) = (vec![0; 1 << 17], 0);
    // ENODEV where it was unmounted.
    while let Ok(40..) = device.read(&mut buffer) {
        let word = |at: usize| u32::from_ne_bytes(buffer[at..at + 4].try_into().expect("a word"));
        let (opcode, unique) = (word(4), &buffer[8..16]);
        requests += 1;
        let (errno, body) = match opcode {
            // FUSE_INIT: major, minor, readahead, flags, queues, max_write, granularity, pages.
            26 => (0, words(&[7, 31, 0, 0, 0, 4096, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0])),
            // FUSE_GETATTR: how long it holds, attributes.
            3 => (0, [words(&[0; 4]), attributes.clone()].concat()),
            // FUSE_OPEN: a number, flags.
            14 => (0, words(&[1, 0, open_flags, 0])),
            // FUSE_STATFS.
            17 => (0, vec![0; 80]),
            // FUSE_FLUSH, FUSE_RELEASE.
            25 | 18 => (0, vec![]),
            // FUSE_FORGET, FUSE_BATCH_FORGET, FUSE_DESTROY: nobody waits.
            2 | 42 | 38 => continue,
            _ => (-libc::ENOSYS, vec![]),
        };
        let length = u32::try_from(body.len()).expect("short") + 16;
        let reply = [&length.to_ne_bytes()[..], &i32::to_ne_bytes(errno), unique, &body].concat();
        // ENOENT where nobody waits any more.
        let _ = write(&device, &reply);
    }
    requests
}

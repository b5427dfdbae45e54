//! Every kind of real descriptor, and the answers about those that are sources.

use std::{
    fs::{File, Metadata},
    io::Write,
    mem::ManuallyDrop,
    os::{
        fd::{AsRawFd, FromRawFd},
        unix::fs::MetadataExt,
    },
};

use crate::common::{
    fd,
    made::{DISK, FILE_SIZE, HUGE_PAGE, memfd},
    rows::{Expected, Row, rows},
    thread::with_own_descriptors,
};
use pmem2::{
    Error, Fd, Kind, Source,
    error::{Errno, HandleFault, Subject},
    report::Report,
};
use rustix::fs::{MemfdFlags, ftruncate};

#[test]
fn every_row_of_the_table() {
    needs_root!();
    with_own_descriptors(|| {
        for row in rows() {
            let Some(made) = row.descriptor() else { continue };
            let source = Source::from_fd(fd(made.raw()));
            match row.expected {
                Expected::Source { .. } => {
                    check_source(&row, &source.unwrap_or_else(|e| panic!("{}: {e}", row.name)))
                }
                Expected::Refused { error, code, word } => {
                    let refused = source.map(|_| ()).expect_err(row.name);
                    check_refusal(row.name, refused, (error, code, word));
                    // What `inspect` prints is the same.
                    assert_eq!(Report::new(&fd(made.raw())).verdict(), Err(error), "{}", row.name);
                }
            }
        }
    });
}

#[test]
fn descriptor_0_is_one_like_the_others() {
    with_own_descriptors(|| {
        let file = memfd(MemfdFlags::empty(), FILE_SIZE).expect("a file");
        // SAFETY: dup2 exchanges what is under 0, in this thread's own table, where nobody reads
        // standard input.
        assert_eq!(unsafe { libc::dup2(file.as_raw_fd(), 0) }, 0);
        let source = Source::from_fd(fd(0)).expect("a source");
        assert_eq!((source.size(), source.alignment()), (Ok(FILE_SIZE), Ok(4096)));
        assert_eq!(source.file_system().map(|system| system.to_string()), Ok("tmpfs".to_owned()));
        // SAFETY: close takes any number; this one is used no more.
        assert_eq!(unsafe { libc::close(0) }, 0);
        assert_eq!(source.size(), Err(Error::InvalidFileHandle(HandleFault::NotOpen)));
    });
}

fn check_refusal(name: &str, refused: Error, (error, code, word): (Error, i32, &str)) {
    assert_eq!(refused, error, "{name}");
    assert_eq!(refused.code(), code, "{name}");
    assert_eq!(refused.errno().raw(), libc::EINVAL, "{name}");
    let sentence = refused.to_string();
    assert!(sentence.contains(word), "{name}: {sentence:?} does not say {word:?}");
}

fn check_source(row: &Row, source: &Source<Fd<'_>>) {
    let Expected::Source { access, size, alignment, file_system } = row.expected else {
        unreachable!("asked for")
    };
    let name = row.name;
    let (metadata, statfs) = asked_of_the_system(source.handle().as_raw());

    assert_eq!(source.kind(), Kind::RegularFile, "{name}");
    assert_eq!(source.access(), access, "{name}");
    assert_eq!(source.size(), Ok(size), "{name}");
    assert_eq!(source.alignment(), Ok(alignment), "{name}");
    assert_eq!(source.allocated(), Ok(metadata.blocks() * 512), "{name}");

    let id = source.id();
    let (major, minor) = (libc::major(metadata.dev()), libc::minor(metadata.dev()));
    assert_eq!(id.device(), (major, minor), "{name}");
    assert_eq!(id.inode(), metadata.ino(), "{name}");
    assert_eq!(id.represented_device(), (0, 0), "{name}");

    let found = source.file_system().unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(i64::from(found.magic()), statfs & 0xffff_ffff, "{name}");
    if let Some(file_system) = file_system {
        assert_eq!(found.to_string(), file_system, "{name}");
    }

    let all = if size == 0 { Err(Error::SourceEmpty) } else { Ok(0..size) };
    assert_eq!(source.check_range(0, 0), all, "{name}");

    // A source is made of what has no memory, too: that it cannot be mapped is the report's word.
    let verdict = match file_system {
        Some("proc" | "sysfs" | "nsfs") => {
            Err(Error::Os { subject: Subject::Mapping, errno: Errno::ENODEV })
        }
        _ => Ok(()),
    };
    let report = source.report();
    assert_eq!((report.verdict(), report.size()), (verdict, Some(Ok(size))), "{name}");
}

/// fstat and fstatfs's f_type, by other ways than pmem2's.
fn asked_of_the_system(raw: i32) -> (Metadata, i64) {
    // SAFETY: from_raw_fd wants an open descriptor and its ownership. This one is open while the
    // row is tested, and ManuallyDrop leaves it to its owner.
    let file = ManuallyDrop::new(unsafe { File::from_raw_fd(raw) });
    let statfs = rustix::fs::fstatfs(&*file).expect("fstatfs of a file");
    (file.metadata().expect("fstat of a file"), statfs.f_type)
}

#[test]
fn the_size_is_fresh() {
    let file = tempfile::tempfile_in(DISK).expect("a file");
    let source = Source::new(&file).expect("a source");
    for size in [0, 1, 4095, 4096, FILE_SIZE, 1 << 40, 7] {
        file.set_len(size).expect("another size");
        assert_eq!(source.size(), Ok(size));
    }
}

#[test]
fn the_largest_file_there_can_be() {
    let largest = i64::MAX.unsigned_abs();
    let file = memfd(MemfdFlags::empty(), largest).expect("a sparse file");
    let source = Source::new(&file).expect("a source");
    assert_eq!(source.size(), Ok(largest));
    assert_eq!(source.allocated(), Ok(0));
    let last_page = largest - 4095;
    assert_eq!(source.check_range(last_page, 0), Ok(last_page..largest));
    // Ends one byte beyond.
    assert_eq!(
        source.check_range(last_page, 4096),
        Err(Error::MapRange { end: 1 << 63, size: largest })
    );
    assert_eq!(source.check_range(1 << 63, 4096), Err(Error::OffsetOutOfRange { offset: 1 << 63 }));
    let huge = u64::MAX - 4095;
    assert_eq!(
        source.check_range(4096, huge),
        Err(Error::MapRange { end: u64::MAX, size: largest })
    );
}

#[test]
fn holes_are_not_allocated() {
    const MIB: u64 = 1 << 20;
    let file = File::from(memfd(MemfdFlags::empty(), MIB).expect("a file"));
    let source = Source::new(&file).expect("a source");
    assert_eq!(source.allocated(), Ok(0));
    // One byte takes a page of tmpfs.
    std::os::unix::fs::FileExt::write_all_at(&file, b"x", MIB / 2).expect("a byte");
    assert_eq!((source.allocated(), source.size()), (Ok(4096), Ok(MIB)));
    assert!(source.report().to_string().contains("less than the size"));
    ftruncate(&file, 0).expect("an empty file");
    assert_eq!((source.allocated(), source.size()), (Ok(0), Ok(0)));

    let mut on_disk = tempfile::tempfile_in(DISK).expect("a file");
    on_disk.write_all(&[1; 4096]).expect("a page");
    on_disk.sync_all().expect("blocks are given at the latest now");
    on_disk.set_len(MIB).expect("a hole behind it");
    let source = Source::new(&on_disk).expect("a source");
    let allocated = source.allocated().expect("allocated bytes");
    assert!((4096..MIB).contains(&allocated), "{allocated}");
    assert_eq!(allocated, on_disk.metadata().expect("fstat").blocks() * 512);
}

#[test]
fn huge_pages_align_ranges() {
    let file = memfd(MemfdFlags::HUGETLB | MemfdFlags::HUGE_2MB, 2 * HUGE_PAGE)
        .expect("a memfd of huge pages");
    let source = Source::new(&file).expect("a source");
    assert_eq!(source.check_range(HUGE_PAGE, HUGE_PAGE), Ok(HUGE_PAGE..2 * HUGE_PAGE));
    assert_eq!(
        source.check_range(4096, HUGE_PAGE),
        Err(Error::OffsetUnaligned { offset: 4096, alignment: HUGE_PAGE })
    );
    assert_eq!(
        source.check_range(0, 4096),
        Err(Error::LengthUnaligned { length: 4096, alignment: HUGE_PAGE })
    );
}

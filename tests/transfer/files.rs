//! Files of every sort that can be read and written.

use std::{fs::File, os::unix::fs::FileExt, sync::Arc};

use pmem2::{
    Source,
    transfer::{Reader, Writer},
};
use rustix::fs::{MemfdFlags, OFlags};

use crate::{
    all_of, byte, bytes,
    common::made::{self, HUGE_PAGE, Made},
    file_of, memory, on_disk,
};

const LENGTH: usize = 20_000;

/// Each sort of file, with the bytes of these tests or with zeros.
fn sorts() -> Vec<(&'static str, File)> {
    let made = |making: std::io::Result<Made>| {
        let file = file_of(&making.expect("a file"));
        file.set_len(LENGTH as u64).expect("its length");
        file
    };
    vec![
        ("on the disk", on_disk(LENGTH, OFlags::RDWR)),
        ("a memfd", memory(LENGTH)),
        ("sparse", made(made::deleted_file())),
        ("on a tmpfs", made(made::file_on("tmpfs", "", 1))),
        ("on a tmpfs of huge pages", made(made::file_on("tmpfs", "huge=always", 1))),
        ("on an overlay", made(made::overlay_file())),
    ]
}

#[test]
fn what_was_written_is_read() {
    needs_root!();
    for (name, file) in sorts() {
        let source = Source::new(&file).expect(name);
        let mut expected = vec![0; LENGTH];
        file.read_exact_at(&mut expected, 0).expect("its bytes");
        assert!(all_of(&source) == expected, "{name}");
        for (offset, length) in
            [(0, 1), (1, 4095), (4090, 10), (512, 12_000), (LENGTH - 1, 1), (7, 0), (LENGTH, 0)]
        {
            let new: Vec<u8> = (0..length).map(|index| (index * 3 + offset) as u8).collect();
            assert_eq!(
                source.write_at(offset as u64, &new),
                Ok(()),
                "{name}: {length} at {offset}"
            );
            expected[offset..offset + length].copy_from_slice(&new);
            let mut found = vec![0xEE; length];
            assert_eq!(source.read_at(offset as u64, &mut found), Ok(()), "{name}");
            assert!(found == new, "{name}: {length} at {offset}");
        }
        assert!(all_of(&source) == expected, "{name}: and nothing else");
        assert_eq!(source.size(), Ok(LENGTH as u64), "{name}: it does not grow");
        assert_eq!(source.sync(), Ok(()), "{name}");
        let mut kernel = vec![0; LENGTH];
        file.read_exact_at(&mut kernel, 0).expect("its bytes");
        assert!(kernel == expected, "{name}");
    }
}

/// A file of huge pages can be read; there is no write(2) for it.
#[test]
fn huge_pages() {
    let flags = MemfdFlags::HUGETLB | MemfdFlags::HUGE_2MB;
    let Some(fd) = made::unless(
        "a memfd of huge pages",
        made::memfd(flags, HUGE_PAGE),
        &[rustix::io::Errno::NOSYS],
    ) else {
        return;
    };
    let file = File::from(fd);
    let source = Source::new(&file).expect("a source");
    let mut found = vec![0xEE; 10_000];
    assert_eq!(source.read_at(HUGE_PAGE - 10_000, &mut found), Ok(()));
    assert!(found.iter().all(|&byte| byte == 0));
    let error = source.write_at(0, &[1]).expect_err("no write");
    assert_eq!(error.done(), 0);
    assert!(
        matches!(error.error(), pmem2::Error::Os { subject: pmem2::error::Subject::Write, .. }),
        "{error}"
    );
}

/// A reader and a writer see what the file is now.
#[test]
fn kept_readers_and_writers() {
    let file = Arc::new(memory(LENGTH));
    let reader = Reader::new(Source::new(file.clone()).expect("a source")).expect("a reader");
    let writer = Writer::new(Source::new(file.clone()).expect("a source")).expect("a writer");
    let mut found = [0; 100];
    for round in 0..100_usize {
        assert_eq!(writer.write_at(round as u64 * 100, &[round as u8; 50]), Ok(()));
        assert_eq!(reader.read_at(round as u64 * 100, &mut found), Ok(()));
        assert_eq!(found[..50], [round as u8; 50]);
        assert_eq!(found[50..], bytes(LENGTH)[round * 100 + 50..round * 100 + 100]);
        assert_eq!(writer.read_at(round as u64 * 100, &mut found[..50]), Ok(()));
    }
    let behind =
        |reader: &Reader<_>| reader.read_at(LENGTH as u64, &mut [0]).map_err(|error| error.error());
    let out = pmem2::Error::LengthOutOfRange { end: LENGTH as u64 + 1, size: LENGTH as u64 };
    assert_eq!(behind(&reader), Err(out));
    file.set_len(LENGTH as u64 + 1).expect("another length");
    assert_eq!(behind(&reader), Ok(()));
    assert_eq!(writer.source().size(), reader.source().size());
}

#[test]
fn many_threads_at_once() {
    const THREADS: usize = 8;
    let file = memory(LENGTH);
    let writer = &Writer::new(Source::new(&file).expect("a source")).expect("a writer");
    let share = LENGTH / THREADS;
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                let (mut found, start) = (vec![0; share], (thread * share) as u64);
                for round in 0..100_usize {
                    let new = vec![(thread + round) as u8; share];
                    assert_eq!(writer.write_at(start, &new), Ok(()));
                    assert_eq!(writer.read_at(start, &mut found), Ok(()));
                    assert!(found == new);
                }
            });
        }
    });
    let found = all_of(writer.source());
    assert!((0..LENGTH).all(|at| found[at] == (at / share + 99) as u8));
}

/// More than one system call transfers, into 64 MiB that are mapped again and again.
#[test]
fn three_gigabytes() {
    const MAPPED: usize = 64 << 20;
    const LONG: usize = 3 << 30;
    let file = memory(0);
    file.set_len(LONG as u64 + 100).expect("its length");
    let last = LONG as u64 + 40;
    file.write_all_at(&[1, 2, 3], last).expect("bytes behind the middle");
    let buffer = crate::buffers::Ring::new(MAPPED, LONG + 100);
    let source = Source::new(&file).expect("a source");
    assert_eq!(source.read_into(0, buffer.whole()), Ok(()));
    // The end was written to the beginning of what is mapped, last of all.
    assert_eq!(buffer.first(100)[40..44], [1, 2, 3, 0]);
    assert_eq!(byte(0), 0);
}

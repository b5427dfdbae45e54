//! A source's answers.

use std::{
    fs::{self, File, OpenOptions},
    os::windows::io::AsRawHandle,
};

use pmem2::{
    Access, Error, Granularity, Kind, Sharing, Source,
    error::{HandleFault, Subject},
    place::{Backing, Expected, Reason},
    report::Report,
};

use crate::made::*;

const GRANULARITY: u64 = 65536;

#[test]
fn sizes() {
    let directory = Directory::new();
    for size in [0, 1, 4096, GRANULARITY, GRANULARITY + 1] {
        let source = Source::new(directory.open(size.to_string(), size)).expect("a source");
        assert_eq!((source.size(), source.alignment()), (Ok(size), Ok(GRANULARITY)));
    }
    // As it is now.
    let path = directory.file("growing", 1);
    let file = OpenOptions::new().read(true).write(true).open(path).expect("a file");
    let source = Source::new(&file).expect("a source");
    for size in [1, 70_000, 3] {
        file.set_len(size).expect("the size");
        assert_eq!(source.size(), Ok(size));
    }
}

#[test]
fn more_than_32_bits() {
    const SIZE: u64 = (5 << 30) + 1;
    let directory = Directory::new();
    let path = directory.file("sparse", 0);
    let file = OpenOptions::new().read(true).write(true).open(path).expect("a file");
    make_sparse(&file);
    file.set_len(SIZE).expect("the size");
    let source = Source::new(&file).expect("a source");
    assert_eq!(source.size(), Ok(SIZE));
    assert!(source.allocated().expect("a number") < 1 << 20);
    assert_eq!(source.check_range(1 << 32, 0), Ok(1 << 32..SIZE));
    assert_eq!(
        source.check_range(4096, 0),
        Err(Error::OffsetUnaligned { offset: 4096, alignment: GRANULARITY })
    );
}

#[test]
fn what_cannot_be_read_is_refused_where_it_would_be_mapped() {
    let directory = Directory::new();
    let path = directory.file("file", 5000);
    for (file, access, fault) in [
        (
            OpenOptions::new().write(true).open(&path).expect("a file"),
            Access::WRITE,
            HandleFault::WriteOnly,
        ),
        (
            OpenOptions::new().append(true).open(&path).expect("a file"),
            Access::WRITE | Access::APPEND,
            HandleFault::WriteOnly,
        ),
        (to_look(&path), Access::empty(), HandleFault::NoAccess),
    ] {
        let refused = Error::InvalidFileHandle(fault);
        let source = Source::new(&file).expect("a source");
        assert_eq!((source.access(), source.size()), (access, Ok(5000)));
        assert_eq!(source.check_range(0, 0), Err(refused));
        for sharing in [Sharing::Shared, Sharing::Private] {
            assert_eq!(source.expected_granularity(sharing), Err(refused));
        }
        for report in [source.report(), Report::new(&file)] {
            assert_eq!(
                (report.verdict(), report.access(), report.size()),
                (Err(refused), Some(access), Some(Ok(5000)))
            );
            assert_eq!(report.granularity(), None);
        }
        // For who only looks.
        assert_eq!(Report::new_unopened(&file).verdict(), Ok(()));
    }
    let file = OpenOptions::new().read(true).write(true).open(&path).expect("a file");
    assert_eq!(Source::new(&file).expect("a source").access(), Access::READ | Access::WRITE);
}

#[test]
fn ids() {
    let directory = Directory::new();
    let path = directory.file("file", 1);
    let open = || Source::new(File::open(&path).expect("a file")).expect("a source");
    let (source, again) = (open(), open());
    assert_eq!(source.id(), again.id());
    let link = directory.path().join("link");
    fs::hard_link(&path, &link).expect("a link");
    assert_eq!(Source::new(File::open(link).expect("a file")).expect("a source").id(), source.id());
    let other = Source::new(directory.open("other", 1)).expect("a source");
    assert_ne!(other.id(), source.id());
    assert_eq!(other.id().volume(), source.id().volume());
    assert!(source.id().volume() != 0);
}

/// Uses that Rust does not allow and C can make.
#[test]
fn a_handle_that_is_closed_and_reused() {
    let directory = Directory::new();
    let (path, other) = (directory.file("file", 1), directory.file("other", 2));
    let mut reused = false;
    // Other tests open files too: it may take some attempts until this one gets the number back.
    for _ in 0..1000 {
        let file = File::open(&path).expect("a file");
        let value = file.as_raw_handle();
        let source = Source::from_handle(borrowed(value)).expect("a source");
        drop(file);
        let next = File::open(&other).expect("a file");
        if next.as_raw_handle() != value {
            continue;
        }
        let replaced = Error::InvalidFileHandle(HandleFault::Replaced);
        assert_eq!(source.size(), Err(replaced));
        assert_eq!(source.allocated(), Err(replaced));
        assert_eq!(source.file_system().err(), Some(replaced));
        assert_eq!(source.place().err(), Some(replaced));
        assert_eq!(source.device_id().err(), Some(replaced));
        assert_eq!(source.device_usc(), Err(replaced));
        assert_eq!(source.expected_granularity(Sharing::Shared), Err(replaced));
        assert_eq!(source.report().verdict(), Err(replaced));
        // Known as long as the source lives.
        assert_eq!((source.alignment(), source.kind()), (Ok(GRANULARITY), Kind::RegularFile));
        reused = true;
        break;
    }
    assert!(reused, "no handle was used again");
}

#[test]
fn where_it_lies() {
    let directory = Directory::new();
    let file = directory.open("file", 5000);
    let source = Source::new(&file).expect("a source");
    let on = Backing::Volume { dax: false };
    let place = source.place().expect("a place");
    assert_eq!(
        (place.backing(), place.dax_capable(), place.regions().count()),
        (on, Some(false), 0)
    );
    assert_eq!(source.confirm_place(&place), Ok(()));
    assert_eq!(
        source.numa_node(),
        Err(Error::NotPersistentMemory { asked: Subject::NumaNode, on })
    );
    assert_eq!(source.region(0), Err(Error::NotPersistentMemory { asked: Subject::Region, on }));
    // Wine's volumes know neither IOCTL.
    assert_eq!(source.device_id().err(), Some(Error::Unsupported(Subject::DeviceId)));
    assert_eq!(source.device_usc(), Err(Error::Unsupported(Subject::UnsafeShutdowns)));
    let Expected { granularity, reason, .. } =
        source.expected_granularity(Sharing::Shared).expect("a granularity");
    assert_eq!((granularity, reason), (Granularity::Page, Reason::VolumeNotDax));
    let private = source.expected_granularity(Sharing::Private).expect("a granularity");
    assert_eq!((private.granularity, private.reason), (Granularity::Byte, Reason::Private));
    assert_eq!(source.file_system().expect("a file system").name(), Some("ntfs"));
    let shown = source.report().to_string();
    for line in [
        "persistent: no: a volume that is not DAX",
        "place            a volume that is not DAX",
        "granularity      PAGE",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line}: {shown}");
    }
}

#[test]
fn anonymous() {
    for size in [0, 1, u64::MAX] {
        let source = Source::from_anon(size).expect("a source");
        assert_eq!(
            (source.size(), source.alignment(), source.kind()),
            (Ok(size), Ok(GRANULARITY), Kind::Anonymous)
        );
        assert_eq!(source.numa_node(), Err(Error::Unsupported(Subject::NumaNode)));
        assert_eq!(source.device_usc(), Err(Error::Unsupported(Subject::UnsafeShutdowns)));
    }
}

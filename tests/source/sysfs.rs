//! Device DAX without a device: a /sys made by the test says that /dev/null is one, or something
//! that makes less sense. The descriptor, the paths and the code are the real ones.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt, symlink},
};

use crate::common::{
    child::{Ended, in_child},
    device_dax::{BUS_DAX, Entry, Sysfs, dev_null, with_sysfs},
    made::{self, terminal},
    thread::{as_nobody, open_descriptors, with_own_descriptors},
};
use pmem2::{
    Error, Kind, Source,
    error::{Errno, Subject},
    report::Report,
};
use rustix::fs::{CWD, FileType, Mode, mknodat};

const MALFORMED_SIZE: Error = Error::InvalidSizeFormat;
const MALFORMED_ALIGNMENT: Error = Error::InvalidAlignmentFormat;

const fn os(what: Subject, errno: i32) -> Error {
    Error::Os { subject: what, errno: Errno::from_raw(errno) }
}

#[test]
fn a_good_device() {
    needs_root!();
    with_sysfs(|sysfs| {
        let entry = sysfs.device_dax("1073741824\n", "2097152\n");
        let null = dev_null();
        let source = Source::new(&null).expect("a source");
        assert_eq!(source.kind(), Kind::DeviceDax);
        assert_eq!(source.id().represented_device(), (1, 3));
        assert_eq!((source.size(), source.alignment()), (Ok(1 << 30), Ok(2 << 20)));
        assert_eq!(source.allocated(), Err(Error::Unsupported(Subject::Allocated)));
        assert_eq!(source.check_range(2 << 20, 0), Ok(2 << 20..1 << 30));
        assert_eq!(
            source.check_range(4096, 0),
            Err(Error::OffsetUnaligned { offset: 4096, alignment: 2 << 20 })
        );
        let report = Report::new(&null);
        assert_eq!((report.verdict(), report.kind()), (Ok(()), Some(Kind::DeviceDax)));

        // Each call asks anew.
        entry.write("size", "4096\n");
        entry.write("align", "4096\n");
        assert_eq!((source.size(), source.alignment()), (Ok(4096), Ok(4096)));
        assert_eq!(source.check_range(0, 8192), Err(Error::MapRange { end: 8192, size: 4096 }));
        entry.write("size", "0\n");
        assert_eq!((source.size(), source.check_range(0, 0)), (Ok(0), Err(Error::SourceEmpty)));
        fs::remove_dir_all(entry.directory()).expect("the device goes");
        assert_eq!(source.size(), Err(os(Subject::Size, libc::ENOENT)));
        assert_eq!(source.alignment(), Err(os(Subject::Alignment, libc::ENOENT)));
        let sentence = source.size().expect_err("no size").to_string();
        assert!(sentence.contains("the device is gone"), "{sentence}");
        // The device that it stands for was another when the link was read.
        assert_eq!(
            Source::new(&null).map(|_| ()),
            Err(Error::InvalidFileType(Kind::CharacterDevice))
        );
    });
}

/// The entry may itself be a link, as it is in the kernel's sysfs.
#[test]
fn an_entry_that_is_a_link() {
    needs_root!();
    with_sysfs(|sysfs| {
        sysfs.device_dax("12288\n", "4096\n");
        fs::create_dir_all("/sys/devices/platform").expect("a directory");
        fs::rename("/sys/dev/char/1:3", "/sys/devices/platform/dax0.0").expect("moved");
        symlink("../../devices/platform/dax0.0", "/sys/dev/char/1:3").expect("a link");
        let source = Source::new(dev_null()).expect("a source");
        assert_eq!(
            (source.kind(), source.size(), source.alignment()),
            (Kind::DeviceDax, Ok(12288), Ok(4096))
        );
    });
}

/// Before Linux 5.10 the parent tells the alignment of a device; before 5.1 devices were of a
/// class, whose name is a directory in between, and had a link to the parent.
#[test]
fn an_alignment_of_the_region() {
    needs_root!();
    with_sysfs(|sysfs| {
        for (directory, subsystem, device) in [
            ("dax0.1/dax0.0", "/sys/bus/dax", None),
            ("dax0.1/dax/dax0.0", "/sys/class/dax", Some("../../../dax0.1")),
        ] {
            sysfs.clear();
            let [entry, region] =
                [directory, "dax0.1/dax_region"].map(|name| format!("/sys/devices/{name}"));
            for directory in [&entry, &region, "/sys/dev/char"] {
                fs::create_dir_all(directory).expect("a directory");
            }
            fs::write(format!("{entry}/size"), "17177772032\n").expect("a size");
            fs::write(format!("{region}/align"), "2097152\n").expect("an alignment");
            symlink(subsystem, format!("{entry}/subsystem")).expect("a link");
            if let Some(device) = device {
                symlink(device, format!("{entry}/device")).expect("a link");
            }
            symlink(format!("../../devices/{directory}"), "/sys/dev/char/1:3").expect("a link");
            let source = Source::new(dev_null()).expect("a source");
            assert_eq!(
                (source.kind(), source.size(), source.alignment()),
                (Kind::DeviceDax, Ok(17_177_772_032), Ok(2 << 20)),
                "{directory}"
            );
            // Its own comes first.
            fs::write(format!("{entry}/align"), "4096\n").expect("an alignment");
            assert_eq!(source.alignment(), Ok(4096));
        }
    });
}

/// Where sysfs tells no alignment, the driver does: /dev/zero maps a page.
#[test]
fn an_alignment_that_is_tried() {
    needs_root!();
    with_sysfs(|_| {
        let entry = Entry::at("/sys/dev/char/1:5");
        entry.link("subsystem", BUS_DAX);
        entry.write("size", "8192\n");
        let zero = fs::File::open("/dev/zero").expect("/dev/zero");
        let source = Source::new(&zero).expect("a source");
        assert_eq!((source.alignment(), source.check_range(0, 0)), (Ok(4096), Ok(0..8192)));
        assert_eq!(Report::new(&zero).verdict(), Ok(()));
        // The size is told by nothing else.
        fs::remove_file(entry.path("size")).expect("removed");
        assert_eq!(source.alignment(), Ok(4096));
        let error = source.size().expect_err("no size");
        assert_eq!(error, os(Subject::Size, libc::ENOENT));
        assert!(error.to_string().contains("sysfs"), "{error}");
        assert_eq!(Report::new(&zero).verdict(), Err(error));
    });
}

#[test]
fn texts_that_are_numbers() {
    needs_root!();
    with_sysfs(|sysfs| {
        let null = dev_null();
        for (text, number) in [
            ("4096\n", 4096),
            ("4096", 4096),
            ("0000000000004096\n", 4096),
            ("1\n", 1),
            ("9223372036854775808\n", 1 << 63),
        ] {
            sysfs.device_dax(text, text);
            let source = Source::new(&null).expect("a source");
            assert_eq!((source.size(), source.alignment()), (Ok(number), Ok(number)), "{text:?}");
        }
        sysfs.device_dax("18446744073709551615\n", "18446744073709551615");
        let source = Source::new(&null).expect("a source");
        assert_eq!(source.size(), Ok(u64::MAX));
        for (text, value) in [
            ("0\n", 0),
            ("3\n", 3),
            ("4095\n", 4095),
            ("6144\n", 6144),
            ("18446744073709551615\n", u64::MAX),
        ] {
            sysfs.entry().write("align", text);
            assert_eq!(source.alignment(), Err(Error::InvalidAlignmentValue(value)));
            assert_eq!(source.check_range(0, 0), Err(Error::InvalidAlignmentValue(value)));
        }
    });
}

#[test]
fn texts_that_are_no_numbers() {
    needs_root!();
    let digits = |count| "1".repeat(count);
    let mut texts: Vec<Vec<u8>> = [
        "",
        "\n",
        "\n\n",
        " ",
        "x",
        "garbage\n",
        "0x1000\n",
        "1000h",
        "-1\n",
        "-4096\n",
        "+4096\n",
        " 4096\n",
        "4096 \n",
        "4096\t\n",
        "4096\n\n",
        "4096\n4096\n",
        "4096\r\n",
        "4,096\n",
        "4096.0\n",
        "4k\n",
        "4096 kB\n",
        "1e12\n",
        "\n4096\n",
        "(null)\n",
        "٤٠٩٦\n",
        "nan",
        // 2^64, and what would be 0 and 4096 if it wrapped.
        "18446744073709551616\n",
        "36893488147419103232\n",
        "18446744073709555712\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec();
    texts.extend([30, 31, 32, 33, 64, 4096, 100_000].map(|count| digits(count).into_bytes()));
    texts.extend([
        b"\0".to_vec(),
        b"4096\0".to_vec(),
        b"40\x0096\n".to_vec(),
        b"\xff\xfe\n".to_vec(),
        vec![0; 4096],
    ]);
    // A number that begins well and goes on beyond what is read of it.
    texts.push([b"4096\n".to_vec(), vec![b'\n'; 60]].concat());
    texts.push(b"0".repeat(60));
    with_sysfs(|sysfs| {
        let null = dev_null();
        for text in texts {
            sysfs.device_dax(&text, &text);
            let source = Source::new(&null).expect("a source");
            let shown = String::from_utf8_lossy(&text[..text.len().min(40)]).into_owned();
            assert_eq!(source.size(), Err(MALFORMED_SIZE), "{shown:?}");
            assert_eq!(source.alignment(), Err(MALFORMED_ALIGNMENT), "{shown:?}");
            assert_eq!(source.check_range(0, 0), Err(MALFORMED_SIZE), "{shown:?}");
        }
    });
}

/// Everything that can lie where the files `size` and `align` should, and the errno of the attempt
/// to read it; `None`: nothing is read, and that is no number.
#[test]
fn attributes_that_are_no_files() {
    needs_root!();
    type Put = fn(&Entry, &str);
    let table: [(&str, Put, Option<i32>); 8] = [
        ("missing", |_, _| {}, Some(libc::ENOENT)),
        (
            "directory",
            |entry, name| fs::create_dir(entry.path(name)).expect("a directory"),
            Some(libc::EISDIR),
        ),
        ("loop", |entry, name| entry.link(name, name), Some(libc::ELOOP)),
        ("link to nothing", |entry, name| entry.link(name, "nothing"), Some(libc::ENOENT)),
        (
            "link through a file",
            |entry, name| entry.link(name, "/dev/zero/size"),
            Some(libc::ENOTDIR),
        ),
        // It must not wait for a writer: without one, a FIFO that was opened without blocking is
        // at its end.
        ("FIFO", |entry, name| node(entry, name, FileType::Fifo), None),
        ("socket", |entry, name| node(entry, name, FileType::Socket), Some(libc::ENXIO)),
        ("endless device", |entry, name| entry.link(name, "/dev/zero"), None),
    ];
    with_sysfs(|sysfs| {
        let null = dev_null();
        for (name, put, errno) in table {
            let entry = sysfs.device();
            entry.link("subsystem", BUS_DAX);
            put(&entry, "size");
            put(&entry, "align");
            let source = Source::new(&null).expect("a source");
            let expected = |what, malformed| Err(errno.map_or(malformed, |errno| os(what, errno)));
            let expected = (
                expected(Subject::Size, MALFORMED_SIZE),
                expected(Subject::Alignment, MALFORMED_ALIGNMENT),
            );
            // In a child, so that waiting for ever is a failure.
            assert_eq!(
                in_child(|| (source.size(), source.alignment())),
                Ended::With(expected),
                "{name}"
            );
        }
    });
}

fn node(entry: &Entry, name: &str, kind: FileType) {
    mknodat(CWD, entry.path(name), kind, Mode::RUSR | Mode::WUSR, 0).expect("a node");
}

#[test]
fn attributes_that_may_not_be_read() {
    needs_root!();
    with_sysfs(|sysfs| {
        let entry = sysfs.device_dax("4096\n", "4096\n");
        for name in ["size", "align"] {
            fs::set_permissions(entry.path(name), Permissions::from_mode(0o000))
                .expect("no rights");
        }
        let source = Source::new(dev_null()).expect("a source");
        let (size, alignment) = as_nobody(|| (source.size(), source.alignment()));
        assert_eq!(size, Err(os(Subject::Size, libc::EACCES)));
        assert_eq!(alignment, Err(os(Subject::Alignment, libc::EACCES)));
        assert!(size.expect_err("no rights").to_string().contains("more rights"));
        assert_eq!(source.size(), Ok(4096), "root may");
    });
}

/// The targets of the link `subsystem`, and the kind of the device then.
#[test]
fn subsystems() {
    needs_root!();
    let deep = |levels: usize| "../".repeat(levels) + "bus/dax";
    let table: Vec<(String, Kind)> = [
        (BUS_DAX, Kind::DeviceDax),
        ("../../../bus/dax", Kind::DeviceDax),
        // Before Linux 5.1.
        ("../../../../class/dax", Kind::DeviceDax),
        ("/sys/bus/dax", Kind::DeviceDax),
        ("dax", Kind::DeviceDax),
        ("../../../../class/mem", Kind::CharacterDevice),
        ("../../../../bus/daxx", Kind::CharacterDevice),
        ("../../../../bus/dax/foo", Kind::CharacterDevice),
        ("../../../../bus/dax/", Kind::CharacterDevice),
        ("../../../../bus/xdax", Kind::CharacterDevice),
        ("../../../../bus/DAX", Kind::CharacterDevice),
        ("../../../../bus/dax\n", Kind::CharacterDevice),
        ("daxdax", Kind::CharacterDevice),
        ("/", Kind::CharacterDevice),
        // To itself: the link is read, not followed.
        ("subsystem", Kind::CharacterDevice),
    ]
    .map(|(target, kind)| (target.to_owned(), kind))
    .into_iter()
    // As deep as is documented, 160 levels, and so long that the end is cut off.
    .chain([
        (deep(160), Kind::DeviceDax),
        (deep(168), Kind::DeviceDax),
        ("x".repeat(511 - 4) + "/dax", Kind::DeviceDax),
        ("x".repeat(512 - 4) + "/dax", Kind::UnknownDevice(Subject::Subsystem)),
        (deep(200), Kind::UnknownDevice(Subject::Subsystem)),
        (deep(1300), Kind::UnknownDevice(Subject::Subsystem)),
    ])
    .collect();
    with_sysfs(|sysfs| {
        let null = dev_null();
        for (target, kind) in table {
            let entry = sysfs.device();
            entry.link("subsystem", &target);
            let expected = match kind {
                Kind::DeviceDax => Ok(kind),
                Kind::UnknownDevice(what) => Err(Error::UnknownFileType(what)),
                kind => Err(Error::InvalidFileType(kind)),
            };
            let found = Source::new(&null).map(|source| source.kind());
            assert_eq!(found, expected, "{target:?}");
            assert_eq!(
                found.map_or_else(|error| error.code(), |_| 0),
                expected.map_or(-100_005, |_| 0),
                "{target:?}"
            );
        }
    });
}

/// Shapes of /sys that no kernel gives.
#[test]
fn entries_that_make_no_sense() {
    needs_root!();
    const CHARACTER: Error = Error::InvalidFileType(Kind::CharacterDevice);
    // Without /sys, the kernel tells by statx(2) that it is none.
    const NO_SYSFS: Error = CHARACTER;
    type Put = fn(&Sysfs);
    let table: [(&str, Put, Error); 13] = [
        ("no link", |sysfs| drop(sysfs.device()), CHARACTER),
        (
            "a file for a link",
            |sysfs| sysfs.device().write("subsystem", "dax"),
            os(Subject::Subsystem, libc::EINVAL),
        ),
        (
            "a directory for a link",
            |sysfs| fs::create_dir(sysfs.device().path("subsystem")).expect("a directory"),
            os(Subject::Subsystem, libc::EINVAL),
        ),
        ("an entry that is a file", |_| put_file("/sys/dev/char", "1:3"), CHARACTER),
        ("an entry that links to nothing", |_| put_link("/sys/dev/char", "1:3", "gone"), CHARACTER),
        (
            "an entry that links to itself",
            |_| put_link("/sys/dev/char", "1:3", "1:3"),
            os(Subject::Subsystem, libc::ELOOP),
        ),
        (
            "a loop of two",
            |_| {
                put_link("/sys/dev/char", "1:3", "1:5");
                put_link("/sys/dev/char", "1:5", "1:3");
            },
            os(Subject::Subsystem, libc::ELOOP),
        ),
        ("no entry", |_| fs::create_dir_all("/sys/dev/char").expect("a directory"), CHARACTER),
        (
            "no /sys/dev/char",
            |_| fs::create_dir_all("/sys/dev/block").expect("a directory"),
            NO_SYSFS,
        ),
        ("nothing in /sys", |_| {}, NO_SYSFS),
        ("/sys/dev is a file", |_| put_file("/sys", "dev"), NO_SYSFS),
        ("/sys/dev/char is a file", |_| put_file("/sys/dev", "char"), CHARACTER),
        (
            "/sys/dev/char is a loop",
            |_| put_link("/sys/dev", "char", "char"),
            os(Subject::Subsystem, libc::ELOOP),
        ),
    ];
    with_sysfs(|sysfs| {
        let null = dev_null();
        for (name, put, error) in table {
            sysfs.clear();
            put(sysfs);
            assert_eq!(Source::new(&null).map(|_| ()), Err(error), "{name}");
        }
    });
}

fn put_file(directory: &str, name: &str) {
    fs::create_dir_all(directory).expect("a directory");
    fs::write(format!("{directory}/{name}"), "").expect("a file");
}

fn put_link(directory: &str, name: &str, target: &str) {
    fs::create_dir_all(directory).expect("a directory");
    symlink(target, format!("{directory}/{name}")).expect("a link");
}

#[test]
fn a_sysfs_that_may_not_be_searched() {
    needs_root!();
    with_sysfs(|sysfs| {
        sysfs.device_dax("4096\n", "4096\n");
        let (null, (_master, slave)) = (dev_null(), terminal().expect("a terminal"));
        for (closed, error) in
            [("/sys/dev/char/1:3", Subject::Subsystem), ("/sys/dev", Subject::Subsystem)]
        {
            fs::set_permissions(closed, Permissions::from_mode(0o700)).expect("no rights");
            let found = as_nobody(|| Source::new(&null).map(|_| ()));
            assert_eq!(found, Err(os(error, libc::EACCES)), "{closed}");
            assert_eq!(found.map_err(|error| error.code()), Err(-libc::EACCES), "{closed}");
            fs::set_permissions(closed, Permissions::from_mode(0o755)).expect("rights");
        }
        // A device without an entry is none, whoever asks.
        let found = as_nobody(|| Source::new(&slave).map(|_| ()));
        assert_eq!(found, Err(Error::InvalidFileType(Kind::CharacterDevice)));
        assert!(Source::new(&null).is_ok());
    });
}

/// A descriptor that is of no use is refused for that, whatever /sys is like.
#[test]
fn the_handle_is_judged_before_sysfs() {
    needs_root!();
    use pmem2::error::HandleFault::{NoAccess, WriteOnly};
    use rustix::fs::OFlags;
    with_sysfs(|_| {
        put_link("/sys/dev/char", "1:3", "1:3");
        for (flags, fault) in [(OFlags::WRONLY, WriteOnly), (OFlags::RWMODE, NoAccess)] {
            let null = made::path("/dev/null", flags);
            let Some(null) = made::unless("/dev/null, access mode 3", null, made::NO_MODE_3) else {
                continue;
            };
            assert_eq!(Source::new(&null).map(|_| ()), Err(Error::InvalidFileHandle(fault)));
        }
        assert_eq!(Source::new(dev_null()).map(|_| ()), Err(os(Subject::Subsystem, libc::ELOOP)));
    });
}

#[test]
fn what_was_opened_in_sysfs_is_closed() {
    needs_root!();
    with_own_descriptors(|| {
        with_sysfs(|sysfs| {
            let null = dev_null();
            for text in ["4096\n", "garbage", ""] {
                sysfs.device_dax(text, text);
                let source = Source::new(&null).expect("a source");
                let before = open_descriptors();
                for _ in 0..3 {
                    let _ = (
                        source.size(),
                        source.alignment(),
                        source.check_range(0, 0),
                        source.report().verdict(),
                    );
                }
                assert_eq!(open_descriptors(), before, "{text:?}");
            }
        });
    });
}

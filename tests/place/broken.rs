//! Answers of /sys that make no sense, are missing, or may not be read: each is an error that says
//! so, or no answer where there need not be one; and what needs them not is answered all the same.

use std::{fs::Permissions, os::unix::fs::PermissionsExt};

use pmem2::{
    Error, Source,
    error::{Errno, Subject},
    persist::PersistenceDomain,
};

use crate::{
    common::{
        device_dax::{Entry, Sysfs},
        nd::{self, Bus},
        thread::{as_nobody, open_descriptors, with_own_descriptors},
    },
    os, regions, source, with_bus,
};

/// A file that is read on the way, by the questions that need it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Attribute {
    NumaNode,
    Persistence,
    Provider,
    ReadOnly,
    Namespace,
    Mapping,
    Id,
    DirtyShutdown,
    Flags,
    Queue,
}

use Attribute::*;

const ALL: [Attribute; 10] = [
    NumaNode,
    Persistence,
    Provider,
    ReadOnly,
    Namespace,
    Mapping,
    Id,
    DirtyShutdown,
    Flags,
    Queue,
];

impl Attribute {
    /// Where it is, below the bus.
    fn path(self) -> &'static str {
        match self {
            NumaNode => "region0/numa_node",
            Persistence => "region0/persistence_domain",
            Provider => "provider",
            ReadOnly => "region0/read_only",
            Namespace => "region0/pfn0.1/namespace",
            Mapping => "region0/mapping1",
            Id => "nmem1/nfit/id",
            DirtyShutdown => "nmem1/nfit/dirty_shutdown",
            Flags => "nmem1/nfit/flags",
            Queue => "region0/pfn0.1/block/pmem0/queue/dax",
        }
    }

    /// The subject that is asked for when it is read.
    fn what(self) -> Subject {
        match self {
            NumaNode => Subject::NumaNode,
            Persistence => Subject::PersistenceDomain,
            Provider | ReadOnly | Namespace => Subject::Region,
            Mapping | Flags => Subject::Dimm,
            Id => Subject::DeviceId,
            DirtyShutdown => Subject::UnsafeShutdowns,
            Queue => Subject::Dax,
        }
    }

    /// Whether place, numa_node, device_id and device_usc read it.
    fn readers(self) -> [bool; 4] {
        match self {
            NumaNode => [true, true, false, false],
            Persistence | Provider | ReadOnly | Namespace | Flags | Queue => {
                [true, false, false, false]
            }
            Mapping => [true, false, true, true],
            Id => [false, false, true, false],
            DirtyShutdown => [false, false, false, true],
        }
    }
}

/// The errors of place, numa_node, device_id and device_usc.
fn errors(source: &Source<std::fs::File>) -> [Option<Error>; 4] {
    [
        source.place().err(),
        source.numa_node().err(),
        source.device_id().err(),
        source.device_usc().err(),
    ]
}

/// A file on the disk of a region with two DIMMs.
fn with_dimms(body: impl FnOnce(&Bus, Source<std::fs::File>) + Send) {
    with_bus(|_, bus| {
        bus.dimm(0, "8680-1", "1");
        bus.dimm(1, "8680-2", "2");
        bus.region(0, &[0, 1]).fsdax("pmem0", nd::disk());
        let source = source();
        assert_eq!(errors(&source), [None; 4]);
        body(bus, source);
    });
}

/// Who reads it gets this; the others do not notice.
fn of_readers(file: Attribute, error: Option<Error>) -> [Option<Error>; 4] {
    file.readers().map(|reads| if reads { error } else { None })
}

#[test]
fn garbage() {
    needs_root!();
    const NUMBERS: &[&str] = &[
        "",
        "\n",
        "x\n",
        " 1\n",
        "1 \n",
        "+1\n",
        "0x1\n",
        "1\n1\n",
        "18446744073709551616\n",
        "1\0",
    ];
    let table: &[(Attribute, Error, &[&str])] = &[
        (NumaNode, Error::InvalidRegionFormat, NUMBERS),
        (
            NumaNode,
            Error::InvalidRegionFormat,
            &["-2\n", "--1\n", "-1 \n", "-01\n", "4294967296\n"],
        ),
        (
            Persistence,
            Error::InvalidRegionFormat,
            &["cpu\n", "cpu_cache \n", "CPU_CACHE\n", "memory_controller_\n", "0\n"],
        ),
        (ReadOnly, Error::InvalidRegionFormat, NUMBERS),
        (ReadOnly, Error::InvalidRegionFormat, &["2\n", "-1\n", "yes\n"]),
        (
            Namespace,
            Error::InvalidRegionFormat,
            &["", "\n", "namespace0\n", "namespace0.\n", "namespace0.x\n", "0.-1\n"],
        ),
        (
            Mapping,
            Error::InvalidDevFormat,
            &["", "\n", ",0,1,2\n", "nmem\n", "nmem,0\n", "nmemx,0\n", "dimm0,0\n"],
        ),
        (Mapping, Error::InvalidDevFormat, &["nmem4294967296,0\n", "nmem-1,0\n", "xnmem0,0\n"]),
        (
            Id,
            Error::InvalidDevFormat,
            &["", "\n", "a b\n", " a\n", "a\t\n", "a\nb\n", "a\0\n", "é\n"],
        ),
        (DirtyShutdown, Error::InvalidDevFormat, NUMBERS),
        (DirtyShutdown, Error::InvalidDevFormat, &["-1\n", "many\n"]),
        (Queue, Error::Unknown(Subject::Dax), NUMBERS),
        (Queue, Error::Unknown(Subject::Dax), &["2\n", "-1\n"]),
    ];
    with_dimms(|bus, source| {
        for &(file, error, texts) in table {
            let good = std::fs::read(bus.entry.path(file.path())).expect("a file");
            for text in texts {
                bus.entry.write(file.path(), text);
                assert_eq!(errors(&source), of_readers(file, Some(error)), "{file:?}: {text:?}");
            }
            // So long that it is cut off, with a good beginning.
            let long =
                [good.strip_suffix(b"\n").expect("a line"), b"\n".repeat(300).as_slice()].concat();
            bus.entry.write(file.path(), long);
            assert_eq!(errors(&source), of_readers(file, Some(error)), "{file:?}: too long");
            bus.entry.write(file.path(), good);
        }
        for (file, error) in
            [(Provider, Error::InvalidRegionFormat), (Flags, Error::InvalidDevFormat)]
        {
            bus.entry.write(file.path(), "x".repeat(300));
            assert_eq!(errors(&source), of_readers(file, Some(error)), "{file:?}: too long");
            bus.entry.write(file.path(), b"\xff\xfe\n");
            assert_eq!(errors(&source), [None; 4], "{file:?}: it is only shown, or compared");
        }
        assert_eq!(source.device_id().as_deref(), Ok("8680-18680-2"));
        bus.entry.write(Id.path(), "x".repeat(32) + "\n");
        assert_eq!(source.device_id().map(|id| id.len()), Ok(6 + 32));
        bus.entry.write(Id.path(), "x".repeat(33) + "\n");
        assert_eq!(source.device_id(), Err(Error::InvalidDevFormat));
        bus.entry.write(DirtyShutdown.path(), "18446744073709551615\n");
        assert_eq!(source.device_usc(), Err(Error::InvalidDevFormat), "together more than 64 bits");
    });
}

#[test]
fn what_is_missing() {
    needs_root!();
    with_dimms(|bus, source| {
        for file in ALL {
            let path = bus.entry.path(file.path());
            let good = std::fs::read(&path).expect("a file");
            std::fs::remove_file(&path).expect("removed");
            let expected = match file {
                // Not every kernel, platform, family or disk has them.
                NumaNode | Persistence | Flags | Queue => [None; 4],
                // Then there is one DIMM less.
                Mapping => [None; 4],
                Id | DirtyShutdown => of_readers(file, Some(Error::Unsupported(file.what()))),
                _ => of_readers(file, Some(os(file.what(), Errno::ENOENT))),
            };
            assert_eq!(errors(&source), expected, "{file:?}");
            match file {
                Persistence => {
                    let place = source.place().expect("a place");
                    assert_eq!(regions(&place)[0].domain, PersistenceDomain::Unstated);
                }
                Mapping => assert_eq!(source.device_id().as_deref(), Ok("8680-1")),
                NumaNode => assert_eq!(source.numa_node(), Ok(None)),
                Queue => assert_eq!(source.place().map(|place| place.dax_capable()), Ok(None)),
                _ => {}
            }
            std::fs::write(path, good).expect("a file");
        }
    });
}

/// Not permitted is neither unsupported nor failed, in code and sentence.
#[test]
fn what_an_ordinary_user_may_not_read() {
    needs_root!();
    with_dimms(|bus, source| {
        for file in ALL {
            let path = bus.entry.path(file.path());
            std::fs::set_permissions(&path, Permissions::from_mode(0o000)).expect("no rights");
            let found = as_nobody(|| errors(&source));
            let expected = match file {
                // What a disk does not say of itself is no reason to know nothing.
                Queue => [None; 4],
                file => of_readers(file, Some(os(file.what(), Errno::EACCES))),
            };
            assert_eq!(found, expected, "{file:?}");
            for error in found.into_iter().flatten() {
                assert_eq!(error.code(), -13);
                assert!(error.to_string().contains("more rights are needed"), "{error}");
            }
            assert_eq!(errors(&source), [None; 4], "root may");
            std::fs::set_permissions(&path, Permissions::from_mode(0o444)).expect("rights");
        }
        let unsupported = Error::Unsupported(Subject::UnsafeShutdowns);
        let three =
            [unsupported, os(Subject::UnsafeShutdowns, Errno::EACCES), Error::InvalidDevFormat];
        let sentences: std::collections::HashSet<_> =
            three.iter().map(ToString::to_string).collect();
        assert_eq!(
            (three.map(|error| error.code()), sentences.len()),
            ([-100_001, -13, -100_027], 3)
        );
        // A directory that may not be searched.
        let nfit = bus.entry.path("nmem0/nfit");
        std::fs::set_permissions(&nfit, Permissions::from_mode(0o700)).expect("no rights");
        let id = as_nobody(|| source.device_id());
        assert_eq!(id, Err(os(Subject::DeviceId, Errno::EACCES)));
        std::fs::set_permissions("/sys/dev", Permissions::from_mode(0o700)).expect("no rights");
        let found = as_nobody(|| errors(&source));
        assert_eq!(found, [Some(os(Subject::Device, Errno::EACCES)); 4]);
    });
}

/// The disk's entry, where it is no link to the disk's location.
#[test]
fn entries_that_make_no_sense() {
    needs_root!();
    const REGION: Error = Error::InvalidRegionFormat;
    const DEVICE: Error = Error::InvalidDevFormat;
    let (major, minor) = nd::disk();
    let entry = format!("/sys/dev/block/{major}:{minor}");
    let put = |sysfs: &Sysfs, target: &str| {
        sysfs.clear();
        Entry::at("/sys/dev/block").link(&format!("{major}:{minor}"), target);
        errors(&source())
    };
    with_bus(|sysfs, _| {
        for target in [
            "../../devices/ndbus0",
            "../../devices/ndbus0/",
            "../../devices/ndbus0/region0",
            "../../devices/ndbus0/region/pfn0.1/block/pmem0",
            "../../devices/ndbus0/regionx/pfn0.1/block/pmem0",
            "../../devices/ndbus0/nmem0/nfit",
            "../../devices/ndbus0/region0/pfn0/block/pmem0",
            "../../devices/ndbus0/region0/pfn.1/block/pmem0",
            "../../devices/ndbus0/region0/pfn0.x/block/pmem0",
            "../../devices/ndbus0/region0/pfn0.4294967296/block/pmem0",
            "../../devices/ndbus0/region0/thing0.0/block/pmem0",
            "../../devices/ndbus0/region4294967296/pfn0.1/block/pmem0",
        ] {
            assert_eq!(put(sysfs, target), [Some(REGION); 4], "{target}");
        }
        let long = "../".repeat(200) + "devices/ndbus0/region0/pfn0.1/block/pmem0";
        assert_eq!(put(sysfs, &long), [Some(DEVICE); 4], "it is cut off");
        // Good, and leads nowhere.
        let gone = os(Subject::Device, Errno::ENOENT);
        let target = "../../devices/ndbus0/region0/pfn0.1/block/pmem0";
        assert_eq!(put(sysfs, target)[1], Some(gone));
        let elsewhere = "../../devices/pci0000:00/virtio0/block/vda";
        let on = pmem2::place::Backing::Disk { major, minor };
        let nowhere = |asked| Some(Error::NotPersistentMemory { asked, on });
        assert_eq!(
            put(sysfs, elsewhere),
            [
                Some(gone),
                Some(Error::DaxRegionNotFound(on)),
                nowhere(Subject::DeviceId),
                nowhere(Subject::UnsafeShutdowns)
            ]
        );
        sysfs.clear();
        Entry::at("/sys/dev/block").write(&format!("{major}:{minor}"), "a file");
        assert_eq!(errors(&source()), [Some(DEVICE); 4]);
        sysfs.clear();
        Entry::at(&entry);
        assert_eq!(errors(&source()), [Some(DEVICE); 4]);
        sysfs.clear();
        Entry::at("/sys/dev/block");
        assert_eq!(errors(&source()), [Some(gone); 4], "no entry");
        let no_sysfs = os(Subject::Sysfs, Errno::ENOENT);
        sysfs.clear();
        assert_eq!(errors(&source()), [Some(no_sysfs); 4], "nothing in /sys");
        std::fs::write("/sys/dev", "a file").expect("a file");
        assert_eq!(errors(&source()), [Some(gone); 4], "/sys/dev is a file");
    });
}

#[test]
fn what_was_opened_is_closed() {
    needs_root!();
    with_own_descriptors(|| {
        with_dimms(|bus, source| {
            let before = open_descriptors();
            for file in ALL {
                for text in ["0\n", "", "garbage"] {
                    let good = std::fs::read(bus.entry.path(file.path())).expect("a file");
                    bus.entry.write(file.path(), text);
                    let _ = (
                        errors(&source),
                        source.report().verdict(),
                        source.dimms().map(|dimms| dimms.count()),
                    );
                    assert_eq!(open_descriptors(), before, "{file:?}, {text:?}");
                    bus.entry.write(file.path(), good);
                }
            }
        });
    });
}

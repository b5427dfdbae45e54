//! The facts about each kind of descriptor, and the calls that they take.

use std::{format, string::ToString, vec, vec::Vec};

use crate::linux::tests::world::{
    APPEND, Call, FD, MODE_3, PATH, READ_ONLY, READ_WRITE, S_IFREG, WRITE_ONLY, World, object,
};
use crate::{
    Access, Alignment, Errno, Facts, Fail, FileSystem, Kind, Subject,
    linux::{
        file_id::FileId,
        source,
        sys::{Stat, page},
    },
};

fn described(world: &World) -> Result<Facts<FileId>, Fail> {
    source::describe(world.sys(), FD)
}

fn kind(world: &World) -> Kind {
    described(world).unwrap().kind
}

pub(in crate::linux::tests) fn subsystem() -> Call {
    Call::Readlink("/sys/dev/char/252:5/subsystem".into())
}

/// The look at the device's directory.
pub(in crate::linux::tests) fn entry() -> Call {
    Call::Inode("/sys/dev/char/252:5".into())
}

pub(in crate::linux::tests) fn devices() -> Call {
    Call::Access("/sys/dev/char".into())
}

#[test]
fn access_of_every_combination_of_flags() {
    let modes = [
        (READ_ONLY, Access::READ),
        (WRITE_ONLY, Access::WRITE),
        (READ_WRITE, Access::READ | Access::WRITE),
        (MODE_3, Access::empty()),
    ];
    // Flags that change nothing: O_NONBLOCK, O_DIRECT, O_SYNC, and a number that no flag has.
    let others = [0, 0o4000, 0o40_000, 0o4_010_000, 1 << 30];
    for (mode, expected) in modes {
        for other in others {
            let access = |flags| described(&World::file().opened(flags | other)).unwrap().access;
            assert_eq!(access(mode), expected);
            assert_eq!(access(mode | APPEND), expected | Access::APPEND);
            assert_eq!(
                access(mode | PATH),
                Access::PATH,
                "O_PATH allows nothing, whatever is beside it"
            );
            assert_eq!(access(mode | PATH | APPEND), Access::PATH | Access::APPEND);
        }
    }
}

#[test]
fn kind_of_every_file_type() {
    let types = [
        (0o140_000, Kind::Socket),
        (0o120_000, Kind::SymbolicLink),
        (0o100_000, Kind::RegularFile),
        (0o060_000, Kind::BlockDevice),
        (0o040_000, Kind::Directory),
        (0o020_000, Kind::CharacterDevice),
        (0o010_000, Kind::Pipe),
        (0, Kind::AnonymousInode),
    ];
    for value in 0..16_u32 {
        let file_type = value << 12;
        let expected = types
            .iter()
            .find(|(known, _)| *known == file_type)
            .map_or(Kind::Other, |(_, kind)| *kind);
        for permissions in [0, 0o600, 0o7777] {
            for flags in [READ_ONLY, WRITE_ONLY, READ_WRITE, MODE_3, PATH] {
                let mut world = World::device().opened(flags);
                world.stat.mode = file_type | permissions;
                world.stat.blksize = 4096;
                let facts = described(&world).unwrap();
                assert_eq!(facts.kind, expected, "type {file_type:o}, flags {flags:o}");
                assert_eq!(
                    facts.alignment,
                    if expected == Kind::RegularFile { page::FIXED } else { None }
                );
                let calls = if expected == Kind::CharacterDevice {
                    vec![Call::Getfl, Call::Fstat, subsystem(), devices()]
                } else {
                    vec![Call::Getfl, Call::Fstat]
                };
                assert_eq!(world.calls(), calls);
            }
        }
    }
}

#[test]
fn a_descriptor_that_is_not_open() {
    let world = World::file();
    let facts = described(&world).unwrap();
    world.calls();
    for fd in [-1, 0, FD + 1, i32::MAX, i32::MIN] {
        let sys = world.sys();
        assert_eq!(source::describe(sys, fd), Err(Fail::Absent(Subject::Handle)));
        assert_eq!(world.calls(), [Call::Getfl]);
        assert_eq!(source::size(object(sys, fd, &facts)), Err(Fail::Absent(Subject::Handle)));
        assert_eq!(source::allocated(object(sys, fd, &facts)), Err(Fail::Absent(Subject::Handle)));
        assert_eq!(
            source::file_system(object(sys, fd, &facts)),
            Err(Fail::Absent(Subject::Handle))
        );
        assert_eq!(world.calls(), [Call::Fstat, Call::Fstat, Call::Fstat]);
    }
}

#[test]
fn large_blocks_are_huge_pages_on_hugetlbfs_only() {
    const HUGETLBFS: u32 = 0x9584_58f6;
    let alignment = |blksize, magic, flags| {
        let mut world = World::file().opened(flags);
        world.stat.blksize = blksize;
        world.magic = magic;
        let facts = described(&world);
        (facts.map(|facts| facts.alignment), world.calls().len())
    };
    for blksize in [0, 1, 512, 4095, 4096] {
        assert_eq!(
            alignment(blksize, HUGETLBFS, READ_ONLY),
            (Ok(page::FIXED), 2),
            "no third call for {blksize}"
        );
    }
    for shift in 13..64 {
        let huge = 1 << shift;
        assert_eq!(alignment(huge, HUGETLBFS, READ_WRITE), (Ok(Alignment::new(huge)), 3));
        assert_eq!(alignment(huge, 0x0102_1994, READ_WRITE), (Ok(page::FIXED), 3));
    }
    for odd in [4097, 3 << 20, u64::MAX] {
        assert_eq!(
            alignment(odd, HUGETLBFS, READ_ONLY),
            (Err(Fail::Malformed(Subject::Alignment)), 3)
        );
        assert_eq!(
            alignment(odd, HUGETLBFS, WRITE_ONLY),
            (Ok(None), 3),
            "that it cannot be read comes first"
        );
        assert_eq!(alignment(odd, 0x6969, READ_ONLY), (Ok(page::FIXED), 3));
    }
}

#[test]
fn the_subsystem_tells_a_device_dax() {
    for target in ["../../../../../../bus/dax", "../../class/dax", "/sys/bus/dax", "dax", "/dax"] {
        let world = World::dax().with_link(target.as_bytes());
        assert_eq!(kind(&world), Kind::DeviceDax, "{target}");
        assert_eq!(world.calls(), [Call::Getfl, Call::Fstat, subsystem(), entry()]);
    }
    for target in [
        "../../class/tty",
        "",
        "/",
        "dax/",
        "../dax/tty",
        "daxx",
        "../xdax",
        "../DAX",
        "../dax\n",
        "../dax\0",
    ] {
        let world = World::dax().with_link(target.as_bytes());
        assert_eq!(kind(&world), Kind::CharacterDevice, "{target:?}");
        assert_eq!(world.calls(), [Call::Getfl, Call::Fstat, subsystem()]);
    }
}

#[test]
fn a_link_as_long_as_the_buffer_may_have_been_cut_off() {
    let link = |length: usize| {
        let mut target: Vec<u8> = b"../".iter().copied().cycle().take(length - 4).collect();
        target.extend_from_slice(b"/dax");
        World::dax().with_link(&target)
    };
    assert_eq!(kind(&link(510)), Kind::DeviceDax);
    assert_eq!(kind(&link(511)), Kind::DeviceDax);
    for length in [512, 513, 4000] {
        assert_eq!(kind(&link(length)), Kind::UnknownDevice(Subject::Subsystem));
    }
}

#[test]
fn a_device_without_an_entry() {
    let mut world = World::device();
    assert_eq!(kind(&world), Kind::CharacterDevice);
    assert_eq!(world.calls(), [Call::Getfl, Call::Fstat, subsystem(), devices()]);
    world.sysfs = false;
    world.attributes.dax = None;
    assert_eq!(kind(&world), Kind::UnknownDevice(Subject::Sysfs));
    assert_eq!(world.calls(), looked_up(&[Call::Attributes]));
}

/// The calls that look a device up, and find no sysfs.
fn looked_up(more: &[Call]) -> Vec<Call> {
    [&[Call::Getfl, Call::Fstat, subsystem(), devices()], more].concat()
}

/// statx(2) tells where there is no sysfs: that it is one always, that it is none if the inode that
/// it tells of is the one that was opened.
#[test]
fn the_attribute_tells_a_device_dax() {
    const OVERLAYFS: u32 = 0x794c_7630;
    const TMPFS: u32 = 0x0102_1994;
    let unknown = Kind::UnknownDevice(Subject::Sysfs);
    for (flags, magic, dax, expected) in [
        (READ_ONLY, TMPFS, Some(true), Kind::DeviceDax),
        (READ_WRITE, OVERLAYFS, Some(true), Kind::DeviceDax),
        (PATH, TMPFS, Some(true), Kind::DeviceDax),
        (WRITE_ONLY, TMPFS, Some(true), Kind::DeviceDax),
        (READ_ONLY, TMPFS, Some(false), Kind::CharacterDevice),
        (WRITE_ONLY, TMPFS, Some(false), Kind::CharacterDevice),
        (READ_ONLY, OVERLAYFS, Some(false), unknown),
        (PATH, TMPFS, Some(false), unknown),
        (READ_ONLY, TMPFS, None, unknown),
    ] {
        let mut world = World::device().opened(flags);
        (world.sysfs, world.magic, world.attributes.dax) = (false, magic, dax);
        let facts = described(&world).unwrap();
        assert_eq!(facts.kind, expected, "{flags:o}, {magic:#x}, {dax:?}");
        // No sysfs has told the number of an entry.
        assert_eq!(facts.id, FileId::from_stat(&world.stat));
        let more: &[Call] = match (dax, flags) {
            (Some(false), PATH) => &[Call::Attributes],
            (Some(false), _) => &[Call::Attributes, Call::Fstatfs],
            _ => &[Call::Attributes],
        };
        assert_eq!(world.calls(), looked_up(more));
    }
    // Where sysfs is there and says no, it is none: of an older kernel's the attribute's bit may
    // mean something else.
    let mut world = World::dax().with_link(b"../../class/tty");
    world.attributes.dax = Some(true);
    assert_eq!(kind(&world), Kind::CharacterDevice);
    // Where it is there and cannot be read, the attribute says yes, and its absence nothing.
    for (dax, expected) in [
        (Some(true), Ok(Kind::DeviceDax)),
        (Some(false), Err(Fail::Os(Subject::Subsystem, Errno::EACCES))),
        (None, Err(Fail::Os(Subject::Subsystem, Errno::EACCES))),
    ] {
        let mut world = World::dax().failing(2, 13);
        world.attributes.dax = dax;
        assert_eq!(described(&world).map(|facts| facts.kind), expected, "{dax:?}");
    }
}

/// Before Linux 5.10 an alignment is a region's: it stands in the directory of the parent, to which
/// there is a link before 5.1.
#[test]
fn an_alignment_of_the_region() {
    let entry = "/sys/dev/char/252:5/";
    let old = World::dax().without_file(&format!("{entry}align"));
    for (name, tried) in [("../dax_region/align", 1), ("device/dax_region/align", 2)] {
        let world = old.clone().with_file(&format!("{entry}{name}"), "2097152\n");
        let facts = described(&world).unwrap();
        world.calls();
        assert_eq!(source::alignment(object(world.sys(), FD, &facts)), Ok(2 << 20));
        let names = ["align", "../dax_region/align", "device/dax_region/align"];
        let mut calls = vec![Call::Fstat];
        calls.extend(names[..=tried].iter().map(|name| Call::Open(format!("{entry}{name}"))));
        calls.extend([Call::Read, Call::Close, self::entry()]);
        assert_eq!(world.calls(), calls);
        // It is confirmed, and has to be a number, as its own.
        let other = world.clone().with_inode(entry.trim_end_matches('/'), 1);
        let replaced = source::alignment(object(other.sys(), FD, &facts));
        assert_eq!(replaced, Err(Fail::DeviceReplaced));
        let odd = world.with_file(&format!("{entry}{name}"), "x\n");
        let malformed = Err(Fail::Malformed(Subject::Alignment));
        assert_eq!(source::alignment(object(odd.sys(), FD, &facts)), malformed);
    }
}

/// The smallest mapping that the driver accepts is the alignment, where sysfs says nothing.
#[test]
fn an_alignment_that_is_tried() {
    let page = page::size(World::file().sys()).unwrap().bytes();
    let untold = Err(Fail::Os(Subject::Alignment, Errno::ENOENT));
    for (driver, expected, last) in [
        (Ok(4096), Ok(4096), 4096),
        (Ok(2 << 20), Ok(2 << 20), 2 << 20),
        (Ok(16 << 20), Ok(16 << 20), 16 << 20),
        (Ok(1 << 30), Ok(1 << 30), 1 << 30),
        // None is accepted; it is no device DAX (ENODEV), it is gone (ENXIO), there is no room for
        // it (ENOMEM), a filter refuses it (EPERM).
        (Ok(1 << 31), untold, 1 << 30),
        (Err(19), untold, 4096),
        (Err(6), untold, 4096),
        (Err(12), untold, 4096),
        (Err(1), untold, 4096),
    ] {
        let mut world = World::device();
        (world.sysfs, world.driver, world.attributes.dax) = (false, driver, Some(true));
        let facts = described(&world).unwrap();
        world.calls();
        assert_eq!(source::alignment(object(world.sys(), FD, &facts)), expected, "{driver:?}");
        let calls = world.calls();
        let lengths = (page.trailing_zeros()..=30).map(|shift| 1 << shift);
        let tried: Vec<_> = lengths
            .take_while(|length| *length <= last)
            .map(|length| Call::Map(length, Access::empty(), false))
            .collect();
        assert_eq!(calls[4..], tried, "{driver:?}");
        assert!(matches!(calls[..4], [Call::Fstat, Call::Open(_), Call::Open(_), Call::Open(_)]));
    }
    // A text that makes no sense is none that is missing.
    let mut world = World::dax().with_contents(b"x");
    world.driver = Ok(4096);
    let facts = described(&world).unwrap();
    let malformed = Err(Fail::Malformed(Subject::Alignment));
    assert_eq!(source::alignment(object(world.sys(), FD, &facts)), malformed);
}

#[test]
fn the_longest_device_number_fits() {
    let mut world = World::device();
    // The kernel's own device numbers have 12 and 20 bits; st_rdev has room for 32 and 32. What
    // does not fit into the kernel's is taken for the last of them, which is no device's.
    for rdev in [u32::MAX.into(), u64::from(u32::MAX) + 1, u64::MAX] {
        world.stat.rdev = rdev;
        assert_eq!(kind(&world), Kind::CharacterDevice);
        let path = "/sys/dev/char/4095:1048575/subsystem";
        assert_eq!(world.calls()[2], Call::Readlink(path.into()));
    }
}

#[test]
fn answers_about_a_file() {
    let world = World::file();
    let (sys, facts) = (world.sys(), described(&world).unwrap());
    world.calls();
    assert_eq!(source::size(object(sys, FD, &facts)), Ok(5000));
    assert_eq!(world.calls(), [Call::Fstat]);
    assert_eq!(source::allocated(object(sys, FD, &facts)), Ok(16 * 512));
    assert_eq!(world.calls(), [Call::Fstat]);
    assert_eq!(source::file_system(object(sys, FD, &facts)), Ok(FileSystem::from_magic(0xEF53)));
    assert_eq!(world.calls(), [Call::Fstat, Call::Fstatfs]);
    assert_eq!(source::alignment(object(sys, FD, &facts)), Ok(4096));
    assert!(
        page::FIXED.is_none() || world.calls().is_empty(),
        "the ABI's page size is asked of nobody"
    );
}

#[test]
fn extreme_sizes_of_a_file() {
    let answers = |size, blocks| {
        let mut world = World::file();
        (world.stat.size, world.stat.blocks) = (size, blocks);
        let facts = described(&world).unwrap();
        (
            source::size(object(world.sys(), FD, &facts)),
            source::allocated(object(world.sys(), FD, &facts)),
        )
    };
    assert_eq!(answers(0, 0), (Ok(0), Ok(0)));
    let largest = u64::MAX / 512;
    assert_eq!(answers(i64::MAX, largest), (Ok(i64::MAX as u64), Ok(largest * 512)));
    let malformed = (Err(Fail::Malformed(Subject::Size)), Err(Fail::Malformed(Subject::Allocated)));
    assert_eq!(answers(-1, largest + 1), malformed);
    assert_eq!(answers(i64::MIN, u64::MAX), malformed);
}

#[test]
fn answers_about_a_device_dax() {
    let world = World::dax();
    let (sys, facts) = (world.sys(), described(&world).unwrap());
    assert_eq!(facts.alignment, None, "a driver may be bound anew with another alignment");
    world.calls();
    let read = |name: &str| {
        [
            Call::Fstat,
            Call::Open(format!("/sys/dev/char/252:5/{name}")),
            Call::Read,
            Call::Close,
            entry(),
        ]
    };
    assert_eq!(source::size(object(sys, FD, &facts)), Ok(1 << 30));
    assert_eq!(world.calls(), read("size"));
    assert_eq!(source::alignment(object(sys, FD, &facts)), Ok(2 << 20));
    assert_eq!(world.calls(), read("align"));
    assert_eq!(source::allocated(object(sys, FD, &facts)), Err(Fail::Unsupported));
    assert_eq!(world.calls(), [Call::Fstat]);
}

#[test]
fn another_file_under_the_same_number_is_noticed() {
    type Change = fn(&mut Stat);
    let changes: [Change; 3] = [|stat| stat.dev += 1, |stat| stat.ino += 1, |stat| stat.rdev += 1];
    for change in changes {
        for mut world in [World::file(), World::dax()] {
            let facts = described(&world).unwrap();
            change(&mut world.stat);
            world.calls();
            let sys = world.sys();
            assert_eq!(source::size(object(sys, FD, &facts)), Err(Fail::Replaced));
            assert_eq!(source::allocated(object(sys, FD, &facts)), Err(Fail::Replaced));
            assert_eq!(source::file_system(object(sys, FD, &facts)), Err(Fail::Replaced));
            assert_eq!(
                world.calls(),
                [Call::Fstat, Call::Fstat, Call::Fstat],
                "nothing is asked of the wrong file"
            );
            if facts.kind == Kind::DeviceDax {
                assert_eq!(source::alignment(object(sys, FD, &facts)), Err(Fail::Replaced));
                assert_eq!(world.calls(), [Call::Fstat]);
            }
        }
    }
    // What may change about a file without its being another one.
    let mut world = World::file();
    let facts = described(&world).unwrap();
    world.stat = Stat { mode: S_IFREG, size: 1, blksize: 512, blocks: 1, ..world.stat };
    assert_eq!(source::size(object(world.sys(), FD, &facts)), Ok(1));
}

#[test]
fn an_identity_has_the_numbers_of_stat() {
    let dev = rustix::fs::makedev(259, 0x000a_bcde);
    let rdev = rustix::fs::makedev(0xfff, 0x000f_edcb);
    let id = FileId::from_stat(&Stat { dev, ino: u64::MAX, rdev, ..World::file().stat });
    assert_eq!(id.device(), (259, 0x000a_bcde));
    assert_eq!(id.inode(), u64::MAX);
    assert_eq!(id.represented_device(), (0xfff, 0x000f_edcb));
    assert_eq!(id.to_string(), "device 259:703710, inode 18446744073709551615");
    assert_eq!(described(&World::file()).unwrap().id, FileId::from_stat(&World::file().stat));
}

//! What is said of each kind of descriptor, and which calls that takes.

use std::{format, string::ToString, vec, vec::Vec};

use super::world::{
    APPEND, Call, FD, MODE_3, PATH, READ_ONLY, READ_WRITE, S_IFREG, WRITE_ONLY, World,
};
use crate::{
    Access, Alignment, Facts, Fail, FileSystem, Kind, What,
    linux::{FileId, describe, page, sys::Stat},
};

fn described(world: &World) -> Result<Facts<FileId>, Fail> {
    describe::describe(world.sys(), FD)
}

fn kind(world: &World) -> Kind {
    described(world).unwrap().kind
}

pub(super) fn subsystem() -> Call {
    Call::Readlink("/sys/dev/char/252:5/subsystem".into())
}

/// The look at the device's directory.
pub(super) fn entry() -> Call {
    Call::Inode("/sys/dev/char/252:5".into())
}

pub(super) fn devices() -> Call {
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
            let of = |flags| described(&World::file().opened(flags | other)).unwrap().access;
            assert_eq!(of(mode), expected);
            assert_eq!(of(mode | APPEND), expected | Access::APPEND);
            assert_eq!(
                of(mode | PATH),
                Access::PATH,
                "O_PATH allows nothing, whatever is beside it"
            );
            assert_eq!(of(mode | PATH | APPEND), Access::PATH | Access::APPEND);
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
        assert_eq!(describe::describe(sys, fd), Err(Fail::Absent(What::Handle)));
        assert_eq!(world.calls(), [Call::Getfl]);
        assert_eq!(describe::size(sys, fd, &facts), Err(Fail::Absent(What::Handle)));
        assert_eq!(describe::allocated(sys, fd, &facts), Err(Fail::Absent(What::Handle)));
        assert_eq!(describe::file_system(sys, fd, &facts), Err(Fail::Absent(What::Handle)));
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
            (Err(Fail::Malformed(What::Alignment)), 3)
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
        assert_eq!(kind(&link(length)), Kind::UnknownDevice(What::Subsystem));
    }
}

#[test]
fn a_device_without_an_entry() {
    let mut world = World::device();
    assert_eq!(kind(&world), Kind::CharacterDevice);
    assert_eq!(world.calls(), [Call::Getfl, Call::Fstat, subsystem(), devices()]);
    world.sysfs = false;
    assert_eq!(kind(&world), Kind::UnknownDevice(What::Sysfs));
    assert_eq!(world.calls(), [Call::Getfl, Call::Fstat, subsystem(), devices()]);
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
    assert_eq!(describe::size(sys, FD, &facts), Ok(5000));
    assert_eq!(world.calls(), [Call::Fstat]);
    assert_eq!(describe::allocated(sys, FD, &facts), Ok(16 * 512));
    assert_eq!(world.calls(), [Call::Fstat]);
    assert_eq!(describe::file_system(sys, FD, &facts), Ok(FileSystem::from_magic(0xEF53)));
    assert_eq!(world.calls(), [Call::Fstat, Call::Fstatfs]);
    assert_eq!(describe::alignment(sys, FD, &facts), Ok(4096));
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
        (describe::size(world.sys(), FD, &facts), describe::allocated(world.sys(), FD, &facts))
    };
    assert_eq!(answers(0, 0), (Ok(0), Ok(0)));
    let largest = u64::MAX / 512;
    assert_eq!(answers(i64::MAX, largest), (Ok(i64::MAX as u64), Ok(largest * 512)));
    let malformed = (Err(Fail::Malformed(What::Size)), Err(Fail::Malformed(What::Allocated)));
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
    assert_eq!(describe::size(sys, FD, &facts), Ok(1 << 30));
    assert_eq!(world.calls(), read("size"));
    assert_eq!(describe::alignment(sys, FD, &facts), Ok(2 << 20));
    assert_eq!(world.calls(), read("align"));
    assert_eq!(describe::allocated(sys, FD, &facts), Err(Fail::Unsupported));
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
            assert_eq!(describe::size(sys, FD, &facts), Err(Fail::Replaced));
            assert_eq!(describe::allocated(sys, FD, &facts), Err(Fail::Replaced));
            assert_eq!(describe::file_system(sys, FD, &facts), Err(Fail::Replaced));
            assert_eq!(
                world.calls(),
                [Call::Fstat, Call::Fstat, Call::Fstat],
                "nothing is asked of the wrong file"
            );
            if facts.kind == Kind::DeviceDax {
                assert_eq!(describe::alignment(sys, FD, &facts), Err(Fail::Replaced));
                assert_eq!(world.calls(), [Call::Fstat]);
            }
        }
    }
    // What may change about a file without its being another one.
    let mut world = World::file();
    let facts = described(&world).unwrap();
    world.stat = Stat { mode: S_IFREG, size: 1, blksize: 512, blocks: 1, ..world.stat };
    assert_eq!(describe::size(world.sys(), FD, &facts), Ok(1));
}

#[test]
fn an_identity_has_the_numbers_of_stat() {
    let dev = rustix::fs::makedev(259, 0x000a_bcde);
    let rdev = rustix::fs::makedev(0xfff, 0x000f_edcb);
    let id = FileId::of(&Stat { dev, ino: u64::MAX, rdev, ..World::file().stat });
    assert_eq!(id.device(), (259, 0x000a_bcde));
    assert_eq!(id.inode(), u64::MAX);
    assert_eq!(id.represented_device(), (0xfff, 0x000f_edcb));
    assert_eq!(id.to_string(), "device 259:703710, inode 18446744073709551615");
    assert_eq!(described(&World::file()).unwrap().id, FileId::of(&World::file().stat));
}

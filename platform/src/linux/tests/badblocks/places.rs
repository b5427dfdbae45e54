//! The list that is read for an object, and the part of it that is the object's.

use core::ops::Range;
use std::{format, vec};

use super::super::{
    disk::extent,
    machine::{DEVDAX, DM, ENTRY_OF_DISK, FSDAX, HMEM, SDA1, of_region},
    world::{Call, ENTRY, FD, World, object},
};
use super::{EXT, XFS, list_of_disk};
use crate::{
    ClearBy, Errno, Fail, Subject,
    linux::{badblocks, sys::Stat},
};

const CHAR: &str = "/sys/dev/char/252:5";

/// A device DAX of 64 sectors, from sector 100 of its region on, of which this is bad.
pub(super) fn device(list: &str) -> World {
    World::dax_in(DEVDAX)
        .with_file(&format!("{CHAR}/size"), "32768\n")
        .with_file(&format!("{CHAR}/resource"), "0x10000c800\n")
        .with_file(&of_region(1, "resource"), "0x100000000\n")
        .with_file(&of_region(1, "badblocks"), list)
}

fn sectors(first: u64, behind: u64) -> Range<u64> {
    first * 512..behind * 512
}

#[test]
fn a_device_in_its_region() {
    let rows: &[(&str, &[Range<u64>])] = &[
        ("", &[]),
        ("99 1\n164 10\n", &[]),
        ("100 1\n", &[sectors(0, 1)]),
        ("163 1\n", &[sectors(63, 64)]),
        ("0 512\n", &[sectors(0, 64)]),
        ("90 11\n120 2\n160 40\n", &[sectors(0, 1), sectors(20, 22), sectors(60, 64)]),
    ];
    for (list, expected) in rows {
        assert_eq!(device(list).walk(), (expected.to_vec(), None), "{list:?}");
    }
    assert_eq!(
        device("90 11\n1").walk(),
        (vec![sectors(0, 1)], Some(Fail::TooLarge(Subject::BadBlocks)))
    );
    let world = device("90 11\n");
    let list = badblocks::known::list(object(world.sys(), FD, &world.facts())).unwrap();
    assert_eq!(
        badblocks::next(object(world.sys(), FD, &world.facts()), &list, 100),
        Ok(Some(100..512))
    );
    assert_eq!(badblocks::next(object(world.sys(), FD, &world.facts()), &list, u64::MAX), Ok(None));
}

#[test]
fn calls_for_a_device() {
    let world = device("100 1\n");
    let facts = world.facts();
    let list = badblocks::known::list(object(world.sys(), FD, &facts)).unwrap();
    let read = |path: &str| [Call::Open(path.into()), Call::Read, Call::Close].to_vec();
    let expected = [
        vec![Call::Fstat, Call::Readlink(CHAR.into())],
        read(&of_region(1, "resource")),
        read(&format!("{CHAR}/resource")),
        read(&format!("{CHAR}/size")),
        vec![
            Call::Open(of_region(1, "badblocks")),
            Call::Read,
            Call::Read,
            Call::Close,
            Call::Inode(CHAR.into()),
        ],
    ];
    assert_eq!(world.calls(), expected.concat());
    assert!(badblocks::next(object(world.sys(), FD, &facts), &list, 0).is_ok());
    assert_eq!(world.calls(), [Call::Fstat, Call::Inode(CHAR.into())]);
}

/// A user who may not know the addresses may not know which bytes are bad.
#[test]
fn a_device_for_others_than_root() {
    let world = device("100 1\n");
    for call in [2, 4] {
        let list =
            badblocks::known::list(object(world.failing(call, 13).sys(), FD, &world.facts()));
        assert_eq!(list, Err(Fail::Os(Subject::BadBlocks, Errno::EACCES)), "{call}");
    }
}

#[test]
fn devices_without_a_list_or_a_place() {
    // Memory that is in no region.
    assert_eq!(World::dax_in(HMEM).walk(), (vec![], Some(Fail::Unsupported)));
    for file in [of_region(1, "badblocks"), of_region(1, "resource"), format!("{CHAR}/resource")] {
        assert_eq!(
            device("100 1\n").without_file(&file).walk(),
            (vec![], Some(Fail::Unsupported)),
            "{file}"
        );
    }
    // A region that no driver has gives ENXIO.
    let no_driver = Fail::Os(Subject::BadBlocks, Errno::ENXIO);
    assert_eq!(
        badblocks::known::list(object(device("").failing(9, 6).sys(), FD, &device("").facts())),
        Err(no_driver)
    );
}

#[test]
fn places_that_make_no_sense() {
    let (device_at, region_at) = (format!("{CHAR}/resource"), of_region(1, "resource"));
    for text in [
        "",
        "\n",
        "0x\n",
        "0x1g\n",
        "0X10\n",
        "4096\n",
        "-1\n",
        "0x100000000000000000\n",
        "0x10 \n",
        "0xABC\n",
        "(null)\n",
    ] {
        for file in [&device_at, &region_at] {
            let found = device("1 1\n").with_file(file, text).walk();
            assert_eq!(
                found,
                (vec![], Some(Fail::Malformed(Subject::BadBlocks))),
                "{file}: {text:?}"
            );
        }
    }
    // Before its region; in the middle of a sector; an end without a number.
    for (at, size) in
        [("0xffffff000\n", "4096"), ("0x100000001\n", "4096"), ("0x100000000\n", "4097")]
    {
        let world =
            device("1 1\n").with_file(&device_at, at).with_file(&format!("{CHAR}/size"), size);
        let expected = (vec![], Some(Fail::Malformed(Subject::BadBlocks)));
        let region = if at.starts_with("0xffffff") { "0x1000000000\n" } else { "0x100000000\n" };
        assert_eq!(world.with_file(&region_at, region).walk(), expected, "{at:?} {size}");
    }
    let world = device("")
        .with_file(&device_at, "0xffffffffffffff00\n")
        .with_file(&format!("{CHAR}/size"), "4096");
    assert_eq!(world.walk(), (vec![], Some(Fail::Malformed(Subject::Size))));
    let world = device("").with_file(&format!("{CHAR}/size"), "x");
    assert_eq!(world.walk(), (vec![], Some(Fail::Malformed(Subject::Size))));
    // A device DAX in a namespace of another kind.
    let world = device("").linked(CHAR, DEVDAX.replace("dax1.2", "pfn1.2"));
    assert_eq!(world.walk(), (vec![], Some(Fail::Malformed(Subject::Region))));
    // A region at the first address is one.
    let world = device("100 1\n").with_file(&region_at, "0x0\n").with_file(&device_at, "0xc800\n");
    assert_eq!(world.walk(), (vec![sectors(0, 1)], None));
}

#[test]
fn a_device_that_was_replaced() {
    let world = device("100 1\n");
    let facts = world.facts();
    let list = badblocks::known::list(object(world.sys(), FD, &facts)).unwrap();
    let other = world.clone().with_inode(CHAR, ENTRY + 1);
    assert_eq!(badblocks::known::list(object(other.sys(), FD, &facts)), Err(Fail::DeviceReplaced));
    assert_eq!(
        badblocks::next(object(other.sys(), FD, &facts), &list, 0),
        Err(Fail::DeviceReplaced)
    );
    for by in [ClearBy::DeviceCommand, ClearBy::Allocation] {
        let expected =
            if by == ClearBy::Allocation { Fail::Unsupported } else { Fail::DeviceReplaced };
        assert_eq!(badblocks::clear(object(other.sys(), FD, &facts), 0..512, by), Err(expected));
    }
}

/// The descriptor's number was used again.
#[test]
fn another_file() {
    for world in [World::eight_blocks("1000 1\n"), device("100 1\n")] {
        let facts = world.facts();
        let list = badblocks::known::list(object(world.sys(), FD, &facts)).unwrap();
        world.calls();
        let mut other = world.clone();
        other.stat = Stat { ino: 43, ..world.stat };
        assert_eq!(badblocks::known::list(object(other.sys(), FD, &facts)), Err(Fail::Replaced));
        assert_eq!(badblocks::next(object(other.sys(), FD, &facts), &list, 0), Err(Fail::Replaced));
        for by in [ClearBy::DeviceCommand, ClearBy::Allocation] {
            assert_eq!(
                badblocks::clear(object(other.sys(), FD, &facts), 0..512, by),
                Err(Fail::Replaced)
            );
        }
        assert_eq!(other.calls(), vec![Call::Fstat; 4], "nothing else is done with it");
    }
}

/// A partition has the list of its disk, in whose directory it lies.
#[test]
fn a_partition() {
    let part = |start: &str, list: &str| {
        let mut world = World::eight_blocks("x")
            .linked(ENTRY_OF_DISK, format!("{FSDAX}/pmem1p1"))
            .without_file(&list_of_disk());
        world = world.with_file(&format!("{ENTRY_OF_DISK}/start"), start);
        world.with_file(&format!("{ENTRY_OF_DISK}/../badblocks"), list)
    };
    // The file begins at sector 1000 of the part.
    assert_eq!(part("2048\n", "3048 1\n").walk(), (vec![sectors(0, 1)], None));
    assert_eq!(part("0\n", "1001 1\n").walk(), (vec![sectors(1, 2)], None));
    assert_eq!(
        part("2048\n", "0 2100\n1000 8\n").walk(),
        (vec![], None),
        "before it, and before the file"
    );
    assert_eq!(part("2048\n", "0 4096\n").walk(), (vec![sectors(0, 64)], None));
    for start in ["", "x\n", "-1\n", "18446744073709551616\n"] {
        assert_eq!(
            part(start, "1 1\n").walk(),
            (vec![], Some(Fail::Malformed(Subject::BadBlocks))),
            "{start:?}"
        );
    }
    assert_eq!(
        part("18446744073709551615\n", "1 1\n").walk(),
        (vec![], None),
        "behind all of the disk"
    );
    let no_list = part("2048\n", "").without_file(&format!("{ENTRY_OF_DISK}/../badblocks"));
    assert_eq!(no_list.walk(), (vec![], Some(Fail::Unsupported)));
    // Of an ordinary disk, too.
    let world = World::on(SDA1).with_file(&format!("{ENTRY_OF_DISK}/start"), "2048\n");
    assert_eq!(world.walk(), (vec![], Some(Fail::Unsupported)));
}

#[test]
fn file_systems() {
    let extents = vec![extent(0, 1000 * 512, 4096)];
    let on = |magic, xflags| {
        let mut world = World::bad_file(vec![1; 4096], extents.clone(), "1000 1\n");
        (world.magic, world.disk.xflags) = (magic, xflags);
        world.walk()
    };
    let (found, unsupported) = ((vec![sectors(0, 1)], None), (vec![], Some(Fail::Unsupported)));
    assert_eq!(on(EXT, 1), found, "the flags of XFS are not asked for");
    for (xflags, expected) in
        [(0, &found), (0xFFFF_FFFE, &found), (1, &unsupported), (0x8000_0001, &unsupported)]
    {
        assert_eq!(on(XFS, xflags), *expected, "{xflags:#x}");
    }
    // f2fs has several devices; btrfs, NTFS, erofs, a number that nobody knows, a FUSE.
    for magic in [0xF2F5_2010, 0x9123_683E, 0x7366_746E, 0xE0F5_E1E2, 0x1234_5678, 0x6573_5546, 0] {
        assert_eq!(on(magic, 0), unsupported, "{magic:#x}");
    }
    for magic in [0x0102_1994, 0x794c_7630, 0x9123_683E, EXT] {
        let world = World::without_device(magic);
        assert_eq!(world.walk(), unsupported, "{magic:#x} without a device");
        assert_eq!(world.calls(), [Call::Fstat, Call::Fstatfs]);
    }
    let xfs = || {
        let mut world = World::bad_file(vec![1; 4096], extents.clone(), "");
        world.magic = XFS;
        world
    };
    assert_eq!(
        badblocks::known::list(object(xfs().failing(2, 22).sys(), FD, &xfs().facts())),
        Err(Fail::Os(Subject::Device, Errno::EINVAL))
    );
}

/// Volumes of other kinds have no list, and neither has a BTT.
#[test]
fn disks_without_a_list() {
    let targets = [
        FSDAX.replace("pfn1.2/block/pmem1", "btt1.2/block/pmem1s"),
        SDA1.replace("/sda1", ""),
        DM.replace("dm-0", "md0"),
        DM.replace("dm-0", "loop0"),
    ];
    for target in targets {
        let world =
            World::eight_blocks("").linked(ENTRY_OF_DISK, &target).without_file(&list_of_disk());
        assert_eq!(world.walk(), (vec![], Some(Fail::Unsupported)), "{target}");
        // Only of persistent memory could there be one.
        let looked = if target.contains("btt") { vec![Call::Open(list_of_disk())] } else { vec![] };
        let found = vec![Call::Fstat, Call::Fstatfs, Call::Readlink(ENTRY_OF_DISK.into())];
        let expected = [found, looked].concat();
        assert_eq!(world.calls(), expected, "{target}");
    }
}

#[test]
fn what_is_neither_file_nor_device() {
    let world = World::device().with_link(b"../class/tty");
    let facts = world.facts();
    assert_eq!(badblocks::known::list(object(world.sys(), FD, &facts)), Err(Fail::Unsupported));
    let list = badblocks::known::list(object(device("").sys(), FD, &device("").facts())).unwrap();
    assert_eq!(badblocks::next(object(world.sys(), FD, &facts), &list, 0), Err(Fail::Unsupported));
    for by in [ClearBy::DeviceCommand, ClearBy::Allocation] {
        assert_eq!(
            badblocks::clear(object(world.sys(), FD, &facts), 0..512, by),
            Err(Fail::Unsupported)
        );
    }
}

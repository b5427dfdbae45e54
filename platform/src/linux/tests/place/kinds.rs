//! Every kind of path of a device's directory, and file systems without a device.

use std::{format, string::String, vec, vec::Vec};

use crate::linux::tests::{
    machine::{DEVDAX, DISK, ENTRY_OF_DISK, FSDAX, HMEM, SDA1, area, areas},
    world::{Call, FD, PATH, World, object},
};
use crate::{
    Access, Backing, Fail, FileSystem, Kind, Mode, Subject,
    linux::{
        place::{
            listed::cut_name,
            locate,
            location::{Area, Family},
        },
        sysfs::Class,
    },
};

fn look() -> Vec<Call> {
    vec![Call::Fstat, Call::Fstatfs, Call::Readlink(ENTRY_OF_DISK.into())]
}

#[test]
fn persistent_memory() {
    use Family::{Cxl, Nfit, Papr};
    use Mode::{Fsdax, Raw, Sector};
    let acpi = "../../devices/LNXSYSTM:00/LNXSYBUS:00/ACPI0012:00";
    let cxl = "../../devices/platform/ACPI0017:00/root0/nvdimm-bridge0";
    let papr =
        "../../devices/platform/ibm,persistent-memory/ibm,persistent-memory:ibm,pmem@44100001";
    let virtio = "../../devices/pci0000:00/0000:00:03.0/virtio0";
    let rows: [(&str, &str, &str, Area, bool); 13] = [
        (acpi, "ndbus0/region1/pfn1.2/block/pmem1", "pmem1", area(0, 1, Fsdax, 2, Nfit), false),
        (
            acpi,
            "ndbus0/region1/pfn1.2/block/pmem1/pmem1p1",
            "pmem1p1",
            area(0, 1, Fsdax, 2, Nfit),
            true,
        ),
        (acpi, "ndbus0/region1/namespace1.0/block/pmem1", "pmem1", area(0, 1, Raw, 0, Nfit), false),
        (acpi, "ndbus0/region1/btt1.0/block/pmem1s", "pmem1s", area(0, 1, Sector, 0, Nfit), false),
        (
            acpi,
            "ndbus0/region1/btt1.0/block/pmem1s/pmem1s12",
            "pmem1s12",
            area(0, 1, Sector, 0, Nfit),
            true,
        ),
        (
            acpi,
            "ndbus3/region17/pfn17.4/block/pmem17.1",
            "pmem17.1",
            area(3, 17, Fsdax, 4, Nfit),
            false,
        ),
        (
            acpi,
            "ndbus3/region17/pfn17.4/block/pmem17.1/pmem17.1p3",
            "pmem17.1p3",
            area(3, 17, Fsdax, 4, Nfit),
            true,
        ),
        (cxl, "ndbus1/region0/pfn0.0/block/pmem0", "pmem0", area(1, 0, Fsdax, 0, Cxl), false),
        (cxl, "ndbus1/region0/namespace0.0/block/pmem0", "pmem0", area(1, 0, Raw, 0, Cxl), false),
        (papr, "ndbus0/region0/pfn0.1/block/pmem0", "pmem0", area(0, 0, Fsdax, 1, Papr), false),
        (
            virtio,
            "ndbus2/region5/namespace5.0/block/pmem5",
            "pmem5",
            area(2, 5, Raw, 0, Nfit),
            false,
        ),
        (
            "..",
            "ndbus4294967295/region0/pfn0.4294967295/block/pmem0",
            "pmem0",
            area(u32::MAX, 0, Fsdax, u32::MAX, Nfit),
            false,
        ),
        (
            "..",
            "ndbus0/region4294967295/pfn4294967295.0/block/pmem0",
            "pmem0",
            area(0, u32::MAX, Fsdax, 0, Nfit),
            false,
        ),
    ];
    for (parent, rest, name, area, partition) in rows {
        let world = World::on(format!("{parent}/{rest}"));
        let spot = world.located().unwrap();
        assert_eq!(world.calls(), look(), "{rest}");
        assert_eq!((spot.backing, areas(&spot)), (Backing::Regions, vec![area]), "{rest}");
        assert_eq!(spot.name.as_str(), name);
        let entry = spot.entry.unwrap();
        assert_eq!(
            (entry.class, entry.device, entry.partition),
            (Class::Block, DISK, partition),
            "{rest}"
        );
        assert_eq!(spot.area(1), None, "behind the last one");
    }
}

#[test]
fn disks_that_are_no_persistent_memory() {
    let rows = [
        ("../../devices/pci0000:00/0000:00:02.0/virtio1/block/vda", "vda", false),
        (SDA1, "sda1", true),
        ("../../devices/pci0000:00/0000:00:04.0/nvme/nvme0/nvme0n1", "nvme0n1", false),
        ("../../devices/pci0000:00/0000:00:04.0/nvme/nvme0/nvme0n1/nvme0n1p15", "nvme0n1p15", true),
        // One namespace by several ways.
        ("../../devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1", "nvme0n1", false),
        ("../../devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1/nvme0n1p1", "nvme0n1p1", true),
        (
            "../../devices/platform/mmc/mmc_host/mmc0/mmc0:0001/block/mmcblk0/mmcblk0p2",
            "mmcblk0p2",
            true,
        ),
        (
            "../../devices/platform/mmc/mmc_host/mmc0/mmc0:0001/block/mmcblk0/mmcblk0boot0",
            "mmcblk0boot0",
            false,
        ),
        // Only the beginning of a name that means something.
        ("../../devices/x/ndbus/region0/pfn0.0/block/pmem0", "pmem0", false),
        ("../../devices/x/ndbusx/region0/pfn0.0/block/pmem0", "pmem0", false),
        ("../../devices/x/ndbus4294967296/region0/pfn0.0/block/pmem0", "pmem0", false),
        ("../../devices/x/xndbus0/region0/pfn0.0/block/pmem0", "pmem0", false),
        ("../../devices/virtually/block/x", "x", false),
        ("../../devices/virtual", "virtual", false),
        ("", "", false),
        ("/", "", false),
    ];
    let (major, minor) = DISK;
    for (target, name, partition) in rows {
        let world = World::on(target);
        let spot = world.located().unwrap();
        assert_eq!(world.calls(), look(), "{target}");
        assert_eq!((spot.backing, spot.regions()), (Backing::Disk { major, minor }, 0), "{target}");
        assert_eq!(
            (spot.name.as_str(), spot.entry.unwrap().partition),
            (name, partition),
            "{target}"
        );
        assert_eq!(spot.area(0), None);
    }
}

#[test]
fn device_dax() {
    let look = [Call::Fstat, Call::Readlink("/sys/dev/char/252:5".into())];
    let rows = [
        (DEVDAX, "dax1.0", Some(area(0, 1, Mode::Devdax, 2, Family::Nfit))),
        // Linux before 5.1.
        (
            "../../devices/x/ndbus0/region1/dax1.2/dax/dax1.0",
            "dax1.0",
            Some(area(0, 1, Mode::Devdax, 2, Family::Nfit)),
        ),
        (HMEM, "dax2.0", None),
        (
            "../../devices/platform/ACPI0017:00/root0/decoder0.0/region0/dax_region0/dax0.0",
            "dax0.0",
            None,
        ),
    ];
    for (target, name, area) in rows {
        let world = World::dax_in(target);
        let spot = world.located().unwrap();
        assert_eq!(world.calls(), look, "{target}");
        let backing = if area.is_some() { Backing::Regions } else { Backing::DeviceDax };
        assert_eq!((spot.backing, areas(&spot)), (backing, area.into_iter().collect()), "{target}");
        assert_eq!(spot.name.as_str(), name);
        assert_eq!(spot.entry.unwrap().class, Class::Char);
    }
}

#[test]
fn a_block_device_is_found_by_its_own_number() {
    let mut world = World::on(FSDAX);
    // The device file lies on /dev, which is no matter.
    (world.stat.mode, world.stat.rdev, world.stat.dev) = (0o060_600, world.stat.dev, 5);
    let spot = world.located().unwrap();
    assert_eq!((areas(&spot).len(), spot.name.as_str()), (1, "pmem1"));
    assert_eq!(world.calls(), [Call::Fstat, Call::Readlink(ENTRY_OF_DISK.into())]);
}

#[test]
fn what_lies_nowhere() {
    let kinds = [
        Kind::CharacterDevice,
        Kind::Directory,
        Kind::Pipe,
        Kind::Socket,
        Kind::SymbolicLink,
        Kind::AnonymousInode,
        Kind::UnknownDevice(Subject::Sysfs),
        Kind::Anonymous,
        Kind::Other,
    ];
    for kind in kinds {
        let world = World::on(FSDAX);
        let facts = crate::Facts::new(world.facts().id, kind, Access::READ, None);
        assert_eq!(
            locate(object(world.sys(), FD, &facts)).err(),
            Some(Fail::Unsupported),
            "{kind:?}"
        );
        assert_eq!(world.calls(), [Call::Fstat]);
    }
}

/// The device that stat(2) names is the file's only where the file system has no other, or says so:
/// of all others nothing is asked of /sys, where the first device would be.
#[test]
fn file_systems_that_may_have_several_devices() {
    const XFS: u32 = 0x5846_5342;
    let single = [
        0xef53,      // ext2, ext3, ext4
        0x4d44,      // vfat
        0x2011_bab0, // exfat
        0x7366_746e, // ntfs3
        0x7371_7368, // squashfs
        0x9660,      // iso9660
    ];
    let several = [
        0xf2f5_2010, // f2fs
        0xe0f5_e1e2, // erofs
        0xca45_1a4e, // bcachefs
        0x6573_5546, // a FUSE on a block device
        0x0102_1994, // tmpfs has no device: something is making one up
        0x1234_5678, // unknown
        0,
    ];
    let on = |magic, xflags| {
        let mut world = World::on(FSDAX).with_region(1, &[]);
        (world.magic, world.disk.xflags) = (magic, xflags);
        let spot = world.located().unwrap();
        (spot.backing, spot.regions(), spot.entry.is_some(), world.calls())
    };
    for magic in single {
        assert_eq!(on(magic, 1), (Backing::Regions, 1, true, look()), "{magic:#x}");
    }
    let asked = vec![Call::Fstat, Call::Fstatfs];
    for magic in several {
        let hidden = Backing::Hidden(FileSystem::from_magic(magic));
        assert_eq!(on(magic, 0), (hidden, 0, false, asked.clone()), "{magic:#x}");
    }
    let asked = [asked, vec![Call::Xflags]].concat();
    for xflags in [0, 0xffff_fffe] {
        let calls = [&asked[..], &look()[2..]].concat();
        assert_eq!(on(XFS, xflags), (Backing::Regions, 1, true, calls), "{xflags:#x}");
    }
    let hidden = Backing::Hidden(FileSystem::from_magic(XFS));
    for xflags in [1, 0x8000_0001] {
        assert_eq!(on(XFS, xflags), (hidden, 0, false, asked.clone()), "{xflags:#x}");
    }
    // What only names the file has no flags to tell.
    let mut world = World::on(FSDAX).with_region(1, &[]);
    (world.magic, world.flags) = (XFS, PATH);
    assert_eq!(world.located().map(|spot| spot.backing), Ok(hidden));
}

#[test]
fn file_systems_without_a_device() {
    let memory = [
        0x0102_1994, // tmpfs
        0x8584_58f6, // ramfs
        0x9584_58f6, // hugetlbfs
        0x5345_434d, // secretmem
        0x9fa0,      // proc
        0x6265_6572, // sysfs
        0x6462_6720, // debugfs
    ];
    let hidden = [
        0x794c_7630, // overlay
        0x9123_683e, // btrfs
        0x6969,      // nfs
        0x6573_5546, // fuse
        0x2fc1_2fc1, // zfs
        0xef53,      // ext4 has a device: something is hiding it
        0x1234_5678, // unknown
        0,
    ];
    let rows =
        memory.map(|magic| (magic, true)).into_iter().chain(hidden.map(|magic| (magic, false)));
    for (magic, is_memory) in rows {
        let world = World::without_device(magic);
        let spot = world.located().unwrap();
        let system = FileSystem::from_magic(magic);
        let backing = if is_memory { Backing::Memory(system) } else { Backing::Hidden(system) };
        assert_eq!(spot.backing, backing, "{system}");
        assert_eq!((spot.name.as_str(), spot.regions(), spot.area(0)), ("", 0, None));
        assert!(spot.entry.is_none());
        assert_eq!(world.calls(), [Call::Fstat, Call::Fstatfs]);
    }
}

#[test]
fn a_bus_without_a_namespace_that_can_be_understood() {
    let rest = [
        "",
        "/",
        "/region",
        "/region0",
        "/regionx/pfn0.0/block/pmem0",
        "/region-1/pfn0.0/block/pmem0",
        "/region4294967296/pfn4294967296.0/block/pmem0",
        "/xregion0/pfn0.0/block/pmem0",
        "/region0/block/pmem0",
        "/region0/pfn/block/pmem0",
        "/region0/pfn0/block/pmem0",
        "/region0/pfn0./block/pmem0",
        "/region0/pfn.0/block/pmem0",
        "/region0/pfn0.x/block/pmem0",
        "/region0/pfn0.0.0/block/pmem0",
        "/region0/pfn0.4294967296/block/pmem0",
        "/region0/pfn0.-1/block/pmem0",
        "/region0/pfnx.0/block/pmem0",
        "/region0/pfn1.0/block/pmem0",
        "/region0/pfn4294967296.0/block/pmem0",
        "/region0/nmem0.0/block/pmem0",
        "/region0/Pfn0.0/block/pmem0",
        "/region0/namespace/block/pmem0",
        "/region0/dax/dax0.0",
        "/nd/ndctl0",
        "/nmem0",
    ];
    for rest in rest {
        let world = World::on(format!("../../devices/x/ndbus0{rest}"));
        assert_eq!(world.located().err(), Some(Fail::Malformed(Subject::Region)), "{rest}");
        assert_eq!(world.calls(), look());
    }
}

#[test]
fn a_link_that_may_have_been_cut_off() {
    for (length, fail) in
        [(510, None), (511, None), (512, Some(())), (513, Some(())), (5000, Some(()))]
    {
        let end = "/ndbus0/region1/pfn1.2/block/pmem1";
        let target = format!("{}{end}", "x".repeat(length - end.len()));
        let fail = fail.map(|()| Fail::Malformed(Subject::Device));
        assert_eq!(World::on(target).located().err(), fail, "{length}");
    }
}

#[test]
fn no_entry() {
    for (sysfs, what) in [(true, Subject::Device), (false, Subject::Sysfs)] {
        let mut world = World::on(FSDAX);
        world.links.clear();
        world.sysfs = sysfs;
        assert_eq!(world.located().err(), Some(Fail::Absent(what)));
        assert_eq!(world.calls(), [look(), vec![Call::Access("/sys/dev".into())]].concat());
    }
}

#[test]
fn a_name_is_shown_as_far_as_there_is_room() {
    let rows: [(&[u8], &str); 9] = [
        (b"12345678901234567890123456789012", "12345678901234567890123456789012"),
        (b"123456789012345678901234567890123", "12345678901234567890123456789…"),
        // A character is shown whole or not at all.
        ("1234567890123456789012345678901é".as_bytes(), "12345678901234567890123456789…"),
        ("1234567890123456789012345678é90".as_bytes(), "1234567890123456789012345678é90"),
        ("1234567890123456789012345678é901".as_bytes(), "1234567890123456789012345678…"),
        ("123456789012345678901234567890é".as_bytes(), "123456789012345678901234567890é"),
        // What is not UTF-8 is left out.
        (b"pmem\xff0", "pmem0"),
        (b"\xc3", ""),
        (b"", ""),
    ];
    for (name, shown) in rows {
        assert_eq!(cut_name::<32>(name).as_str(), shown);
        let target = [b"../x/ndbus0/region1/pfn1.2/block/".as_slice(), name].concat();
        assert_eq!(
            World::on(target).located().unwrap().name.as_str(),
            shown,
            "{:?}",
            String::from_utf8_lossy(name)
        );
    }
}

#[test]
fn a_descriptor_that_is_another_file_now() {
    let mut world = World::on(FSDAX);
    let facts = world.facts();
    world.stat.ino += 1;
    assert_eq!(locate(object(world.sys(), FD, &facts)).err(), Some(Fail::Replaced));
    assert_eq!(
        locate(object(world.sys(), FD + 1, &facts)).err(),
        Some(Fail::Absent(Subject::Handle))
    );
    assert_eq!(world.calls(), [Call::Fstat, Call::Fstat], "nothing is asked of the wrong file");
}

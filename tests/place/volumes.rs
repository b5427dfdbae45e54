//! Volumes (device-mapper, md) and the regions that they are made of.

use pmem2::{
    Error, Granularity, Sharing,
    error::{Errno, Subject},
    place::{Backing, Mode, Place, Reason},
};

use crate::{
    because,
    common::{
        device_dax::Entry,
        nd::{self, Bus, block, partition, volume},
    },
    os, regions, source, with_bus,
};

/// Numbers of devices that are not opened.
const fn number(minor: u32) -> (u32, u32) {
    (259, 5000 + minor)
}

/// The disk of a region in the mode fsdax.
fn fsdax(bus: &Bus, region: u32, dimms: &[u32]) -> Entry {
    bus.region(region, dimms).fsdax(&format!("pmem{region}"), number(region))
}

fn place() -> Result<Place, Error> {
    source().place()
}

/// Bus, number, mode and namespace of each region.
fn found() -> Vec<(u32, u32, Mode, Option<u32>)> {
    let place = place().expect("a place");
    assert_eq!(place.backing(), Backing::Regions);
    let short =
        |region: &pmem2::place::Region| (region.bus, region.number, region.mode, region.namespace);
    place.regions().map(short).collect()
}

#[test]
fn on_two_regions() {
    needs_root!();
    with_bus(|_, bus| {
        for (dimm, id) in [(0, "a-0"), (1, "b-1"), (2, "c-2")] {
            bus.dimm(dimm, id, "10");
        }
        let (second, first) = (fsdax(bus, 11, &[2, 0]), fsdax(bus, 3, &[1]));
        volume("dm-0", nd::disk(), &[&second, &first]);
        assert_eq!(
            found(),
            [(0, 3, Mode::Fsdax, Some(0)), (0, 11, Mode::Fsdax, Some(0))],
            "by number"
        );
        let place = place().expect("a place");
        assert_eq!((place.device(), place.dax_capable()), ("dm-0", Some(true)));
        let source = source();
        assert_eq!(source.numa_node(), Ok(Some(1)));
        assert_eq!(source.device_id().as_deref(), Ok("b-1c-2a-0"), "region by region");
        assert_eq!(source.device_usc(), Ok(30));
        let listed: Vec<_> = source
            .dimms()
            .expect("DIMMs")
            .map(|dimm| dimm.map(|dimm| (dimm.region(), dimm.number())))
            .collect();
        assert_eq!(listed, [Ok((0, Ok(1))), Ok((1, Ok(2))), Ok((1, Ok(0)))]);
        assert_eq!(source.confirm_place(&place), Ok(()));
    });
}

#[test]
fn regions_of_several_buses_and_nodes() {
    needs_root!();
    with_bus(|_, bus| {
        let other = Bus::another(1, "virtio-pmem", "/sys/devices/pci0000:00/0000:00:04.0/virtio0");
        let (one, two) = (bus.region(6, &[]), other.region(5, &[]));
        let disks = [two.fsdax("pmem5", number(5)), one.fsdax("pmem6", number(6))];
        volume("dm-0", nd::disk(), &[&disks[0], &disks[1]]);
        assert_eq!(
            found(),
            [(0, 6, Mode::Fsdax, Some(0)), (1, 5, Mode::Fsdax, Some(0))],
            "by bus first"
        );
        let source = source();
        assert_eq!(source.numa_node(), Ok(Some(1)));
        for (node, answer) in
            [("0\n", Err(Error::SeveralNumaNodes)), ("-1\n", Err(Error::SeveralNumaNodes))]
        {
            two.entry.write("numa_node", node);
            assert_eq!(source.numa_node(), answer);
        }
        one.entry.write("numa_node", "-1\n");
        assert_eq!(source.numa_node(), Ok(None));
        // One of them is flushed by the host only.
        let answer = source.expected_granularity(Sharing::Shared).expect("a granularity");
        assert_eq!((answer.granularity, answer.reason), (Granularity::Page, because(Reason::Host)));
    });
}

#[test]
fn volumes_of_parts_and_of_volumes() {
    needs_root!();
    with_bus(|_, bus| {
        let (one, two, three) = (fsdax(bus, 1, &[]), fsdax(bus, 2, &[]), fsdax(bus, 3, &[]));
        let part = partition(&one, "pmem1p1", number(101));
        let lower = volume("dm-1", number(201), &[&part, &two]);
        let upper = volume("dm-2", number(202), &[&lower, &three]);
        // A part of a volume.
        partition(&upper, "dm-2p1", nd::disk());
        let all = [1, 2, 3].map(|region| (0, region, Mode::Fsdax, Some(0)));
        assert_eq!(found(), all);
        assert_eq!(
            place().map(|place| (place.device().to_owned(), place.dax_capable())),
            Ok(("dm-2p1".into(), Some(true)))
        );
        // The same twice: two parts of one disk are one namespace.
        let part = partition(&one, "pmem1p2", number(102));
        volume("dm-3", nd::disk(), &[&part, &one, &part]);
        assert_eq!(found(), all[..1]);
    });
}

#[test]
fn several_namespaces_of_one_region() {
    needs_root!();
    with_bus(|_, bus| {
        let region = bus.region(4, &[]);
        let disk = |kind, index, namespace, minor| {
            let carrier = region.carrier(kind, index, namespace);
            block(carrier.directory(), &format!("pmem4.{namespace}"), number(minor), "1")
        };
        let (one, two, btt) = (disk("pfn", 1, 0, 1), disk("pfn", 2, 5, 2), disk("btt", 1, 6, 3));
        for of in [[&one, &two], [&two, &one]] {
            volume("dm-0", nd::disk(), &of);
            assert_eq!(found(), [(0, 4, Mode::Fsdax, None)], "there is not one");
            std::fs::remove_dir_all("/sys/devices/virtual").expect("the volume goes");
        }
        assert_eq!(
            regions(&{
                volume("dm-0", nd::disk(), &[&one]);
                place().expect("a place")
            })[0]
                .namespace,
            Some(0)
        );
        std::fs::remove_dir_all("/sys/devices/virtual").expect("the volume goes");
        // What says most about how it can be mapped, in whatever order.
        for of in [[&one, &btt], [&btt, &one]] {
            volume("dm-0", nd::disk(), &of);
            assert_eq!(found(), [(0, 4, Mode::Sector, None)]);
            let answer = source().expected_granularity(Sharing::Shared).expect("a granularity");
            assert_eq!(answer.reason, because(Reason::Sector));
            std::fs::remove_dir_all("/sys/devices/virtual").expect("the volume goes");
        }
    });
}

/// One device that is no persistent memory makes the volume none: its data is lost or slow with
/// that one.
#[test]
fn with_an_ordinary_disk_in_it() {
    needs_root!();
    with_bus(|_, bus| {
        let pmem = fsdax(bus, 1, &[]);
        let disk =
            block("/sys/devices/pci0000:00/0000:00:05.0/virtio1".as_ref(), "vdb", (253, 16), "0");
        let part = partition(&disk, "vdb1", (253, 17));
        let ram = block("/sys/devices/virtual".as_ref(), "ram7", (1, 7), "0");
        let looped = block("/sys/devices/virtual".as_ref(), "loop3", (7, 3), "0");
        // A loop device has a directory for what it is made of, with nothing in it.
        Entry::at(looped.path("slaves"));
        for (other, major, minor) in
            [(&disk, 253, 16), (&part, 253, 17), (&ram, 1, 7), (&looped, 7, 3)]
        {
            for of in [[other, &pmem], [&pmem, other]] {
                let dm = volume("dm-0", nd::disk(), &of);
                let place = place().expect("a place");
                assert_eq!(
                    (place.backing(), place.regions().count()),
                    (Backing::Disk { major, minor }, 0)
                );
                assert_eq!(
                    source().numa_node(),
                    Err(Error::DaxRegionNotFound(Backing::Disk { major, minor }))
                );
                std::fs::remove_dir_all(dm.directory()).expect("the volume goes");
            }
        }
        // A RAM disk or loop device itself, and its parts.
        let (major, minor) = nd::disk();
        for slaves in [false, true] {
            let own = block("/sys/devices/virtual".as_ref(), "ram0", nd::disk(), "0");
            if slaves {
                Entry::at(own.path("slaves"));
            }
            assert_eq!(place().map(|place| place.backing()), Ok(Backing::Disk { major, minor }));
        }
    });
}

#[test]
fn of_sixteen_regions_and_of_more() {
    needs_root!();
    with_bus(|_, bus| {
        // As the directory lists them, which is in no order.
        let disks: Vec<_> = (0..17).map(|region| fsdax(bus, region * 7 % 17, &[])).collect();
        let all: Vec<_> = disks.iter().collect();
        let dm = volume("dm-0", nd::disk(), &all[..16]);
        let mut expected: Vec<_> = (0..16).map(|region| region * 7 % 17).collect();
        expected.sort_unstable();
        assert_eq!(found().iter().map(|region| region.1).collect::<Vec<_>>(), expected);
        std::fs::remove_dir_all(dm.directory()).expect("the volume goes");
        let dm = volume("dm-0", nd::disk(), &all);
        assert_eq!(place(), Err(Error::TooLarge(Subject::Volume)));
        assert_eq!(source().numa_node(), Err(Error::TooLarge(Subject::Volume)));
        std::fs::remove_dir_all(dm.directory()).expect("the volume goes");
        // In two layers too.
        let lower = volume("dm-1", number(301), &all[..9]);
        let dm = volume("dm-0", nd::disk(), &[&[&lower], &all[9..]].concat());
        assert_eq!(place(), Err(Error::TooLarge(Subject::Volume)));
        std::fs::remove_dir_all(dm.directory()).expect("the volume goes");
        volume("dm-0", nd::disk(), &[&[&lower], &all[9..16]].concat());
        assert_eq!(found().len(), 16);
    });
}

/// A chain has an end: one that leads back to itself, or is very long, is an error and not a loop.
#[test]
fn layers_of_volumes() {
    needs_root!();
    with_bus(|_, bus| {
        let layered = |layers: u32| {
            let mut below = fsdax(bus, 1, &[]);
            for layer in 1..layers {
                below = volume(&format!("dm-{layer}"), number(400 + layer), &[&below]);
            }
            volume("dm-0", nd::disk(), &[&below]);
        };
        layered(64);
        assert_eq!(found(), [(0, 1, Mode::Fsdax, Some(0))]);
        layered(65);
        assert_eq!(place(), Err(Error::TooLarge(Subject::Volume)));
        let dm = volume("dm-0", nd::disk(), &[]);
        std::fs::remove_dir_all(dm.path("slaves")).expect("its slaves go");
        let one = volume("dm-1", number(401), &[&dm]);
        volume("dm-0", nd::disk(), &[&one]);
        assert_eq!(place(), Err(Error::TooLarge(Subject::Volume)));
    });
}

#[test]
fn slaves_that_make_no_sense() {
    needs_root!();
    with_bus(|_, bus| {
        let pmem = fsdax(bus, 1, &[]);
        let dm = volume("dm-0", nd::disk(), &[&pmem]);
        let slaves = Entry::at(dm.path("slaves"));
        let place_with = |name: &str| {
            slaves.write(name, "");
            let answer = place().map(|place| place.backing());
            std::fs::remove_file(slaves.path(name)).expect("it goes");
            answer
        };
        let name = "x".repeat(33);
        assert_eq!(
            place_with(&name),
            Err(Error::InvalidDevFormat),
            "no device has a name of 33 bytes"
        );
        assert_eq!(place_with("gone"), Err(os(Subject::Device, Errno::ENOENT)));
        std::fs::remove_dir_all(slaves.directory()).expect("they go");
        dm.write("slaves", "a file");
        assert_eq!(place(), Err(os(Subject::Volume, Errno::ENOTDIR)));
        std::fs::remove_file(dm.path("slaves")).expect("it goes");
        dm.link("slaves", "slaves");
        assert_eq!(place(), Err(os(Subject::Volume, Errno::ELOOP)));
        // An ordinary disk below, whose number cannot be told.
        std::fs::remove_file(dm.path("slaves")).expect("it goes");
        let disk =
            block("/sys/devices/pci0000:00/0000:00:05.0/virtio1".as_ref(), "vdb", (253, 16), "0");
        volume("dm-0", nd::disk(), &[&disk]);
        for text in [
            "",
            "253",
            "253:",
            ":16",
            "253:x",
            "x:16",
            "253:16:1",
            "253 16",
            "-1:16",
            "4294967296:0",
        ] {
            disk.write("dev", text);
            assert_eq!(place(), Err(Error::InvalidDevFormat), "{text:?}");
        }
        disk.write("dev", "4294967295:4294967295\n");
        let on = Backing::Disk { major: u32::MAX, minor: u32::MAX };
        assert_eq!(place().map(|place| place.backing()), Ok(on));
        std::fs::remove_file(disk.path("dev")).expect("it goes");
        assert_eq!(place(), Err(os(Subject::Device, Errno::ENOENT)));
    });
}

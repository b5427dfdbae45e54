//! Disks that are made of others: device-mapper and md.

use std::{format, string::String, vec, vec::Vec};

use proptest::prelude::*;

use crate::linux::tests::{
    machine::{DISK, DM, ENTRY_OF_DISK, SDA1, listed, pmem, read, slaves},
    world::{Call, World},
};
use crate::{Backing, Fail, Subject};

const MD: &str = "../../devices/virtual/block/md0";
const LOOP: &str = "../../devices/virtual/block/loop0";

/// A file on the volume dm-0, which is made of these.
fn on(below: &[(&str, &str)]) -> World {
    World::on(DM).with_volume("dm-0", below)
}

fn look() -> Vec<Call> {
    vec![Call::Fstat, Call::Fstatfs, Call::Readlink(ENTRY_OF_DISK.into())]
}

/// The calls that list what a volume is made of.
fn list(name: &str) -> Vec<Call> {
    vec![Call::Open(slaves(name)), Call::Entries, Call::Close]
}

fn follow(name: &str) -> Call {
    Call::Readlink(format!("/sys/class/block/{name}"))
}

/// The calls that find a disk's number.
fn number(name: &str) -> Vec<Call> {
    read(format!("/sys/class/block/{name}/dev"))
}

#[test]
fn on_one_namespace() {
    let one = pmem(0, 4, "pfn", 1);
    let world = on(&[("pmem4", &one)]);
    let spot = world.located().unwrap();
    assert_eq!((spot.backing, spot.name.as_str()), (Backing::Regions, "dm-0"));
    assert_eq!(listed(&spot), ["0 4 fsdax 1"]);
    assert_eq!(world.calls(), [look(), list("dm-0"), vec![follow("pmem4")]].concat());
    assert!(!spot.entry.unwrap().partition);
}

#[test]
fn on_a_partition_of_a_namespace() {
    let part = pmem(0, 4, "btt", 1) + "/pmem4p2";
    let spot = on(&[("pmem4p2", &part)]).located().unwrap();
    assert_eq!(listed(&spot), ["0 4 sector 1"]);
}

#[test]
fn on_several_namespaces() {
    // By bus and number, whatever the order in the directory.
    let below = [
        pmem(1, 0, "pfn", 0),
        pmem(0, 7, "pfn", 1),
        pmem(0, 12, "pfn", 2),
        pmem(2, 3, "namespace", 0),
        pmem(0, 1, "btt", 0),
    ];
    let named: Vec<_> =
        ["a", "b", "c", "d", "e"].into_iter().zip(below.iter().map(String::as_str)).collect();
    let world = on(&named);
    let expected = ["0 1 sector 0", "0 7 fsdax 1", "0 12 fsdax 2", "1 0 fsdax 0", "2 3 raw 0"];
    assert_eq!(listed(&world.located().unwrap()), expected);
    let links = ["a", "b", "c", "d", "e"].map(follow).to_vec();
    assert_eq!(world.calls(), [look(), list("dm-0"), links].concat());
}

#[test]
fn on_several_namespaces_of_one_region() {
    let rows: [(&[(&str, u32)], &str); 10] = [
        // Twice the same one: two partitions on it.
        (&[("pfn", 1), ("pfn", 1)], "0 4 fsdax 1"),
        (&[("pfn", 1), ("pfn", 2)], "0 4 fsdax -"),
        (&[("pfn", 1), ("pfn", 2), ("pfn", 1)], "0 4 fsdax -"),
        (&[("pfn", 1), ("btt", 1)], "0 4 sector -"),
        (&[("btt", 1), ("pfn", 1)], "0 4 sector -"),
        (&[("namespace", 1), ("pfn", 1)], "0 4 raw -"),
        (&[("pfn", 1), ("namespace", 1)], "0 4 raw -"),
        (&[("namespace", 1), ("btt", 2)], "0 4 sector -"),
        (&[("btt", 2), ("namespace", 1)], "0 4 sector -"),
        (&[("btt", 2), ("namespace", 1), ("pfn", 0)], "0 4 sector -"),
    ];
    for (carriers, expected) in rows {
        let targets: Vec<_> =
            carriers.iter().map(|(carrier, index)| pmem(0, 4, carrier, *index)).collect();
        let named: Vec<_> =
            ["a", "b", "c"].into_iter().zip(targets.iter().map(String::as_str)).collect();
        assert_eq!(listed(&on(&named).located().unwrap()), [expected], "{carriers:?}");
    }
    // The same region's number on another bus is another region.
    let (one, other) = (pmem(0, 4, "pfn", 1), pmem(1, 4, "pfn", 1));
    assert_eq!(
        listed(&on(&[("a", &other), ("b", &one)]).located().unwrap()),
        ["0 4 fsdax 1", "1 4 fsdax 1"]
    );
}

#[test]
fn on_another_volume() {
    let (one, two) = (pmem(0, 1, "pfn", 0), pmem(0, 2, "pfn", 0));
    let dm = |number: u32| format!("../../devices/virtual/block/dm-{number}");
    // dm-0 on dm-1 and pmem2, dm-1 on a partition of md0, md0 on pmem1.
    let world = on(&[("dm-1", &dm(1)), ("pmem2", &two)])
        .with_volume("dm-1", &[("md0p1", &format!("{MD}/md0p1"))])
        .with_volume("md0", &[("pmem1", &one)]);
    assert_eq!(listed(&world.located().unwrap()), ["0 1 fsdax 0", "0 2 fsdax 0"]);
    let calls = [
        look(),
        list("dm-0"),
        vec![follow("dm-1")],
        list("dm-1"),
        // What is waiting is looked at in no order that matters.
        vec![follow("md0p1")],
        list("md0"),
        vec![follow("pmem1"), follow("pmem2")],
    ];
    assert_eq!(world.calls(), calls.concat());
}

#[test]
fn a_file_on_a_partition_of_a_volume() {
    let one = pmem(0, 1, "pfn", 0);
    let world = World::on(format!("{MD}/md0p1")).with_volume("md0", &[("pmem1", &one)]);
    let spot = world.located().unwrap();
    assert_eq!((spot.name.as_str(), listed(&spot)), ("md0p1", vec!["0 1 fsdax 0".into()]));
    assert!(spot.entry.unwrap().partition);
}

#[test]
fn made_of_nothing() {
    let (major, minor) = DISK;
    let ram = World::on(LOOP);
    let empty = ram.clone().with_volume("loop0", &[]);
    for (world, calls) in [(ram, vec![Call::Open(slaves("loop0"))]), (empty, list("loop0"))] {
        let spot = world.located().unwrap();
        assert_eq!((spot.backing, spot.regions()), (Backing::Disk { major, minor }, 0));
        assert_eq!(world.calls(), [look(), calls].concat());
    }
    // A loop device under a volume is the disk that the volume lies on.
    let world = on(&[("loop0", LOOP)]).with_volume("loop0", &[]).numbered("loop0", "7:0");
    assert_eq!(world.located().unwrap().backing, Backing::Disk { major: 7, minor: 0 });
    assert_eq!(
        world.calls(),
        [look(), list("dm-0"), vec![follow("loop0")], list("loop0"), number("loop0")].concat()
    );
}

#[test]
fn partly_on_a_disk() {
    let one = pmem(0, 1, "pfn", 0);
    let disk = Backing::Disk { major: 8, minor: 1 };
    // Under `virtual` and yet a disk: an NVMe namespace that is reached by several ways.
    let nvme = "../../devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1/nvme0n1p1";
    for (name, target) in [("sda1", SDA1), ("nvme0n1p1", nvme)] {
        for below in [[(name, target), ("pmem1", one.as_str())], [("pmem1", &one), (name, target)]]
        {
            let spot = on(&below).numbered(name, "8:1").located().unwrap();
            assert_eq!((spot.backing, spot.regions(), spot.area(0)), (disk, 0, None));
        }
    }
    // It is seen below another volume too.
    let world = on(&[("pmem1", &one), ("md0", MD)])
        .with_volume("md0", &[("sda1", SDA1)])
        .numbered("sda1", "8:1");
    assert_eq!(world.located().unwrap().backing, disk);
    let calls = [
        look(),
        list("dm-0"),
        vec![follow("pmem1"), follow("md0")],
        list("md0"),
        vec![follow("sda1")],
        number("sda1"),
    ];
    assert_eq!(world.calls(), calls.concat());
}

#[test]
fn the_number_of_the_disk_is_garbage() {
    let good = [("8:1", 8, 1), ("0:0", 0, 0), ("4294967295:4294967295", u32::MAX, u32::MAX)];
    for (text, major, minor) in good {
        let spot = on(&[("sda1", SDA1)]).numbered("sda1", text).located().unwrap();
        assert_eq!(spot.backing, Backing::Disk { major, minor });
    }
    let bad = [
        "",
        ":",
        "8",
        "8:",
        ":1",
        "8:1:1",
        "8:1\n",
        "x",
        "-8:1",
        "8:-1",
        "8 1",
        "8:4294967296",
        "4294967296:1",
    ];
    for text in bad.into_iter().chain([" 8:1", "8:1 ", "00000000000000000000000000000008:1"]) {
        let world = on(&[("sda1", SDA1)]).numbered("sda1", text);
        assert_eq!(world.located().err(), Some(Fail::Malformed(Subject::Device)), "{text:?}");
        assert_eq!(
            world.calls(),
            [look(), list("dm-0"), vec![follow("sda1")], number("sda1")].concat()
        );
    }
}

/// A volume on `count` namespaces of as many regions.
fn on_regions(numbers: &[u32]) -> World {
    let below: Vec<_> = numbers
        .iter()
        .map(|number| (format!("pmem{number}"), pmem(0, *number, "pfn", 0)))
        .collect();
    let below: Vec<_> =
        below.iter().map(|(name, target)| (name.as_str(), target.as_str())).collect();
    on(&below)
}

#[test]
fn as_many_regions_as_there_is_room_for() {
    let numbers: Vec<u32> = (0..16).rev().collect();
    let spot = on_regions(&numbers).located().unwrap();
    assert_eq!(listed(&spot), Vec::from_iter((0..16).map(|number| format!("0 {number} fsdax 0"))));
    assert_eq!(
        (spot.regions(), spot.area(15).map(|area| area.region), spot.area(16)),
        (16, Some(15), None)
    );
    // A 17th does not even fit among those that wait; below another volume it does, and then there
    // is one region too many.
    assert_eq!(
        on_regions(&Vec::from_iter(0..17)).located().err(),
        Some(Fail::TooLarge(Subject::Volume))
    );
    for last in [0, 8, 99] {
        let others: Vec<u32> = (1..17).filter(|number| *number != last).collect();
        let below: Vec<_> =
            others.iter().take(15).map(|n| (format!("pmem{n}"), pmem(0, *n, "pfn", 0))).collect();
        let mut below: Vec<_> =
            below.iter().map(|(name, target)| (name.as_str(), target.as_str())).collect();
        below.push(("md0", MD));
        let (one, two) = (pmem(0, 50, "pfn", 0), pmem(0, last, "pfn", 0));
        let world = on(&below);
        assert_eq!(
            world.clone().with_volume("md0", &[("a", &one)]).located().unwrap().regions(),
            16
        );
        let world = world.with_volume("md0", &[("a", &one), ("b", &two)]);
        assert_eq!(world.located().err(), Some(Fail::TooLarge(Subject::Volume)), "{last}");
        world.calls();
    }
}

#[test]
fn what_waits_has_room_again_when_it_was_looked_at() {
    // Three volumes of 14 namespaces each of one region.
    let target = pmem(0, 1, "pfn", 0);
    let names: Vec<String> = (0..14).map(|n| format!("part{n}")).collect();
    let parts: Vec<_> = names.iter().map(|name| (name.as_str(), target.as_str())).collect();
    let dm = |number: u32| format!("../../devices/virtual/block/dm-{number}");
    let (dm1, dm2) = (dm(1), dm(2));
    let world = on(&[parts.as_slice(), &[("dm-1", dm1.as_str())]].concat())
        .with_volume("dm-1", &[parts.as_slice(), &[("dm-2", dm2.as_str())]].concat())
        .with_volume("dm-2", &parts);
    assert_eq!(listed(&world.located().unwrap()), ["0 1 fsdax 0"]);
}

/// A volume on a volume, so many in all, and the last one on persistent memory.
fn tower(height: usize) -> World {
    let one = pmem(0, 1, "pfn", 0);
    let mut world = World::on(DM);
    for level in 0..height {
        let below = format!("dm-{}", level + 1);
        let target = if level + 1 == height {
            one.clone()
        } else {
            format!("../../devices/virtual/block/{below}")
        };
        world = world.with_volume(&format!("dm-{level}"), &[(&below, &target)]);
    }
    world
}

#[test]
fn as_many_volumes_as_are_looked_at() {
    for height in [1, 2, 63, 64] {
        let world = tower(height);
        assert_eq!(listed(&world.located().unwrap()), ["0 1 fsdax 0"], "{height}");
        let counted = world.calls().iter().filter(|call| **call == Call::Entries).count();
        assert_eq!(counted, height);
    }
    for height in [65, 100] {
        assert_eq!(
            tower(height).located().err(),
            Some(Fail::TooLarge(Subject::Volume)),
            "{height}"
        );
    }
}

#[test]
fn a_volume_on_itself() {
    let one = pmem(0, 1, "pfn", 0);
    let alone = on(&[("dm-0", DM)]);
    let beside = on(&[("pmem1", &one), ("dm-0", DM)]);
    let round = on(&[("md0", MD)]).with_volume("md0", &[("dm-0", DM), ("pmem1", &one)]);
    for world in [alone, beside, round] {
        assert_eq!(world.located().err(), Some(Fail::TooLarge(Subject::Volume)));
        world.calls();
    }
}

#[test]
fn names_of_volumes() {
    let one = pmem(0, 1, "pfn", 0);
    let malformed = Some(Fail::Malformed(Subject::Device));
    let volume = |name: &[u8]| [b"../../devices/virtual/block/", name].concat();
    // 32 bytes are the most; the kernel's own names have 31.
    for (length, fail) in [(31, None), (32, None), (33, malformed)] {
        let name = "d".repeat(length);
        let world = World::on(volume(name.as_bytes())).with_volume(&name, &[("pmem1", &one)]);
        assert_eq!(world.located().err(), fail, "the volume itself, {length}");
        let world = on(&[(&name, &one)]);
        assert_eq!(world.located().err(), fail, "what it is made of, {length}");
        let target = String::from_utf8(volume(name.as_bytes())).unwrap();
        let world = on(&[("below", &target)]).with_volume(&name, &[("pmem1", &one)]);
        assert_eq!(world.located().err(), fail, "a volume below, {length}");
        world.calls();
    }
    assert_eq!(World::on(volume(b"dm\xff")).located().err(), malformed);
    assert_eq!(
        World::on(volume(b"")).with_file(&slaves(""), "").located().unwrap().name.as_str(),
        ""
    );
    let world = on(&[]).with_file(&slaves("dm-0"), b"pmem\xff\n");
    assert_eq!(world.located().err(), malformed);
    assert_eq!(world.calls(), [look(), list("dm-0")].concat());
    // cciss/c0d0 has this name in sysfs.
    let spot = on(&[("cciss!c0d0", "../x/block/cciss!c0d0")])
        .numbered("cciss!c0d0", "104:0")
        .located()
        .unwrap();
    assert_eq!(spot.backing, Backing::Disk { major: 104, minor: 0 });
}

#[test]
fn what_it_is_made_of_has_a_directory_that_makes_no_sense() {
    let long = "x/".repeat(256);
    let rows = [("../x/ndbus0/y", Subject::Region), (long.as_str(), Subject::Device)];
    for (target, what) in rows {
        assert_eq!(on(&[("pmem1", target)]).located().err(), Some(Fail::Malformed(what)));
    }
}

proptest! {
    /// The answer does not depend on the order in which the directory gives the names.
    #[test]
    fn regions_in_any_order(order in Just(Vec::from_iter(0..16_u32)).prop_shuffle(), count in 1_usize..=16) {
        let chosen = &order[..count];
        let mut expected = chosen.to_vec();
        expected.sort_unstable();
        let spot = on_regions(chosen).located().unwrap();
        prop_assert_eq!(listed(&spot), Vec::from_iter(expected.iter().map(|number| format!("0 {number} fsdax 0"))));
    }

    #[test]
    fn namespaces_of_a_region_in_any_order(
        carriers in proptest::collection::vec((proptest::sample::select(vec!["pfn", "btt", "namespace"]), 0_u32..3), 1..5),
        seed in any::<proptest::sample::Index>(),
    ) {
        let located = |carriers: &[(&str, u32)]| {
            let targets: Vec<_> = carriers.iter().map(|(carrier, index)| pmem(0, 4, carrier, *index)).collect();
            let named: Vec<_> = ["a", "b", "c", "d"].into_iter().zip(targets.iter().map(String::as_str)).collect();
            listed(&on(&named).located().unwrap())
        };
        let mut turned = carriers.clone();
        turned.rotate_left(seed.index(carriers.len()));
        prop_assert_eq!(located(&carriers), located(&turned));
        turned.reverse();
        prop_assert_eq!(located(&carriers), located(&turned));
    }

    /// Any link has an answer.
    #[test]
    fn any_target(target in proptest::collection::vec(any::<u8>(), 0..600)) {
        match World::on(&target).located() {
            Ok(_) => prop_assert!(target.len() < 512),
            Err(fail) => prop_assert!(matches!(fail, Fail::Malformed(Subject::Device | Subject::Region))),
        }
    }

    #[test]
    fn any_target_of_known_words(words in proptest::collection::vec(proptest::sample::select(vec![
        "..", "", "devices", "virtual", "block", "ndbus0", "ndbus", "region0", "region", "pfn0.0", "pfn0", "dax0.1",
        "nvdimm-bridge0", "sda", "sda1", "dm-0",
    ]), 0..8)) {
        let located = World::on(words.join("/")).located();
        let bus = words.iter().position(|word| *word == "ndbus0");
        let rest = bus.map(|at| &words[at + 1..]);
        match rest {
            Some(["region0", "pfn0.0" | "dax0.1", ..]) => prop_assert_eq!(located.unwrap().backing, Backing::Regions),
            Some(_) => prop_assert_eq!(located.err(), Some(Fail::Malformed(Subject::Region))),
            None => prop_assert_eq!(located.unwrap().backing, Backing::Disk { major: DISK.0, minor: DISK.1 }),
        }
    }
}

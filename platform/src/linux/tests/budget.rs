//! The cost of the questions about a place: at most 6 system calls for a NUMA node; 4, and 6 for
//! each DIMM, for id and unsafe shutdowns; 6 more for each level of partition or volume; one more
//! for a file, since only its file system says whether it lies on that device, and on XFS two. The
//! core asks in the order that is written out here.

use std::{format, vec::Vec};

use super::{
    machine::{DEVDAX, DM, FSDAX, HMEM, of_region, pmem},
    world::{Call, FD, World, object},
};
use crate::{
    PersistenceDomain,
    linux::{
        place::region::{self, Dimm, dimm, dimm_id, dirty_shutdowns},
        place::{confirm, locate},
    },
};

/// Counts system calls. Listing a directory takes two: one that gives the names, one that gives no
/// more.
fn system_calls(calls: &[Call]) -> usize {
    calls.iter().map(|call| if *call == Call::Entries { 2 } else { 1 }).sum()
}

/// The calls of Source::numa_node.
fn node(world: &World) -> usize {
    let (sys, facts) = (world.sys(), world.facts());
    let spot = locate(object(sys, FD, &facts)).unwrap();
    // Until there is none; of a device without a region there is one.
    let nodes = spot.regions().max(1);
    for index in 0..=nodes {
        assert_eq!(region::node(sys, &spot, index, "/numa_node").unwrap().is_some(), index < nodes);
    }
    confirm(sys, &spot).unwrap();
    system_calls(&world.calls())
}

/// The calls of Source::device_id and Source::device_usc.
fn dimms(world: &World) -> [usize; 2] {
    let cost = |about: fn(&World, Dimm)| {
        let (sys, facts) = (world.sys(), world.facts());
        let spot = locate(object(sys, FD, &facts)).unwrap();
        for region in 0..spot.regions() {
            let mut index = 0;
            while let Some(dimm) = dimm(sys, &spot, region, index).unwrap() {
                about(world, dimm);
                index += 1;
            }
        }
        confirm(sys, &spot).unwrap();
        system_calls(&world.calls())
    };
    [
        cost(|world, dimm| assert!(!dimm_id(world.sys(), dimm).unwrap().is_empty())),
        cost(|world, dimm| assert!(dirty_shutdowns(world.sys(), dimm).unwrap() > 0)),
    ]
}

#[test]
fn on_a_namespace() {
    let hmem = World::dax_in(HMEM).with_file("/sys/dev/char/252:5/numa_node", "1\n");
    assert_eq!(node(&hmem), 6);
    for count in 0..=32 {
        let numbers: Vec<u32> = (0..count).collect();
        let part = format!("{FSDAX}/pmem1p1");
        // A partition has no level of its own: it lies in the directory of its disk.
        let mut xfs = World::on(FSDAX);
        xfs.magic = 0x5846_5342;
        for (world, more) in
            [(World::on(FSDAX), 1), (World::on(part), 1), (xfs, 2), (World::dax_in(DEVDAX), 0)]
        {
            let world = world.with_region(1, &numbers);
            assert_eq!(node(&world), 6 + more);
            assert_eq!(dimms(&world), [4 + more + 6 * numbers.len(); 2]);
        }
    }
}

#[test]
fn on_a_volume() {
    let one = pmem(0, 1, "pfn", 0) + "/pmem1p1";
    for levels in 1..=8 {
        let mut world = World::on(DM).with_region(1, &[4, 2]).with_inode("/sys/dev/block/259:3", 1);
        for level in 0..levels {
            let below = format!("dm-{}", level + 1);
            let volume = format!("../../devices/virtual/block/{below}");
            let target = if level + 1 == levels { &one } else { &volume };
            world = world.with_volume(&format!("dm-{level}"), &[(&below, target)]);
        }
        let level = 5;
        assert_eq!(node(&world), 7 + level * levels, "at most 6 for each");
        assert_eq!(dimms(&world), [5 + 6 * 2 + level * levels; 2]);
    }
}

/// The calls for the granularity of a mapping that was just made of a file on DAX, in the order of
/// Source::granularity_of. With fstat and mmap they are all that it takes to map it.
fn of_mapping(world: &World) -> usize {
    let (sys, facts) = (world.sys(), world.facts());
    let spot = locate(object(sys, FD, &facts)).unwrap();
    let fence = (0..spot.regions()).all(|index| {
        let domain = region::domain(sys, &spot, index, true).unwrap().unwrap();
        domain == PersistenceDomain::CpuCache
    });
    if fence && (0..spot.regions()).all(|index| region::armed(sys, &spot, index) == Ok(Some(true)))
    {
        confirm(sys, &spot).unwrap();
    }
    system_calls(&world.calls())
}

/// The calls for the granularity of a mapping of a device DAX, before it is made.
fn of_device(world: &World) -> usize {
    let (sys, facts) = (world.sys(), world.facts());
    let spot = locate(object(sys, FD, &facts)).unwrap();
    let domain = region::domain(sys, &spot, 0, false).unwrap();
    if domain == Some(PersistenceDomain::CpuCache) {
        region::armed(sys, &spot, 0).unwrap();
    }
    confirm(sys, &spot).unwrap();
    system_calls(&world.calls())
}

/// At most 9 calls map a file on one region. Where a fence may be enough, 4 more and 7 for the
/// first DIMM, 6 for each further one: whether the memory is volatile, whether each DIMM is armed,
/// whether the device is the same.
#[test]
fn a_mapping_of_a_file() {
    const MAPPED: usize = 2; // fstat, mmap
    let stated = |world: World, text| world.with_file(&of_region(1, "persistence_domain"), text);
    for dimms in 0..=6 {
        let numbers: Vec<u32> = (0..dimms).collect();
        let mut xfs = World::on(FSDAX);
        xfs.magic = 0x5846_5342;
        for (world, more) in [(World::on(FSDAX), 0), (xfs, 1)] {
            let world = world.with_region(1, &numbers);
            assert_eq!(MAPPED + of_mapping(&world), 8 + more);
            let unstated = world.clone().without_file(&of_region(1, "persistence_domain"));
            assert_eq!(MAPPED + of_mapping(&unstated), 6 + more);
            let eadr = stated(world.clone(), "cpu_cache\n");
            assert_eq!(MAPPED + of_mapping(&eadr), 8 + more + 4 + 1 + 6 * numbers.len());
        }
        let device = World::dax_in(DEVDAX).with_region(1, &numbers);
        assert_eq!(of_device(&device), 13);
        let eadr = stated(device, "cpu_cache\n");
        assert_eq!(of_device(&eadr), 14 + 6 * numbers.len());
    }
    assert_eq!(of_device(&World::dax_in(HMEM)), 3);
}

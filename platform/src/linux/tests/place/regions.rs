//! The facts of a region, and what sysfs may have in place of them.

use std::{format, vec, vec::Vec};

use crate::linux::tests::{
    machine::{DEVDAX, DM, FSDAX, HMEM, SDA1, of_dimm, of_region, pmem, read},
    source::contents::{GARBAGE, long},
    world::{Call, World},
};
use crate::{
    DimmState, Fail, Location, Mode, PersistenceDomain, Region, Subject, Text,
    linux::place::region::{self, dimm, region},
};

/// A file on namespace1.5 of region 1, which has the DIMMs 4 and 2.
pub(in crate::linux::tests) fn usual() -> World {
    World::on(FSDAX).with_region(1, &[4, 2]).carried("pfn1.2", "namespace1.5")
}

/// The facts of the usual region.
pub(in crate::linux::tests) fn usual_region() -> Region {
    let mut region = Region::new(0, 1, Mode::Fsdax);
    region.namespace = Some(5);
    region.provider = Text::fit("ACPI.NFIT").unwrap();
    region.domain = PersistenceDomain::MemoryController;
    (region.numa_node, region.target_node) = (Some(0), Some(2));
    region
}

pub(in crate::linux::tests) fn first(world: &World) -> Result<Option<Region>, Fail> {
    alone(&world.clone());
    region(world.sys(), &world.located().unwrap(), 0)
}

/// Compares each fact that is asked alone with the one among all facts.
fn alone(world: &World) {
    let (sys, spot) = (world.sys(), world.located().unwrap());
    let Ok(region) = region(sys, &spot, 0) else { return };
    let domain = region.map(|region| region.domain);
    assert_eq!(region::domain(sys, &spot, 0, false), Ok(domain));
    // Where a fence is enough, and nowhere else.
    let synchronous = region::domain(sys, &spot, 0, true).map(|domain| domain == FENCE);
    let by_host = domain == Some(PersistenceDomain::Host);
    assert!(by_host || synchronous == Ok(domain == FENCE), "{world:?}");
    let read_only = region.map(|region| region.read_only);
    assert_eq!(region::read_only(sys, &spot, 0), Ok(read_only));
    let armed = region.map(|region| !region.is_unarmed());
    assert_eq!(region::armed(sys, &spot, 0), Ok(armed));
}

const FENCE: Option<PersistenceDomain> = Some(PersistenceDomain::CpuCache);

/// The calls for what is asked of a region alone: each its own files, and no more than it takes.
#[test]
fn each_alone() {
    type Ask = fn(&World, &Location);
    let asked = |world: &World, ask: Ask| {
        let spot = world.located().unwrap();
        world.calls();
        ask(world, &spot);
        world.calls()
    };
    let of_one = |name| read(of_region(1, name));
    let files = |names: &[&'static str]| names.iter().flat_map(|name| of_one(name)).collect();
    let synchronous: Ask = |world, spot| {
        region::domain(world.sys(), spot, 0, true).unwrap().unwrap();
    };
    let any: Ask = |world, spot| {
        region::domain(world.sys(), spot, 0, false).unwrap().unwrap();
    };
    let stated = |text| usual().with_file(&of_region(1, "persistence_domain"), text);
    let domain: Vec<Call> = files(&["persistence_domain"]);
    assert_eq!(asked(&usual(), synchronous), domain);
    assert_eq!(asked(&stated("\n"), synchronous), domain);
    let unstated = usual().without_file(&of_region(1, "persistence_domain"));
    assert_eq!(asked(&unstated, synchronous), [Call::Open(of_region(1, "persistence_domain"))]);
    let fence: Vec<Call> = files(&["persistence_domain", "devtype"]);
    assert_eq!(asked(&stated("cpu_cache\n"), synchronous), fence);
    let mut all: Vec<Call> = files(&["../provider", "devtype"]);
    all.push(Call::Open(of_region(1, HCALL)));
    all.extend(domain);
    assert_eq!(asked(&usual(), any), all);
    assert_eq!(
        asked(&usual(), |world, spot| assert_eq!(
            region::read_only(world.sys(), spot, 0),
            Ok(Some(false))
        )),
        of_one("read_only")
    );
    let armed = |calls: &mut Vec<Call>, mapping, dimm| {
        calls.extend(of_one(mapping));
        calls.extend(read(of_dimm(dimm, "nfit/flags")));
    };
    let mut calls = Vec::new();
    armed(&mut calls, "mapping0", 4);
    // Up to the first that is not armed.
    let unarmed = usual().with_file(&of_dimm(4, "nfit/flags"), "flush_fail not_armed\n");
    assert_eq!(
        asked(&unarmed, |world, spot| assert_eq!(
            region::armed(world.sys(), spot, 0),
            Ok(Some(false))
        )),
        calls
    );
    armed(&mut calls, "mapping1", 2);
    calls.push(Call::Open(of_region(1, "mapping2")));
    assert_eq!(
        asked(&usual(), |world, spot| assert_eq!(
            region::armed(world.sys(), spot, 0),
            Ok(Some(true))
        )),
        calls
    );
    // After the last one nothing is asked.
    for world in [usual(), World::on(SDA1), World::dax_in(HMEM)] {
        let spot = world.located().unwrap();
        let (sys, end) = (world.sys(), spot.regions());
        world.calls();
        for synchronous in [false, true] {
            assert_eq!(region::domain(sys, &spot, end, synchronous), Ok(None));
        }
        assert_eq!((region::read_only(sys, &spot, end), region::armed(sys, &spot, end)), NONE);
        assert_eq!(world.calls(), []);
    }
}

const NONE: (Result<Option<bool>, Fail>, Result<Option<bool>, Fail>) = (Ok(None), Ok(None));

/// Memory that is volatile or not armed is not reached by a fence, whatever the firmware says of
/// the caches.
#[test]
fn a_fence_is_enough_nowhere_else() {
    let eadr = || usual().with_file(&of_region(1, "persistence_domain"), "cpu_cache\n");
    let domain = |world: &World| {
        region::domain(world.sys(), &world.located().unwrap(), 0, true).unwrap().unwrap()
    };
    assert_eq!(domain(&eadr()), PersistenceDomain::CpuCache);
    let volatile = eadr().with_file(&of_region(1, "devtype"), "nd_volatile\n");
    assert_eq!(domain(&volatile), PersistenceDomain::Volatile);
    // A region that root made writable again has DIMMs that are not armed all the same.
    let unarmed = eadr().with_file(&of_dimm(2, "nfit/flags"), "not_armed\n");
    let spot = unarmed.located().unwrap();
    assert_eq!(region::read_only(unarmed.sys(), &spot, 0), Ok(Some(false)));
    assert_eq!(region::armed(unarmed.sys(), &spot, 0), Ok(Some(false)));
}

fn node(world: &World) -> Result<Option<Option<u32>>, Fail> {
    region::node(world.sys(), &world.located().unwrap(), 0, "/numa_node")
}

/// The calls for what is said of every region.
pub(in crate::linux::tests) fn facts() -> Vec<Call> {
    let of_one = |name| read(of_region(1, name));
    [
        ["numa_node", "target_node", "../provider", "devtype"].map(of_one).concat(),
        vec![Call::Open(of_region(1, HCALL))],
        ["persistence_domain", "read_only"].map(of_one).concat(),
    ]
    .concat()
}

/// The file in a devicetree where stores have to be flushed by a call of the hypervisor.
pub(in crate::linux::tests) const HCALL: &str = "of_node/ibm,hcall-flush-required";

#[test]
fn everything_about_a_region() {
    let world = usual();
    assert_eq!(first(&world), Ok(Some(usual_region())));
    let namespace = "/sys/bus/nd/devices/pfn1.2/namespace".into();
    let dimms = [
        of_region(1, "mapping0"),
        of_dimm(4, "nfit/flags"),
        of_region(1, "mapping1"),
        of_dimm(2, "nfit/flags"),
    ];
    let mut calls = facts();
    calls.extend([namespace].into_iter().chain(dimms).flat_map(read));
    calls.push(Call::Open(of_region(1, "mapping2")));
    assert_eq!(world.calls()[3..], calls);
    // Behind the last one, and of what is in no region.
    let spot = world.located().unwrap();
    assert_eq!(region(world.sys(), &spot, 1), Ok(None));
    assert_eq!(first(&World::on(SDA1)), Ok(None));
    assert_eq!(first(&World::dax_in(HMEM)), Ok(None));
}

#[test]
fn every_region_of_a_volume() {
    let (one, two) = (pmem(0, 1, "namespace", 3), pmem(2, 6, "btt", 0));
    let world = World::on(DM)
        .with_volume("dm-0", &[("b", &two), ("a", &one)])
        .with_region(1, &[])
        .with_region(6, &[9])
        .with_file(&of_region(6, "numa_node"), "7\n")
        .with_file(&of_dimm(9, "nfit/flags"), "not_armed\n")
        .carried("btt6.0", "namespace6.1");
    let spot = world.located().unwrap();
    let regions: Vec<_> = (0..3).map(|index| region(world.sys(), &spot, index).unwrap()).collect();
    let expected = |bus, number, mode, namespace| Region {
        namespace: Some(namespace),
        ..Region { bus, number, mode, ..usual_region() }
    };
    let second = Region {
        numa_node: Some(7),
        state: DimmState::NOT_ARMED,
        ..expected(2, 6, Mode::Sector, 1)
    };
    assert_eq!(regions, [Some(expected(0, 1, Mode::Raw, 3)), Some(second), None]);
    let nodes: Vec<_> = (0..3)
        .map(|index| region::node(world.sys(), &spot, index, "/numa_node").unwrap())
        .collect();
    assert_eq!(nodes, [Some(Some(0)), Some(Some(7)), None]);
    assert_eq!(dimm(world.sys(), &spot, 0, 0), Ok(None));
    assert_eq!(dimm(world.sys(), &spot, 1, 0).unwrap().unwrap().number, 9);
    assert_eq!(
        (dimm(world.sys(), &spot, 1, 1), dimm(world.sys(), &spot, 2, 0)),
        (Ok(None), Ok(None))
    );
}

#[test]
fn several_namespaces_of_one_region_have_no_number() {
    let (one, two) = (pmem(0, 1, "pfn", 0), pmem(0, 1, "pfn", 1));
    let world = World::on(DM).with_volume("dm-0", &[("a", &one), ("b", &two)]).with_region(1, &[]);
    let region = first(&world).unwrap().unwrap();
    assert_eq!((region.namespace, region.mode), (None, Mode::Fsdax));
    let opened = world
        .calls()
        .into_iter()
        .filter(|call| matches!(call, Call::Open(path) if path.ends_with("/namespace")));
    assert_eq!(opened.count(), 0);
}

#[test]
fn nodes() {
    let target = |region: Option<Region>| region.and_then(|region| region.target_node);
    let numa = |region: Option<Region>| region.and_then(|region| region.numa_node);
    nodes_in("numa_node", numa);
    nodes_in("target_node", target);
}

fn nodes_in(name: &str, told: fn(Option<Region>) -> Option<u32>) {
    let node = |world: &World| {
        region::node(world.sys(), &world.located().unwrap(), 0, &format!("/{name}"))
    };
    let path = of_region(1, name);
    let good: [(&str, Option<u32>); 6] = [
        ("0\n", Some(0)),
        ("1\n", Some(1)),
        ("4294967295\n", Some(u32::MAX)),
        ("3", Some(3)),
        ("-1\n", None),
        ("-1", None),
    ];
    for (text, expected) in good {
        let world = usual().with_file(&path, text);
        assert_eq!(node(&world), Ok(Some(expected)), "{text:?}");
        assert_eq!(world.calls()[3..], read(path.clone()));
        assert_eq!(told(first(&world).unwrap()), expected);
    }
    for garbage in GARBAGE.into_iter().chain([long().as_slice(), b"-1\n-1\n", b"-01\n", b"-1 \n"]) {
        let world = usual().with_file(&path, garbage);
        assert_eq!(node(&world), Err(Fail::Malformed(Subject::NumaNode)), "{garbage:?}");
        assert_eq!(first(&world), Err(Fail::Malformed(Subject::NumaNode)));
        world.calls();
    }
    // A kernel without NUMA.
    let without = usual().without_file(&path);
    assert_eq!(node(&without), Ok(Some(None)));
    assert_eq!(first(&without).map(told), Ok(None));
}

#[test]
fn the_numa_node_of_a_device_without_a_region() {
    let path = "/sys/dev/char/252:5/numa_node";
    let world = World::dax_in(HMEM).with_file(path, "1\n");
    let spot = world.located().unwrap();
    world.calls();
    assert_eq!(region::node(world.sys(), &spot, 0, "/numa_node"), Ok(Some(Some(1))));
    assert_eq!(world.calls(), read(path.into()));
    assert_eq!(region::node(world.sys(), &spot, 1, "/numa_node"), Ok(None));
    assert_eq!(node(&World::dax_in(HMEM).with_file(path, "-1\n")), Ok(Some(None)));
    assert_eq!(node(&World::dax_in(HMEM)), Ok(Some(None)), "a kernel without NUMA");
    assert_eq!(
        node(&World::dax_in(HMEM).with_file(path, "x\n")),
        Err(Fail::Malformed(Subject::NumaNode))
    );
    // That of its region, where it has one.
    let world = World::dax_in(DEVDAX).with_region(1, &[]).with_file(path, "1\n");
    assert_eq!(node(&world), Ok(Some(Some(0))));
    for world in [World::on(SDA1), World::without_device(0x0102_1994)] {
        let spot = world.located().unwrap();
        world.calls();
        assert_eq!(region::node(world.sys(), &spot, 0, "/numa_node"), Ok(None));
        assert_eq!(world.calls(), []);
    }
}

/// A region that the platform made of volatile memory keeps nothing, whatever it says of its
/// domain, which is not asked for.
#[test]
fn volatile_regions() {
    let path = of_region(1, "devtype");
    for (text, expected) in [
        ("nd_volatile\n", PersistenceDomain::Volatile),
        ("nd_volatile", PersistenceDomain::Volatile),
        ("nd_pmem\n", PersistenceDomain::MemoryController),
        ("nd_volatile \n", PersistenceDomain::MemoryController),
    ] {
        assert_eq!(
            first(&usual().with_file(&path, text)).unwrap().unwrap().domain,
            expected,
            "{text:?}"
        );
    }
    assert_eq!(
        first(&usual().without_file(&path)).unwrap().unwrap().domain,
        PersistenceDomain::MemoryController
    );
    assert_eq!(first(&usual().with_file(&path, long())), Err(Fail::Malformed(Subject::Region)));
}

#[test]
fn persistence_domains() {
    let path = of_region(1, "persistence_domain");
    let good = [
        ("cpu_cache\n", PersistenceDomain::CpuCache),
        ("cpu_cache", PersistenceDomain::CpuCache),
        ("memory_controller\n", PersistenceDomain::MemoryController),
        ("\n", PersistenceDomain::Unstated),
        ("", PersistenceDomain::Unstated),
    ];
    for (text, expected) in good {
        assert_eq!(
            first(&usual().with_file(&path, text)).unwrap().unwrap().domain,
            expected,
            "{text:?}"
        );
    }
    assert_eq!(
        first(&usual().without_file(&path)).unwrap().unwrap().domain,
        PersistenceDomain::Unstated
    );
    let bad = [
        "x\n",
        "cpu_cache \n",
        "CPU_CACHE\n",
        "cpu_cache\n\n",
        "memory_controller_of_the_platform\n",
        "unknown\n",
        "0",
    ];
    for text in bad {
        assert_eq!(
            first(&usual().with_file(&path, text)),
            Err(Fail::Malformed(Subject::PersistenceDomain)),
            "{text:?}"
        );
    }
    assert_eq!(
        first(&usual().with_file(&path, long())),
        Err(Fail::Malformed(Subject::PersistenceDomain))
    );
}

#[test]
fn providers() {
    let path = of_region(1, "../provider");
    let provider = |text: &str| {
        let region = first(&usual().with_file(&path, text)).unwrap().unwrap();
        (region.provider, region.domain)
    };
    for name in
        ["ACPI.NFIT", "e820", "CXL", "", "(null)", "virtio-pmem0", "xvirtio-pmem", "Virtio-pmem"]
    {
        assert_eq!(provider(name), (Text::fit(name).unwrap(), PersistenceDomain::MemoryController));
        assert_eq!(provider(&format!("{name}\n")), provider(name));
    }
    // The host keeps the data, whatever the region says of the processor's caches.
    assert_eq!(
        provider("virtio-pmem\n"),
        (Text::fit("virtio-pmem").unwrap(), PersistenceDomain::Host)
    );
    // One that has no room is cut, and says so.
    assert_eq!(&*provider("123456789012345678901234\n").0, "123456789012345678901234");
    assert_eq!(&*provider("1234567890123456789012345\n").0, "123456789012345678901…");
    let cut = "p".repeat(21) + "…";
    assert_eq!(*provider(&"p".repeat(254)).0, cut);
    assert_eq!(*provider(&("p".repeat(254) + "\n")).0, cut);
    let malformed = Err(Fail::Malformed(Subject::Region));
    assert_eq!(first(&usual().with_file(&path, "p".repeat(256))), malformed);
    let gone = Fail::Os(Subject::Region, crate::Errno::ENOENT);
    assert_eq!(first(&usual().without_file(&path)), Err(gone));
}

/// A region that the hypervisor has to be called for, whatever its domain is said to be.
#[test]
fn flushed_by_a_call() {
    let papr = || usual().with_file(&of_region(1, HCALL), "");
    for domain in ["memory_controller\n", "cpu_cache\n", "\n", "nonsense\n"] {
        let world = papr().with_file(&of_region(1, "persistence_domain"), domain);
        let region = first(&world).unwrap().unwrap();
        assert_eq!(region.domain, PersistenceDomain::Host, "{domain}");
    }
    assert_eq!(first(&usual()).unwrap().unwrap().domain, PersistenceDomain::MemoryController);
    let volatile = papr().with_file(&of_region(1, "devtype"), "nd_volatile\n");
    assert_eq!(first(&volatile).unwrap().unwrap().domain, PersistenceDomain::Volatile);
}

#[test]
fn read_only() {
    let path = of_region(1, "read_only");
    for (text, expected) in [("0\n", false), ("1\n", true), ("1", true), ("01\n", true)] {
        assert_eq!(
            first(&usual().with_file(&path, text)).unwrap().unwrap().read_only,
            expected,
            "{text:?}"
        );
    }
    for garbage in
        GARBAGE.into_iter().chain([long().as_slice(), b"2\n", b"-1\n", b"18446744073709551617\n"])
    {
        assert_eq!(
            first(&usual().with_file(&path, garbage)),
            Err(Fail::Malformed(Subject::Region)),
            "{garbage:?}"
        );
    }
    assert_eq!(
        first(&usual().without_file(&path)),
        Err(Fail::Os(Subject::Region, crate::Errno::ENOENT))
    );
}

#[test]
fn namespaces() {
    let carriers = [("pfn", Mode::Fsdax), ("btt", Mode::Sector), ("dax", Mode::Devdax)];
    for (carrier, mode) in carriers {
        let name = format!("{carrier}1.2");
        let target = format!("../x/ndbus0/region1/{name}/block/pmem1");
        let world = |text: &str| World::on(&target).with_region(1, &[]).carried(&name, text);
        for (text, expected) in
            [("namespace1.0", 0), ("namespace1.17", 17), ("namespace1.4294967295", u32::MAX)]
        {
            let region = first(&world(text)).unwrap().unwrap();
            assert_eq!((region.namespace, region.mode), (Some(expected), mode), "{text}");
        }
        // None (it is being taken away), another region's, none that is a namespace's.
        let bad = [
            "",
            "namespace1",
            "namespace1.",
            "namespace1.x",
            "namespace1.-1",
            "namespace1.4294967296",
            "namespace.0",
            "namespace2.0",
            ".0",
            "x.0",
            "pfn1.0",
            "namespace1.0 ",
            "namespace1.0\n",
            "namespace1.0.0",
        ];
        for text in bad {
            assert_eq!(first(&world(text)), Err(Fail::Malformed(Subject::Region)), "{text:?}");
        }
        let zeros = format!("namespace1.{}", "0".repeat(64 - 11));
        assert_eq!(first(&world(&zeros)), Err(Fail::Malformed(Subject::Region)));
        assert_eq!(first(&world(&zeros[..63 - 1])).unwrap().unwrap().namespace, Some(0));
        let gone = World::on(&target).with_region(1, &[]);
        assert_eq!(first(&gone), Err(Fail::Os(Subject::Region, crate::Errno::ENOENT)));
    }
    // A raw one is the namespace itself, and nobody is asked.
    let world = World::on("../x/ndbus0/region1/namespace1.6/block/pmem1").with_region(1, &[]);
    assert_eq!(first(&world).unwrap().unwrap().namespace, Some(6));
}

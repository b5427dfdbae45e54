//! The place of each kind of device.

use std::os::fd::AsRawFd;

use pmem2::{
    Error, Granularity, Kind, Sharing, Source,
    error::Subject,
    linux::Linux,
    persist::PersistenceDomain,
    place::{Backing, DaxOption, FileSystem, Mode, Place, Reason, Region, Warning},
    platform::{Locate, Text},
    report::Report,
};
use rustix::fs::{CWD, FileType, Mode as Permissions, OFlags, makedev, mknodat};

use crate::{
    because,
    common::{
        device_dax::{Entry, dev_null},
        fd,
        made::{self, DISK, Made},
        nd::{self, Bus},
        rows::{Expected, rows},
        thread::with_own_descriptors,
    },
    file, regions, source, with_bus,
};

fn text<const N: usize>(text: &str) -> Text<N> {
    Text::fit(text).expect("a short text")
}

/// The region that the helpers make.
fn expected(number: u32, mode: Mode) -> Region {
    let mut region = Region::new(0, number, mode);
    region.namespace = Some(0);
    region.provider = text("ACPI.NFIT");
    region.domain = PersistenceDomain::MemoryController;
    (region.numa_node, region.target_node) = (Some(1), Some(1));
    region
}

/// The place and the granularity of a file on the disk.
fn of_file() -> (Place, Granularity, Reason) {
    let source = source();
    let place = source.place().expect("a place");
    let granularity = source.expected_granularity(Sharing::Shared).expect("a granularity");
    assert_eq!(source.expected_granularity_at(&place, Sharing::Shared), Ok(granularity));
    assert_eq!(source.confirm_place(&place), Ok(()));
    (place, granularity.granularity, granularity.reason)
}

#[test]
fn a_file_in_each_mode() {
    needs_root!();
    type Make = fn(&nd::Region, &str, (u32, u32)) -> Entry;
    let modes: [(Make, Mode, bool, Option<Reason>); 3] = [
        (nd::Region::fsdax, Mode::Fsdax, true, None),
        (nd::Region::sector, Mode::Sector, false, Some(Reason::Sector)),
        (nd::Region::raw, Mode::Raw, false, Some(Reason::DeviceWithoutDax)),
    ];
    with_bus(|sysfs, _| {
        for (make, mode, dax, reason) in modes {
            let bus = Bus::new(sysfs);
            bus.dimm(3, "8680-56341200", "4");
            make(&bus.region(5, &[3]), "pmem5", nd::disk());
            let (place, granularity, why) = of_file();
            assert_eq!((place.backing(), place.device()), (Backing::Regions, "pmem5"));
            assert_eq!(regions(&place), [expected(5, mode)]);
            assert_eq!(place.dax_capable(), Some(dax));
            assert_eq!(place.warnings().count(), 0);
            assert_eq!(granularity, Granularity::Page, "the disk behind it has no DAX");
            if let Some(reason) = reason {
                assert_eq!(why, because(reason));
            }
            let source = source();
            assert_eq!(source.numa_node(), Ok(Some(1)));
            assert_eq!(source.device_id().as_deref(), Ok("8680-56341200"));
            assert_eq!(source.device_usc(), Ok(4));
        }
    });
}

/// The disk is ext4 or the like without DAX; what it says of itself must agree with what is found
/// out.
#[test]
fn why_a_file_is_not_mapped_directly() {
    needs_root!();
    with_bus(|_, bus| {
        bus.region(0, &[]).fsdax("pmem0", nd::disk());
        let (file, (_, granularity, why)) = (file(), of_file());
        let facts = *Source::new(&file).expect("a source").facts();
        let direct = Linux::direct((&file).into(), &facts).expect("what statx says");
        let system =
            Source::new(&file).and_then(|source| source.file_system()).expect("a file system");
        let expected = match (direct.file, direct.mount) {
            _ if !["ext2/ext3/ext4", "xfs"].contains(&system.name().unwrap_or_default()) => {
                Reason::FileSystemWithoutDax(system)
            }
            (Some(false), Some(DaxOption::Inode)) => Reason::FileFlagOff,
            (_, Some(DaxOption::Never)) => Reason::MountedWithoutDax,
            _ => Reason::NotDax,
        };
        assert_eq!((granularity, why), (Granularity::Page, because(expected)), "{direct:?}");
    });
}

#[test]
fn device_dax() {
    needs_root!();
    with_bus(|_, bus| {
        for (number, id) in
            [(0, "8680-56341200"), (1, "8680-57341200"), (7, "8089-a2-1747-00000a01")]
        {
            bus.dimm(number, id, &(number + 10).to_string());
        }
        // Not in the order of their numbers.
        let region = bus.region(2, &[7, 0, 1]);
        region.devdax();
        let null = dev_null();
        let source = Source::new(&null).expect("a source");
        assert_eq!(source.kind(), Kind::DeviceDax);
        let place = source.place().expect("a place");
        assert_eq!(
            (place.backing(), place.device(), place.dax_capable()),
            (Backing::Regions, "dax0.0", Some(true))
        );
        assert_eq!(regions(&place), [expected(2, Mode::Devdax)]);
        assert_eq!(source.numa_node(), Ok(Some(1)), "the region's, and not the device's own");
        assert_eq!(
            source.device_id().as_deref(),
            Ok("8089-a2-1747-00000a018680-563412008680-57341200")
        );
        assert_eq!(source.device_usc(), Ok(38));
        let numbers: Vec<_> = source
            .dimms()
            .expect("DIMMs")
            .map(|dimm| dimm.and_then(|dimm| dimm.number()))
            .collect();
        assert_eq!(numbers, [Ok(7), Ok(0), Ok(1)], "in the order of the mappings");
        for (domain, granularity, reason) in [
            (Some("cpu_cache\n"), Granularity::Byte, Reason::CpuCache),
            (Some("memory_controller\n"), Granularity::CacheLine, Reason::MemoryController),
            (Some("\n"), Granularity::CacheLine, Reason::DomainUnstated),
            (None, Granularity::CacheLine, Reason::DomainUnstated),
        ] {
            match domain {
                Some(domain) => region.entry.write("persistence_domain", domain),
                None => {
                    std::fs::remove_file(region.entry.path("persistence_domain")).expect("removed")
                }
            }
            let answer = source.expected_granularity(Sharing::Shared).expect("a granularity");
            assert_eq!((answer.granularity, answer.reason), (granularity, reason));
            assert_eq!(source.expected_granularity(Sharing::Private), Err(Error::SrcDevdaxPrivate));
        }
    });
}

/// CXL memory and dax_hmem have no bus of persistent memory.
#[test]
fn device_dax_in_no_region() {
    needs_root!();
    with_bus(|_, bus| {
        bus.region(0, &[]);
        let device = nd::device_dax("/sys/devices/platform/ACPI0017:00/root0/dax_region1/dax1.0");
        let null = dev_null();
        let source = Source::new(&null).expect("a source");
        let place = source.place().expect("a place");
        assert_eq!((place.backing(), place.device()), (Backing::DeviceDax, "dax1.0"));
        assert_eq!(place.regions().count(), 0);
        assert_eq!(place.warnings().collect::<Vec<_>>(), [Warning::NoRegion]);
        for (text, node) in [("0\n", Some(0)), ("3\n", Some(3)), ("-1\n", None)] {
            device.write("numa_node", text);
            assert_eq!(source.numa_node(), Ok(node));
        }
        device.write("numa_node", "x\n");
        assert_eq!(source.numa_node(), Err(Error::InvalidRegionFormat));
        let nowhere = |asked| Error::NotPersistentMemory { asked, on: Backing::DeviceDax };
        assert_eq!(source.device_id(), Err(nowhere(Subject::DeviceId)));
        assert_eq!(source.device_usc(), Err(nowhere(Subject::UnsafeShutdowns)));
        let answer = source.expected_granularity(Sharing::Shared).expect("a granularity");
        assert_eq!((answer.granularity, answer.reason), (Granularity::CacheLine, Reason::NoRegion));
    });
}

/// The provider of a bus tells the kind of its memory.
#[test]
fn providers() {
    needs_root!();
    with_bus(|_, bus| {
        bus.region(0, &[]).fsdax("pmem0", nd::disk());
        bus.entry.write("provider", "e820\n");
        let (place, ..) = of_file();
        assert_eq!(place.warnings().collect::<Vec<_>>(), [Warning::Declared { region: 0 }]);
        assert_eq!(regions(&place)[0].domain, PersistenceDomain::MemoryController);

        // Ordinary memory, of which a driver makes persistent memory.
        bus.entry.write("provider", "ramdax\n");
        let told: Vec<_> = of_file().0.warnings().collect();
        assert_eq!(told, [Warning::Declared { region: 0 }]);

        bus.entry.write("provider", "virtio-pmem\n");
        let (place, granularity, why) = of_file();
        assert_eq!(regions(&place)[0].domain, PersistenceDomain::Host);
        assert_eq!((granularity, why), (Granularity::Page, because(Reason::Host)));
        let source = source();
        assert_eq!((source.device_id().as_deref(), source.device_usc()), (Ok(""), Ok(0)));

        bus.entry.write("provider", "a provider with a very long name\n");
        assert_eq!(&*regions(&of_file().0)[0].provider, "a provider with a ver…");
        bus.entry.write("provider", "\n");
        assert_eq!(&*regions(&of_file().0)[0].provider, "");
    });
    with_bus(|_, bus| {
        bus.entry.write("provider", "virtio-pmem\n");
        bus.region(0, &[]).devdax();
        let source = Source::new(dev_null()).expect("a source");
        assert_eq!(source.expected_granularity(Sharing::Shared), Err(Error::NeverDurable));
    });
}

/// Memory that the hypervisor has to be called for (papr_scm) is not the memory controller's,
/// whatever the region says: by the devicetree's demand, not by a name.
#[test]
fn flushed_by_the_hypervisor() {
    needs_root!();
    with_bus(|_, bus| {
        let region = bus.region(0, &[]);
        region.fsdax("pmem0", nd::disk());
        assert_eq!(regions(&of_file().0)[0].domain, PersistenceDomain::MemoryController);
        Entry::at(region.entry.path("of_node")).write("ibm,hcall-flush-required", "");
        let (place, granularity, why) = of_file();
        assert_eq!(regions(&place)[0].domain, PersistenceDomain::Host);
        assert_eq!((granularity, why), (Granularity::Page, because(Reason::Host)));
        let (said, remedy) = (why.to_string(), why.remedy().unwrap_or_default());
        assert!(said.contains("hypervisor") && !remedy.contains("virtio"), "{said}; {remedy}");
    });
    with_bus(|_, bus| {
        let region = bus.region(0, &[]);
        region.devdax();
        Entry::at(region.entry.path("of_node")).write("ibm,hcall-flush-required", "");
        let source = Source::new(dev_null()).expect("a source");
        assert_eq!(source.expected_granularity(Sharing::Shared), Err(Error::NeverDurable));
    });
}

/// The node that the memory is when it is taken for ordinary memory, of files and of device DAX, in
/// a region or in none.
#[test]
fn target_nodes() {
    needs_root!();
    with_bus(|_, bus| {
        let region = bus.region(0, &[]);
        region.fsdax("pmem0", nd::disk());
        for (text, node) in [("3\n", Some(3)), ("-1\n", None)] {
            region.entry.write("target_node", text);
            assert_eq!(source().target_node(), Ok(node));
            assert_eq!(regions(&of_file().0)[0].target_node, node);
            assert_eq!(source().numa_node(), Ok(Some(1)));
        }
        region.entry.write("target_node", "x\n");
        assert_eq!(source().target_node(), Err(Error::InvalidRegionFormat));
        region.devdax();
        region.entry.write("target_node", "5\n");
        assert_eq!(Source::new(dev_null()).expect("a source").target_node(), Ok(Some(5)));
    });
}

/// Each family of DIMMs has its own directory for what identifies them.
#[test]
fn families() {
    needs_root!();
    let parents = [
        ("/sys/devices/LNXSYSTM:00/LNXSYBUS:00/ACPI0012:00", "nfit", "ACPI.NFIT"),
        ("/sys/devices/platform/ACPI0017:00/root0/nvdimm-bridge0", "cxl", "CXL"),
        (
            "/sys/devices/platform/ibm,persistent-memory/ibm,persistent-memory:ibm,pmemory@44100000",
            "papr",
            "papr",
        ),
    ];
    with_bus(|sysfs, _| {
        for (parent, family, provider) in parents {
            sysfs.clear();
            let bus = Bus::another(1, provider, parent);
            let dimm = bus.dimm(0, "only NFIT's", "99");
            if family != "nfit" {
                std::fs::remove_dir_all(dimm.nfit.directory()).expect("not this family's");
            }
            let own = Entry::at(bus.entry.path(&format!("nmem0/{family}")));
            own.write("id", format!("{family}-1\n"));
            own.write("dirty_shutdown", "5\n");
            bus.region(0, &[0]).fsdax("pmem0", nd::disk());
            let source = source();
            assert_eq!(source.device_id().as_deref(), Ok(format!("{family}-1").as_str()));
            assert_eq!(source.device_usc(), Ok(5));
            let place = source.place().expect("a place");
            assert_eq!((regions(&place)[0].bus, &*regions(&place)[0].provider), (1, provider));
            assert!(!regions(&place)[0].is_unarmed(), "no flags, nothing to say");
            own.write("flags", "save_fail not_armed\n");
            assert_eq!(source.place().map(|place| regions(&place)[0].is_unarmed()), Ok(true));
        }
    });
}

#[test]
fn what_dimms_report() {
    needs_root!();
    with_bus(|_, bus| {
        let (first, second) = (bus.dimm(0, "a", "0"), bus.dimm(1, "b", "0"));
        let region = bus.region(0, &[0, 1]);
        region.fsdax("pmem0", nd::disk());
        for (one, other, words) in [
            ("\n", "\n", &[][..]),
            ("not_armed\n", "\n", &["unarmed"]),
            ("\n", "not_armed\n", &["unarmed"]),
            (
                "save_fail restore_fail flush_fail not_armed smart_event\n",
                "\n",
                &["unarmed", "save_failed", "restore_failed", "flush_failed", "smart_event"],
            ),
            (
                "save_fail smart_event\n",
                "map_fail\n",
                &["save_failed", "smart_event", "map_failed"],
            ),
            ("armed\n", "not_armed_yet\n", &[]),
        ] {
            first.nfit.write("flags", one);
            second.nfit.write("flags", other);
            let (place, ..) = of_file();
            let told: Vec<_> = place.warnings().map(|warning| warning.name()).collect();
            assert_eq!(told, words);
            assert!(place.warnings().all(|warning| warning.region() == Some(0)));
            assert_eq!(regions(&place)[0].is_unarmed(), words.contains(&"unarmed"));
        }
        region.entry.write("read_only", "1\n");
        first.nfit.write("flags", "not_armed\n");
        let (place, ..) = of_file();
        assert!(regions(&place)[0].read_only);
        let both = [Warning::Unarmed { region: 0 }, Warning::ReadOnly { region: 0 }];
        assert_eq!(place.warnings().collect::<Vec<_>>(), both);
    });
}

/// A pfn device and the namespace in it have each its own number.
#[test]
fn the_number_is_the_namespaces() {
    needs_root!();
    with_bus(|_, bus| {
        let region = bus.region(4, &[]);
        nd::block(region.carrier("pfn", 2, 13).directory(), "pmem4.13", nd::disk(), "1");
        let (place, ..) = of_file();
        assert_eq!((regions(&place)[0].namespace, place.device()), (Some(13), "pmem4.13"));
        assert_eq!(
            place.to_string(),
            "pmem4.13, fsdax namespace4.13 of region4 on ndbus0 (ACPI.NFIT)"
        );
        nd::block(region.namespace(9).directory(), "pmem4.9", nd::disk(), "0");
        assert_eq!(regions(&of_file().0)[0].namespace, Some(9));
    });
}

#[test]
fn a_partition_has_its_disks_queue() {
    needs_root!();
    with_bus(|_, bus| {
        for dax in ["1", "0"] {
            let region = bus.region(0, &[]);
            let disk =
                nd::block(region.carrier("pfn", 1, 0).directory(), "pmem0", (259, 4000), dax);
            nd::partition(&disk, "pmem0p2", nd::disk());
            let (place, ..) = of_file();
            assert_eq!((place.device(), place.dax_capable()), ("pmem0p2", Some(dax == "1")));
            assert_eq!(regions(&place), [expected(0, Mode::Fsdax)]);
        }
    });
}

/// It is no source, and has a place.
#[test]
fn a_block_device() {
    needs_root!();
    with_bus(|_, bus| {
        bus.dimm(0, "8680-1", "2");
        // Only the number matters, and that of a device that cannot be opened serves, as the path
        // only is looked at.
        bus.region(0, &[0]).sector("pmem0s", (259, 4001));
        let directory = tempfile::tempdir_in(DISK).expect("a directory");
        let node = directory.path().join("block");
        mknodat(CWD, &node, FileType::BlockDevice, Permissions::RUSR, makedev(259, 4001))
            .expect("a node");
        let path = made::path(&node, OFlags::PATH).expect("a descriptor of it");
        let report = Report::new_unopened(&fd(path.as_raw_fd()));
        assert_eq!(report.verdict(), Err(Error::InvalidFileType(Kind::BlockDevice)));
        let place = report.place().expect("a place").expect("found");
        assert_eq!((place.device(), regions(&place)), ("pmem0s", vec![expected(0, Mode::Sector)]));
        assert_eq!(report.device_id().map(|id| id.as_deref()), Some(Ok("8680-1")));
        assert_eq!((report.numa_node(), report.device_usc()), (Some(Ok(Some(1))), Some(Ok(2))));
        assert!(report.granularity().is_none());
    });
}

/// With the host's own /sys.
#[test]
fn what_is_on_no_persistent_memory() {
    needs_root!();
    let memory = |made: Made, system: u32| {
        let source = Source::from_fd(fd(made.raw())).expect("a source");
        let on = Backing::Memory(FileSystem::from_magic(system));
        let place = source.place().expect("a place");
        assert_eq!((place.backing(), place.device(), place.dax_capable()), (on, "", None));
        assert_eq!(source.confirm_place(&place), Ok(()));
        assert_eq!(source.numa_node(), Err(Error::DaxRegionNotFound(on)));
        let nowhere = |asked| Err(Error::NotPersistentMemory { asked, on });
        assert_eq!(
            (source.device_id().map(|_| ()), source.device_usc()),
            (
                nowhere(Subject::DeviceId),
                Err(Error::NotPersistentMemory { asked: Subject::UnsafeShutdowns, on })
            )
        );
        let answer = source.expected_granularity(Sharing::Shared).expect("a granularity");
        assert_eq!(
            (answer.granularity, answer.reason),
            (Granularity::Page, because(Reason::NotPersistentMemory(on)))
        );
        let answer = source.expected_granularity(Sharing::Private).expect("a granularity");
        assert_eq!((answer.granularity, answer.reason), (Granularity::Byte, Reason::Private));
    };
    let memfd =
        || made::memfd(rustix::fs::MemfdFlags::empty(), 4096).map(Made::of).expect("a memfd");
    memory(memfd(), 0x0102_1994);
    memory(made::file_in("/dev/shm", OFlags::RDWR).expect("a file on tmpfs"), 0x0102_1994);
    memory(made::file_on("ramfs", "", 4096).expect("a file on ramfs"), 0x8584_58f6);
    memory(
        made::file_on("hugetlbfs", "pagesize=2M", 2 << 20).expect("a file on hugetlbfs"),
        0x9584_58f6,
    );

    let made = made::overlay_file().expect("a file on an overlay");
    let source = Source::from_fd(fd(made.raw())).expect("a source");
    let place = source.place().expect("a place");
    let on = Backing::Hidden(FileSystem::from_magic(0x794c_7630));
    assert_eq!(place.backing(), on);
    assert_eq!(
        source.numa_node(),
        Err(Error::NotPersistentMemory { asked: Subject::NumaNode, on })
    );
    let sentence = source.numa_node().expect_err("no node").to_string();
    assert!(sentence.contains("overlay") && sentence.contains("does not say"), "{sentence}");
    assert_eq!(source.device_usc().map_err(|error| error.code()), Err(-100_001));

    let source = crate::source();
    let (major, minor) = nd::disk();
    let on = Backing::Disk { major, minor };
    assert_eq!(source.place().map(|place| place.backing()), Ok(on));
    assert_eq!(source.numa_node(), Err(Error::DaxRegionNotFound(on)));
    assert_eq!(
        source.device_id(),
        Err(Error::NotPersistentMemory { asked: Subject::DeviceId, on })
    );
    let sentence = source.numa_node().expect_err("no node").to_string();
    assert!(sentence.contains(&format!("{major}:{minor}")), "{sentence}");
    let answer = source.expected_granularity(Sharing::Shared).expect("a granularity");
    assert_eq!(
        (answer.granularity, answer.reason),
        (Granularity::Page, because(Reason::NotPersistentMemory(on)))
    );
    assert_eq!(
        Source::from_anon(4096).and_then(|source| source.place()),
        Err(Error::Unsupported(Subject::Device))
    );
}

/// The sources of the table of descriptors.
#[test]
fn what_lies_on_what() {
    needs_root!();
    with_own_descriptors(|| {
        let mut sources = 0;
        for row in rows() {
            let Expected::Source { file_system, .. } = row.expected else { continue };
            let Some(made) = row.descriptor() else { continue };
            let source = Source::from_fd(fd(made.raw())).expect(row.name);
            let system = source.file_system().expect(row.name);
            let (major, minor) = nd::disk();
            let on = match file_system {
                None => Backing::Disk { major, minor },
                Some("overlay") => Backing::Hidden(system),
                Some(_) => Backing::Memory(system),
            };
            assert_eq!(source.place().map(|place| place.backing()), Ok(on), "{}", row.name);
            let none = |asked| Error::NotPersistentMemory { asked, on };
            let region = if system.name() == Some("overlay") {
                none(Subject::NumaNode)
            } else {
                Error::DaxRegionNotFound(on)
            };
            assert_eq!(source.numa_node(), Err(region), "{}", row.name);
            assert_eq!(source.device_id(), Err(none(Subject::DeviceId)), "{}", row.name);
            assert_eq!(source.device_usc(), Err(none(Subject::UnsafeShutdowns)), "{}", row.name);
            sources += 1;
        }
        assert!(sources > 15, "{sources}");
    });
}

/// It cannot be mapped to see how, and that is said once.
#[test]
fn what_may_not_be_mapped() {
    for flags in [OFlags::WRONLY, OFlags::PATH, OFlags::RWMODE] {
        let Some(made) = made::unless("file, access mode 3", made::file(flags), made::NO_MODE_3)
        else {
            continue;
        };
        for report in [Report::new(&fd(made.raw())), Report::new_unopened(&fd(made.raw()))] {
            assert_eq!(report.granularity(), None, "{flags:?}");
            assert!(report.place().is_some_and(Result::is_ok));
        }
    }
}

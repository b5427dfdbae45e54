//! Where a source lies: what is gathered, in which order, and what comes of each failure on the
//! way.

use pmem2::{
    Anonymous, Error, Kind, Source,
    error::{HandleFault, Subject},
    persist::PersistenceDomain,
    place::{Backing, DimmState, FileSystem, Mode, Place, Region, Warning},
    platform::Fail,
};

use crate::{
    failures::expected,
    land::{Land, region, some_fails, text},
    script::{Call, Object, Script},
};

pub(crate) const GONE: Error = Error::InvalidFileHandle(HandleFault::DeviceReplaced);
pub(crate) const DISK: Backing = Backing::Disk { major: 8, minor: 1 };

pub(crate) fn tmpfs() -> Backing {
    Backing::Memory(FileSystem::from_magic(0x0102_1994))
}

pub(crate) fn overlay() -> Backing {
    Backing::Hidden(FileSystem::from_magic(0x794c_7630))
}

/// Everything that a place can be on but regions.
pub(crate) fn elsewhere() -> [Backing; 4] {
    [Backing::DeviceDax, DISK, tmpfs(), overlay()]
}

/// A source of the script, which was asked nothing since.
pub(crate) fn source(script: &Script) -> Source<Object<'_>> {
    let source = Source::new(script.object()).expect("a source");
    script.calls();
    source
}

fn place(land: Land) -> Result<Place, Error> {
    let script = Script::at(Kind::RegularFile, land);
    source(&script).place()
}

/// Regions with these numbers, on bus 0.
fn regions(numbers: std::ops::Range<u32>) -> Land {
    Land::of(numbers.map(|number| region(0, number, Mode::Fsdax)))
}

#[test]
fn everything_is_asked_once_and_confirmed_at_the_end() {
    let script = Script::at(Kind::RegularFile, regions(0..3));
    let source = source(&script);
    let place = source.place().expect("a place");
    assert_eq!(
        script.calls(),
        [
            Call::Locate,
            Call::Device,
            Call::Backing,
            Call::DaxCapable,
            Call::Regions,
            Call::Region(0),
            Call::Region(1),
            Call::Region(2),
            Call::Confirm
        ]
    );
    assert_eq!(
        (place.backing(), place.device(), place.dax_capable()),
        (Backing::Regions, "pmem0", Some(true))
    );
    let known: Vec<_> =
        script.land.regions.iter().map(|region| region.expect("a region")).collect();
    assert_eq!(place.regions().copied().collect::<Vec<_>>(), known, "all of them, in order");
    assert_eq!(Ok(place), source.place(), "the same, as nothing changed");
    drop(source);
    assert_eq!(place.regions().count(), 3, "it stays");
}

#[test]
fn what_is_no_persistent_memory_has_no_regions() {
    for backing in elsewhere() {
        let mut land = Land::on(backing);
        // Nobody asks.
        land.count = Ok(9);
        let script = Script::at(Kind::DeviceDax, land);
        let place = source(&script).place().expect("a place");
        assert_eq!((place.backing(), place.regions().count()), (backing, 0));
        assert_eq!(
            script.calls(),
            [Call::Locate, Call::Device, Call::Backing, Call::DaxCapable, Call::Confirm]
        );
    }
}

#[test]
fn every_failure_is_the_places() {
    let about =
        |call| if matches!(call, Call::Region(_)) { Subject::Region } else { Subject::Device };
    for call in [
        Call::Locate,
        Call::Backing,
        Call::Device,
        Call::Regions,
        Call::Region(0),
        Call::Region(1),
        Call::Region(2),
        Call::Confirm,
    ] {
        for fail in [Subject::Device, Subject::Volume, Subject::Region, Subject::Dimm]
            .into_iter()
            .flat_map(some_fails)
        {
            let mut land = regions(0..3);
            land.fail(call, fail);
            let script = Script::at(Kind::RegularFile, land);
            assert_eq!(source(&script).place(), Err(expected(fail, about(call))), "{call:?}");
            assert_eq!(script.calls().last(), Some(&call), "nothing is asked after a failure");
        }
    }
}

/// A disk without a queue says nothing of DAX, and the rest is known all the same.
#[test]
fn whether_the_device_has_dax_may_be_unknown() {
    for answer in [None, Some(false), Some(true)] {
        let mut land = Land::fsdax();
        land.dax_capable = Ok(answer);
        assert_eq!(place(land).map(|place| place.dax_capable()), Ok(answer));
    }
    for fail in [Subject::Dax, Subject::Device].into_iter().flat_map(some_fails) {
        let mut land = Land::fsdax();
        land.fail(Call::DaxCapable, fail);
        let error = match fail {
            Fail::Unsupported | Fail::Os(Subject::Dax, _) | Fail::OsCode(Subject::Dax, _) => {
                Ok(None)
            }
            fail => Err(expected(fail, Subject::Device)),
        };
        assert_eq!(place(land).map(|place| place.dax_capable()), error, "{fail:?}");
    }
}

#[test]
fn a_volume_has_room_for_sixteen_regions() {
    assert_eq!(Place::REGIONS, 16);
    let place_of = |count| place(regions(0..count)).map(|place| place.regions().count());
    assert_eq!((place_of(0), place_of(1), place_of(16)), (Ok(0), Ok(1), Ok(16)));
    assert_eq!(
        (place_of(17), place_of(100)),
        (Err(Error::TooLarge(Subject::Volume)), Err(Error::TooLarge(Subject::Volume)))
    );
    let mut land = regions(0..17);
    land.count = Ok(16);
    let script = Script::at(Kind::RegularFile, land);
    source(&script).place().expect("what was counted");
    assert!(!script.calls().contains(&Call::Region(16)));
}

/// The one that is missing could be the one with the weakest domain.
#[test]
fn a_region_that_was_counted_has_to_be_there() {
    let mut land = regions(0..1);
    land.count = Ok(2);
    assert_eq!(place(land.clone()), Err(Error::Unknown(Subject::Region)));
    let script = Script::at(Kind::DeviceDax, land);
    assert_eq!(
        source(&script).expected_granularity(pmem2::Sharing::Shared),
        Err(Error::Unknown(Subject::Region))
    );
}

#[test]
fn a_place_is_confirmed_by_its_stamp() {
    let confirm = |[then, now]: [Result<u64, Fail>; 2]| {
        let mut land = Land::fsdax();
        land.confirm = [then, now];
        let script = Script::at(Kind::RegularFile, land);
        let source = source(&script);
        let place = source.place().expect("a place");
        script.calls();
        let answer = source.confirm_place(&place);
        assert_eq!(script.calls(), [Call::Locate, Call::Confirm]);
        answer
    };
    assert_eq!(confirm([Ok(7), Ok(7)]), Ok(()));
    assert_eq!(confirm([Ok(u64::MAX), Ok(u64::MAX)]), Ok(()));
    for (then, now) in [(7, 8), (8, 7), (0, 1 << 32), (1, 1 + (1 << 32)), (0, u64::MAX)] {
        assert_eq!(confirm([Ok(then), Ok(now)]), Err(GONE), "{then}, {now}");
    }
    for fail in some_fails(Subject::Device) {
        assert_eq!(confirm([Ok(7), Err(fail)]), Err(expected(fail, Subject::Device)));
        let (good, mut bad) = (Script::at(Kind::RegularFile, Land::fsdax()), Land::fsdax());
        bad.fail(Call::Locate, fail);
        let place = source(&good).place().expect("a place");
        let script = Script::at(Kind::RegularFile, bad);
        assert_eq!(source(&script).confirm_place(&place), Err(expected(fail, Subject::Device)));
        assert_eq!(script.calls(), [Call::Locate]);
    }
    let at = |stamp| {
        let mut land = Land::fsdax();
        land.confirm = [Ok(stamp); 2];
        place(land)
    };
    assert!(at(1) == at(1) && at(1) != at(2), "places of two devices are not the same");
}

#[test]
fn a_platform_without_places_has_no_answer() {
    let script = Script::at(Kind::RegularFile, Land::fsdax());
    let anonymous = Source::new(Anonymous::on(&script, 4096)).expect("a source");
    let unknown = Script::new();
    let file = source(&unknown);
    let place = source(&script).place().expect("a place");
    script.calls();
    assert_eq!(anonymous.place(), Err(Error::Unsupported(Subject::Device)));
    assert_eq!(anonymous.confirm_place(&place), Err(Error::Unsupported(Subject::Device)));
    assert_eq!(anonymous.numa_node(), Err(Error::Unsupported(Subject::NumaNode)));
    assert_eq!(anonymous.dimms().map(|_| ()), Err(Error::Unsupported(Subject::Dimm)));
    assert_eq!(anonymous.device_id(), Err(Error::Unsupported(Subject::DeviceId)));
    assert_eq!(anonymous.device_usc(), Err(Error::Unsupported(Subject::UnsafeShutdowns)));
    assert_eq!(script.calls(), [], "its system is not asked");
    assert_eq!(file.place(), Err(Error::Unsupported(Subject::Device)));
    assert_eq!(file.confirm_place(&place), Err(Error::Unsupported(Subject::Device)));
    assert_eq!(file.numa_node(), Err(Error::Unsupported(Subject::NumaNode)));
    assert_eq!(file.dimms().map(|_| ()), Err(Error::Unsupported(Subject::Dimm)));
    assert_eq!(file.device_id(), Err(Error::Unsupported(Subject::DeviceId)));
    assert_eq!(file.device_usc(), Err(Error::Unsupported(Subject::UnsafeShutdowns)));
    assert_eq!(unknown.calls(), [Call::Locate; 6]);
}

#[test]
fn in_words() {
    let shown = |land: Land| place(land).expect("a place").to_string();
    assert_eq!(shown(Land::fsdax()), "pmem0, fsdax namespace0.0 of region0 on ndbus0 (ACPI.NFIT)");
    let mut of_many = region(1, 12, Mode::Sector);
    of_many.namespace = None;
    let both = Land::of([region(0, 3, Mode::Raw), of_many]);
    assert_eq!(
        shown(both),
        "pmem0, raw namespace3.0 of region3 on ndbus0 (ACPI.NFIT); sector namespaces of region12 on ndbus1 (ACPI.NFIT)"
    );
    // Where nobody says who tells of it.
    for (mode, name) in [
        (Mode::Devdax, "pmem0, devdax namespaces of region7 on ndbus0"),
        (Mode::Whole, "pmem0, region7"),
    ] {
        assert_eq!(shown(Land::of([Region::new(0, 7, mode)])), name);
    }
    let on = |backing, device: &str| {
        let mut land = Land::on(backing);
        land.device = Ok(text(device));
        shown(land)
    };
    assert_eq!(on(DISK, "sda1"), "sda1, the block device 8:1, which is not persistent memory");
    assert_eq!(on(tmpfs(), ""), "tmpfs, which keeps its files in ordinary memory");
    let proc = Backing::Memory(FileSystem::from_magic(0x9fa0));
    assert_eq!(on(proc, ""), "proc, whose files are interfaces of the kernel");
    assert_eq!(
        on(overlay(), ""),
        "overlay, a file system that does not say which device the file is on"
    );
    let hmem = "dax0.0, memory that is in no region of persistent memory";
    let linux = if cfg!(target_os = "linux") { " (CXL, dax_hmem)" } else { "" };
    assert_eq!(on(Backing::DeviceDax, "dax0.0"), format!("{hmem}{linux}"));
    let debug = format!("{:?}", place(regions(4..6)).expect("a place"));
    for part in [
        "Place",
        "backing: Regions",
        "device: \"pmem0\"",
        "number: 4",
        "number: 5",
        "dax_capable: Some(true)",
        "..",
    ] {
        assert!(debug.contains(part), "{part} in {debug}");
    }
    assert!(!debug.contains("None, None"), "no places without a region: {debug}");
    for (mode, name) in [
        (Mode::Fsdax, "fsdax"),
        (Mode::Devdax, "devdax"),
        (Mode::Sector, "sector"),
        (Mode::Raw, "raw"),
    ] {
        assert_eq!((mode.name(), format!("{mode:>8}")), (name, format!("{name:>8}")));
    }
    for (persistence, name, shown) in [
        (PersistenceDomain::CpuCache, Some("cpu_cache"), "cpu_cache"),
        (PersistenceDomain::MemoryController, Some("memory_controller"), "memory_controller"),
        (PersistenceDomain::Host, None, "the host's"),
        (PersistenceDomain::Unstated, None, "not stated"),
    ] {
        assert_eq!(
            (persistence.name(), format!("{persistence:>20}")),
            (name, format!("{shown:>20}"))
        );
    }
}

#[test]
fn warnings() {
    let of = |land: Land| place(land).expect("a place").warnings().collect::<Vec<_>>();
    let with = |change: fn(&mut Region)| {
        let mut second = region(0, 5, Mode::Fsdax);
        change(&mut second);
        of(Land::of([region(0, 2, Mode::Fsdax), second]))
    };
    assert_eq!(with(|_| ()), []);
    assert_eq!(
        with(|region| region.state = DimmState::NOT_ARMED),
        [Warning::Unarmed { region: 5 }]
    );
    assert_eq!(with(|region| region.read_only = true), [Warning::ReadOnly { region: 5 }]);
    assert_eq!(with(|region| region.provider = text("e820")), [Warning::Declared { region: 5 }]);
    assert_eq!(with(|region| region.provider = text("ramdax")), [Warning::Declared { region: 5 }]);
    for other in ["e82", "e8200", "E820", "ramda", "ramdax0", "virtio-pmem", ""] {
        let mut region = region(0, 5, Mode::Fsdax);
        region.provider = text(other);
        assert_eq!(of(Land::of([region])), [], "{other}");
    }
    let all = |region: &mut Region| {
        (region.state, region.read_only, region.provider) =
            (DimmState::NOT_ARMED, true, text("e820"));
    };
    let every = [
        Warning::Unarmed { region: 5 },
        Warning::ReadOnly { region: 5 },
        Warning::Declared { region: 5 },
    ];
    for (state, name, sentence) in [
        (
            DimmState::SAVE_FAILED,
            "save_failed",
            "failed to save its data when the power failed last",
        ),
        (DimmState::RESTORE_FAILED, "restore_failed", "failed to restore its data"),
        (DimmState::FLUSH_FAILED, "flush_failed", "was not flushed by the platform"),
        (DimmState::MAP_FAILED, "map_failed", "was not mapped by the firmware"),
        (DimmState::SMART_EVENT, "smart_event", "an event of its health (SMART)"),
    ] {
        let mut failed = region(0, 5, Mode::Fsdax);
        failed.state = state | DimmState::NOT_ARMED;
        let told = of(Land::of([failed]));
        assert_eq!(told, [every[0], Warning::Dimm { region: 5, state }]);
        assert_eq!(told.iter().map(Warning::name).collect::<Vec<_>>(), ["unarmed", name]);
        assert_eq!(told[1].region(), Some(5));
        let told = told[1].to_string();
        assert!(told.starts_with("a DIMM of region5 ") && told.contains(sentence), "{told}");
    }
    assert_eq!(with(all), every, "what loses data comes first");
    for backing in elsewhere() {
        let expected: &[_] = if backing == Backing::DeviceDax { &[Warning::NoRegion] } else { &[] };
        assert_eq!(of(Land::on(backing)), expected);
    }
    // Of a region without namespaces nobody says that DIMMs are what it is made of.
    let whole = |provider: &str| {
        let mut region = region(0, 5, Mode::Whole);
        (region.state, region.provider) = (DimmState::NOT_ARMED, text(provider));
        let all = of(Land::of([region]));
        assert_eq!(all, [Warning::UnarmedRegion { region: 5, provider: text(provider) }]);
        all.first().map(ToString::to_string)
    };
    for (provider, name) in [("board", "region5 (board)"), ("", "region5")] {
        let sentence = format!("{name} is not armed: stores will be lost when the power fails");
        assert_eq!(whole(provider), Some(sentence));
    }
    let sentences = every.map(|warning| warning.to_string());
    assert_eq!(
        sentences,
        [
            "a DIMM of region5 is not armed: stores will be lost when the power fails",
            "region5 can only be read",
            "region5 is only declared to be persistent (e820, memmap=, ramdax): ordinary memory keeps nothing without power",
        ]
    );
    assert_eq!(
        Warning::NoRegion.to_string(),
        "its memory is in no region of persistent memory: nothing says that it keeps its contents"
    );
}

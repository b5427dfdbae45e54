//! The granularity to expect: every combination of what a platform can say.

use std::collections::BTreeMap;

use pmem2::{
    Access, Anonymous, Error, Granularity, Kind, Sharing, Source,
    error::Subject,
    persist::PersistenceDomain,
    place::{Backing, DaxOption, DaxState, Expected, FileSystem, MapSync, Mode, Reason},
};

use crate::{
    failures::expected,
    land::some_fails,
    place::{DISK, overlay, source, tmpfs},
    script::{Call, Script},
    world::{BTRFS, EXT4, World, XFS, worlds},
};

fn answer(granularity: Granularity, reason: Reason) -> (Granularity, Reason) {
    (granularity, reason)
}

fn pair(expected: Expected) -> (Granularity, Reason) {
    (expected.granularity, expected.reason)
}

/// The reason is the first that is true, in the order in which they have to be put right.
#[test]
fn every_combination_of_facts() {
    let mut seen = BTreeMap::new();
    for world in worlds() {
        let of_file =
            |synchronous| pair(world.expect(Kind::RegularFile, synchronous).expect("an answer"));
        let (on, system) =
            (world.backing.unwrap_or(Backing::Regions), world.system.unwrap_or(EXT4));
        let refused = world.first(&[
            Reason::NotPersistentMemory(on),
            Reason::Host,
            Reason::Sector,
            Reason::DeviceWithoutDax,
            Reason::VolumeWithoutDax,
            Reason::FileSystemWithoutDax(system),
            Reason::PlaceUnknown,
            Reason::Refused,
            Reason::MountedWithoutDax,
            Reason::FileFlagOff,
            Reason::FileLeftOut,
            Reason::NotDax,
        ]);
        let granted = world.first(&[
            Reason::Host,
            Reason::NoRegion,
            Reason::Unarmed,
            Reason::DomainUnstated,
            Reason::MemoryController,
            Reason::CpuCache,
            Reason::DomainUnknown,
        ]);
        let granularity = match granted {
            Reason::Host => Granularity::Page,
            Reason::CpuCache => Granularity::Byte,
            _ => Granularity::CacheLine,
        };
        assert_eq!(of_file(MapSync::Granted), answer(granularity, granted), "{world:?}");
        assert_eq!(of_file(MapSync::Refused), answer(Granularity::Page, refused), "{world:?}");
        assert_eq!(of_file(MapSync::Unknown), answer(Granularity::Page, Reason::KernelTooOld));
        let of_device = world.expect(Kind::DeviceDax, MapSync::Granted).map(pair);
        let expected = match (world.backing, granted) {
            (None, _) => {
                Err(Error::Os { subject: Subject::Device, errno: pmem2::error::Errno::EACCES })
            }
            (_, Reason::Host) => Err(Error::NeverDurable),
            _ => Ok(answer(granularity, granted)),
        };
        assert_eq!(of_device, expected, "{world:?}");
        for reason in [granted, refused] {
            *seen.entry(reason.name()).or_insert(0) += 1;
        }
    }
    assert_eq!(seen.len(), 18, "each reason but those that need no asking: {seen:?}");
}

/// A few rows, in words that are nobody's code.
#[test]
fn what_users_meet() {
    use Granularity::{Byte, CacheLine, Page};
    use MapSync::{Granted, Refused};
    let best = World::BEST;
    let domain = |domain| World { regions: [Some((Mode::Fsdax, domain)), None], ..best };
    let mode = |mode, capable| World {
        regions: [Some((mode, PersistenceDomain::CpuCache)), None],
        dax_capable: Some(capable),
        direct: Some(DaxState::new(Some(false), Some(DaxOption::Inode))),
        ..best
    };
    let how = |file, mount| World { direct: Some(DaxState::new(Some(file), Some(mount))), ..best };
    let on = |backing, system| World {
        backing: Some(backing),
        regions: [None; 2],
        system: Some(system),
        ..best
    };
    let rows: [(World, MapSync, Granularity, &str); 18] = [
        (best, Granted, Byte, "(eADR)"),
        (domain(PersistenceDomain::MemoryController), Granted, CacheLine, "no eADR"),
        (domain(PersistenceDomain::Unstated), Granted, CacheLine, "does not say"),
        (World { unarmed: true, ..best }, Granted, CacheLine, "is not armed"),
        (domain(PersistenceDomain::Host), Refused, Page, "virtio-pmem"),
        (mode(Mode::Sector, false), Refused, Page, "BTT"),
        (mode(Mode::Raw, false), Refused, Page, "the namespace is raw"),
        (mode(Mode::Fsdax, false), Refused, Page, "crypt, md"),
        (how(false, DaxOption::Never), Refused, Page, "mounted without DAX"),
        (how(false, DaxOption::Inode), Refused, Page, "flag for DAX"),
        (how(false, DaxOption::Always), Refused, Page, "does not map this file directly"),
        (how(true, DaxOption::Always), Refused, Page, "does not say why"),
        (World { system: Some(BTRFS), ..best }, Refused, Page, "(btrfs) has no DAX"),
        (World { direct: None, ..best }, Refused, Page, "or its flag for DAX is off"),
        (on(DISK, XFS), Refused, Page, "block device 8:1"),
        (on(tmpfs(), FileSystem::from_magic(0x0102_1994)), Refused, Page, "tmpfs"),
        (on(overlay(), FileSystem::from_magic(0x794c_7630)), Refused, Page, "overlay"),
        (best, MapSync::Unknown, Page, "kernel knows no synchronous mappings"),
    ];
    for (world, synchronous, granularity, word) in rows {
        let expected = world.expect(Kind::RegularFile, synchronous).expect("an answer");
        assert_eq!(expected.granularity, granularity, "{world:?}");
        let said = expected.to_string();
        assert!(said.starts_with(&format!("{granularity}: ")) && said.contains(word), "{said}");
    }
    assert!(Byte < CacheLine && CacheLine < Page, "the smaller, the finer");
    assert_eq!(
        [Byte, CacheLine, Page].map(|granularity| granularity as u8),
        [0, 1, 2],
        "of <libpmem2/base.h>"
    );
    assert_eq!([Byte, CacheLine, Page].map(Granularity::name), ["BYTE", "CACHE_LINE", "PAGE"]);
    assert_eq!(format!("{CacheLine:>12}"), "  CACHE_LINE");
}

#[test]
fn what_needs_no_asking() {
    let kinds = [Kind::RegularFile, Kind::DeviceDax];
    for (kind, synchronous) in kinds.into_iter().flat_map(|kind| {
        [MapSync::Granted, MapSync::Refused, MapSync::Unknown]
            .map(|synchronous| (kind, synchronous))
    }) {
        let script = World::BEST.script(kind, Ok(synchronous));
        let answer = source(&script).expected_granularity(Sharing::Private);
        assert_eq!(script.calls(), []);
        match kind {
            Kind::DeviceDax => assert_eq!(answer, Err(Error::SrcDevdaxPrivate)),
            _ => assert_eq!(answer.map(pair), Ok((Granularity::Byte, Reason::Private))),
        }
    }
    let script = World::BEST.script(Kind::RegularFile, Ok(MapSync::Granted));
    let anonymous = Source::new(Anonymous::on(&script, 4096)).expect("a source");
    script.calls();
    for sharing in [Sharing::Shared, Sharing::Private] {
        let answer = anonymous.expected_granularity(sharing);
        assert_eq!(answer.map(pair), Ok((Granularity::Byte, Reason::Anonymous)));
    }
    assert_eq!(script.calls(), []);
}

/// Whether a file can be mapped is asked first, and why not only where the place does not say.
#[test]
fn no_more_is_asked_than_has_to_be() {
    let calls = |world: World, kind, synchronous| {
        let script = world.script(kind, Ok(synchronous));
        source(&script).expected_granularity(Sharing::Shared).expect("an answer");
        script.calls()
    };
    // Not for the device's name, which is for people.
    let place = [
        Call::Locate,
        Call::Backing,
        Call::DaxCapable,
        Call::Regions,
        Call::Region(0),
        Call::Confirm,
    ];
    let after = |first: &[Call], then: &[Call]| [first, &place, then].concat();
    let tried = [Call::MapSync];
    let best = World::BEST;
    let on = |domain| World { regions: [Some((Mode::Fsdax, domain)), None], ..best };
    let found = [Call::Locate, Call::Backing, Call::Regions];
    let domain = |synchronous| [&found[..], &[Call::Domain(0, synchronous)]].concat();
    // A fence is enough where the DIMMs are armed and the device is the same.
    let fence = [Call::Armed(0), Call::Confirm];
    let reason = [&domain(false)[..], &fence].concat();
    let more = [Some((Mode::Fsdax, PersistenceDomain::CpuCache)); 2];
    let of_two = [Call::Domain(0, true), Call::Domain(1, true), Call::Armed(0), Call::Armed(1)];
    assert_eq!(
        calls(World { regions: more, ..best }, Kind::RegularFile, MapSync::Granted),
        [&tried[..], &found, &of_two, &[Call::Confirm]].concat()
    );
    // It is not, and the rest is asked for the reason.
    assert_eq!(
        calls(on(PersistenceDomain::MemoryController), Kind::RegularFile, MapSync::Granted),
        [&tried[..], &domain(true), &reason].concat()
    );
    assert_eq!(
        calls(World { unarmed: true, ..best }, Kind::RegularFile, MapSync::Granted),
        [&tried[..], &domain(true), &[Call::Armed(0)], &reason].concat()
    );
    assert_eq!(
        calls(on(PersistenceDomain::MemoryController), Kind::DeviceDax, MapSync::Refused),
        [&domain(false)[..], &[Call::Confirm], &reason].concat()
    );
    let sector =
        World { regions: [Some((Mode::Sector, PersistenceDomain::CpuCache)), None], ..best };
    assert_eq!(calls(best, Kind::RegularFile, MapSync::Unknown), tried);
    let granted = [&tried[..], &domain(true), &fence].concat();
    assert_eq!(calls(best, Kind::RegularFile, MapSync::Granted), granted);
    assert_eq!(calls(sector, Kind::RegularFile, MapSync::Refused), after(&tried, &[]));
    let why = [Call::DaxState, Call::FileSystem];
    assert_eq!(calls(best, Kind::RegularFile, MapSync::Refused), after(&tried, &why));
    let of_device = [&domain(false)[..], &fence].concat();
    assert_eq!(calls(best, Kind::DeviceDax, MapSync::Refused), of_device);
}

#[test]
fn with_a_place_that_was_kept() {
    for world in worlds().into_iter().filter(|world| world.backing.is_some()).step_by(7) {
        for kind in [Kind::RegularFile, Kind::DeviceDax] {
            for synchronous in [MapSync::Granted, MapSync::Refused, MapSync::Unknown] {
                let script = world.script(kind, Ok(synchronous));
                let source = source(&script);
                let place = source.place().expect("a place");
                script.calls();
                for sharing in [Sharing::Shared, Sharing::Private] {
                    let kept = source.expected_granularity_at(&place, sharing);
                    assert!(
                        !script.calls().contains(&Call::Locate),
                        "the place is not asked for again"
                    );
                    // Where the place excludes a synchronous mapping, none is made.
                    let made = match synchronous {
                        MapSync::Granted if world.excludes_sync() => MapSync::Refused,
                        synchronous => synchronous,
                    };
                    let made = world.script(kind, Ok(made));
                    let asked = self::source(&made).expected_granularity(sharing);
                    assert_eq!(kept, asked);
                    script.calls();
                }
            }
        }
    }
}

#[test]
fn failures() {
    for fail in [Subject::MapSync, Subject::Handle].into_iter().flat_map(some_fails) {
        let script = World::BEST.script(Kind::RegularFile, Err(fail));
        let error = Err(expected(fail, Subject::MapSync));
        assert_eq!(source(&script).expected_granularity(Sharing::Shared), error);
        assert_eq!(script.calls(), [Call::MapSync]);
        // What only explains the answer cannot take it away.
        for synchronous in [MapSync::Granted, MapSync::Refused] {
            for call in [
                Call::Locate,
                Call::Backing,
                Call::Confirm,
                Call::Regions,
                Call::Region(0),
                Call::Domain(0, true),
                Call::Armed(0),
                Call::DaxState,
                Call::FileSystem,
            ] {
                let mut script = World::BEST.script(Kind::RegularFile, Ok(synchronous));
                match call {
                    Call::FileSystem => script.file_system = Err(fail),
                    call => script.land.fail(call, fail),
                }
                let whole = World::BEST.expect(Kind::RegularFile, synchronous).expect("an answer");
                let answer =
                    source(&script).expected_granularity(Sharing::Shared).expect("an answer");
                match synchronous {
                    // Without these nobody knows of eADR.
                    MapSync::Granted
                        if !matches!(call, Call::DaxState | Call::FileSystem | Call::Region(0)) =>
                    {
                        assert_eq!(pair(answer), (Granularity::CacheLine, Reason::DomainUnknown));
                    }
                    _ => assert_eq!(answer.granularity, whole.granularity, "{call:?}, {fail:?}"),
                }
            }
        }
        // For device DAX it is all there is.
        for call in [
            Call::Locate,
            Call::Backing,
            Call::Regions,
            Call::Domain(0, false),
            Call::Armed(0),
            Call::Confirm,
        ] {
            let mut script = World::BEST.script(Kind::DeviceDax, Ok(MapSync::Granted));
            script.land.fail(call, fail);
            let answer = source(&script).expected_granularity(Sharing::Shared);
            let what = match call {
                Call::Domain(..) | Call::Armed(_) => Subject::Region,
                _ => Subject::Device,
            };
            assert_eq!(answer, Err(expected(fail, what)), "{call:?}");
        }
    }
    let unknown = Script::with(Kind::RegularFile, Access::READ);
    let answer = source(&unknown).expected_granularity(Sharing::Shared);
    assert_eq!(answer, Err(Error::Unsupported(Subject::MapSync)));
}

/// The granularity of every kind of device, with the reason: libpmem2's table of devices, and what
/// a kept place changes.
#[test]
fn every_kind_of_device() {
    use Granularity::{Byte, CacheLine, Page};
    use MapSync::{Granted, Refused, Unknown};
    use PersistenceDomain::{CpuCache, Host, MemoryController, Never, Unstated, Volatile};
    let best = World::BEST;
    let one = |mode, domain| World { regions: [Some((mode, domain)), None], ..best };
    let fsdax = |domain| one(Mode::Fsdax, domain);
    let two = |domain, other| World {
        regions: [Some((Mode::Fsdax, domain)), Some((Mode::Fsdax, other))],
        ..best
    };
    let without_dax = |mode| World { dax_capable: Some(false), ..one(mode, CpuCache) };
    let mounted = |file, mount| World {
        direct: Some(DaxState::new(Some(file), Some(mount))),
        ..fsdax(MemoryController)
    };
    let on =
        |backing| World { backing: Some(backing), regions: [None; 2], dax_capable: None, ..best };
    let nowhere = World { backing: None, regions: [None; 2], ..best };
    let hmem = World { dax_capable: Some(true), ..on(Backing::DeviceDax) };
    let (file, devdax, bare) = (Kind::RegularFile, Kind::DeviceDax, Kind::Region);
    let whole = |domain| one(Mode::Whole, domain);
    let rows = [
        // A file on DAX.
        (file, fsdax(CpuCache), Granted, Ok((Byte, Reason::CpuCache))),
        (file, fsdax(MemoryController), Granted, Ok((CacheLine, Reason::MemoryController))),
        (file, fsdax(Unstated), Granted, Ok((CacheLine, Reason::DomainUnstated))),
        (file, nowhere, Granted, Ok((CacheLine, Reason::DomainUnknown))),
        (file, fsdax(Volatile), Granted, Ok((CacheLine, Reason::NoRegion))),
        (file, World { unarmed: true, ..best }, Granted, Ok((CacheLine, Reason::Unarmed))),
        (file, two(CpuCache, CpuCache), Granted, Ok((Byte, Reason::CpuCache))),
        (file, two(CpuCache, MemoryController), Granted, Ok((CacheLine, Reason::MemoryController))),
        (file, on(overlay()), Granted, Ok((CacheLine, Reason::DomainUnknown))),
        (file, on(Backing::Volume { dax: true }), Granted, Ok((CacheLine, Reason::DomainUnstated))),
        // A file that is not mapped directly.
        (file, mounted(false, DaxOption::Never), Refused, Ok((Page, Reason::MountedWithoutDax))),
        (file, mounted(false, DaxOption::Inode), Refused, Ok((Page, Reason::FileFlagOff))),
        (file, mounted(false, DaxOption::Always), Refused, Ok((Page, Reason::FileLeftOut))),
        (file, one(Mode::Sector, CpuCache), Refused, Ok((Page, Reason::Sector))),
        (file, without_dax(Mode::Raw), Refused, Ok((Page, Reason::DeviceWithoutDax))),
        (file, without_dax(Mode::Fsdax), Refused, Ok((Page, Reason::VolumeWithoutDax))),
        (file, fsdax(Host), Refused, Ok((Page, Reason::Host))),
        (file, on(tmpfs()), Refused, Ok((Page, Reason::NotPersistentMemory(tmpfs())))),
        (file, on(DISK), Refused, Ok((Page, Reason::NotPersistentMemory(DISK)))),
        (file, on(overlay()), Refused, Ok((Page, Reason::NotPersistentMemory(overlay())))),
        (file, on(Backing::Volume { dax: false }), Refused, Ok((Page, Reason::VolumeNotDax))),
        (file, best, Unknown, Ok((Page, Reason::KernelTooOld))),
        // A device DAX, which is not tried.
        (devdax, one(Mode::Devdax, CpuCache), Refused, Ok((Byte, Reason::CpuCache))),
        (
            devdax,
            one(Mode::Devdax, MemoryController),
            Refused,
            Ok((CacheLine, Reason::MemoryController)),
        ),
        (devdax, one(Mode::Devdax, Unstated), Refused, Ok((CacheLine, Reason::DomainUnstated))),
        (devdax, one(Mode::Devdax, Volatile), Refused, Ok((CacheLine, Reason::NoRegion))),
        (devdax, hmem, Refused, Ok((CacheLine, Reason::NoRegion))),
        (devdax, one(Mode::Devdax, Host), Refused, Err(Error::NeverDurable)),
        // A region of physical memory.
        (bare, whole(CpuCache), Refused, Ok((Byte, Reason::CpuCache))),
        (bare, whole(MemoryController), Refused, Ok((CacheLine, Reason::MemoryController))),
        (bare, whole(Unstated), Refused, Ok((CacheLine, Reason::TableUnstated))),
        (bare, whole(Host), Refused, Ok((Page, Reason::Call))),
        (bare, whole(Volatile), Refused, Err(Error::RegionNeverDurable)),
        (bare, whole(Never), Refused, Err(Error::RegionNeverDurable)),
        (bare, World { unarmed: true, ..whole(CpuCache) }, Refused, Err(Error::RegionUnarmed)),
    ];
    for (kind, world, synchronous, expected) in rows {
        let found = world.expect(kind, synchronous).map(pair);
        assert_eq!(found, expected, "{kind}, {synchronous:?}: {world:?}");
        if world.backing.is_none() {
            continue;
        }
        // With its place at hand the answer is the same, and no region is asked.
        let script = world.script(kind, Ok(synchronous));
        let source = source(&script);
        let place = source.place().expect("a place");
        script.calls();
        let kept = source.expected_granularity_at(&place, Sharing::Shared).map(pair);
        assert_eq!(kept, expected, "{kind}, {synchronous:?}: {world:?}");
        let calls = script.calls();
        let allowed = [Call::MapSync, Call::DaxState, Call::FileSystem];
        assert!(calls.iter().all(|call| allowed.contains(call)), "{calls:?}");
    }
}

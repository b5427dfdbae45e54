//! The granularity to expect: every combination of what a platform can say.

use std::collections::{BTreeMap, HashSet};

use pmem2::{
    Access, Anonymous, Backing, DaxOption, Direct, Error, Expected, Fail, FileSystem, Granularity, Kind, Mode,
    Persistence, Reason, Sharing, Source, Synchronous, What,
};

use crate::{
    failures::expected,
    land::{Land, region, some_fails},
    place::{DISK, elsewhere, overlay, source, tmpfs},
    script::{Call, Script},
};

const EXT4: FileSystem = FileSystem::from_magic(0xEF53);
const XFS: FileSystem = FileSystem::from_magic(0x5846_5342);
const EROFS: FileSystem = FileSystem::from_magic(0xE0F5_E1E2);
const VIRTIOFS: FileSystem = FileSystem::from_magic(0x6573_5546);
const BTRFS: FileSystem = FileSystem::from_magic(0x9123_683E);
const UNKNOWN: FileSystem = FileSystem::from_magic(0x1234);

const MODES: [Mode; 4] = [Mode::Fsdax, Mode::Devdax, Mode::Sector, Mode::Raw];
const DOMAINS: [Persistence; 5] = [
    Persistence::CpuCache,
    Persistence::MemoryController,
    Persistence::Unstated,
    Persistence::Volatile,
    Persistence::Host,
];

/// What is behind a file.
#[derive(Clone, Copy, Debug)]
struct World {
    /// `None`: that cannot be found out.
    backing: Option<Backing>,
    regions: [Option<(Mode, Persistence)>; 2],
    dax_capable: Option<bool>,
    direct: Option<Direct>,
    system: Option<FileSystem>,
}

impl World {
    /// The best there is: ext4 with DAX on a region with eADR.
    const BEST: Self = Self {
        backing: Some(Backing::Regions),
        regions: [Some((Mode::Fsdax, Persistence::CpuCache)), None],
        dax_capable: Some(true),
        direct: Some(Direct::new(Some(true), Some(DaxOption::Always))),
        system: Some(EXT4),
    };

    fn land(&self) -> Land {
        let regions = self.regions.iter().flatten().enumerate().map(|(number, &(mode, persistence))| {
            let mut region = region(0, number as u32, mode);
            region.persistence = persistence;
            region
        });
        let mut land = Land::of(regions);
        let unknown = Fail::Os(What::Device, pmem2::Errno::EACCES);
        match self.backing {
            Some(backing) => land.backing = Ok(backing),
            None => land.locate = Err(unknown),
        }
        land.dax_capable = Ok(self.dax_capable);
        land.direct = self.direct.ok_or(unknown);
        land
    }

    fn script(&self, kind: Kind, synchronous: Result<Synchronous, Fail>) -> Script {
        let mut land = self.land();
        land.synchronous = synchronous;
        let mut script = Script::at(kind, land);
        script.file_system = self.system.ok_or(Fail::Os(What::FileSystem, pmem2::Errno::EIO));
        script
    }

    fn expect(&self, kind: Kind, synchronous: Synchronous) -> Result<Expected, Error> {
        source(&self.script(kind, Ok(synchronous))).expected_granularity(Sharing::Shared)
    }

    fn on_regions(&self) -> bool {
        self.backing == Some(Backing::Regions)
    }

    fn any_region(&self, is: impl Fn(Mode, Persistence) -> bool) -> bool {
        self.on_regions() && self.regions.iter().flatten().any(|&(mode, persistence)| is(mode, persistence))
    }

    fn only(&self, domain: Persistence) -> bool {
        self.any_region(|_, _| true) && !self.any_region(|_, persistence| persistence != domain)
    }

    fn mounted(&self, option: DaxOption) -> bool {
        self.direct.is_some_and(|direct| direct.mount == Some(option))
    }

    fn flag(&self, is: Option<bool>) -> bool {
        self.direct.is_some_and(|direct| direct.file == is)
    }

    /// Whether what a reason says is so.
    fn holds(&self, reason: Reason) -> bool {
        match reason {
            Reason::Private | Reason::Anonymous | Reason::KernelTooOld => false,
            Reason::CpuCache => self.only(Persistence::CpuCache),
            Reason::MemoryController => self.any_region(|_, domain| domain == Persistence::MemoryController),
            Reason::DomainUnstated => self.any_region(|_, domain| domain == Persistence::Unstated),
            Reason::DomainUnknown => !self.any_region(|_, _| true) && self.backing != Some(Backing::DeviceDax),
            Reason::NoRegion => {
                self.backing == Some(Backing::DeviceDax) || self.any_region(|_, domain| domain == Persistence::Volatile)
            }
            Reason::NotPersistentMemory(on) => self.backing == Some(on) && !self.on_regions(),
            Reason::Host => self.any_region(|_, domain| domain == Persistence::Host),
            Reason::Sector => self.any_region(|mode, _| mode == Mode::Sector),
            Reason::DeviceWithoutDax => self.any_region(|mode, _| mode == Mode::Raw) && self.dax_capable == Some(false),
            Reason::VolumeWithoutDax => self.on_regions() && self.dax_capable == Some(false),
            Reason::FileSystemWithoutDax(system) => {
                self.system == Some(system) && ![EXT4, XFS, EROFS, VIRTIOFS].contains(&system)
            }
            Reason::MountedWithoutDax => self.mounted(DaxOption::Never) || self.mounted(DaxOption::Absent),
            Reason::FileFlagOff => self.mounted(DaxOption::Inode) && self.flag(Some(false)),
            Reason::FileLeftOut => self.mounted(DaxOption::Always) && self.flag(Some(false)),
            Reason::Refused => self.flag(Some(true)) || (self.mounted(DaxOption::Always) && self.flag(None)),
            Reason::PlaceUnknown => {
                self.backing.is_none() && (self.holds(Reason::Refused) || !self.holds(Reason::MountedWithoutDax))
            }
            Reason::NotDax => true,
            other => panic!("a reason that this table does not have: {other:?}"),
        }
    }

    /// The first of `reasons` that holds.
    fn first(&self, reasons: &[Reason]) -> Reason {
        *reasons.iter().find(|reason| self.holds(**reason)).expect("one of them always holds")
    }
}

/// Every world.
fn worlds() -> Vec<World> {
    let of_one = MODES.into_iter().flat_map(|mode| DOMAINS.map(|domain| [Some((mode, domain)), None]));
    let mut of_two = Vec::new();
    for [one, other] in DOMAINS.iter().flat_map(|one| DOMAINS.map(|other| [*one, other])) {
        for [mode, other_mode] in [[Mode::Fsdax; 2], [Mode::Raw, Mode::Sector]] {
            of_two.push([Some((mode, one)), Some((other_mode, other))]);
        }
    }
    let on_regions = of_one.chain(of_two).map(|regions| (Some(Backing::Regions), regions));
    let others = elsewhere().into_iter().map(Some).chain([None]).map(|backing| (backing, [None; 2]));
    let grounds: Vec<_> = on_regions.chain(others).collect();
    let files = [None, Some(false), Some(true)];
    let mounts =
        [None, Some(DaxOption::Always), Some(DaxOption::Never), Some(DaxOption::Inode), Some(DaxOption::Absent)];
    let directs: Vec<_> =
        files.iter().flat_map(|file| mounts.map(|mount| Some(Direct::new(*file, mount)))).chain([None]).collect();
    let systems = [EXT4, XFS, EROFS, VIRTIOFS, BTRFS, UNKNOWN].map(Some).into_iter().chain([None]);
    let mut worlds = Vec::new();
    for (backing, regions) in grounds {
        for dax_capable in [None, Some(false), Some(true)] {
            for direct in &directs {
                worlds.extend(systems.clone().map(|system| World {
                    backing,
                    regions,
                    dax_capable,
                    direct: *direct,
                    system,
                }));
            }
        }
    }
    worlds
}

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
        let of_file = |synchronous| pair(world.expect(Kind::RegularFile, synchronous).expect("an answer"));
        let (on, system) = (world.backing.unwrap_or(Backing::Regions), world.system.unwrap_or(EXT4));
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
        assert_eq!(of_file(Synchronous::Granted), answer(granularity, granted), "{world:?}");
        assert_eq!(of_file(Synchronous::Refused), answer(Granularity::Page, refused), "{world:?}");
        assert_eq!(of_file(Synchronous::Unknown), answer(Granularity::Page, Reason::KernelTooOld));
        let of_device = world.expect(Kind::DeviceDax, Synchronous::Granted).map(pair);
        let expected = match (world.backing, granted) {
            (None, _) => Err(Error::Os { what: What::Device, errno: pmem2::Errno::EACCES }),
            (_, Reason::Host) => Err(Error::NeverDurable),
            _ => Ok(answer(granularity, granted)),
        };
        assert_eq!(of_device, expected, "{world:?}");
        for reason in [granted, refused] {
            *seen.entry(reason.name()).or_insert(0) += 1;
        }
    }
    assert_eq!(seen.len(), 17, "each reason but those that need no asking: {seen:?}");
}

/// A few rows, in words that are nobody's code.
#[test]
fn what_users_meet() {
    use Granularity::{Byte, CacheLine, Page};
    use Synchronous::{Granted, Refused};
    let best = World::BEST;
    let domain = |domain| World { regions: [Some((Mode::Fsdax, domain)), None], ..best };
    let mode = |mode, capable| World {
        regions: [Some((mode, Persistence::CpuCache)), None],
        dax_capable: Some(capable),
        direct: Some(Direct::new(Some(false), Some(DaxOption::Inode))),
        ..best
    };
    let how = |file, mount| World { direct: Some(Direct::new(Some(file), Some(mount))), ..best };
    let on = |backing, system| World { backing: Some(backing), regions: [None; 2], system: Some(system), ..best };
    let rows: [(World, Synchronous, Granularity, &str); 17] = [
        (best, Granted, Byte, "(eADR)"),
        (domain(Persistence::MemoryController), Granted, CacheLine, "no eADR"),
        (domain(Persistence::Unstated), Granted, CacheLine, "does not say"),
        (domain(Persistence::Host), Refused, Page, "virtio-pmem"),
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
        (best, Synchronous::Unknown, Page, "kernel knows no synchronous mappings"),
    ];
    for (world, synchronous, granularity, word) in rows {
        let expected = world.expect(Kind::RegularFile, synchronous).expect("an answer");
        assert_eq!(expected.granularity, granularity, "{world:?}");
        let said = expected.to_string();
        assert!(said.starts_with(&format!("{granularity}: ")) && said.contains(word), "{said}");
    }
    assert!(Byte < CacheLine && CacheLine < Page, "the smaller, the finer");
    assert_eq!([Byte, CacheLine, Page].map(|granularity| granularity as u8), [0, 1, 2], "of <libpmem2/base.h>");
    assert_eq!([Byte, CacheLine, Page].map(Granularity::name), ["BYTE", "CACHE_LINE", "PAGE"]);
    assert_eq!(format!("{CacheLine:>12}"), "  CACHE_LINE");
}

#[test]
fn what_needs_no_asking() {
    let kinds = [Kind::RegularFile, Kind::DeviceDax];
    for (kind, synchronous) in kinds.into_iter().flat_map(|kind| {
        [Synchronous::Granted, Synchronous::Refused, Synchronous::Unknown].map(|synchronous| (kind, synchronous))
    }) {
        let script = World::BEST.script(kind, Ok(synchronous));
        let answer = source(&script).expected_granularity(Sharing::Private);
        assert_eq!(script.calls(), []);
        match kind {
            Kind::DeviceDax => assert_eq!(answer, Err(Error::SrcDevdaxPrivate)),
            _ => assert_eq!(answer.map(pair), Ok((Granularity::Byte, Reason::Private))),
        }
    }
    let script = World::BEST.script(Kind::RegularFile, Ok(Synchronous::Granted));
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
    let place = [Call::Locate, Call::Backing, Call::DaxCapable, Call::Regions, Call::Region(0), Call::Confirm];
    let after = |first: &[Call], then: &[Call]| [first, &place, then].concat();
    let tried = [Call::Synchronous];
    let best = World::BEST;
    let sector = World { regions: [Some((Mode::Sector, Persistence::CpuCache)), None], ..best };
    assert_eq!(calls(best, Kind::RegularFile, Synchronous::Unknown), tried);
    assert_eq!(calls(best, Kind::RegularFile, Synchronous::Granted), after(&tried, &[]));
    assert_eq!(calls(sector, Kind::RegularFile, Synchronous::Refused), after(&tried, &[]));
    let why = [Call::Direct, Call::FileSystem];
    assert_eq!(calls(best, Kind::RegularFile, Synchronous::Refused), after(&tried, &why));
    assert_eq!(calls(best, Kind::DeviceDax, Synchronous::Refused), after(&[], &[]));
}

#[test]
fn with_a_place_that_was_kept() {
    for world in worlds().into_iter().filter(|world| world.backing.is_some()).step_by(7) {
        for kind in [Kind::RegularFile, Kind::DeviceDax] {
            for synchronous in [Synchronous::Granted, Synchronous::Refused, Synchronous::Unknown] {
                let script = world.script(kind, Ok(synchronous));
                let source = source(&script);
                let place = source.place().expect("a place");
                script.calls();
                for sharing in [Sharing::Shared, Sharing::Private] {
                    let kept = source.expected_granularity_at(&place, sharing);
                    assert!(!script.calls().contains(&Call::Locate), "the place is not asked for again");
                    assert_eq!(kept, source.expected_granularity(sharing));
                    script.calls();
                }
            }
        }
    }
}

#[test]
fn failures() {
    for fail in [What::Synchronous, What::Handle].into_iter().flat_map(some_fails) {
        let script = World::BEST.script(Kind::RegularFile, Err(fail));
        let error = Err(expected(fail, What::Synchronous));
        assert_eq!(source(&script).expected_granularity(Sharing::Shared), error);
        assert_eq!(script.calls(), [Call::Synchronous]);
        // What only explains the answer cannot take it away.
        for synchronous in [Synchronous::Granted, Synchronous::Refused] {
            for call in [Call::Locate, Call::Backing, Call::Confirm, Call::Region(0), Call::Direct, Call::FileSystem] {
                let mut script = World::BEST.script(Kind::RegularFile, Ok(synchronous));
                match call {
                    Call::FileSystem => script.file_system = Err(fail),
                    call => script.land.fail(call, fail),
                }
                let whole = World::BEST.expect(Kind::RegularFile, synchronous).expect("an answer");
                let answer = source(&script).expected_granularity(Sharing::Shared).expect("an answer");
                match synchronous {
                    // Without a region nobody knows of eADR.
                    Synchronous::Granted if !matches!(call, Call::Direct | Call::FileSystem) => {
                        assert_eq!(pair(answer), (Granularity::CacheLine, Reason::DomainUnknown));
                    }
                    _ => assert_eq!(answer.granularity, whole.granularity, "{call:?}, {fail:?}"),
                }
            }
        }
        // For device DAX it is all there is.
        for call in [Call::Locate, Call::Backing, Call::Confirm] {
            let mut script = World::BEST.script(Kind::DeviceDax, Ok(Synchronous::Granted));
            script.land.fail(call, fail);
            let answer = source(&script).expected_granularity(Sharing::Shared);
            assert_eq!(answer, Err(expected(fail, What::Device)), "{call:?}");
        }
    }
    let unknown = Script::with(Kind::RegularFile, Access::READ);
    let answer = source(&unknown).expected_granularity(Sharing::Shared);
    assert_eq!(answer, Err(Error::Unsupported(What::Synchronous)));
}

/// Every reason, and whether anything can be done about it.
const REASONS: [(Reason, Option<&str>); 21] = [
    (Reason::Private, None),
    (Reason::Anonymous, None),
    (Reason::CpuCache, None),
    (Reason::MemoryController, Some("eADR")),
    (Reason::DomainUnstated, Some("eADR")),
    (Reason::DomainUnknown, Some("/sys")),
    (Reason::NoRegion, Some("region of persistent memory")),
    (Reason::NotPersistentMemory(DISK), Some("on persistent memory")),
    (Reason::Host, Some("NVDIMM")),
    (Reason::Call, None),
    (Reason::Sector, Some("--mode=fsdax")),
    (Reason::DeviceWithoutDax, Some("--mode=fsdax")),
    (Reason::VolumeWithoutDax, Some("linear")),
    (Reason::FileSystemWithoutDax(BTRFS), Some("ext4 or xfs")),
    (Reason::MountedWithoutDax, Some("-o dax=always")),
    (Reason::FileFlagOff, Some("chattr +x")),
    (Reason::FileLeftOut, Some("without encryption")),
    (Reason::NotDax, Some("-o dax=always")),
    (Reason::PlaceUnknown, Some("mount sysfs")),
    (Reason::KernelTooOld, Some("Linux 4.15")),
    (Reason::Refused, None),
];

#[test]
fn reasons_and_remedies() {
    for (reason, word) in REASONS {
        let remedy = reason.remedy();
        assert_eq!(remedy.is_some(), word.is_some(), "{reason:?}");
        assert!(remedy.unwrap_or_default().contains(word.unwrap_or_default()), "{remedy:?}");
        for text in [Some(reason.to_string()), remedy.map(String::from)].into_iter().flatten() {
            assert!(text.starts_with(|first: char| first.is_ascii_lowercase() || "BL".contains(first)), "{text}");
            assert!(!text.ends_with(['.', ' ', ';']) && !text.contains("  "), "{text}");
        }
    }
    let sentences: HashSet<_> = REASONS.iter().map(|(reason, _)| reason.to_string()).collect();
    assert_eq!(sentences.len(), REASONS.len(), "no two the same");
    let ons: HashSet<_> = elsewhere().map(|on| Reason::NotPersistentMemory(on).to_string()).into();
    assert_eq!(ons.len(), 4, "{ons:?}");
    // A file system that hides its device may well be on persistent memory.
    let hidden = Reason::NotPersistentMemory(overlay()).remedy().expect("a remedy");
    assert_ne!(Some(hidden), Reason::NotPersistentMemory(DISK).remedy());
    assert!(hidden.contains("on persistent memory itself"), "{hidden}");
    let expected = World::BEST.expect(Kind::RegularFile, Synchronous::Granted).expect("an answer");
    assert_eq!(
        expected.to_string(),
        "BYTE: the platform saves the processor's caches when the power fails (eADR), or there are none in between"
    );
    let mut world = World::BEST;
    world.direct = Some(Direct::new(Some(false), Some(DaxOption::Never)));
    assert_eq!(
        world.expect(Kind::RegularFile, Synchronous::Refused).expect("an answer").to_string(),
        "PAGE: its file system is mounted without DAX; mount the file system anew with -o dax=always"
    );
    assert_eq!(Error::NeverDurable.code(), -100_009);
}

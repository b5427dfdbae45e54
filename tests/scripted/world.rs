//! Everything that a platform can say of what is behind a file, and what a reason claims of it.

use pmem2::{
    Error, Kind, Sharing,
    error::Subject,
    persist::PersistenceDomain,
    place::{Backing, DaxOption, DaxState, DimmState, Expected, FileSystem, MapSync, Mode, Reason},
    platform::Fail,
};

use crate::{
    land::{Land, region},
    place::{elsewhere, source},
    script::Script,
};

pub(crate) const EXT4: FileSystem = FileSystem::from_magic(0xEF53);
pub(crate) const XFS: FileSystem = FileSystem::from_magic(0x5846_5342);
const EROFS: FileSystem = FileSystem::from_magic(0xE0F5_E1E2);
const VIRTIOFS: FileSystem = FileSystem::from_magic(0x6573_5546);
pub(crate) const BTRFS: FileSystem = FileSystem::from_magic(0x9123_683E);
const UNKNOWN: FileSystem = FileSystem::from_magic(0x1234);

const MODES: [Mode; 4] = [Mode::Fsdax, Mode::Devdax, Mode::Sector, Mode::Raw];
const DOMAINS: [PersistenceDomain; 5] = [
    PersistenceDomain::CpuCache,
    PersistenceDomain::MemoryController,
    PersistenceDomain::Unstated,
    PersistenceDomain::Volatile,
    PersistenceDomain::Host,
];

/// The object of a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct World {
    /// `None`: that cannot be found out.
    pub(crate) backing: Option<Backing>,
    pub(crate) regions: [Option<(Mode, PersistenceDomain)>; 2],
    /// Whether a DIMM of the first region is not armed.
    pub(crate) unarmed: bool,
    pub(crate) dax_capable: Option<bool>,
    pub(crate) direct: Option<DaxState>,
    pub(crate) system: Option<FileSystem>,
}

impl World {
    /// The best there is: ext4 with DAX on a region with eADR.
    pub(crate) const BEST: Self = Self {
        backing: Some(Backing::Regions),
        regions: [Some((Mode::Fsdax, PersistenceDomain::CpuCache)), None],
        unarmed: false,
        dax_capable: Some(true),
        direct: Some(DaxState::new(Some(true), Some(DaxOption::Always))),
        system: Some(EXT4),
    };

    fn land(&self) -> Land {
        let regions =
            self.regions.iter().flatten().enumerate().map(|(number, &(mode, persistence))| {
                let mut region = region(0, number as u32, mode);
                region.domain = persistence;
                region.state.set(DimmState::NOT_ARMED, self.unarmed && number == 0);
                region
            });
        let mut land = Land::of(regions);
        let unknown = Fail::Os(Subject::Device, pmem2::error::Errno::EACCES);
        match self.backing {
            Some(backing) => land.backing = Ok(backing),
            None => land.locate = Err(unknown),
        }
        land.dax_capable = Ok(self.dax_capable);
        land.direct = self.direct.ok_or(unknown);
        land
    }

    pub(crate) fn script(&self, kind: Kind, synchronous: Result<MapSync, Fail>) -> Script {
        let mut land = self.land();
        land.synchronous = synchronous;
        let mut script = Script::at(kind, land);
        script.file_system =
            self.system.ok_or(Fail::Os(Subject::FileSystem, pmem2::error::Errno::EIO));
        script
    }

    pub(crate) fn expect(&self, kind: Kind, synchronous: MapSync) -> Result<Expected, Error> {
        source(&self.script(kind, Ok(synchronous))).expected_granularity(Sharing::Shared)
    }

    fn on_regions(&self) -> bool {
        self.backing == Some(Backing::Regions)
    }

    fn any_region(&self, is: impl Fn(Mode, PersistenceDomain) -> bool) -> bool {
        self.on_regions()
            && self.regions.iter().flatten().any(|&(mode, persistence)| is(mode, persistence))
    }

    /// Whether no file there can be mapped synchronously.
    pub(crate) fn excludes_sync(&self) -> bool {
        match self.backing {
            Some(Backing::Regions) => {
                self.holds(Reason::Host)
                    || self.holds(Reason::Sector)
                    || self.holds(Reason::VolumeWithoutDax)
            }
            Some(Backing::Hidden(_)) | None => false,
            Some(_) => true,
        }
    }

    fn only(&self, domain: PersistenceDomain) -> bool {
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
            Reason::CpuCache => self.only(PersistenceDomain::CpuCache),
            Reason::MemoryController => {
                self.any_region(|_, domain| domain == PersistenceDomain::MemoryController)
            }
            Reason::DomainUnstated => {
                self.any_region(|_, domain| domain == PersistenceDomain::Unstated)
            }
            Reason::Unarmed => self.unarmed && self.any_region(|_, _| true),
            Reason::DomainUnknown => {
                !self.any_region(|_, _| true) && self.backing != Some(Backing::DeviceDax)
            }
            Reason::NoRegion => {
                self.backing == Some(Backing::DeviceDax)
                    || self.any_region(|_, domain| domain == PersistenceDomain::Volatile)
            }
            Reason::NotPersistentMemory(on) => self.backing == Some(on) && !self.on_regions(),
            Reason::Host => self.any_region(|_, domain| domain == PersistenceDomain::Host),
            Reason::Sector => self.any_region(|mode, _| mode == Mode::Sector),
            Reason::DeviceWithoutDax => {
                self.any_region(|mode, _| mode == Mode::Raw) && self.dax_capable == Some(false)
            }
            Reason::VolumeWithoutDax => self.on_regions() && self.dax_capable == Some(false),
            Reason::FileSystemWithoutDax(system) => {
                self.system == Some(system) && ![EXT4, XFS, EROFS, VIRTIOFS].contains(&system)
            }
            Reason::MountedWithoutDax => {
                self.mounted(DaxOption::Never) || self.mounted(DaxOption::Absent)
            }
            Reason::FileFlagOff => self.mounted(DaxOption::Inode) && self.flag(Some(false)),
            Reason::FileLeftOut => self.mounted(DaxOption::Always) && self.flag(Some(false)),
            Reason::Refused => {
                self.flag(Some(true)) || (self.mounted(DaxOption::Always) && self.flag(None))
            }
            Reason::PlaceUnknown => {
                self.backing.is_none()
                    && (self.holds(Reason::Refused) || !self.holds(Reason::MountedWithoutDax))
            }
            Reason::NotDax => true,
            other => panic!("a reason that this table does not have: {other:?}"),
        }
    }

    /// The first of `reasons` that holds.
    pub(crate) fn first(&self, reasons: &[Reason]) -> Reason {
        *reasons.iter().find(|reason| self.holds(**reason)).expect("one of them always holds")
    }
}

/// Every world.
pub(crate) fn worlds() -> Vec<World> {
    let of_one =
        MODES.into_iter().flat_map(|mode| DOMAINS.map(|domain| [Some((mode, domain)), None]));
    let mut of_two = Vec::new();
    for [one, other] in DOMAINS.iter().flat_map(|one| DOMAINS.map(|other| [*one, other])) {
        for [mode, other_mode] in [[Mode::Fsdax; 2], [Mode::Raw, Mode::Sector]] {
            of_two.push([Some((mode, one)), Some((other_mode, other))]);
        }
    }
    let on_regions = of_one.chain(of_two).map(|regions| (Some(Backing::Regions), regions));
    let others =
        elsewhere().into_iter().map(Some).chain([None]).map(|backing| (backing, [None; 2]));
    let grounds: Vec<_> = on_regions.chain(others).collect();
    let files = [None, Some(false), Some(true)];
    let mounts = [
        None,
        Some(DaxOption::Always),
        Some(DaxOption::Never),
        Some(DaxOption::Inode),
        Some(DaxOption::Absent),
    ];
    let directs: Vec<_> = files
        .iter()
        .flat_map(|file| mounts.map(|mount| Some(DaxState::new(*file, mount))))
        .chain([None])
        .collect();
    let systems = [EXT4, XFS, EROFS, VIRTIOFS, BTRFS, UNKNOWN].map(Some).into_iter().chain([None]);
    let mut worlds = Vec::new();
    for (backing, regions) in grounds {
        for dax_capable in [None, Some(false), Some(true)] {
            for direct in &directs {
                for unarmed in [false, true] {
                    worlds.extend(systems.clone().map(|system| World {
                        backing,
                        regions,
                        unarmed,
                        dax_capable,
                        direct: *direct,
                        system,
                    }));
                }
            }
        }
    }
    worlds
}

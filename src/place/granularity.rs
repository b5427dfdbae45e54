//! The store granularity to expect of a mapping, and the reason.

pub(crate) mod expected;
pub(crate) mod reason;

use pmem2_platform::{
    Backing, DaxOption, DaxState, FileSystem, Handle, Kind, Locate, MapSync, Means, Mode,
    PersistenceDomain, Region, Route, Subject, Undurable,
};

use expected::{Expected, Granularity, Sharing};
use reason::Reason;

use super::{Place, survey};
use crate::{error::Error, persist::decide::route, source::Source};

/// Returns the answer where a kind of source and of sharing has only one; `None` where the system
/// has to be asked.
const fn settled(kind: Kind, sharing: Sharing) -> Option<Result<Expected, Error>> {
    match (kind, sharing) {
        (Kind::Anonymous, _) => Some(Ok(Expected::new(Granularity::Byte, Reason::Anonymous))),
        (Kind::DeviceDax, Sharing::Private) => Some(Err(Error::SrcDevdaxPrivate)),
        (_, Sharing::Private) => Some(Ok(Expected::new(Granularity::Byte, Reason::Private))),
        (_, Sharing::Shared) => None,
    }
}

/// The part of a place that the granularity depends on. Small, for small stacks.
#[derive(Clone, Copy)]
struct Basis {
    backing: Backing,
    dax_capable: Option<bool>,
    /// The weakest domain of all regions; `None` where there is no region.
    domain: Option<PersistenceDomain>,
    /// Whether the namespace of a region writes whole sectors.
    sector: bool,
    /// Whether a namespace has no page structures.
    raw: bool,
    /// Whether a region is not armed.
    unarmed: bool,
}

impl Basis {
    /// Makes a basis of which no regions are known yet.
    const fn new(backing: Backing, dax_capable: Option<bool>) -> Self {
        Self { backing, dax_capable, domain: None, sector: false, raw: false, unarmed: false }
    }

    fn add(&mut self, region: &Region) {
        self.domain =
            self.domain.into_iter().chain([region.domain]).max_by_key(|domain| weakness(*domain));
        self.sector |= region.mode == Mode::Sector;
        self.raw |= region.mode == Mode::Raw;
        self.unarmed |= region.is_unarmed();
    }

    /// Asks everything.
    fn gather<H: Handle<P: Locate>>(source: &Source<H>) -> Result<Self, Error> {
        source.at_location(Subject::Device, |platform, location| {
            // The backing is known only when the regions are.
            let mut basis = Self::new(Backing::Regions, None);
            let survey = survey(platform, location, |_, region| basis.add(region))?;
            (basis.backing, basis.dax_capable) = (survey.backing, survey.dax_capable);
            Ok(basis)
        })
    }

    /// Returns whether only the host makes stores durable.
    fn flushed_by_host(&self) -> bool {
        self.domain == Some(PersistenceDomain::Host)
    }
}

impl From<&Place> for Basis {
    fn from(place: &Place) -> Self {
        let mut basis = Self::new(place.backing(), place.dax_capable());
        place.regions().for_each(|region| basis.add(region));
        basis
    }
}

/// Returns a number that is the larger, the less is guaranteed.
const fn weakness(domain: PersistenceDomain) -> u8 {
    match domain {
        PersistenceDomain::CpuCache => 0,
        PersistenceDomain::MemoryController => 1,
        PersistenceDomain::Volatile => 3,
        PersistenceDomain::Host => 4,
        PersistenceDomain::Never => 5,
        // Unstated, and what this version does not know.
        _ => 2,
    }
}

/// Decides the granularity of memory in this domain: by the way in which a store becomes durable
/// there, where all is given that it takes.
fn granularity(domain: PersistenceDomain, armed: bool) -> Result<Granularity, Undurable> {
    let mut means = Means::new(domain);
    (means.armed, means.call) = (armed, true);
    match route(&means) {
        Ok(Route::Fence) => Ok(Granularity::Byte),
        // The processor is that of the program that maps.
        Ok(Route::Flush(_)) | Err(Undurable::NoInstruction) => Ok(Granularity::CacheLine),
        Ok(Route::Call) => Ok(Granularity::Page),
        Err(why) => Err(why),
    }
}

/// Decides the granularity where a store goes to the memory itself.
fn by_domain(basis: &Basis, kind: Kind) -> Result<Expected, Error> {
    let region = kind == Kind::Region;
    let domain = match (basis.backing, basis.domain) {
        (_, Some(domain @ (PersistenceDomain::Never | PersistenceDomain::Host))) => domain,
        (_, Some(PersistenceDomain::Volatile)) if region => PersistenceDomain::Volatile,
        // It keeps nothing, or nobody says so: not BYTE, which would need no second look.
        (Backing::DeviceDax, _) | (_, None | Some(PersistenceDomain::Volatile)) => {
            PersistenceDomain::Unstated
        }
        _ if basis.unarmed => PersistenceDomain::Unstated,
        (_, Some(domain)) => domain,
    };
    // Of a region of physical memory every store is refused that is not armed. Linux maps one for
    // reading.
    let granularity = granularity(domain, !(region && basis.unarmed)).map_err(|why| match why {
        Undurable::Unarmed => Error::RegionUnarmed,
        _ => Error::RegionNeverDurable,
    })?;
    let reason = match (basis.backing, basis.domain) {
        // Who has a region can call the host.
        (_, Some(PersistenceDomain::Host)) if region => Reason::Call,
        (_, Some(PersistenceDomain::Host)) => Reason::Host,
        (Backing::DeviceDax, _) | (_, Some(PersistenceDomain::Volatile)) => Reason::NoRegion,
        _ if basis.unarmed => Reason::Unarmed,
        (_, Some(PersistenceDomain::CpuCache)) => Reason::CpuCache,
        (_, Some(PersistenceDomain::MemoryController)) => Reason::MemoryController,
        (_, Some(_)) if region => Reason::TableUnstated,
        (_, Some(_)) | (Backing::Volume { .. }, None) => Reason::DomainUnstated,
        // A synchronous mapping of what is not known to be persistent memory.
        (_, None) => Reason::DomainUnknown,
    };
    Ok(Expected::new(granularity, reason))
}

/// Returns why no file there can be mapped synchronously, if that is so.
fn refused_there(basis: &Basis) -> Option<Reason> {
    if matches!(basis.backing, Backing::Volume { .. }) {
        Some(Reason::VolumeNotDax)
    } else if basis.backing != Backing::Regions {
        Some(Reason::NotPersistentMemory(basis.backing))
    } else if basis.flushed_by_host() {
        Some(Reason::Host)
    } else if basis.sector {
        Some(Reason::Sector)
    } else if basis.dax_capable == Some(false) {
        // To make a namespace anew destroys its data: said only where it would help.
        Some(if basis.raw { Reason::DeviceWithoutDax } else { Reason::VolumeWithoutDax })
    } else {
        None
    }
}

/// Returns why this file cannot be mapped synchronously, though others there may.
fn refused_here(system: Option<FileSystem>, direct: DaxState) -> Reason {
    match (system, direct.file, direct.mount) {
        (Some(system), ..) if !has_dax(system) => Reason::FileSystemWithoutDax(system),
        (_, Some(true), _) | (_, None, Some(DaxOption::Always)) => Reason::Refused,
        (.., Some(DaxOption::Never | DaxOption::Absent)) => Reason::MountedWithoutDax,
        (_, Some(false), Some(DaxOption::Inode)) => Reason::FileFlagOff,
        (_, Some(false), Some(DaxOption::Always)) => Reason::FileLeftOut,
        _ => Reason::NotDax,
    }
}

/// Returns whether a file system can map files directly, if it is mounted so: those with DAX in
/// Linux.
fn has_dax(system: FileSystem) -> bool {
    matches!(system.name(), Some("ext2/ext3/ext4" | "xfs" | "fuse/virtiofs" | "erofs"))
}

impl<H: Handle<P: Locate>> Source<H> {
    /// Returns the store granularity that a mapping of this source will have, and why not a finer
    /// one: the reason for `PMEM2_E_GRANULARITY_NOT_SUPPORTED` of pmem2_map_new(3).
    ///
    /// The answer holds for a mapping made with `MAP_SHARED_VALIDATE | MAP_SYNC` only: one of a
    /// file that was made without `MAP_SYNC` (memmap2, plain mmap) has [`Page`](Granularity::Page).
    ///
    /// A direct mapping of a file is tried: a page is mapped with `MAP_SYNC` and unmapped at once.
    /// Where that is refused, an ordinary shared mapping is tried, for writing if the handle was
    /// opened for that. Nothing is read or written.
    ///
    /// System calls on Linux: none for a private mapping and for anonymous memory; else those of
    /// [`place`](Source::place), and for a file `fstat`, `mmap` once to three times, `munmap`.
    /// Where the first is refused for the file's own sake also `fstat`, `statx`,
    /// `openat`, `read` (several), `close` and `fstat`, `fstatfs` to find out why.
    ///
    /// # Errors
    ///
    /// - [`SrcDevdaxPrivate`](Error::SrcDevdaxPrivate): device DAX cannot be mapped privately.
    /// - [`NeverDurable`](Error::NeverDurable): a device DAX whose stores only the host makes
    ///   durable (virtio-pmem, PowerPC's hypervisor).
    /// - [`RegionNeverDurable`](Error::RegionNeverDurable): a region of physical memory where
    ///   nothing makes a store durable.
    /// - [`RegionUnarmed`](Error::RegionUnarmed): a region of physical memory that is not armed,
    ///   which a [`Window`](crate::bare::Window) refuses to make durable too. On Linux the kernel
    ///   lets an unarmed region be read only, and the reason is [`Unarmed`](Reason::Unarmed).
    /// - [`InvalidFileHandle`](Error::InvalidFileHandle): on Windows, the handle cannot be read.
    /// - [`Unsupported`](Error::Unsupported): the platform cannot tell.
    /// - [`Os`](Error::Os) with [`Subject::Mapping`]: the file cannot be mapped (shared), with
    ///   `ENODEV` where its file system has no such mappings (FUSE with direct I/O, files of the
    ///   kernel's own); with [`Subject::WritableMapping`]: it can, but for reading only, though the
    ///   handle was opened for writing, with `EPERM` where it is sealed (`F_SEAL_WRITE`).
    /// - Those of [`place`](Source::place), for a device DAX and a region. A file whose place
    ///   cannot be told (no descriptor is free, no `/sys`) gets no finer answer than
    ///   [`CacheLine`](Granularity::CacheLine), for [`DomainUnknown`](Reason::DomainUnknown), and
    ///   otherwise a vaguer reason.
    pub fn expected_granularity(&self, sharing: Sharing) -> Result<Expected, Error> {
        self.granularity_on(sharing, || Basis::gather(self))
    }

    /// Returns the [`expected_granularity`](Source::expected_granularity) by a place of this source
    /// that was gathered before: for a program that cannot reach `/sys` any more. The place is not
    /// checked; that of another source may make the answer finer than is true. Where the program
    /// cannot reach `/proc` either, the reason may be vaguer ([`NotDax`](Reason::NotDax)).
    ///
    /// System calls on Linux: of a device DAX none; of a file `fstat`, `mmap` once to three times,
    /// `munmap`, and where the first is refused for the file's own sake `fstat`, `statx`, `openat`,
    /// `read` (several), `close` and `fstat`, `fstatfs`.
    ///
    /// # Errors
    ///
    /// Those of [`expected_granularity`](Source::expected_granularity), without those of
    /// [`place`](Source::place).
    pub fn expected_granularity_at(
        &self,
        place: &Place,
        sharing: Sharing,
    ) -> Result<Expected, Error> {
        self.granularity_on(sharing, || Ok(place.into()))
    }

    /// Returns the granularity on this basis, which is asked for only where the answer depends on
    /// it.
    fn granularity_on(
        &self,
        sharing: Sharing,
        basis: impl FnOnce() -> Result<Basis, Error>,
    ) -> Result<Expected, Error> {
        self.readable()?;
        if let Some(answer) = settled(self.kind(), sharing) {
            return answer;
        }
        let kind = self.kind();
        if !matches!(kind, Kind::DeviceDax | Kind::Region) {
            return self.granularity_of_file(basis);
        }
        // By reference: a move would be another copy on the stack.
        match &basis() {
            // Who has a device DAX cannot call the host.
            Ok(basis) if kind == Kind::DeviceDax && basis.flushed_by_host() => {
                Err(Error::NeverDurable)
            }
            Ok(basis) => by_domain(basis, kind),
            Err(error) => Err(*error),
        }
    }

    /// Returns the granularity of a file, by the attempt to map it. On its own, for a small stack
    /// where there are no files.
    #[inline(never)]
    fn granularity_of_file(
        &self,
        basis: impl FnOnce() -> Result<Basis, Error>,
    ) -> Result<Expected, Error> {
        let page = |reason| Ok(Expected::new(Granularity::Page, reason));
        match self.query(Subject::MapSync, Locate::synchronous)? {
            MapSync::Granted => {
                let unknown = Ok(Expected::new(Granularity::CacheLine, Reason::DomainUnknown));
                basis().as_ref().map_or(unknown, |basis| by_domain(basis, self.kind()))
            }
            MapSync::Unknown => page(Reason::KernelTooOld),
            // A question without an answer makes the reason vaguer, not the answer wrong.
            _ => {
                let basis = basis();
                page(basis.as_ref().ok().and_then(refused_there).unwrap_or_else(|| {
                    let direct = self.query(Subject::Dax, Locate::direct).unwrap_or_default();
                    match refused_here(self.file_system().ok(), direct) {
                        reason @ (Reason::FileSystemWithoutDax(_) | Reason::MountedWithoutDax) => {
                            reason
                        }
                        // The file may have the flag or not: its place might be the cause all the
                        // same.
                        _ if basis.is_err() => Reason::PlaceUnknown,
                        reason => reason,
                    }
                }))
            }
        }
    }
}

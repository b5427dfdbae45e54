//! The store granularity to expect of a mapping, and the reason.

pub(crate) mod expected;
pub(crate) mod reason;
#[cfg(test)]
mod tests;

use pmem2_platform::{
    Backing, DaxOption, DaxState, FileSystem, Handle, Kind, Locate, MapSync, Means, Mode,
    PersistenceDomain, Region, Route, Subject, Undurable,
};

use expected::{Expected, Granularity, Sharing};
use reason::Reason;

use super::{Place, survey};
use crate::{error::Error, persist::decide::route, source::Source};

/// The part of a mapping's configuration that its granularity depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms<'p> {
    pub(crate) sharing: Sharing,
    /// Whether the program wants a call of the system to make stores durable.
    pub(crate) by_call: bool,
    /// The granularity that is set whatever the memory needs.
    pub(crate) forced: Option<Granularity>,
    /// The place of the source, where the program kept it: nothing is asked about it then.
    pub(crate) place: Option<&'p Place>,
}

impl Terms<'_> {
    pub(crate) const fn new(sharing: Sharing) -> Self {
        Self { sharing, by_call: false, forced: None, place: None }
    }
}

/// Returns the answer where it needs no question; `None` where the system has to be asked.
#[inline]
pub(crate) fn settled(kind: Kind, terms: &Terms<'_>) -> Result<Option<Expected>, Error> {
    let (granularity, reason) = match (kind, terms.sharing) {
        (Kind::Anonymous, _) => (Granularity::Byte, Reason::Anonymous),
        (Kind::DeviceDax, Sharing::Private) => return Err(Error::SrcDevdaxPrivate),
        (_, Sharing::Private) => (Granularity::Byte, Reason::Private),
        // Its table says what its stores need.
        (Kind::Region, Sharing::Shared) => return Ok(None),
        (_, Sharing::Shared) => {
            let (domain, reason) = match (terms.forced, terms.by_call) {
                (Some(Granularity::Byte), _) => (PersistenceDomain::CpuCache, Reason::Forced),
                (Some(Granularity::CacheLine), _) => {
                    (PersistenceDomain::MemoryController, Reason::Forced)
                }
                (Some(Granularity::Page), _) => (PersistenceDomain::Host, Reason::Forced),
                (None, true) => (PersistenceDomain::Host, Reason::ByCall),
                (None, false) => return Ok(None),
            };
            // The system has no call that makes stores to a device DAX durable.
            let call = kind != Kind::DeviceDax;
            (granularity(domain, true, call).map_err(Error::NotDurable)?, reason)
        }
    };
    Ok(Some(Expected::new(granularity, reason)))
}

/// Returns whether a synchronous mapping (`MAP_SYNC`) is to be tried. The granularity of a device
/// DAX does not depend on the answer.
#[inline]
fn tries_sync(kind: Kind, terms: &Terms<'_>) -> bool {
    (kind, terms.sharing) == (Kind::RegularFile, Sharing::Shared)
        && !terms.by_call
        && terms.forced != Some(Granularity::Page)
        && !terms.place.is_some_and(|place| excludes_sync(&place.into()))
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
        self.weaken(region.domain);
        self.sector |= region.mode == Mode::Sector;
        self.raw |= region.mode == Mode::Raw;
        self.unarmed |= region.is_unarmed();
    }

    /// Adds the domain of another region.
    fn weaken(&mut self, domain: PersistenceDomain) {
        let both = self.domain.into_iter().chain([domain]);
        self.domain = both.max_by_key(|domain| weakness(*domain));
    }

    /// Asks about the regions no more than the granularity depends on: the domain of each; only
    /// where a fence would be enough, whether all are armed; and only for a finer answer than a
    /// file gets anyhow, whether the device is still the same. With all that the reason depends on
    /// where it is `reasoned`.
    fn of_regions<H: Handle<P: Locate>>(source: &Source<H>, reasoned: bool) -> Result<Self, Error> {
        let file = source.is_file();
        source.at_location(Subject::Device, |platform, location| {
            let failed = |fail| Error::from_fail(fail, Subject::Device);
            let asked = |fail| Error::from_fail(fail, Subject::Region);
            let uncounted = Error::Unknown(Subject::Region);
            let mut basis = Self::new(platform.backing(location).map_err(failed)?, None);
            let regions = match basis.backing {
                Backing::Regions => platform.regions(location).map_err(failed)?,
                _ => 0,
            };
            let synchronous = file && !reasoned;
            for index in 0..regions {
                let domain = platform.domain(location, index, synchronous).map_err(asked)?;
                basis.weaken(domain.ok_or(uncounted)?);
            }
            let fence = basis.domain == Some(PersistenceDomain::CpuCache);
            if fence || reasoned || source.kind() == Kind::Region {
                for index in 0..regions {
                    let armed = platform.armed(location, index).map_err(asked)?;
                    basis.unarmed |= !armed.ok_or(uncounted)?;
                }
            }
            if (fence && !basis.unarmed) || reasoned || !file {
                platform.confirm(location).map_err(failed)?;
            }
            Ok(basis)
        })
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
fn granularity(
    domain: PersistenceDomain,
    armed: bool,
    call: bool,
) -> Result<Granularity, Undurable> {
    let mut means = Means::new(domain);
    (means.armed, means.call) = (armed, call);
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
    // Who has a device DAX cannot call the host.
    if kind == Kind::DeviceDax && basis.flushed_by_host() {
        return Err(Error::NeverDurable);
    }
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
    let granularity =
        granularity(domain, !(region && basis.unarmed), true).map_err(|why| match why {
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

/// Returns whether no file there can be mapped synchronously: known without a trial.
fn excludes_sync(basis: &Basis) -> bool {
    match basis.backing {
        // The device is not known, and may have DAX.
        Backing::Hidden(_) => false,
        Backing::Volume { dax } => !dax,
        _ => refused_there(basis).is_some(),
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
        self.expected(&Terms::new(sharing))
    }

    /// Returns the [`expected_granularity`](Source::expected_granularity) by a place of this source
    /// that was gathered before: for a program that cannot reach `/sys` any more. The place is not
    /// checked; that of another source may make the answer finer than is true. A file is not mapped
    /// synchronously where its place excludes that, and the answer is [`Page`](Granularity::Page)
    /// then. Where the program cannot reach `/proc` either, the reason may be vaguer
    /// ([`NotDax`](Reason::NotDax)).
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
        self.expected(&Terms { place: Some(place), ..Terms::new(sharing) })
    }

    /// Returns the granularity that a mapping on these terms will have, by a trial.
    fn expected(&self, terms: &Terms<'_>) -> Result<Expected, Error> {
        self.readable()?;
        let synchronous = match settled(self.kind(), terms)? {
            None if self.is_file() => self.query(Subject::MapSync, Locate::synchronous)?,
            _ => MapSync::Refused,
        };
        self.expected_of(terms, synchronous)
    }

    /// Returns whether the way in which it is mapped decides the granularity.
    fn is_file(&self) -> bool {
        !matches!(self.kind(), Kind::DeviceDax | Kind::Region | Kind::Anonymous)
    }

    /// Returns whether a mapping on these terms is to be tried synchronously (`MAP_SYNC`).
    pub(crate) fn tries_sync(&self, terms: &Terms<'_>) -> bool {
        tries_sync(self.kind(), terms)
    }

    /// Returns the granularity of a mapping on these terms before it is made, where it does not
    /// depend on the way in which it is made: for everything but a file.
    ///
    /// Refuses what could not be made durable.
    pub(crate) fn settled(&self, terms: &Terms<'_>) -> Result<Option<Granularity>, Error> {
        match settled(self.kind(), terms)? {
            Some(expected) => Ok(Some(expected.granularity)),
            None if self.is_file() => Ok(None),
            None => self.there(terms, false).map(|expected| Some(expected.granularity)),
        }
    }

    /// Returns the granularity of a mapping that was made on these terms, with what came of the
    /// attempt to make it synchronous ([`MapSync::Refused`] where that was not tried).
    ///
    /// Nothing more is asked than the granularity depends on.
    #[inline]
    pub(crate) fn granularity_of(
        &self,
        terms: &Terms<'_>,
        synchronous: MapSync,
    ) -> Result<Granularity, Error> {
        if self.is_file() && (synchronous != MapSync::Granted || !self.tries_sync(terms)) {
            return Ok(Granularity::Page);
        }
        self.there(terms, false).map(|expected| expected.granularity)
    }

    /// Returns the granularity where a store goes to the memory itself, by what it depends on, or
    /// with `whole` by what its reason depends on.
    #[inline(never)]
    fn there(&self, terms: &Terms<'_>, whole: bool) -> Result<Expected, Error> {
        let basis = match terms.place {
            Some(place) => Ok(place.into()),
            None => Basis::of_regions(self, whole),
        };
        match &basis {
            Ok(basis) => by_domain(basis, self.kind()),
            // Nobody knows of eADR.
            Err(_) if self.is_file() => {
                Ok(Expected::new(Granularity::CacheLine, Reason::DomainUnknown))
            }
            Err(error) => Err(*error),
        }
    }

    /// Returns the [`granularity_of`](Source::granularity_of) such a mapping with its reason, which
    /// takes more questions.
    #[inline(never)]
    pub(crate) fn expected_of(
        &self,
        terms: &Terms<'_>,
        synchronous: MapSync,
    ) -> Result<Expected, Error> {
        if let Some(expected) = settled(self.kind(), terms)? {
            return Ok(expected);
        }
        if self.is_file() && (synchronous != MapSync::Granted || !self.tries_sync(terms)) {
            return Ok(Expected::new(Granularity::Page, self.refused(terms, synchronous)));
        }
        let least = self.there(terms, false)?;
        if least.granularity == Granularity::Byte || terms.place.is_some() {
            return Ok(least);
        }
        match self.there(terms, true) {
            Err(error) if !self.is_file() => Err(error),
            Ok(expected) if expected.granularity == least.granularity => Ok(expected),
            // A question without an answer makes the reason vaguer, not the answer wrong.
            _ => Ok(Expected::new(least.granularity, Reason::DomainUnknown)),
        }
    }

    /// Refuses a mapping with a coarser granularity than is wanted, with the reason.
    pub(crate) fn accept(
        &self,
        terms: &Terms<'_>,
        synchronous: MapSync,
        granularity: Granularity,
        wanted: Granularity,
    ) -> Result<(), Error> {
        if granularity <= wanted {
            return Ok(());
        }
        let expected = self.expected_of(terms, synchronous)?;
        Err(Error::GranularityNotSupported { wanted, expected })
    }

    /// Returns why a file is not mapped synchronously. On its own, for a small stack where there
    /// are no files.
    #[inline(never)]
    fn refused(&self, terms: &Terms<'_>, synchronous: MapSync) -> Reason {
        if synchronous == MapSync::Unknown {
            return Reason::KernelTooOld;
        }
        let basis = match terms.place {
            Some(place) => Ok(place.into()),
            None => Basis::gather(self),
        };
        if let Some(there) = basis.as_ref().ok().and_then(refused_there) {
            return there;
        }
        // A question without an answer makes the reason vaguer, not the answer wrong.
        let direct = self.query(Subject::Dax, Locate::direct).unwrap_or_default();
        match refused_here(self.file_system().ok(), direct) {
            reason @ (Reason::FileSystemWithoutDax(_) | Reason::MountedWithoutDax) => reason,
            // The file may have the flag or not: its place might be the cause all the same.
            _ if basis.is_err() => Reason::PlaceUnknown,
            reason => reason,
        }
    }
}

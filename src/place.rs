//! The place of a source, and whether stores to it will last.
//!
//! [`Source::expected_granularity`] says what a mapping would take to make a store durable, and why
//! not less. [`Source::place`] says where the source lies: on which regions of persistent memory
//! and NUMA nodes, or on what else. [`Source::dimms`], [`Source::device_id`] and
//! [`Source::device_usc`] are about the hardware; [`judge_shutdown`] tells from them whether data
//! may have been lost when the power failed.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use pmem2::{Granularity, Sharing, Source};
//!
//! let source = Source::new(std::fs::File::open(std::env::current_exe()?)?)?;
//! let expected = source.expected_granularity(Sharing::Shared)?;
//! if expected.granularity == Granularity::Page {
//!     // "PAGE: it lies on the block device 8:1, which is not persistent memory; use …"
//!     println!("{expected}");
//! }
//! # Ok(()) }
//! ```

mod dimm;
pub(crate) mod granularity;
mod shutdown;
pub(crate) mod warning;

use core::fmt;

pub use dimm::{Dimm, Dimms};
pub use granularity::{expected::Expected, reason::Reason};
pub use pmem2_platform::{
    Backing, DaxOption, DaxState, DimmState, FileSystem, MapSync, Mode, Region,
};
use pmem2_platform::{Fail, Handle, Locate, Subject, Text};
pub use shutdown::{Shutdown, ShutdownRecord, judge_shutdown};
pub use warning::Warning;

use crate::{error::Error, source::Source};

/// The ids of all DIMMs of a source, one after the other: the answer of pmem2_source_device_id(3).
/// It has room for the 32 DIMMs that a region can have on Linux.
pub type DeviceId = Text<704>;

/// The place of a source: everything that is known of where it lies, gathered once. It is a plain
/// value that stays when the source is gone and `/sys` is out of reach (after a chroot, in a
/// sandbox).
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pmem2::Source;
///
/// let source = Source::new(std::fs::File::open(std::env::current_exe()?)?)?;
/// match source.place() {
///     // "pmem0, fsdax namespace0.0 of region0 on ndbus0 (ACPI.NFIT)", and what to be warned of.
///     Ok(place) => {
///         println!("{place}");
///         for warning in place.warnings() {
///             println!("{warning}");
///         }
///     }
///     // No /sys here.
///     Err(error) => println!("{error}"),
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Place {
    backing: Backing,
    device: Text<32>,
    regions: [Option<Region>; Self::REGIONS],
    dax_capable: Option<bool>,
    stamp: u64,
}

impl Place {
    /// The largest number of regions that a volume may lie on.
    pub const REGIONS: usize = 16;

    /// Returns what is below the source.
    #[must_use]
    pub const fn backing(&self) -> Backing {
        self.backing
    }

    /// Returns the name of the device that the source is on, or is: `pmem0`, `dax0.0`, `sda1`;
    /// empty where there is none.
    #[must_use]
    pub fn device(&self) -> &str {
        &self.device
    }

    /// Returns the regions of persistent memory that the source lies on, by bus and number: one,
    /// unless it lies on a volume; none where [`backing`](Place::backing) is not
    /// [`Backing::Regions`].
    pub fn regions(&self) -> impl Iterator<Item = &Region> {
        self.regions.iter().flatten()
    }

    /// Returns whether the kernel can map the source's device directly (DAX); `None` where there is
    /// no device, or it does not say.
    #[must_use]
    pub const fn dax_capable(&self) -> Option<bool> {
        self.dax_capable
    }

    /// A place of which nothing is known yet.
    pub(crate) const UNKNOWN: Self = Self {
        backing: Backing::Regions,
        device: Text::new(),
        regions: [None; Self::REGIONS],
        dax_capable: None,
        stamp: 0,
    };

    /// Asks everything about what lies at `location`, and puts it where it is to stay, since each
    /// move would be another copy on the stack.
    pub(crate) fn fill<P: Locate>(
        &mut self,
        platform: P,
        location: &P::Location,
    ) -> Result<(), Error> {
        self.device =
            platform.device(location).map_err(|fail| Error::from_fail(fail, Subject::Device))?;
        let regions = &mut self.regions;
        let survey = survey(platform, location, |index, region| {
            if let Some(place) = regions.get_mut(index) {
                *place = Some(*region);
            }
        })?;
        (self.backing, self.dax_capable, self.stamp) =
            (survey.backing, survey.dax_capable, survey.stamp);
        Ok(())
    }

    /// Asks everything. On its own, so that what locating took is not on the stack any more.
    #[inline(never)]
    fn gather<P: Locate>(platform: P, location: &P::Location) -> Result<Self, Error> {
        let mut place = Ok(Self::UNKNOWN);
        if let Ok(known) = &mut place
            && let Err(error) = known.fill(platform, location)
        {
            place = Err(error);
        }
        place
    }
}

/// Everything known of where a source lies, except its regions and the device's name.
pub(crate) struct Survey {
    pub(crate) backing: Backing,
    pub(crate) dax_capable: Option<bool>,
    stamp: u64,
}

/// Asks everything, and hands the regions over one by one, with their indexes. By reference, for
/// small stacks.
#[inline(never)]
pub(crate) fn survey<P: Locate>(
    platform: P,
    location: &P::Location,
    mut each: impl FnMut(usize, &Region),
) -> Result<Survey, Error> {
    let failed = |fail| Error::from_fail(fail, Subject::Device);
    let mut survey = Survey {
        backing: platform.backing(location).map_err(failed)?,
        dax_capable: match platform.dax_capable(location) {
            // A disk that says nothing of it is no reason to know nothing of the rest.
            Err(Fail::Unsupported | Fail::Os(Subject::Dax, _) | Fail::OsCode(Subject::Dax, _)) => {
                None
            }
            answer => answer.map_err(failed)?,
        },
        stamp: 0,
    };
    if survey.backing == Backing::Regions {
        let known = platform.regions(location).map_err(failed)?;
        if known > Place::REGIONS {
            return Err(Error::TooLarge(Subject::Volume));
        }
        for index in 0..known {
            match &platform.region(location, index) {
                Ok(Some(region)) => each(index, region),
                // One that is left out could be the one with the weakest domain.
                Ok(None) => return Err(Error::Unknown(Subject::Region)),
                Err(fail) => return Err(Error::from_fail(*fail, Subject::Region)),
            }
        }
    }
    survey.stamp = platform.confirm(location).map_err(failed)?;
    Ok(survey)
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place")
            .field("backing", &self.backing)
            .field("device", &self.device())
            .field("regions", &Listed(self))
            .field("dax_capable", &self.dax_capable)
            .finish_non_exhaustive()
    }
}

/// The regions of a place, as a list.
struct Listed<'p>(&'p Place);

impl fmt::Debug for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.regions()).finish()
    }
}

/// The location of a handle's object.
type Location<H> = <<H as Handle>::P as Locate>::Location;

impl<H: Handle<P: Locate>> Source<H> {
    /// Returns where the source lies: on which regions of persistent memory, or on what else.
    ///
    /// System calls on Linux: `fstat`; of a file `fstatfs`, and on XFS `ioctl(FS_IOC_FSGETXATTR)`;
    /// `readlinkat`, `newfstatat`; for each fact of a region `openat`, `read`, `close`; of a volume
    /// also, for itself and each volume below, `openat`, `getdents64` to the end, `close`, and
    /// `readlinkat` for each device that they are made of. Where the file system does not say which
    /// device the file is on (overlayfs, f2fs, a realtime file of XFS) no more than `fstat`,
    /// `fstatfs` and `ioctl`; where `/sys` has no such device `faccessat` comes last.
    ///
    /// # Errors
    ///
    /// - [`Unsupported`](Error::Unsupported): the source is anonymous, or the platform knows no
    ///   places.
    /// - [`InvalidFileHandle`](Error::InvalidFileHandle): the handle was closed or reused, which
    ///   safe Rust does not allow, or the device was taken away and another one got its number.
    /// - [`InvalidRegionFormat`](Error::InvalidRegionFormat),
    ///   [`InvalidDevFormat`](Error::InvalidDevFormat): the system's answer makes no sense.
    /// - [`TooLarge`](Error::TooLarge): it lies on a volume of more than [`Place::REGIONS`]
    ///   regions, or of too many devices.
    /// - [`Os`](Error::Os): the system failed, with `ENOENT` where the device is gone or `/sys` is
    ///   not there.
    pub fn place(&self) -> Result<Place, Error> {
        self.at_location(Subject::Device, Place::gather)
    }

    /// Confirms that the source still lies where it did when `place` was gathered: not on another
    /// device that got the number of one that was taken away. For a file this can be told only so:
    /// a source of a file does not keep its device. Of a volume only its own device is compared: a
    /// move to other devices below (pvmove(8)) is not noticed.
    ///
    /// System calls on Linux: `fstat`, `readlinkat`, `newfstatat`, and what
    /// [`place`](Source::place) says of files, of volumes and of what has no device.
    ///
    /// # Errors
    ///
    /// [`InvalidFileHandle`](Error::InvalidFileHandle) with
    /// [`HandleFault::DeviceReplaced`](crate::error::HandleFault) if it does not; those of
    /// [`place`](Source::place).
    pub fn confirm_place(&self, place: &Place) -> Result<(), Error> {
        let confirm = |platform: H::P, location: &_| {
            platform.confirm(location).map_err(|fail| Error::from_fail(fail, Subject::Device))
        };
        let now = self.at_location(Subject::Device, confirm)?;
        if now == place.stamp {
            Ok(())
        } else {
            Err(Error::from_fail(Fail::DeviceReplaced, Subject::Device))
        }
    }

    /// Returns the NUMA node of the source's memory (pmem2_source_numa_node(3)): the one that
    /// `ndctl list -v` shows. `None` where the platform does not say (sysfs has -1, and so has C).
    ///
    /// System calls on Linux: `fstat`, `readlinkat`, `openat`, `read`, `close`, `newfstatat`;
    /// `openat`, `read`, `close` again for each further region of a volume, and what
    /// [`place`](Source::place) says of files, of volumes and of what has no device.
    ///
    /// # Errors
    ///
    /// - [`DaxRegionNotFound`](Error::DaxRegionNotFound): the source lies on no persistent memory;
    ///   it says on what else.
    /// - [`NotPersistentMemory`](Error::NotPersistentMemory): it lies on a file system that does
    ///   not say which device the file is on ([`Backing::Hidden`]), or on Windows.
    /// - [`SeveralNumaNodes`](Error::SeveralNumaNodes): it lies on a volume whose regions are on
    ///   several nodes.
    /// - [`InvalidRegionFormat`](Error::InvalidRegionFormat): the system's answer makes no sense.
    /// - Those of [`place`](Source::place).
    pub fn numa_node(&self) -> Result<Option<u32>, Error> {
        self.one_node(H::P::numa_node)
    }

    /// Returns the NUMA node that the source's memory is when the system takes it for ordinary
    /// memory, as Linux' driver `kmem` does (`target_node` in sysfs, which `ndctl list -v` and
    /// `daxctl list` show). It may be a node of its own, without a processor, where
    /// [`numa_node`](Source::numa_node) is the nearest that has one. `None` where the platform does
    /// not say.
    ///
    /// System calls on Linux: those of [`numa_node`](Source::numa_node).
    ///
    /// # Errors
    ///
    /// Those of [`numa_node`](Source::numa_node).
    pub fn target_node(&self) -> Result<Option<u32>, Error> {
        self.one_node(H::P::target_node)
    }

    /// Returns the node that all regions have.
    fn one_node(
        &self,
        node: impl Fn(H::P, &Location<H>, usize) -> Result<Option<Option<u32>>, Fail>,
    ) -> Result<Option<u32>, Error> {
        self.at_location(Subject::NumaNode, |platform, location| {
            let failed = |fail| Error::from_fail(fail, Subject::NumaNode);
            refuse_backing(platform.backing(location).map_err(failed)?, Subject::NumaNode)?;
            let first = node(platform, location, 0).map_err(failed)?.flatten();
            for index in 1..platform.regions(location).map_err(failed)? {
                if node(platform, location, index).map_err(failed)?.flatten() != first {
                    return Err(Error::SeveralNumaNodes);
                }
            }
            platform.confirm(location).map_err(failed)?;
            Ok(first)
        })
    }

    /// Returns the region of persistent memory with this index that the source lies on, from 0, in
    /// the order of [`Place::regions`]; `None` after the last one. For a program without the stack
    /// for a whole [`Place`], which is 1.2 KiB.
    ///
    /// System calls on Linux: those of [`place`](Source::place), with the facts of this region
    /// only.
    ///
    /// # Errors
    ///
    /// - [`DaxRegionNotFound`](Error::DaxRegionNotFound): the source lies on no persistent memory;
    ///   it says on what else.
    /// - [`NotPersistentMemory`](Error::NotPersistentMemory): it lies on a file system that does
    ///   not say which device the file is on ([`Backing::Hidden`]), or on Windows.
    /// - Those of [`place`](Source::place).
    pub fn region(&self, index: usize) -> Result<Option<Region>, Error> {
        self.at_location(Subject::Region, |platform, location| {
            let failed = |fail| Error::from_fail(fail, Subject::Region);
            refuse_backing(platform.backing(location).map_err(failed)?, Subject::Region)?;
            let region = platform.region(location, index).map_err(failed)?;
            platform.confirm(location).map_err(failed)?;
            Ok(region)
        })
    }

    /// Returns the DIMMs that the source lies on; none where its persistent memory has none that
    /// the system knows (e820, virtio-pmem).
    ///
    /// System calls on Linux: those of [`place`](Source::place) that find the region; `openat`,
    /// `read`, `close` for each DIMM; `openat` at the end of each region, and `newfstatat` at the
    /// end. Of a device DAX in no region `newfstatat` too.
    ///
    /// # Errors
    ///
    /// - [`NotPersistentMemory`](Error::NotPersistentMemory): the source lies on no persistent
    ///   memory.
    /// - Those of [`place`](Source::place).
    pub fn dimms(&self) -> Result<Dimms<H::P>, Error> {
        self.with_dimms(Subject::Dimm, Ok)
    }

    /// Returns the identity of the hardware that the source lies on (pmem2_source_device_id(3)):
    /// the [ids](Dimm::id) of its DIMMs, one after the other in the order of the region's mappings.
    /// A DIMM that several regions of a volume share is there once, with the first of them. Empty
    /// where it has none. See [`judge_shutdown`].
    ///
    /// On Windows it is the GUID of the volume's device, as 32 digits, and
    /// [`Unsupported`](Error::Unsupported) where the volume has none or made it up for this boot.
    ///
    /// libpmem2 joins the same ids in the reverse of the order in which the kernel lists the bus's
    /// directory. Where a region has several DIMMs that may be another order, and a record that
    /// libpmem2 wrote then says [`Moved`](Shutdown::Moved), once.
    ///
    /// System calls on Linux: `fstat`, `readlinkat`, `openat`, `newfstatat`, and for each DIMM
    /// twice `openat`, `read`, `close`; what [`place`](Source::place) says of files, of volumes
    /// and of what has no device; where a volume lies on several regions, the DIMMs of those before
    /// are read again for each, to see which they share.
    ///
    /// # Errors
    ///
    /// - [`NotPersistentMemory`](Error::NotPersistentMemory): the source lies on no persistent
    ///   memory; it says on what else.
    /// - [`Unsupported`](Error::Unsupported): a DIMM has no id that the system knows.
    /// - [`InvalidDevFormat`](Error::InvalidDevFormat): the system's answer makes no sense.
    /// - [`TooLarge`](Error::TooLarge): it has more bytes than [`DeviceId`] has;
    ///   [`dimms`](Source::dimms) still lists them.
    /// - Those of [`place`](Source::place).
    pub fn device_id(&self) -> Result<DeviceId, Error> {
        self.device_id_as()
    }

    /// Returns the [`device_id`](Source::device_id) in `N` bytes, where there is no room for the
    /// 704 of [`DeviceId`]: the stack holds them about twice.
    ///
    /// # Errors
    ///
    /// Those of [`device_id`](Source::device_id), [`TooLarge`](Error::TooLarge) where it has more
    /// than `N` bytes.
    pub fn device_id_as<const N: usize>(&self) -> Result<Text<N>, Error> {
        let mut all = Ok(Text::new());
        if let Ok(id) = &mut all
            && let Err(error) = self.write_device_id(id)
        {
            all = Err(error);
        }
        all
    }

    /// Adds the ids of the DIMMs to `id`.
    pub(crate) fn write_device_id<const N: usize>(&self, id: &mut Text<N>) -> Result<(), Error> {
        self.with_dimms(Subject::DeviceId, |dimms| dimms.each_once(|dimm| dimm.write_id(id)))
    }

    /// Returns the number of unsafe shutdowns (pmem2_source_device_usc(3)): how often the source's
    /// DIMMs lost power before their data was safe, together. A DIMM that several regions of a
    /// volume share counts once. 0 where it has none that the system knows. See [`judge_shutdown`].
    ///
    /// System calls on Linux: those of [`device_id`](Source::device_id).
    ///
    /// # Errors
    ///
    /// - [`NotPersistentMemory`](Error::NotPersistentMemory): the source lies on no persistent
    ///   memory; it says on what else.
    /// - [`Unsupported`](Error::Unsupported): a DIMM does not count.
    /// - [`Os`](Error::Os) with `EACCES`: this user may not know; with another number: the system
    ///   failed.
    /// - [`InvalidDevFormat`](Error::InvalidDevFormat): the system's answer is no count.
    /// - Those of [`place`](Source::place).
    pub fn device_usc(&self) -> Result<u64, Error> {
        let mut sum = 0_u64;
        self.with_dimms(Subject::UnsafeShutdowns, |dimms| {
            dimms.each_once(|dimm| {
                sum = sum.checked_add(dimm.dirty_shutdowns()?).ok_or(Error::InvalidDevFormat)?;
                Ok(())
            })
        })?;
        Ok(sum)
    }

    /// Returns what `answer` makes of the DIMMs.
    fn with_dimms<T>(
        &self,
        subject: Subject,
        answer: impl FnOnce(Dimms<H::P>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        // On its own: what it keeps is not on the stack while the source is located.
        #[inline(never)]
        fn at<P: Locate, T>(
            platform: P,
            location: &P::Location,
            subject: Subject,
            answer: impl FnOnce(Dimms<P>) -> Result<T, Error>,
        ) -> Result<T, Error> {
            let failed = |fail| Error::from_fail(fail, subject);
            let on = platform.backing(location).map_err(failed)?;
            // Another device that got the number of the source's own would be no answer.
            if on == Backing::DeviceDax {
                platform.confirm(location).map_err(failed)?;
            }
            refuse_backing(on, subject)?;
            answer(Dimms::new(platform, *location, platform.regions(location).map_err(failed)?))
        }
        self.at_location(subject, |platform, location| at(platform, location, subject, answer))
    }

    /// Returns what `answer` makes of where the source lies.
    #[inline]
    pub(crate) fn at_location<T>(
        &self,
        subject: Subject,
        answer: impl FnOnce(H::P, &Location<H>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        // By reference: each move would be another copy on the stack.
        match &H::P::locate(self.handle().into(), self.facts()) {
            Ok(location) => answer(self.handle().platform(), location),
            Err(fail) => Err(Error::from_fail(*fail, subject)),
        }
    }
}

/// Refuses a question about persistent memory where the source lies on something else.
const fn refuse_backing(on: Backing, asked: Subject) -> Result<(), Error> {
    let of_region = matches!(asked, Subject::NumaNode | Subject::Region);
    match on {
        Backing::Regions => Ok(()),
        // A device DAX in no region may have a node, and Windows' driver of a volume the ids.
        Backing::DeviceDax if matches!(asked, Subject::NumaNode) => Ok(()),
        Backing::Volume { .. } if !of_region => Ok(()),
        Backing::Hidden(_) | Backing::Volume { .. } => {
            Err(Error::NotPersistentMemory { asked, on })
        }
        // The code of libpmem2, where it is known that there is no region.
        _ if of_region => Err(Error::DaxRegionNotFound(on)),
        _ => Err(Error::NotPersistentMemory { asked, on }),
    }
}

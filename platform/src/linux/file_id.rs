//! The identity of a file.

use core::{fmt, num::NonZeroU32};

use super::{
    sys::{Stat, Sys},
    sysfs::{self, Class},
};
use crate::fail::Fail;

/// The identity of a file on a Linux system.
///
/// It is the device and inode numbers of stat(2), for a device file also the number of the device,
/// and for a device DAX also the inode number of its entry in sysfs, which distinguishes the device
/// from a later one with the same numbers.
///
/// A device DAX that was described without sysfs has an id without that entry. It is equal only to
/// others without it, and a later device with the same numbers is not distinguished from it (Linux
/// 6.1 gives the numbers to no other device while the old one is open).
///
/// A new file that got the inode number of a deleted one is not distinguished from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileId {
    pub(super) dev: u64,
    pub(super) ino: u64,
    /// The kernel's own numbers have 32 bits.
    rdev: u32,
    /// The low half of the inode number of a device DAX's entry in sysfs. The kernel counts from 1.
    entry: Option<NonZeroU32>,
}

impl FileId {
    pub(super) fn from_stat(stat: &Stat) -> Self {
        Self {
            dev: stat.dev,
            ino: stat.ino,
            // No device has the largest number: it stands for one that is too large.
            rdev: u32::try_from(stat.rdev).unwrap_or(u32::MAX),
            entry: None,
        }
    }

    /// Adds the low half of the inode number of the device's entry in sysfs.
    ///
    /// The kernel counts these numbers upwards, so that half of one distinguishes a device from
    /// the next one with the same device number.
    pub(super) const fn with_entry(self, entry: Option<NonZeroU32>) -> Self {
        Self { entry, ..self }
    }

    pub(super) const fn entry(self) -> Option<NonZeroU32> {
        self.entry
    }

    /// Whether both are one file, as far as fstat(2) tells.
    #[inline]
    pub(super) fn is_file_of(self, other: Self) -> bool {
        self.with_entry(None) == other.with_entry(None)
    }

    /// Fails unless a device DAX is still the one that was described, as far as that is known.
    pub(super) fn confirm<S: Sys>(self, sys: S) -> Result<(), Fail> {
        unchanged(sysfs::inode(sys, Class::Char, self.represented_device())?, self.entry)?;
        Ok(())
    }

    /// Returns the major and minor number of the device that the file lies on (`st_dev`).
    #[must_use]
    pub fn device(self) -> (u32, u32) {
        (rustix::fs::major(self.dev), rustix::fs::minor(self.dev))
    }

    /// Returns the inode number (`st_ino`).
    #[must_use]
    pub const fn inode(self) -> u64 {
        self.ino
    }

    /// Returns the major and minor number of the device that a device file represents (`st_rdev`),
    /// 0 and 0 for other files.
    #[must_use]
    pub fn represented_device(self) -> (u32, u32) {
        let rdev = self.rdev.into();
        (rustix::fs::major(rdev), rustix::fs::minor(rdev))
    }
}

/// Returns the inode number of an entry in sysfs if its low half is still `then`.
pub(super) fn unchanged(now: u64, then: Option<NonZeroU32>) -> Result<u64, Fail> {
    match then {
        Some(_) if then != low_half(now) => Err(Fail::DeviceReplaced),
        _ => Ok(now),
    }
}

/// The low 32 bits.
#[expect(clippy::as_conversions, reason = "the low half is meant")]
pub(super) const fn low_half(inode: u64) -> Option<NonZeroU32> {
    NonZeroU32::new(inode as u32)
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor) = self.device();
        write!(f, "device {major}:{minor}, inode {}", self.ino)
    }
}

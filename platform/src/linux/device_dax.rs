//! The size and the alignment of a device DAX, from its entry in sysfs or from its driver.

use super::{
    file_id::FileId,
    sys::{Sys, page},
    sysfs::{self, Class, Path},
};
use crate::{
    errno::Errno,
    facts::Access,
    fail::{Fail, Subject},
};

/// Returns the size in bytes.
#[inline(never)]
pub(super) fn size<S: Sys>(sys: S, id: FileId) -> Result<u64, Fail> {
    number(sys, id, "/size", Subject::Size)
}

/// Returns the alignment in bytes.
pub(super) fn alignment<S: Sys>(sys: S, fd: i32, id: FileId) -> Result<u64, Fail> {
    match listed_alignment(sys, id) {
        Err(unlisted @ Fail::Os(..)) => accepted_alignment(sys, fd)?.ok_or(unlisted),
        listed => listed,
    }
}

/// Reads the alignment from sysfs.
///
/// Before Linux 5.10 only the region has one, in the directory of the device's parent. Before 5.1
/// the device lies deeper and has a link to it.
fn listed_alignment<S: Sys>(sys: S, id: FileId) -> Result<u64, Fail> {
    let mut alignment = Err(Fail::Os(Subject::Alignment, Errno::ENOENT));
    for file in &["/align", "/../dax_region/align", "/device/dax_region/align"] {
        alignment = number(sys, id, file, Subject::Alignment);
        if alignment != Err(Fail::Os(Subject::Alignment, Errno::ENOENT)) {
            break;
        }
    }
    alignment
}

/// The largest alignment of a device DAX on any architecture.
const LARGEST: usize = 1 << 30;

/// Finds the alignment as the length of the smallest mapping that the driver accepts; `None` where
/// it accepts none.
///
/// The driver refuses a mapping that does not begin and end at a multiple of the alignment. It does
/// not look at the size of the device.
fn accepted_alignment<S: Sys>(sys: S, fd: i32) -> Result<Option<u64>, Fail> {
    let mut bytes = page::size(sys)?.bytes();
    while let Ok(length @ ..=LARGEST) = usize::try_from(bytes) {
        // Without access nothing is read, even where the process locks its memory (mlockall).
        match sys.try_map(fd, length, Access::empty(), false) {
            Ok(()) => return Ok(Some(bytes)),
            Err(Errno::EINVAL) => bytes = bytes.wrapping_shl(1),
            Err(_) => break,
        }
    }
    Ok(None)
}

/// Reads a number from a file of the device, if the device is still the one that was described.
fn number<S: Sys>(sys: S, id: FileId, file: &str, subject: Subject) -> Result<u64, Fail> {
    let path = Path::device(Class::Char, id.represented_device(), file);
    let number = sysfs::number(sys, &path, subject)?;
    // Confirmed afterwards: a device that is there now was there all the time.
    id.confirm(sys)?;
    Ok(number)
}

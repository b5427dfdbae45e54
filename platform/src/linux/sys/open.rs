//! Files that this crate opens itself.

use core::ffi::CStr;

use rustix::fs::OFlags;

use super::{fd::File, raw};
use crate::errno::Errno;

/// open(2) without blocking and without a controlling terminal, whatever a made-up /sys has there.
pub(super) fn open(path: &CStr, mode: OFlags) -> Result<File, Errno> {
    let flags = mode | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    raw::openat(path, flags).map(File)
}

//! Linux: facts about file descriptors, from the kernel and from sysfs.
//!
//! [`sys`] makes the system calls, [`sysfs`] reads /sys. The capabilities stand on them side by
//! side: [`source`], [`place`], [`transfer`], [`badblocks`], [`map`], the last two on [`place`],
//! too.

mod badblocks;
mod device_dax;
mod file_id;
#[cfg(any(test, fuzzing))]
#[path = "../../../tests/fuzz/src/linux/hostile.rs"]
pub(crate) mod hostile;
mod map;
mod object;
mod place;
mod source;
pub(crate) mod sys;
mod sysfs;
mod transfer;

pub use badblocks::sectors::BadSectors;
pub use file_id::FileId;
pub use place::{location::Location, region::Dimm};
pub use sys::Linux;
pub use transfer::{
    Channel,
    mcsafe::mapping::{GuardedCopy, SigbusHandler, resume_after_sigbus},
};

#[cfg(test)]
mod tests;

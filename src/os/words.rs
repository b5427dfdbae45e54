//! The sentences of errors that some system has others for (windows/words.rs). Here, on every other
//! one, they are those of error/sentence.rs (`None`), which speak of Linux where they speak of a
//! system, as do the remedies.

use pmem2_platform::{Errno, Kind, What};

use crate::{Error, HandleFault};

/// The whole sentence.
pub(crate) const fn plain(_: &Error) -> Option<&'static str> {
    None
}

/// What is wrong with a handle.
pub(crate) const fn fault(_: HandleFault) -> Option<&'static str> {
    None
}

/// Why an object of this kind is no source.
pub(crate) const fn refused(_: Kind) -> Option<&'static str> {
    None
}

/// What a source or a platform cannot do.
pub(crate) const fn lacking(_: What) -> Option<&'static str> {
    None
}

/// What was asked for, as a noun.
pub(crate) const fn noun(_: What) -> Option<&'static str> {
    None
}

/// What to do about it, where there is something.
pub(crate) const fn remedy(what: What, errno: Errno) -> &'static str {
    match errno {
        Errno::EPERM | Errno::EACCES if matches!(what, What::Open) => "; more rights are needed",
        Errno::EPERM | Errno::EACCES if matches!(what, What::BadBlocks) => {
            "; only root may know where a device lies, and what of it is bad"
        }
        Errno::EPERM if matches!(what, What::Write | What::ClearBadBlock) => {
            "; a memfd that is sealed (F_SEAL_WRITE) and a file that is immutable (chattr +i) stay as they are"
        }
        Errno::EAGAIN if matches!(what, What::Extents) => "; it is being written to: ask again",
        Errno::EBUSY if matches!(what, What::ClearBadBlock) => {
            "; others clear these bytes, write to them or cut the file off at the same time"
        }
        Errno::EINVAL if matches!(what, What::Read | What::Write) => {
            "; what was opened O_DIRECT takes whole sectors only, and memory that is aligned like them"
        }
        Errno::EINVAL if matches!(what, What::ClearBadBlock) => {
            "; a file has to be opened without O_DIRECT"
        }
        Errno::ENOSPC if matches!(what, What::ClearBadBlock) => {
            "; free some: it takes 64 free blocks"
        }
        Errno::EIO if matches!(what, What::ClearBadBlock) => {
            "; the memory in its place is bad, too, or, unless that may be given up (LossyAllocation), what is good beside it cannot be read"
        }
        Errno::EFBIG if matches!(what, What::Write | What::ClearBadBlock) => {
            "; raise RLIMIT_FSIZE, or use a file system for larger files"
        }
        Errno::ENOSPC if matches!(what, What::Write | What::Sync) => {
            "; free some, and allocate the file's bytes before (fallocate)"
        }
        Errno::EDQUOT if matches!(what, What::Write | What::Sync | What::ClearBadBlock) => {
            "; free some, or raise the quota, and allocate the file's bytes before (fallocate)"
        }
        Errno::EFAULT if matches!(what, What::Buffer) => {
            "; give memory that is mapped, and that may be written to where bytes are read"
        }
        Errno::ENODEV if matches!(what, What::Mapping) => {
            "; its file system has no shared mappings of it (FUSE with direct I/O, and files of the kernel's own in /proc and /sys): \
             copy it to one that has"
        }
        Errno::EPERM if matches!(what, What::WritableMapping) => {
            "; it is sealed against writing (F_SEAL_WRITE, F_SEAL_FUTURE_WRITE)"
        }
        Errno::EPERM | Errno::EACCES => {
            "; more rights are needed, or a filter (seccomp) that allows the call"
        }
        Errno::ENOENT
            if matches!(
                what,
                What::Alignment
                    | What::Device
                    | What::Region
                    | What::NumaNode
                    | What::Persistence
                    | What::BadBlocks
            ) =>
        {
            "; the device is gone, or /sys is not mounted here"
        }
        Errno::ENOENT if matches!(what, What::Size) => {
            "; the device is gone, or sysfs, which alone tells the size of a device DAX, is not mounted on /sys"
        }
        Errno::ENOENT if matches!(what, What::Spare) => {
            "; mount proc on /proc, which names the directory, or make that again"
        }
        Errno::ENOENT if matches!(what, What::Sysfs) => {
            "; mount sysfs on /sys (in a chroot or container too)"
        }
        Errno::EMFILE => "; close some, or raise RLIMIT_NOFILE",
        _ => "",
    }
}

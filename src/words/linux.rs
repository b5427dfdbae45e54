//! The sentences that are others on Linux: its files, calls and commands. `None`: the same as on
//! any system (system.rs has the same functions).

use pmem2_platform::{Backing, Errno, Kind, Subject};

use crate::{
    error::{Error, HandleFault, WriteFault},
    place::granularity::reason::Reason,
};

pub(super) const OF_NO_REGION: &str = " (CXL, dax_hmem)";

pub(super) const fn plain(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::UnknownFileType(Subject::Sysfs) => {
            "a character device, but whether it is a device DAX cannot be told: there is no \
             /sys/dev/char here; mount sysfs on /sys (in a chroot or container too)"
        }
        Error::UnknownFileType(_) => {
            "a character device, but whether it is a device DAX cannot be told: its subsystem link \
             in /sys/dev/char cannot be read or makes no sense"
        }
        Error::NeverDurable => {
            "a device DAX of virtio-pmem or of PowerPC's hypervisor cannot be made durable by the \
             guest, only by the host's flush: use a file on a file system on it instead (ndctl \
             create-namespace --mode=fsdax)"
        }
        Error::SourceEmpty => {
            "the source has no bytes to map: a file needs a size first, by ftruncate or fallocate, \
             and an anonymous source is made with one"
        }
        Error::NotWritable(WriteFault::ReadOnly) => {
            "opened read-only: open it O_RDWR to write, or map it for loads, or privately"
        }
        Error::NotWritable(WriteFault::Append) => {
            "opened O_APPEND: the system would write at the end, not at the offset; open it without"
        }
        _ => return None,
    })
}

pub(super) const fn fault(fault: HandleFault) -> Option<&'static str> {
    Some(match fault {
        HandleFault::WriteOnly => {
            "opened write-only, but a mapping has to read: open it O_RDWR, or O_RDONLY to write \
             nothing"
        }
        HandleFault::NoAccess => {
            "opened for neither reading nor writing (access mode 3): open it O_RDONLY or O_RDWR"
        }
        HandleFault::PathOnly => {
            "opened with O_PATH, which only names a file: open it O_RDONLY or O_RDWR"
        }
        HandleFault::Replaced => {
            "refers to another file or region than the source was made of: it was closed and its \
             number was reused (keep it open while the source is in use), its table was changed, \
             or the file got another identity (overlayfs copied it up: open it again)"
        }
        _ => return None,
    })
}

pub(super) const fn refused(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::BlockDevice => {
            "a block device is not a data source: open a file on its file system, or its device \
             DAX (/dev/daxX.Y)"
        }
        Kind::CharacterDevice => {
            "a character device that is not a device DAX (/dev/daxX.Y) is not a data source: it is \
             not known to keep what is stored; open a regular file or a device DAX"
        }
        Kind::AnonymousInode => {
            "not a file but a kernel object (epoll, eventfd, timerfd, signalfd, pidfd, inotify, \
             io_uring or the like): open a regular file or a device DAX"
        }
        _ => return None,
    })
}

pub(super) const fn lacking(what: Subject) -> Option<&'static str> {
    Some(match what {
        Subject::BadBlocks => {
            "there is no list of bad blocks: the system keeps none for this kind of source, or the \
             file system does not say where on the device the file lies (btrfs, f2fs, XFS's \
             realtime device)"
        }
        _ => return None,
    })
}

pub(super) const fn noun(what: Subject) -> Option<&'static str> {
    Some(match what {
        Subject::Subsystem => "the device's subsystem in /sys/dev/char",
        Subject::Sysfs => "/sys/dev",
        Subject::Device => "the source's device in /sys/dev",
        Subject::MapSync => "a synchronous mapping (MAP_SYNC)",
        Subject::SignalHandler => "the handler of SIGBUS",
        Subject::Extents => "where the file lies on its device (FIEMAP)",
        _ => return None,
    })
}

pub(super) const fn reason(reason: Reason) -> Option<&'static str> {
    Some(match reason {
        Reason::FileFlagOff => {
            "its file system maps only files with the flag for DAX directly (dax=inode), and this \
             one does not have it"
        }
        Reason::KernelTooOld => "the kernel knows no synchronous mappings (MAP_SYNC)",
        Reason::Refused => {
            "the kernel refuses a synchronous mapping (MAP_SYNC) and does not say why"
        }
        _ => return None,
    })
}

/// The remedy on XFS with reflink, which is what mkfs.xfs makes: dax=always is refused there before
/// Linux 6.0, and on a partition by later ones too ("DAX and reflink cannot work with
/// multi-partitions!"); dax=inode is not.
macro_rules! mount_always {
    ($before:literal) => {
        concat!(
            $before,
            " with -o dax=always; XFS with reflink refuses that before Linux 6.0, and on a \
             partition: mount it with dax=inode, set the directory's flag (xfs_io -c 'chattr +x') \
             and copy the file within it, or create it again with mkfs.xfs -m reflink=0"
        )
    };
}

pub(super) const fn finer(reason: Reason) -> Option<&'static str> {
    Some(match reason {
        Reason::Unarmed => {
            "an armed DIMM is needed: the battery or the firmware of this one is at fault (ndctl \
             list -DH)"
        }
        Reason::DomainUnknown => {
            "BYTE needs eADR, which only /sys tells, of a file whose device is known: mount sysfs \
             on /sys, and use ext4, or xfs without its realtime device"
        }
        Reason::NotPersistentMemory(Backing::Hidden(_)) => {
            "use a file on ext4 or xfs, mounted with DAX, on persistent memory itself"
        }
        Reason::NotPersistentMemory(_) => {
            "use a file on ext4 or xfs, mounted with DAX, on persistent memory, or a device DAX"
        }
        Reason::Sector | Reason::DeviceWithoutDax => {
            "create the namespace again in the mode fsdax (ndctl create-namespace --mode=fsdax), \
             which destroys its data"
        }
        Reason::VolumeWithoutDax => {
            "use the namespace itself or a linear or striped volume on it, and a kernel with DAX \
             (CONFIG_FS_DAX)"
        }
        Reason::FileSystemWithoutDax(_) => "use ext4 or xfs, mounted with DAX",
        Reason::MountedWithoutDax => mount_always!("mount the file system again"),
        Reason::FileFlagOff => {
            "set the directory's flag (xfs_io -c 'chattr +x') and copy the file within it, or \
             mount the file system with -o dax=always (which XFS with reflink refuses before Linux \
             6.0, and on a partition)"
        }
        Reason::NotDax => mount_always!("mount the file system"),
        Reason::PlaceUnknown => "the remedy is known where /sys can be read: mount sysfs on /sys",
        Reason::KernelTooOld => "Linux 4.15 or later is needed",
        _ => return None,
    })
}

pub(super) const fn remedy(what: Subject, errno: Errno) -> &'static str {
    match errno {
        Errno::EPERM | Errno::EACCES if matches!(what, Subject::Open) => "; more rights are needed",
        Errno::EPERM | Errno::EACCES if matches!(what, Subject::BadBlocks) => {
            "; only root may know where a device lies, and which of its bytes are bad"
        }
        Errno::EPERM
            if matches!(
                what,
                Subject::Write
                    | Subject::ClearBadBlock
                    | Subject::Allocation
                    | Subject::Deallocation
                    | Subject::Resize
            ) =>
        {
            "; a memfd that is sealed (F_SEAL_WRITE, F_SEAL_GROW, F_SEAL_SHRINK) and a file that \
             is immutable (chattr +i) or a swap file stay as they are"
        }
        Errno::EAGAIN if matches!(what, Subject::Extents) => "; it is being written to: ask again",
        Errno::EBUSY if matches!(what, Subject::ClearBadBlock) => {
            "; others clear, write or truncate these bytes at the same time"
        }
        Errno::EINVAL if matches!(what, Subject::Read | Subject::Write) => {
            "; a file opened O_DIRECT takes whole sectors only, and memory aligned like them"
        }
        Errno::EINVAL if matches!(what, Subject::ClearBadBlock) => {
            "; a file has to be opened without O_DIRECT"
        }
        Errno::ENOSPC if matches!(what, Subject::ClearBadBlock) => {
            "; free some: it takes 64 free blocks"
        }
        Errno::EIO if matches!(what, Subject::ClearBadBlock) => {
            "; the memory in its place is bad, too, or the good bytes beside it cannot be read, \
             and may not be given up"
        }
        Errno::EFBIG
            if matches!(
                what,
                Subject::Write | Subject::ClearBadBlock | Subject::Allocation | Subject::Resize
            ) =>
        {
            "; raise RLIMIT_FSIZE, or use a file system for larger files"
        }
        // A quota of a project is ENOSPC on XFS.
        Errno::ENOSPC | Errno::EDQUOT if matches!(what, Subject::Sync) => {
            "; free some, or raise the quota, and store the bytes again: a second call succeeds \
             without them"
        }
        Errno::ENOSPC if matches!(what, Subject::Write) => {
            "; free some, and allocate the file's bytes before (fallocate)"
        }
        Errno::EDQUOT if matches!(what, Subject::Write | Subject::ClearBadBlock) => {
            "; free some, or raise the quota, and allocate the file's bytes before (fallocate)"
        }
        Errno::ENOSPC if matches!(what, Subject::Allocation | Subject::Resize) => {
            "; free some: the file system is full, or no huge pages are free"
        }
        Errno::EDQUOT if matches!(what, Subject::Allocation | Subject::Resize) => {
            "; free some, or raise the quota"
        }
        Errno::ENOTSUP if matches!(what, Subject::Allocation | Subject::Deallocation) => {
            "; its file system cannot do this (fallocate): use ext4, xfs, btrfs or tmpfs"
        }
        Errno::EBADF if matches!(what, Subject::Allocation | Subject::Deallocation) => {
            "; opened read-only: open it O_RDWR"
        }
        Errno::EINVAL if matches!(what, Subject::Resize) => "; opened read-only: open it O_RDWR",
        Errno::EFAULT if matches!(what, Subject::Populate) => {
            "; they lie beyond the end of the file, or there is no space for them (file system, \
             quota): a load or store there would raise SIGBUS"
        }
        Errno::EINVAL if matches!(what, Subject::Populate) => {
            "; the mapping was made without the protection for that, or the kernel is older than \
             Linux 5.14"
        }
        Errno::EACCES | Errno::EPERM if matches!(what, Subject::DeepFlush) => {
            "; only root may flush them"
        }
        Errno::ENOMEM if matches!(what, Subject::Sync) => {
            "; not all of these bytes are mapped any more"
        }
        Errno::EFAULT if matches!(what, Subject::Buffer) => {
            "; give memory that is mapped, and that may be written to where bytes are read"
        }
        Errno::ENODEV if matches!(what, Subject::Mapping) => {
            "; its file system has no shared mappings (FUSE with direct I/O, the kernel's own \
             files in /proc and /sys): copy it to one that has"
        }
        Errno::ENOMEM if matches!(what, Subject::Mapping | Subject::Unmapping) => {
            "; too few addresses are free (RLIMIT_AS), there are too many mappings \
             (vm.max_map_count), or no huge pages are free"
        }
        Errno::EAGAIN if matches!(what, Subject::Mapping) => {
            "; it would be locked in memory (mlockall), which has no room for it (RLIMIT_MEMLOCK)"
        }
        Errno::EACCES if matches!(what, Subject::Mapping | Subject::WritableMapping) => {
            "; the descriptor, or a flag of the file (chattr +a), does not allow it: open it O_RDWR"
        }
        Errno::EPERM if matches!(what, Subject::Mapping) => {
            "; it is sealed (F_SEAL_WRITE, F_SEAL_EXEC), is on a file system without execution \
             (noexec), or a filter (seccomp) forbids it"
        }
        Errno::EOVERFLOW if matches!(what, Subject::Mapping) => {
            "; it ends beyond the largest offset that this machine can map"
        }
        Errno::EPERM if matches!(what, Subject::WritableMapping) => {
            "; it is sealed against writing (F_SEAL_WRITE, F_SEAL_FUTURE_WRITE)"
        }
        Errno::EPERM | Errno::EACCES => {
            "; more rights are needed, or a filter (seccomp) that allows the call"
        }
        Errno::ENOENT
            if matches!(
                what,
                Subject::Alignment
                    | Subject::Device
                    | Subject::Region
                    | Subject::NumaNode
                    | Subject::PersistenceDomain
                    | Subject::BadBlocks
            ) =>
        {
            "; the device is gone, or /sys is not mounted here"
        }
        Errno::ENOENT if matches!(what, Subject::Size) => {
            "; the device is gone, or sysfs, which alone tells the size of a device DAX, is not \
             mounted on /sys"
        }
        Errno::ENOENT if matches!(what, Subject::Spare) => {
            "; mount proc on /proc, which names the directory, or create the directory again"
        }
        Errno::ENOENT if matches!(what, Subject::Sysfs) => {
            "; mount sysfs on /sys (in a chroot or container too)"
        }
        Errno::EMFILE => "; close some, or raise RLIMIT_NOFILE",
        _ => "",
    }
}

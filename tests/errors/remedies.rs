//! The remedies that the sentences name.

use pmem2::{
    Error, Kind,
    bare::RegionFault,
    error::{Errno, HandleFault, Memory, Subject, WriteFault},
    map::Protection,
    persist::Undurable,
};

use crate::{BACKINGS, sentence, whats::WHATS};

/// The remedy for an errno of a transfer, of the list of bad blocks, of clearing.
#[test]
fn remedies_of_transfers() {
    let sealed = "; a memfd that is sealed (F_SEAL_WRITE, F_SEAL_GROW, F_SEAL_SHRINK) and a file \
         that is immutable (chattr +i) or a swap file stay as they are";
    let root = "; only root may know where a device lies, and which of its bytes are bad";
    let room = "; free some, and allocate the file's bytes before (fallocate)";
    let quota = "; free some, or raise the quota, and allocate the file's bytes before (fallocate)";
    let limit = "; raise RLIMIT_FSIZE, or use a file system for larger files";
    let memory = "; give memory that is mapped, and that may be written to where bytes are read";
    let no_mappings = "; its file system has no shared mappings (FUSE with direct I/O, the kernel's \
         own files in /proc and /sys): copy it to one that has";
    let rights = "; more rights are needed, or a filter (seccomp) that allows the call";
    for what in WHATS {
        let remedy = |errno| match (what, errno) {
            (
                Subject::Write | Subject::ClearBadBlock | Subject::Allocation | Subject::Resize,
                Errno::EFBIG,
            ) => limit,
            (Subject::Allocation | Subject::Resize, Errno::ENOSPC) => {
                "; free some: the file system is full, or no huge pages are free"
            }
            (Subject::Allocation | Subject::Resize, Errno::EDQUOT) => {
                "; free some, or raise the quota"
            }
            (Subject::Allocation | Subject::Deallocation, Errno::ENOTSUP) => {
                "; its file system cannot do this (fallocate): use ext4, xfs, btrfs or tmpfs"
            }
            (Subject::Allocation | Subject::Deallocation, Errno::EBADF)
            | (Subject::Resize, Errno::EINVAL) => "; opened read-only: open it O_RDWR",
            (Subject::Allocation | Subject::Deallocation | Subject::Resize, Errno::EPERM) => sealed,
            (Subject::Populate, Errno::EFAULT) => {
                "; they lie beyond the end of the file, or there is no space for them (file \
                 system, quota): a load or store there would raise SIGBUS"
            }
            (Subject::Populate, Errno::EINVAL) => {
                "; the mapping was made without the protection for that, or the kernel is older \
                 than Linux 5.14"
            }
            (Subject::DeepFlush, Errno::EPERM | Errno::EACCES) => "; only root may flush them",
            (Subject::Sync, Errno::ENOMEM) => "; not all of these bytes are mapped any more",
            (Subject::Mapping | Subject::Unmapping, Errno::ENOMEM) => {
                "; too few addresses are free (RLIMIT_AS), there are too many mappings \
                 (vm.max_map_count), or no huge pages are free"
            }
            (Subject::Mapping, Errno::EAGAIN) => {
                "; it would be locked in memory (mlockall), which has no room for it \
                 (RLIMIT_MEMLOCK)"
            }
            (Subject::Mapping | Subject::WritableMapping, Errno::EACCES) => {
                "; the descriptor, or a flag of the file (chattr +a), does not allow it: open it \
                 O_RDWR"
            }
            (Subject::Mapping, Errno::EPERM) => {
                "; it is sealed (F_SEAL_WRITE, F_SEAL_EXEC), is on a file system without execution \
                 (noexec), or a filter (seccomp) forbids it"
            }
            (Subject::Mapping, Errno::EOVERFLOW) => {
                "; it ends beyond the largest offset that this machine can map"
            }
            (Subject::Write, Errno::ENOSPC) => room,
            (Subject::Sync, Errno::ENOSPC | Errno::EDQUOT) => {
                "; free some, or raise the quota, and store the bytes again: a second call \
                 succeeds without them"
            }
            (Subject::ClearBadBlock, Errno::ENOSPC) => "; free some: it takes 64 free blocks",
            (Subject::Extents, Errno::EAGAIN) => "; it is being written to: ask again",
            (Subject::ClearBadBlock, Errno::EBUSY) => {
                "; others clear, write or truncate these bytes at the same time"
            }
            (Subject::Write | Subject::ClearBadBlock, Errno::EDQUOT) => quota,
            (Subject::Write | Subject::ClearBadBlock, Errno::EPERM) => sealed,
            (Subject::WritableMapping, Errno::EPERM) => {
                "; it is sealed against writing (F_SEAL_WRITE, F_SEAL_FUTURE_WRITE)"
            }
            (Subject::Mapping, Errno::ENODEV) => no_mappings,
            (Subject::Read | Subject::Write, Errno::EINVAL) => {
                "; a file opened O_DIRECT takes whole sectors only, and memory aligned like them"
            }
            (Subject::ClearBadBlock, Errno::EINVAL) => "; a file has to be opened without O_DIRECT",
            (Subject::ClearBadBlock, Errno::EIO) => {
                "; the memory in its place is bad, too, or the good bytes beside it cannot be read, and may not be given up (ClearBy::LossyAllocation)"
            }
            (Subject::BadBlocks, Errno::EPERM | Errno::EACCES) => root,
            (Subject::Open, Errno::EPERM | Errno::EACCES) => "; more rights are needed",
            (_, Errno::EPERM | Errno::EACCES) => rights,
            (Subject::Buffer, Errno::EFAULT) => memory,
            _ => "",
        };
        for errno in [
            Errno::EFBIG,
            Errno::ENOSPC,
            Errno::EDQUOT,
            Errno::EPERM,
            Errno::EACCES,
            Errno::EFAULT,
            Errno::EINTR,
            Errno::EINVAL,
            Errno::EIO,
            Errno::EBUSY,
            Errno::EAGAIN,
            Errno::ENODEV,
            Errno::EBADF,
            Errno::ENOMEM,
            Errno::ENOTSUP,
            Errno::EOVERFLOW,
        ] {
            let said = sentence(Error::Os { subject: what, errno });
            assert!(said.ends_with(&format!("({errno:?}){}", remedy(errno))), "{said}");
        }
    }
}

#[test]
fn remedies() {
    let failed = |what, errno| sentence(Error::Os { subject: what, errno });
    let gone = "; the device is gone, or /sys is not mounted here";
    for what in WHATS {
        let remedy = match what {
            Subject::Size => {
                "; the device is gone, or sysfs, which alone tells the size of a device DAX, is not mounted on /sys"
            }
            Subject::Alignment
            | Subject::Device
            | Subject::Region
            | Subject::NumaNode
            | Subject::PersistenceDomain
            | Subject::BadBlocks => gone,
            Subject::Sysfs => "; mount sysfs on /sys (in a chroot or container too)",
            Subject::Spare => {
                "; mount proc on /proc, which names the directory, or create the directory again"
            }
            _ => "",
        };
        assert!(failed(what, Errno::ENOENT).ends_with(&format!("(ENOENT){remedy}")));
        assert!(
            failed(what, Errno::EMFILE).ends_with("(EMFILE); close some, or raise RLIMIT_NOFILE")
        );
    }
    for (kind, start) in [
        (Kind::RegularFile, "this kind of source is not allowed here"),
        (Kind::DeviceDax, "this kind of source is not allowed here"),
        (Kind::Anonymous, "this kind of source is not allowed here"),
        (
            Kind::CharacterDevice,
            "a character device that is not a device DAX (/dev/daxX.Y) is not a data source",
        ),
        (
            Kind::BlockDevice,
            "a block device is not a data source: open a file on its file system, or its device DAX",
        ),
        (Kind::Directory, "a directory cannot be mapped: open a file in it"),
        (Kind::Pipe, "a pipe or FIFO keeps nothing"),
        (Kind::Socket, "a socket keeps nothing"),
        (Kind::SymbolicLink, "a symbolic link itself cannot be mapped: open what it points to"),
        (Kind::AnonymousInode, "not a file but a kernel object (epoll, eventfd,"),
        (Kind::Other, "of an unknown kind: only regular files"),
    ] {
        let sentence = sentence(Error::InvalidFileType(kind));
        assert!(sentence.starts_with(start), "{sentence}");
    }
    for (error, said) in [
        (Error::OutOfMemory(Memory::Pool(16)), "all 16 of its slots are taken"),
        (Error::OutOfMemory(Memory::Heap), "out of memory"),
        (Error::UnknownFileType(Subject::Sysfs), "mount sysfs on /sys"),
        (
            Error::UnknownFileType(Subject::Subsystem),
            "its subsystem link in /sys/dev/char cannot be read",
        ),
        (
            Error::MapRange { end: 8192, size: 5000 },
            "ends at byte 8192, but there are only 5000 bytes",
        ),
        (
            Error::MapRange { end: u64::MAX, size: 5000 },
            "or beyond what 64 bits can count; there are 5000 bytes",
        ),
        (
            Error::NoRoom { length: 8192, room: 5000 },
            "for 5000 bytes only: map it with room for more (MapConfig::room)",
        ),
        (
            Error::NoRoom { length: 8192, room: 0 },
            "only a file has room to grow, and not one on hugetlbfs",
        ),
        (Error::SourceEmpty, "and an anonymous source is made with one (File::set_len)"),
        (
            Error::OffsetBeyondEnd { offset: 8192, size: 5000 },
            "begins at byte 8192, but the source ends there or before",
        ),
        (
            Error::OffsetOutOfRange { offset: 1 << 63 },
            "offset 9223372036854775808 is beyond 2^63 - 1",
        ),
        (
            Error::OffsetUnaligned { offset: 1, alignment: 4096 },
            "offset 1 is not a multiple of 4096",
        ),
        (
            Error::LengthUnaligned { length: 1, alignment: 4096 },
            "length 1 is not a multiple of 4096",
        ),
        (Error::InvalidAlignmentValue(3), "alignment is 3 bytes, which is not a power of two"),
        (Error::InvalidFileHandle(HandleFault::WriteOnly), "open it O_RDWR"),
        (Error::InvalidFileHandle(HandleFault::PathOnly), "open it O_RDONLY or O_RDWR"),
        (
            Error::InvalidFileHandle(HandleFault::DeviceReplaced),
            "its device was taken away, and another one has its number",
        ),
        (Error::InvalidRegion(RegionFault::Empty), "has no bytes"),
        (
            Error::InvalidRegion(RegionFault::Wraps),
            "the region ends beyond the last physical address",
        ),
        (Error::InvalidRegion(RegionFault::Outside), "the part ends beyond the end of its region"),
        (
            Error::InvalidRegion(RegionFault::Overlaps),
            "the region has bytes in common with another one",
        ),
        (
            Error::InvalidRegion(RegionFault::Misaligned),
            "does not begin at a multiple of the region's alignment",
        ),
        (
            Error::InvalidRegion(RegionFault::Alignment),
            "the region's alignment is not a power of two: its table is wrong",
        ),
        (Error::InvalidRegion(RegionFault::Unaddressed), "the devicetree's node has no address"),
        (
            Error::LengthOutOfRange { end: 8192, size: 5000 },
            "end at byte 8192, but there are only 5000 bytes",
        ),
        (
            Error::SourceShrank { size: 4096 },
            "ends at byte 4096 or before, earlier than its size said: it was truncated, or never",
        ),
        (
            Error::IoFail { offset: 4096, length: 512 },
            "one of the 512 from byte 4096 on; their contents may be lost",
        ),
        (Error::NotSynced, "write them again, or elsewhere if that fails"),
        (Error::NotWritable(WriteFault::ReadOnly), "open it O_RDWR to write"),
        (
            Error::NotWritable(WriteFault::Append),
            "opened O_APPEND: the system would write at the end",
        ),
        (
            Error::NotMapped(Protection::READ | Protection::WRITE),
            "the mapping allows no stores: give it the protection for that",
        ),
        (Error::NotMapped(Protection::READ), "the mapping allows no loads"),
        (Error::NotMapped(Protection::EXEC), "the mapping allows no execution"),
        (Error::NotDurable(Undurable::Never), "(its table says so): nothing was changed"),
        (Error::NotDurable(Undurable::Unarmed), "not armed, and does not keep what is written"),
        (
            Error::NotDurable(Undurable::NoInstruction),
            "only a call of the system makes stores to a file durable then: nothing was changed",
        ),
        (
            Error::NotDurable(Undurable::NoHints),
            "flush hints have to be written to, and not all were given",
        ),
        (
            Error::NotDurable(Undurable::NoCall),
            "only a call makes stores durable, and there is none",
        ),
        (Error::NeverDurable, "hypervisor cannot be made durable by the guest"),
        (Error::RegionUnarmed, "its battery or its firmware is at fault"),
        (Error::SeveralNumaNodes, "on a volume whose regions are on several nodes"),
        (
            Error::DaxRegionNotFound(BACKINGS[3]),
            "lies on tmpfs, which keeps its files in ordinary memory",
        ),
        (Error::DaxRegionNotFound(BACKINGS[0]), "(CXL, dax_hmem)"),
        (
            Error::NotPersistentMemory { asked: Subject::NumaNode, on: BACKINGS[4] },
            "the NUMA node cannot be determined: the source lies on overlay, a file system that does not say which device",
        ),
    ] {
        assert!(sentence(error).contains(said), "{}", sentence(error));
    }
}

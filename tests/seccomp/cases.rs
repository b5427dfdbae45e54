//! Each function, what it is asked about, and exactly the calls that it then needs.

use crate::{
    functions::{
        ALIGNMENT, ALLOCATED, ANONYMOUS, BAD_BLOCKS, CATCH_UP, CATCH_UP_FINER, CHECK_RANGE, CLEAR,
        COMMAND, CONFIRM_PLACE, DEALLOCATE, DEEP_FLUSH, DEVICE_ID, DEVICE_USC, DIMM_ID, DIMMS,
        DIRTY_SHUTDOWNS, FILE_SYSTEM, Function, GRANULARITY, GRANULARITY_AT, GROW, GROW_FINER,
        KNOWN, MAP, MAP_AT, MAP_BY_CALL, MAP_FINER, MAP_PRIVATE, NEW, NEW_READER, NEW_WRITER,
        NUMA_NODE, PERSIST, PLACE, POPULATE, PRIVATE, READ, READ_KEPT, REPORT, SHRINK, SIZE,
        STORED, SYNC, SYNC_MAP, TARGET_NODE, UNMAP, WAYS, WRITE, WRITE_FROM_NOWHERE, WRITE_KEPT,
        WRITE_KEPT_FROM_NOWHERE, backend,
    },
    subjects::{On, World},
};

/// A function, what it is asked about, and exactly the calls that it then needs.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    /// The function whose documentation lists them; of the backend as `Linux::describe`.
    pub(crate) function: &'static str,
    pub(crate) run: Function,
    pub(crate) on: On,
    pub(crate) world: World,
    /// Where the disk's files have to be mapped directly for it, or must not be: the host's are
    /// not, those of a guest with persistent memory are (ci/guest).
    pub(crate) dax: Option<bool>,
    /// The calls; [`XFS_ONLY`] is one only where the disk's file system is XFS.
    pub(crate) calls: &'static [&'static str],
}

/// The ioctl that XFS is asked with whether a file is on its realtime device.
pub(crate) const XFS_ONLY: &str = "ioctl(FS_IOC_FSGETXATTR)";

const MAKE: &[&str] = &["fcntl", "fstat"];
const ATTRIBUTE: &[&str] = &["openat", "read", "close"];
const DEVICE: &[&str] = &["fstat", "openat", "read", "close", "newfstatat"];
const MAKE_DEVICE: &[&str] = &["fcntl", "fstat", "readlinkat", "newfstatat"];
const MAPPED: &[&str] =
    &["fstat", "openat", "read", "close", "newfstatat", "rt_sigaction", "mmap", "munmap"];
const FOUND: &[&str] = &["fstat", "readlinkat", "newfstatat"];
const ASKED: &[&str] = &["fstat", "readlinkat", "openat", "read", "close", "newfstatat"];
/// The same of a file, of which the file system has to say whether it is on that device.
const FILE_FOUND: &[&str] = &["fstat", "fstatfs", XFS_ONLY, "readlinkat", "newfstatat"];
const FILE_ASKED: &[&str] =
    &["fstat", "fstatfs", XFS_ONLY, "readlinkat", "openat", "read", "close", "newfstatat"];
const OF_VOLUME: &[&str] = &[
    "fstat",
    "fstatfs",
    XFS_ONLY,
    "readlinkat",
    "openat",
    "getdents64",
    "read",
    "close",
    "newfstatat",
];
const OF_MIXED: &[&str] =
    &["fstat", "fstatfs", XFS_ONLY, "readlinkat", "openat", "getdents64", "read", "close"];
const LISTED: &[&str] = &["fstat", "fstatfs", XFS_ONLY, "readlinkat", "openat", "read", "close"];
const BAD_OF_FILE: &[&str] =
    &["fstat", "fstatfs", "readlinkat", "openat", "read", "close", "ioctl"];
const CLEARED: &[&str] = &[
    "fstat",
    "fcntl",
    "fstatfs",
    "readlinkat",
    "openat",
    "read",
    "close",
    "ioctl",
    "fchown",
    "fallocate",
    "futex",
    "mmap",
    "madvise",
    "pwrite64",
    "fsync",
    "pread64",
];
/// A character device that nobody but statx(2) knows.
const LOOKED_UP: &[&str] = &["fcntl", "fstat", "readlinkat", "faccessat", "statx", "fstatfs"];
/// An alignment that is tried, where there is a size: a page is enough here.
const UNTOLD_SIZED: &[&str] = &["fstat", "openat", "read", "close", "newfstatat", "mmap", "munmap"];
/// The same alone.
const UNTOLD: &[&str] = &["fstat", "openat", "mmap", "munmap"];
const HIDDEN: &[&str] = &["fstat", "fstatfs"];
const UNLISTED: &[&str] = &["fstat", "fstatfs", XFS_ONLY, "readlinkat", "faccessat"];

/// A mapping that was granted, and undone.
const TRIED: &[&str] = &["fstat", "mmap", "munmap"];

/// Why a file is not mapped directly, where its place does not say.
const WHY: &[&str] = &["fstat", "mmap", "munmap", "statx", "openat", "read", "close", "fstatfs"];

const fn case(
    function: &'static str,
    run: Function,
    on: On,
    calls: &'static [&'static str],
) -> Case {
    Case { function, run, on, world: World::Region, dax: None, calls }
}

/// Where there is no /sys.
const fn gone(
    function: &'static str,
    run: Function,
    on: On,
    calls: &'static [&'static str],
) -> Case {
    Case { function, run, on, world: World::Gone, dax: None, calls }
}

const fn of_file(
    function: &'static str,
    run: Function,
    world: World,
    calls: &'static [&'static str],
) -> Case {
    Case { function, run, on: On::File, world, dax: None, calls }
}

impl Case {
    const fn dax(mut self, dax: bool) -> Self {
        self.dax = Some(dax);
        self
    }
}

pub(crate) const CASES: &[Case] = &[
    case("new", NEW, On::File, MAKE),
    case("new", NEW, On::HugePages, &["fcntl", "fstat", "fstatfs"]),
    case("new", NEW, On::DeviceDax, MAKE_DEVICE),
    case("new", NEW, On::Character, &["fcntl", "fstat", "readlinkat"]),
    case("new", NEW, On::Terminal, &["fcntl", "fstat", "readlinkat", "faccessat"]),
    gone("new", NEW, On::Character, LOOKED_UP),
    gone("new", NEW, On::Terminal, LOOKED_UP),
    case("new", NEW, On::Directory, MAKE),
    case("new", NEW, On::Nothing, &[]),
    case("new", WAYS, On::File, MAKE),
    case("new", WAYS, On::DeviceDax, MAKE_DEVICE),
    case("new", WAYS, On::Directory, MAKE),
    case("size", SIZE, On::File, &["fstat"]),
    case("size", SIZE, On::DeviceDax, DEVICE),
    case("alignment", ALIGNMENT, On::File, &[]),
    Case { world: World::Unlisted, ..case("alignment", ALIGNMENT, On::Mapped, UNTOLD) },
    Case { world: World::Unlisted, ..case("check_range", CHECK_RANGE, On::Mapped, UNTOLD_SIZED) },
    case("alignment", ALIGNMENT, On::HugePages, &[]),
    case("alignment", ALIGNMENT, On::DeviceDax, DEVICE),
    case("allocated", ALLOCATED, On::File, &["fstat"]),
    case("allocated", ALLOCATED, On::DeviceDax, &["fstat"]),
    case("file_system", FILE_SYSTEM, On::File, &["fstat", "fstatfs"]),
    case("file_system", FILE_SYSTEM, On::DeviceDax, &["fstat", "fstatfs"]),
    case("check_range", CHECK_RANGE, On::File, &["fstat"]),
    case("check_range", CHECK_RANGE, On::DeviceDax, DEVICE),
    case("place", PLACE, On::File, FILE_ASKED),
    case("place", PLACE, On::DeviceDax, ASKED),
    case("place", PLACE, On::HugePages, HIDDEN),
    of_file("place", PLACE, World::Volume, OF_VOLUME),
    of_file("place", PLACE, World::Mixed, OF_VOLUME),
    of_file("place", PLACE, World::Unlisted, UNLISTED),
    case("confirm_place", CONFIRM_PLACE, On::File, FILE_FOUND),
    case("confirm_place", CONFIRM_PLACE, On::DeviceDax, FOUND),
    case("confirm_place", CONFIRM_PLACE, On::HugePages, HIDDEN),
    of_file("confirm_place", CONFIRM_PLACE, World::Mixed, OF_VOLUME),
    of_file("confirm_place", CONFIRM_PLACE, World::Unlisted, UNLISTED),
    case("numa_node", NUMA_NODE, On::File, FILE_ASKED),
    case("numa_node", NUMA_NODE, On::DeviceDax, ASKED),
    case("numa_node", NUMA_NODE, On::HugePages, HIDDEN),
    of_file("numa_node", NUMA_NODE, World::Volume, OF_VOLUME),
    of_file("numa_node", NUMA_NODE, World::Mixed, OF_MIXED),
    of_file("numa_node", NUMA_NODE, World::Unlisted, UNLISTED),
    case("target_node", TARGET_NODE, On::File, FILE_ASKED),
    case("target_node", TARGET_NODE, On::DeviceDax, ASKED),
    case("target_node", TARGET_NODE, On::HugePages, HIDDEN),
    of_file("target_node", TARGET_NODE, World::Volume, OF_VOLUME),
    of_file("target_node", TARGET_NODE, World::Mixed, OF_MIXED),
    of_file("target_node", TARGET_NODE, World::Unlisted, UNLISTED),
    case("dimms", DIMMS, On::File, FILE_ASKED),
    case("dimms", DIMMS, On::DeviceDax, ASKED),
    case("dimms", DIMMS, On::HugePages, HIDDEN),
    of_file("dimms", DIMMS, World::Volume, OF_VOLUME),
    of_file("dimms", DIMMS, World::Unlisted, UNLISTED),
    case("device_id", DEVICE_ID, On::File, FILE_ASKED),
    case("device_id", DEVICE_ID, On::DeviceDax, ASKED),
    case("device_id", DEVICE_ID, On::HugePages, HIDDEN),
    of_file("device_id", DEVICE_ID, World::Volume, OF_VOLUME),
    of_file("device_id", DEVICE_ID, World::Unlisted, UNLISTED),
    case("device_usc", DEVICE_USC, On::File, FILE_ASKED),
    case("device_usc", DEVICE_USC, On::DeviceDax, ASKED),
    case("device_usc", DEVICE_USC, On::HugePages, HIDDEN),
    of_file("device_usc", DEVICE_USC, World::Volume, OF_VOLUME),
    of_file("device_usc", DEVICE_USC, World::Unlisted, UNLISTED),
    case("id", DIMM_ID, On::File, ATTRIBUTE),
    case("id", DIMM_ID, On::DeviceDax, ATTRIBUTE),
    case("dirty_shutdowns", DIRTY_SHUTDOWNS, On::File, ATTRIBUTE),
    case("dirty_shutdowns", DIRTY_SHUTDOWNS, On::DeviceDax, ATTRIBUTE),
    case("expected_granularity", PRIVATE, On::File, &[]),
    case("expected_granularity", PRIVATE, On::DeviceDax, &[]),
    case("expected_granularity", GRANULARITY, On::DeviceDax, ASKED),
    case(
        "expected_granularity",
        GRANULARITY,
        On::HugePages,
        &["fstat", "mmap", "munmap", "fstatfs"],
    ),
    case("expected_granularity_at", GRANULARITY_AT, On::DeviceDax, &[]),
    case(
        "Report::new",
        REPORT,
        On::DeviceDax,
        &["fcntl", "fstat", "readlinkat", "openat", "read", "close", "newfstatat", "fstatfs"],
    ),
    case(
        "Report::new",
        REPORT,
        On::Terminal,
        &["fcntl", "fstat", "readlinkat", "faccessat", "fstatfs"],
    ),
    case("kind and others", KNOWN, On::File, &[]),
    case("kind and others", KNOWN, On::DeviceDax, &[]),
    case("from_anon", ANONYMOUS, On::Nothing, &[]),
    case("bad_blocks", BAD_BLOCKS, On::File, BAD_OF_FILE),
    case("bad_blocks", BAD_BLOCKS, On::DeviceDax, ASKED),
    case("bad_blocks", BAD_BLOCKS, On::HugePages, HIDDEN),
    case("clear_bad_blocks", CLEAR, On::File, CLEARED),
    case("clear_bad_blocks", COMMAND, On::DeviceDax, ASKED),
    case("Linux::list_bad", backend::LIST_BAD, On::File, LISTED),
    case("Linux::list_bad", backend::LIST_BAD, On::DeviceDax, ASKED),
    case("Linux::next_bad", backend::NEXT_BAD, On::File, &["fstat", "ioctl"]),
    case("Linux::next_bad", backend::NEXT_BAD, On::DeviceDax, &["fstat", "newfstatat"]),
    case("Linux::clear_bad", backend::CLEAR_BAD, On::File, CLEARED),
    case("Linux::clear_bad", backend::CLEAR_BAD, On::DeviceDax, ASKED),
    case("Linux::describe", backend::DESCRIBE, On::DeviceDax, MAKE_DEVICE),
    case("Linux::locate", backend::LOCATE, On::File, &["fstat", "fstatfs", XFS_ONLY, "readlinkat"]),
    case("Linux::locate", backend::LOCATE, On::HugePages, HIDDEN),
    of_file("Linux::locate", backend::LOCATE, World::Mixed, OF_MIXED),
    of_file("Linux::locate", backend::LOCATE, World::Unlisted, UNLISTED),
    case("Linux::confirm", backend::CONFIRM, On::File, &["newfstatat"]),
    case("Linux::confirm", backend::CONFIRM, On::HugePages, &[]),
    case("Linux::numa_node", backend::NUMA_NODE, On::File, ATTRIBUTE),
    case("Linux::target_node", backend::TARGET_NODE, On::File, ATTRIBUTE),
    case("Linux::region", backend::REGION, On::File, ATTRIBUTE),
    case("Linux::domain", backend::DOMAIN, On::File, ATTRIBUTE),
    case("Linux::domain", backend::SYNCHRONOUS_DOMAIN, On::File, ATTRIBUTE),
    case("Linux::read_only", backend::READ_ONLY, On::File, ATTRIBUTE),
    case("Linux::armed", backend::ARMED, On::File, ATTRIBUTE),
    case("Linux::region", backend::REGION, On::HugePages, &[]),
    case("Linux::dimm", backend::DIMM, On::File, ATTRIBUTE),
    case("Linux::dimm_id", backend::DIMM_ID, On::File, ATTRIBUTE),
    case("Linux::dimm_dirty_shutdowns", backend::DIRTY, On::File, ATTRIBUTE),
    case("Linux::dax_capable", backend::DAX_CAPABLE, On::File, ATTRIBUTE),
    case("Linux::dax_capable", backend::DAX_CAPABLE, On::DeviceDax, &[]),
    case("Linux::synchronous", backend::SYNCHRONOUS, On::File, TRIED),
    case(
        "Linux::direct",
        backend::DIRECT,
        On::File,
        &["fstat", "statx", "openat", "read", "close"],
    ),
    case("read_at", READ, On::File, &["fstat", "pread64"]),
    case("read_at", READ, On::Mapped, MAPPED),
    case("write_at", WRITE, On::File, &["fstat", "pwrite64"]),
    case("write_at", WRITE_FROM_NOWHERE, On::File, &["fstat", "pwrite64", "pread64"]),
    case("write_at", WRITE, On::Mapped, MAPPED),
    case("sync", SYNC, On::File, &["fstat", "fdatasync"]),
    case("sync", SYNC, On::Mapped, &[]),
    case("Reader::new", NEW_READER, On::File, &["fstat"]),
    case("Reader::new", NEW_READER, On::Mapped, MAPPED),
    case("Writer::new", NEW_WRITER, On::File, &["fstat"]),
    case("Writer::new", NEW_WRITER, On::Mapped, MAPPED),
    case("Reader::read_at", READ_KEPT, On::File, &["fstat", "pread64"]),
    case("Reader::read_at", READ_KEPT, On::Mapped, &[]),
    case("Writer::write_at", WRITE_KEPT, On::File, &["fstat", "pwrite64"]),
    case("Writer::write_at", WRITE_KEPT_FROM_NOWHERE, On::File, &["fstat", "pwrite64", "pread64"]),
    case("Writer::write_at", WRITE_KEPT, On::Mapped, &[]),
    case("Linux::channel", backend::CHANNEL, On::File, &[]),
    case("Linux::channel", backend::CHANNEL, On::Mapped, MAPPED),
    case("Linux::read_at", backend::READ, On::File, &["pread64"]),
    case("Linux::write_at", backend::WRITE, On::File, &["pwrite64"]),
    case("Linux::write_at", backend::WRITE_FROM_NOWHERE, On::File, &["pwrite64", "pread64"]),
    case("Linux::sync", backend::SYNC, On::File, &["fstat", "fdatasync"]),
    case("Linux::sync", backend::SYNC, On::Mapped, &[]),
    case("map", MAP_BY_CALL, On::File, MAP_FILE),
    case("map", MAP_PRIVATE, On::File, MAP_FILE),
    case("map", MAP_AT, On::File, MAP_FILE),
    case("map", MAP, On::Mapped, MAP_DEVICE),
    case("map", MAP_AT, On::Mapped, MAP_DEVICE_AT),
    case("unmap", UNMAP, On::File, &["munmap"]),
    case("unmap", UNMAP, On::Mapped, &["munmap"]),
    case("persist", PERSIST, On::File, &["msync"]),
    case("persist", PERSIST, On::Mapped, &[]),
    case("read and others", STORED, On::File, &[]),
    case("read and others", STORED, On::Mapped, &[]),
    case("Mapping::sync", SYNC_MAP, On::File, &["msync"]),
    case("Mapping::sync", SYNC_MAP, On::Mapped, &[]),
    case("deep_flush", DEEP_FLUSH, On::File, &["msync"]),
    case("deep_flush", DEEP_FLUSH, On::DeviceDax, FLUSHED_DEEP),
    // A longer file than its mapping knows would not be cut.
    case("shrink", SHRINK, On::File, &["fstat", "ftruncate", "fdatasync"]),
    case("shrink", SHRINK, On::Mapped, &[]),
    case("catch_up", CATCH_UP, On::File, &["fstat"]),
    case("catch_up", CATCH_UP, On::Mapped, &[]),
    case("grow", GROW, On::File, &["fstat", "fallocate"]),
    case("grow", GROW_FINER, On::File, &["fstat", "fallocate", "fdatasync"]),
    case("grow", GROW, On::Mapped, &[]),
    // It is longer now.
    case("catch_up", CATCH_UP, On::File, &["fstat", "lseek"]),
    case("catch_up", CATCH_UP_FINER, On::File, &["fstat", "lseek", "fdatasync"]),
    case("populate", POPULATE, On::File, &["fstat", "fallocate", "madvise"]),
    case("populate", POPULATE, On::Mapped, &["madvise"]),
    case("deallocate", DEALLOCATE, On::File, &["fstat", "fallocate", "fdatasync"]),
    case("deallocate", DEALLOCATE, On::Mapped, &[]),
    case("Linux::map", backend::MAP, On::File, &["mmap"]),
    case("Linux::map", backend::MAP_ALIGNED, On::File, &["mmap", "munmap"]),
    case("Linux::map_anonymous", backend::MAP_ANONYMOUS, On::Nothing, &["mmap"]),
    case("Linux::unmap", backend::UNMAP, On::File, &["munmap"]),
    case("Linux::sync", backend::MSYNC, On::File, &["msync"]),
    case("Linux::populate", backend::POPULATE, On::File, &["madvise"]),
    case("Linux::deep_flush", backend::DEEP_FLUSH, On::DeviceDax, FLUSHED_DEEP),
    case("Linux::extend", backend::EXTEND, On::File, &["fstat", "fallocate", "fdatasync"]),
    case("Linux::settle", backend::SETTLE, On::File, &["lseek", "fdatasync"]),
    case("Linux::truncate", backend::TRUNCATE, On::File, &["fstat", "ftruncate", "fdatasync"]),
    case("Linux::deallocate", backend::DEALLOCATE, On::File, &["fstat", "fallocate", "fdatasync"]),
    // Without DAX.
    of_file("map", MAP, World::Region, MAP_FILE).dax(false),
    of_file("map", MAP, World::Volume, MAP_FILE).dax(false),
    of_file("map", MAP_FINER, World::Region, REFUSED).dax(false),
    of_file("map", MAP_FINER, World::Volume, REFUSED_ON_VOLUME).dax(false),
    of_file("map", MAP_FINER, World::Unlisted, REFUSED_UNLISTED).dax(false),
    of_file("expected_granularity", GRANULARITY, World::Region, REFUSED).dax(false),
    of_file("expected_granularity", GRANULARITY, World::Volume, REFUSED_ON_VOLUME).dax(false),
    of_file("expected_granularity", GRANULARITY, World::Unlisted, REFUSED_UNLISTED).dax(false),
    of_file("expected_granularity_at", GRANULARITY_AT, World::Region, WHY).dax(false),
    of_file("expected_granularity_at", GRANULARITY_AT, World::Mixed, TRIED).dax(false),
    of_file("Report::new", REPORT, World::Region, REPORTED).dax(false),
    of_file("Report::new", REPORT, World::Volume, REPORTED_ON_VOLUME).dax(false),
    // With it.
    of_file("map", MAP, World::Region, MAP_GRANTED).dax(true),
    of_file("map", MAP, World::Unlisted, GRANTED_UNLISTED).dax(true),
    of_file("expected_granularity", GRANULARITY, World::Region, GRANTED).dax(true),
    of_file("expected_granularity", GRANULARITY, World::Unlisted, GRANTED_UNLISTED).dax(true),
    of_file("expected_granularity_at", GRANULARITY_AT, World::Region, TRIED).dax(true),
    of_file("expected_granularity_at", GRANULARITY_AT, World::Mixed, TRIED).dax(true),
    of_file("Report::new", REPORT, World::Region, REPORTED_GRANTED).dax(true),
];

const MAP_FILE: &[&str] = &["fstat", "mmap", "munmap"];
/// And where it lies: whether the device is still the same only where a fence is enough.
const MAP_GRANTED: &[&str] =
    &["fstat", "mmap", "munmap", "fstatfs", XFS_ONLY, "readlinkat", "openat", "read", "close"];
const MAP_DEVICE: &[&str] =
    &["fstat", "openat", "read", "close", "newfstatat", "readlinkat", "mmap", "munmap"];
const MAP_DEVICE_AT: &[&str] =
    &["fstat", "openat", "read", "close", "newfstatat", "mmap", "munmap"];
const FLUSHED_DEEP: &[&str] = &["fstat", "readlinkat", "openat", "read", "write", "close"];

const REFUSED: &[&str] = &[
    "fstat",
    "mmap",
    "munmap",
    "fstatfs",
    XFS_ONLY,
    "readlinkat",
    "openat",
    "read",
    "close",
    "newfstatat",
    "statx",
];
const REFUSED_ON_VOLUME: &[&str] = &[
    "fstat",
    "mmap",
    "munmap",
    "readlinkat",
    "openat",
    "getdents64",
    "read",
    "close",
    "newfstatat",
    "statx",
    "fstatfs",
    XFS_ONLY,
];
const REFUSED_UNLISTED: &[&str] = &[
    "fstat",
    "mmap",
    "munmap",
    "fstatfs",
    XFS_ONLY,
    "readlinkat",
    "faccessat",
    "statx",
    "openat",
    "read",
    "close",
];
const GRANTED: &[&str] = &[
    "fstat",
    "mmap",
    "munmap",
    "fstatfs",
    XFS_ONLY,
    "readlinkat",
    "openat",
    "read",
    "close",
    "newfstatat",
];
const GRANTED_UNLISTED: &[&str] =
    &["fstat", "mmap", "munmap", "fstatfs", XFS_ONLY, "readlinkat", "faccessat"];
const REPORTED: &[&str] = &[
    "fcntl",
    "fstat",
    "fstatfs",
    XFS_ONLY,
    "readlinkat",
    "openat",
    "read",
    "close",
    "newfstatat",
    "mmap",
    "munmap",
    "statx",
];
const REPORTED_ON_VOLUME: &[&str] = &[
    "fcntl",
    "fstat",
    "fstatfs",
    XFS_ONLY,
    "readlinkat",
    "openat",
    "getdents64",
    "read",
    "close",
    "newfstatat",
    "mmap",
    "munmap",
    "statx",
];
const REPORTED_GRANTED: &[&str] = &[
    "fcntl",
    "fstat",
    "fstatfs",
    XFS_ONLY,
    "readlinkat",
    "openat",
    "read",
    "close",
    "newfstatat",
    "mmap",
    "munmap",
];

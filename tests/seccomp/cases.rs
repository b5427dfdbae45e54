//! Each function, what it is asked about, and exactly the calls that it then needs.

use pmem2::{
    ClearBy, Error, Fail, Fd, Linux, Locate, Platform, Pool, Reader, Report, Sharing, Source, TransferError, What,
    WriteBuffer, Writer,
};

use crate::subjects::{On, Subject, World};

/// What comes back from a child: an answer, or the number of things that were right.
pub(crate) type Answer = Result<u64, Error>;

pub(crate) type Function = fn(&Subject) -> Answer;

fn source(subject: &Subject) -> &Source<Fd<'static>> {
    subject.source.as_ref().expect("a source")
}

pub(crate) const NEW: Function = |subject| Source::new(subject.fd).map(|_| 0);
pub(crate) const SIZE: Function = |subject| source(subject).size();
pub(crate) const ALIGNMENT: Function = |subject| source(subject).alignment();
pub(crate) const ALLOCATED: Function = |subject| source(subject).allocated();
pub(crate) const FILE_SYSTEM: Function = |subject| source(subject).file_system().map(|system| system.magic().into());
pub(crate) const CHECK_RANGE: Function = |subject| source(subject).check_range(0, 4096).map(|range| range.end);
pub(crate) const REPORT: Function = |subject| Report::of(&subject.fd).verdict().map(|()| 0);
pub(crate) const PLACE: Function = |subject| source(subject).place().map(|place| place.regions().count() as u64);
pub(crate) const NUMA_NODE: Function = |subject| source(subject).numa_node().map(|node| node.map_or(99, u64::from));
pub(crate) const DEVICE_ID: Function = |subject| source(subject).device_id().map(|id| id.len() as u64);
pub(crate) const DEVICE_USC: Function = |subject| source(subject).device_usc();
pub(crate) const GRANULARITY: Function =
    |subject| source(subject).expected_granularity(Sharing::Shared).map(|expected| expected.granularity as u64);

const DIMMS: Function =
    |subject| source(subject).dimms()?.try_fold(0, |count, dimm| dimm.map(|dimm| count + dimm.region() as u64 + 1));
const PRIVATE: Function =
    |subject| source(subject).expected_granularity(Sharing::Private).map(|expected| expected.granularity as u64);
const GRANULARITY_AT: Function = |subject| {
    let place = subject.place.expect("a place");
    source(subject).expected_granularity_at(&place, Sharing::Shared).map(|expected| expected.granularity as u64)
};
const DIMM_ID: Function = |subject| subject.dimm.expect("a DIMM").id().map(|id| id.len() as u64);
const DIRTY_SHUTDOWNS: Function = |subject| subject.dimm.expect("a DIMM").dirty_shutdowns();

/// Of the place where the source is, or of none, which does not lie there then.
const CONFIRM_PLACE: Function = |subject| match &subject.place {
    Some(place) => source(subject).confirm_place(place).map(|()| 0),
    None => source(subject).place().map(|_| 0),
};

/// The other ways to a source.
const WAYS: Function = |subject| {
    let pool = Pool::<Linux, 1>::new();
    let pooled = pool.source(subject.fd).map(|_| 0);
    let mut place = std::mem::MaybeUninit::uninit();
    let placed = Source::new_in(&mut place, subject.fd).map(|_| 0);
    let given = Source::try_from_handle(subject.fd).map(|_| 0).map_err(|(_, error)| error);
    let from_fd = Source::from_fd(subject.fd).map(|_| 0);
    if pooled == placed && placed == given && given == from_fd { pooled } else { Ok(1) }
};

/// What is known without asking.
const KNOWN: Function = |subject| {
    let source = *source(subject);
    let _ = (source.kind(), source.access(), source.id(), source.handle(), source.facts());
    let raw = source.into_inner().as_raw();
    let of_place = subject.place.map_or(0, |place| {
        place.regions().count()
            + place.warnings().count()
            + place.device().len()
            + usize::from(place.dax_capable().is_some())
    });
    let number = subject.dimm.map_or(Ok(0), |dimm| dimm.number())?;
    let of_spot = subject.spot.map_or(0, |spot| {
        let known = (Linux.backing(&spot), Linux.device(&spot), Linux.regions(&spot));
        usize::from(known.0.is_ok()) + known.1.map_or(0, |name| name.len()) + known.2.unwrap_or(99)
    });
    Ok(u64::from(raw == subject.fd.as_raw()) + u64::from(number) + (of_place + of_spot) as u64)
};

const ANONYMOUS: Function = |_| {
    let source = Source::from_anon(8192)?;
    Ok(source.size()? + source.alignment()? + source.check_range(0, 0)?.end)
};

/// So many bytes somewhere in the source.
const AT: u64 = 1000;

fn transferred(result: Result<(), TransferError>) -> Answer {
    result.map(|()| 1).map_err(Error::from)
}

pub(crate) const READ: Function = |subject| transferred(source(subject).read_at(AT, &mut [0; 100]));
pub(crate) const WRITE: Function = |subject| transferred(source(subject).write_at(AT, &[7; 100]));
pub(crate) const SYNC: Function = |subject| source(subject).sync().map(|()| 1);

fn nowhere() -> WriteBuffer<'static> {
    // SAFETY: there is no object of Rust's in the first page.
    unsafe { WriteBuffer::from_raw_parts(std::ptr::without_provenance(8), 100) }
}

const WRITE_FROM_NOWHERE: Function = |subject| transferred(source(subject).write_from(AT, nowhere()));
const NEW_READER: Function = |subject| Reader::new(*source(subject)).map(|_| 1);
const NEW_WRITER: Function = |subject| Writer::new(*source(subject)).map(|_| 1);

fn writer(subject: &Subject) -> &'static Writer<Fd<'static>> {
    subject.writer.expect("a writer")
}

// A reader does the same as a writer does.
const READ_KEPT: Function = |subject| transferred(writer(subject).read_at(AT, &mut [0; 100]));
const WRITE_KEPT: Function = |subject| transferred(writer(subject).write_at(AT, &[7; 100]));
const WRITE_KEPT_FROM_NOWHERE: Function = |subject| transferred(writer(subject).write_from(AT, nowhere()));

/// How many ranges there are, and whether there was an error.
const BAD_BLOCKS: Function =
    |subject| source(subject).bad_blocks()?.try_fold(0, |count, range| range.map(|range| count + range.end));

/// Of a file with nothing but bad blocks, on a disk that has no others.
const CLEAR: Function = |subject| source(subject).clear_bad_blocks(0..512, ClearBy::Allocation).map(|()| 1);
/// By a command of a bus that is not there.
const COMMAND: Function = |subject| source(subject).clear_bad_blocks(0..512, ClearBy::DeviceCommand).map(|()| 1);

/// The methods of the backend. Only whether there was an answer is told apart here.
mod backend {
    use pmem2::{ClearBy, Halted, Health, Io, Kind};

    use super::{Answer, Error, Fail, Function, Linux, Locate, Platform, Subject, What, source};

    fn of<T>(answer: Result<T, Fail>) -> Answer {
        answer.map(|_| 1).map_err(|_| Error::Unknown(What::Handle))
    }

    fn spot(subject: &Subject) -> &<Linux as Locate>::Spot {
        subject.spot.as_ref().expect("a spot")
    }

    pub(super) const LOCATE: Function = |subject| of(Linux.locate(subject.fd.as_raw(), source(subject).facts()));
    pub(super) const CONFIRM: Function = |subject| of(Linux.confirm(spot(subject)));
    pub(super) const REGION: Function = |subject| of(Linux.region(spot(subject), 0));
    pub(super) const NUMA_NODE: Function = |subject| of(Linux.numa_node(spot(subject), 0));
    pub(super) const DIMM: Function = |subject| of(Linux.dimm(spot(subject), 0, 0));
    pub(super) const DIMM_ID: Function = |subject| of(Linux.dimm_id(subject.raw_dimm.expect("a DIMM")));
    pub(super) const DIRTY: Function = |subject| of(Linux.dimm_dirty_shutdowns(subject.raw_dimm.expect("a DIMM")));
    pub(super) const DAX_CAPABLE: Function = |subject| of(Linux.dax_capable(spot(subject)));
    pub(super) const SYNCHRONOUS: Function =
        |subject| of(Linux.synchronous(subject.fd.as_raw(), source(subject).facts()));
    pub(super) const DIRECT: Function = |subject| of(Linux.direct(subject.fd.as_raw(), source(subject).facts()));
    pub(super) const CHANNEL: Function =
        |subject| of(Linux.channel(subject.fd.as_raw(), source(subject).facts(), None, 0..4096, true));

    /// Through the channel of a file, which has nothing in it.
    fn moved(subject: &Subject, how: impl FnOnce(&<Linux as Io>::Channel) -> Result<(), Halted>) -> Answer {
        let channel = Linux.channel(subject.fd.as_raw(), source(subject).facts(), None, 0..4096, true);
        channel.map_or_else(|_| Ok(0), |channel| how(&channel).map(|()| 1).map_err(|_| Error::Unknown(What::Handle)))
    }

    pub(super) const READ: Function = |subject| {
        moved(subject, |channel| Linux.read_at(subject.fd.as_raw(), channel, 0, [0; 100].as_mut_slice().into()))
    };
    pub(super) const WRITE: Function =
        |subject| moved(subject, |channel| Linux.write_at(subject.fd.as_raw(), channel, 0, [7; 100].as_slice().into()));
    pub(super) const WRITE_FROM_NOWHERE: Function =
        |subject| moved(subject, |channel| Linux.write_at(subject.fd.as_raw(), channel, 0, super::nowhere()));
    pub(super) const SYNC: Function = |subject| of(Linux.sync(subject.fd.as_raw(), source(subject).facts()));
    pub(super) const LIST_BAD: Function = |subject| of(Linux.list_bad(subject.fd.as_raw(), source(subject).facts()));
    pub(super) const NEXT_BAD: Function = |subject| {
        // By a list that is taken before: see below.
        let mut list = subject.list.expect("a list").clone();
        of(Linux.next_bad(subject.fd.as_raw(), source(subject).facts(), &mut list, 0))
    };
    pub(super) const CLEAR_BAD: Function = |subject| {
        let facts = source(subject).facts();
        let by = if facts.kind == Kind::DeviceDax { ClearBy::DeviceCommand } else { ClearBy::Allocation };
        of(Linux.clear_bad(subject.fd.as_raw(), facts, 0..512, by))
    };
    pub(super) const DESCRIBE: Function = |subject| of(Linux.describe(subject.fd.as_raw()));
}

/// A function, what it is asked about, and exactly the calls that it then needs.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    /// The function whose documentation lists them; of the backend as `Linux::describe`.
    pub(crate) function: &'static str,
    pub(crate) run: Function,
    pub(crate) on: On,
    pub(crate) world: World,
    /// Where the disk's files have to be mapped directly for it, or must not be: the host's are not, those of a guest with
    /// persistent memory are (ci/guest).
    pub(crate) dax: Option<bool>,
    /// Where the disk's file system has to be XFS for it, or must not be.
    pub(crate) xfs: Option<bool>,
    pub(crate) calls: &'static [&'static str],
}

const MAKE: &[&str] = &["fcntl", "fstat"];
const ATTRIBUTE: &[&str] = &["openat", "read", "close"];
const DEVICE: &[&str] = &["fstat", "openat", "read", "close", "newfstatat"];
const MAKE_DEVICE: &[&str] = &["fcntl", "fstat", "readlinkat", "newfstatat"];
const MAPPED: &[&str] = &["fstat", "openat", "read", "close", "newfstatat", "mmap", "munmap"];
const FOUND: &[&str] = &["fstat", "readlinkat", "newfstatat"];
const ASKED: &[&str] = &["fstat", "readlinkat", "openat", "read", "close", "newfstatat"];
const OF_VOLUME: &[&str] = &["fstat", "readlinkat", "openat", "getdents64", "read", "close", "newfstatat"];
const OF_MIXED: &[&str] = &["fstat", "readlinkat", "openat", "getdents64", "read", "close"];
const LISTED: &[&str] = &["fstat", "fstatfs", "readlinkat", "openat", "read", "close"];
const BAD_OF_FILE: &[&str] = &["fstat", "fstatfs", "readlinkat", "openat", "read", "close", "ioctl"];
const CLEARED: &[&str] = &[
    "fstat",
    "fcntl",
    "fstatfs",
    "readlinkat",
    "openat",
    "read",
    "close",
    "ioctl",
    "fallocate",
    "pwrite64",
    "fsync",
    "pread64",
];
const HIDDEN: &[&str] = &["fstat", "fstatfs"];
const UNLISTED: &[&str] = &["fstat", "readlinkat", "faccessat"];

/// A mapping that was granted, and undone.
const TRIED: &[&str] = &["fstat", "mmap", "munmap"];

/// Why a file is not mapped directly, where its place does not say.
const WHY: &[&str] = &["fstat", "mmap", "statx", "openat", "read", "close", "fstatfs"];

const fn case(function: &'static str, run: Function, on: On, calls: &'static [&'static str]) -> Case {
    Case { function, run, on, world: World::Region, dax: None, xfs: None, calls }
}

const fn of_file(function: &'static str, run: Function, world: World, calls: &'static [&'static str]) -> Case {
    Case { function, run, on: On::File, world, dax: None, xfs: None, calls }
}

impl Case {
    const fn dax(mut self, dax: bool) -> Self {
        self.dax = Some(dax);
        self
    }

    const fn xfs(mut self, xfs: bool) -> Self {
        self.xfs = Some(xfs);
        self
    }
}

pub(crate) const CASES: &[Case] = &[
    case("new", NEW, On::File, MAKE),
    case("new", NEW, On::HugePages, &["fcntl", "fstat", "fstatfs"]),
    case("new", NEW, On::DeviceDax, MAKE_DEVICE),
    case("new", NEW, On::Character, &["fcntl", "fstat", "readlinkat"]),
    case("new", NEW, On::Terminal, &["fcntl", "fstat", "readlinkat", "faccessat"]),
    case("new", NEW, On::Directory, MAKE),
    case("new", NEW, On::Nothing, &[]),
    case("new", WAYS, On::File, MAKE),
    case("new", WAYS, On::DeviceDax, MAKE_DEVICE),
    case("new", WAYS, On::Directory, MAKE),
    case("size", SIZE, On::File, &["fstat"]),
    case("size", SIZE, On::DeviceDax, DEVICE),
    case("alignment", ALIGNMENT, On::File, &[]),
    case("alignment", ALIGNMENT, On::HugePages, &[]),
    case("alignment", ALIGNMENT, On::DeviceDax, DEVICE),
    case("allocated", ALLOCATED, On::File, &["fstat"]),
    case("allocated", ALLOCATED, On::DeviceDax, &["fstat"]),
    case("file_system", FILE_SYSTEM, On::File, &["fstat", "fstatfs"]),
    case("file_system", FILE_SYSTEM, On::DeviceDax, &["fstat", "fstatfs"]),
    case("check_range", CHECK_RANGE, On::File, &["fstat"]),
    case("check_range", CHECK_RANGE, On::DeviceDax, DEVICE),
    case("place", PLACE, On::File, ASKED),
    case("place", PLACE, On::DeviceDax, ASKED),
    case("place", PLACE, On::HugePages, HIDDEN),
    of_file("place", PLACE, World::Volume, OF_VOLUME),
    of_file("place", PLACE, World::Mixed, OF_VOLUME),
    of_file("place", PLACE, World::Unlisted, UNLISTED),
    case("confirm_place", CONFIRM_PLACE, On::File, FOUND),
    case("confirm_place", CONFIRM_PLACE, On::DeviceDax, FOUND),
    case("confirm_place", CONFIRM_PLACE, On::HugePages, HIDDEN),
    of_file("confirm_place", CONFIRM_PLACE, World::Mixed, OF_VOLUME),
    of_file("confirm_place", CONFIRM_PLACE, World::Unlisted, UNLISTED),
    case("numa_node", NUMA_NODE, On::File, ASKED),
    case("numa_node", NUMA_NODE, On::DeviceDax, ASKED),
    case("numa_node", NUMA_NODE, On::HugePages, HIDDEN),
    of_file("numa_node", NUMA_NODE, World::Volume, OF_VOLUME),
    of_file("numa_node", NUMA_NODE, World::Mixed, OF_MIXED),
    of_file("numa_node", NUMA_NODE, World::Unlisted, UNLISTED),
    case("dimms", DIMMS, On::File, ASKED),
    case("dimms", DIMMS, On::DeviceDax, ASKED),
    case("dimms", DIMMS, On::HugePages, HIDDEN),
    of_file("dimms", DIMMS, World::Volume, OF_VOLUME),
    of_file("dimms", DIMMS, World::Unlisted, UNLISTED),
    case("device_id", DEVICE_ID, On::File, ASKED),
    case("device_id", DEVICE_ID, On::DeviceDax, ASKED),
    case("device_id", DEVICE_ID, On::HugePages, HIDDEN),
    of_file("device_id", DEVICE_ID, World::Volume, OF_VOLUME),
    of_file("device_id", DEVICE_ID, World::Unlisted, UNLISTED),
    case("device_usc", DEVICE_USC, On::File, ASKED),
    case("device_usc", DEVICE_USC, On::DeviceDax, ASKED),
    case("device_usc", DEVICE_USC, On::HugePages, HIDDEN),
    of_file("device_usc", DEVICE_USC, World::Volume, OF_VOLUME),
    of_file("device_usc", DEVICE_USC, World::Unlisted, UNLISTED),
    case("id", DIMM_ID, On::File, ATTRIBUTE),
    case("dirty_shutdowns", DIRTY_SHUTDOWNS, On::File, ATTRIBUTE),
    case("expected_granularity", PRIVATE, On::File, &[]),
    case("expected_granularity", PRIVATE, On::DeviceDax, &[]),
    case("expected_granularity", GRANULARITY, On::DeviceDax, ASKED),
    case("expected_granularity", GRANULARITY, On::HugePages, &["fstat", "mmap", "fstatfs"]),
    case("expected_granularity_at", GRANULARITY_AT, On::DeviceDax, &[]),
    case(
        "of",
        REPORT,
        On::DeviceDax,
        &["fcntl", "fstat", "readlinkat", "openat", "read", "close", "newfstatat", "fstatfs"],
    ),
    case("of", REPORT, On::Terminal, &["fcntl", "fstat", "readlinkat", "faccessat", "fstatfs"]),
    case("kind and others", KNOWN, On::File, &[]),
    case("kind and others", KNOWN, On::DeviceDax, &[]),
    case("from_anon", ANONYMOUS, On::Nothing, &[]),
    case("bad_blocks", BAD_BLOCKS, On::File, BAD_OF_FILE),
    case("bad_blocks", BAD_BLOCKS, On::DeviceDax, ASKED),
    case("bad_blocks", BAD_BLOCKS, On::HugePages, &["fstat"]),
    case("clear_bad_blocks", CLEAR, On::File, CLEARED),
    case("clear_bad_blocks", COMMAND, On::DeviceDax, ASKED),
    case("Linux::list_bad", backend::LIST_BAD, On::File, LISTED).xfs(false),
    // It says whether the file is on the realtime device.
    case("Linux::list_bad", backend::LIST_BAD, On::File, BAD_OF_FILE).xfs(true),
    case("Linux::list_bad", backend::LIST_BAD, On::DeviceDax, ASKED),
    case("Linux::next_bad", backend::NEXT_BAD, On::File, &["fstat", "ioctl"]),
    case("Linux::next_bad", backend::NEXT_BAD, On::DeviceDax, &["fstat", "newfstatat"]),
    case("Linux::clear_bad", backend::CLEAR_BAD, On::File, CLEARED),
    case("Linux::clear_bad", backend::CLEAR_BAD, On::DeviceDax, ASKED),
    case("Linux::describe", backend::DESCRIBE, On::DeviceDax, MAKE_DEVICE),
    case("Linux::locate", backend::LOCATE, On::File, &["fstat", "readlinkat"]),
    case("Linux::locate", backend::LOCATE, On::HugePages, HIDDEN),
    of_file("Linux::locate", backend::LOCATE, World::Mixed, OF_MIXED),
    of_file("Linux::locate", backend::LOCATE, World::Unlisted, UNLISTED),
    case("Linux::confirm", backend::CONFIRM, On::File, &["newfstatat"]),
    case("Linux::confirm", backend::CONFIRM, On::HugePages, &[]),
    case("Linux::numa_node", backend::NUMA_NODE, On::File, ATTRIBUTE),
    case("Linux::region", backend::REGION, On::File, ATTRIBUTE),
    case("Linux::region", backend::REGION, On::HugePages, &[]),
    case("Linux::dimm", backend::DIMM, On::File, ATTRIBUTE),
    case("Linux::dimm_id", backend::DIMM_ID, On::File, ATTRIBUTE),
    case("Linux::dimm_dirty_shutdowns", backend::DIRTY, On::File, ATTRIBUTE),
    case("Linux::dax_capable", backend::DAX_CAPABLE, On::File, ATTRIBUTE),
    case("Linux::dax_capable", backend::DAX_CAPABLE, On::DeviceDax, &[]),
    case("Linux::synchronous", backend::SYNCHRONOUS, On::File, &["fstat", "mmap"]).dax(false),
    case("Linux::synchronous", backend::SYNCHRONOUS, On::File, TRIED).dax(true),
    case("Linux::direct", backend::DIRECT, On::File, &["fstat", "statx", "openat", "read", "close"]),
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
    // Without DAX.
    of_file("expected_granularity", GRANULARITY, World::Region, REFUSED).dax(false),
    of_file("expected_granularity", GRANULARITY, World::Volume, REFUSED_ON_VOLUME).dax(false),
    of_file("expected_granularity", GRANULARITY, World::Unlisted, REFUSED_UNLISTED).dax(false),
    of_file("expected_granularity_at", GRANULARITY_AT, World::Region, WHY).dax(false),
    of_file("expected_granularity_at", GRANULARITY_AT, World::Mixed, &["fstat", "mmap"]).dax(false),
    of_file("of", REPORT, World::Region, REPORTED).dax(false),
    of_file("of", REPORT, World::Volume, REPORTED_ON_VOLUME).dax(false),
    // With it.
    of_file("expected_granularity", GRANULARITY, World::Region, GRANTED).dax(true),
    of_file("expected_granularity", GRANULARITY, World::Unlisted, GRANTED_UNLISTED).dax(true),
    of_file("expected_granularity_at", GRANULARITY_AT, World::Region, TRIED).dax(true),
    of_file("expected_granularity_at", GRANULARITY_AT, World::Mixed, TRIED).dax(true),
    of_file("of", REPORT, World::Region, REPORTED_GRANTED).dax(true),
];

const REFUSED: &[&str] = &["fstat", "mmap", "readlinkat", "openat", "read", "close", "newfstatat", "statx", "fstatfs"];
const REFUSED_ON_VOLUME: &[&str] =
    &["fstat", "mmap", "readlinkat", "openat", "getdents64", "read", "close", "newfstatat", "statx", "fstatfs"];
const REFUSED_UNLISTED: &[&str] =
    &["fstat", "mmap", "readlinkat", "faccessat", "statx", "openat", "read", "close", "fstatfs"];
const GRANTED: &[&str] = &["fstat", "mmap", "munmap", "readlinkat", "openat", "read", "close", "newfstatat"];
const GRANTED_UNLISTED: &[&str] = &["fstat", "mmap", "munmap", "readlinkat", "faccessat"];
const REPORTED: &[&str] =
    &["fcntl", "fstat", "fstatfs", "readlinkat", "openat", "read", "close", "newfstatat", "mmap", "statx"];
const REPORTED_ON_VOLUME: &[&str] = &[
    "fcntl",
    "fstat",
    "fstatfs",
    "readlinkat",
    "openat",
    "getdents64",
    "read",
    "close",
    "newfstatat",
    "mmap",
    "statx",
];
const REPORTED_GRANTED: &[&str] =
    &["fcntl", "fstat", "fstatfs", "readlinkat", "openat", "read", "close", "newfstatat", "mmap", "munmap"];

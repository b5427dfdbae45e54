//! Sources and configurations, and what has to come of mapping them. tests/map/table.rs maps them,
//! tests/map/peer.rs beside libpmem2.

use std::{
    fs::File,
    os::fd::{AsRawFd, IntoRawFd, RawFd},
};

use pmem2::{
    Error, Granularity, MapConfig, Sharing, Source,
    error::{Errno, HandleFault, Subject, WriteFault},
    map::Protection,
};
use rustix::fs::{MemfdFlags, OFlags, SealFlags, StatVfsMountFlags, fcntl_add_seals};

use crate::common::{
    fd,
    libpmem2::{Asked, Shared},
    made::{self, DISK, HUGE_PAGE, Made, Making, memfd, path, sized},
};

pub(crate) const PAGE: u64 = 4096;
const END: u64 = 1 << 63;

/// The object that is mapped.
pub(crate) enum Object {
    Descriptor(Box<dyn Fn() -> Making>),
    Anonymous(u64),
}

/// A source, a configuration, and the result: the length and the granularity.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) object: Object,
    /// Happens to the descriptor after the source was made.
    pub(crate) then: fn(RawFd),
    pub(crate) asked: Asked,
    pub(crate) expected: Result<(u64, Granularity), Error>,
}

const ALL: [Protection; 8] = {
    let (read, write, exec) = (Protection::READ, Protection::WRITE, Protection::EXEC);
    [
        Protection::empty(),
        read,
        write,
        exec,
        read.union(write),
        read.union(exec),
        write.union(exec),
        Protection::all(),
    ]
};

const WHOLE: Asked = Asked::new(Granularity::Page);

/// Returns the configuration of ours that asks for the same.
pub(crate) fn config(asked: &Asked) -> MapConfig<'static> {
    let sharing = if asked.sharing == Shared::Yes { Sharing::Shared } else { Sharing::Private };
    MapConfig::new(asked.granularity)
        .offset(asked.offset)
        .length(asked.length)
        .sharing(sharing)
        .protection(asked.protection)
}

/// A file of so many bytes in a directory, with a name that is no more.
fn file(directory: &'static str, size: u64, flags: OFlags) -> impl Fn() -> Making {
    move || {
        let named = tempfile::NamedTempFile::new_in(directory)?;
        named.as_file().set_len(size)?;
        Ok(Made::of(path(named.path(), flags)?))
    }
}

fn sealed(seals: SealFlags) -> impl Fn() -> Making {
    move || {
        let file = memfd(MemfdFlags::ALLOW_SEALING, 4 * PAGE)?;
        fcntl_add_seals(&file, seals)?;
        Ok(Made::of(file))
    }
}

/// A number that the test itself closes.
fn unowned() -> Making {
    Ok(Made::number(memfd(MemfdFlags::empty(), PAGE)?.into_raw_fd()))
}

fn close(raw: RawFd) {
    // SAFETY: close takes any number; this one nobody owns, on a thread with its own descriptors.
    assert_eq!(unsafe { libc::close(raw) }, 0);
}

fn reuse(raw: RawFd) {
    let other = memfd(MemfdFlags::empty(), 16 * PAGE).expect("a memfd");
    // SAFETY: dup2 takes any numbers; on this thread's own descriptors nobody else relies on it.
    assert_eq!(unsafe { libc::dup2(other.as_raw_fd(), raw) }, raw);
}

fn cut(raw: RawFd) {
    // SAFETY: ftruncate takes any number, and touches no memory.
    assert_eq!(unsafe { libc::ftruncate(raw, 0) }, 0);
}

const fn range(end: u64, size: u64) -> Error {
    Error::MapRange { end, size }
}

fn granularity_of(raw: RawFd, wanted: Granularity) -> Error {
    let source = Source::from_fd(fd(raw)).expect("a source");
    let expected = source.expected_granularity(Sharing::Shared).expect("a granularity");
    Error::GranularityNotSupported { wanted, expected }
}

/// The rows under one name.
struct Rows {
    rows: Vec<Row>,
    prefix: String,
}

impl Rows {
    fn add(
        &mut self,
        name: &str,
        object: Object,
        asked: Asked,
        expected: Result<(u64, Granularity), Error>,
    ) -> &mut Row {
        let name = format!("{}{name}", self.prefix);
        self.rows.push(Row { name, object, then: |_| {}, asked, expected });
        self.rows.last_mut().expect("the row")
    }

    fn made(
        &mut self,
        name: &str,
        make: impl Fn() -> Making + 'static,
        asked: Asked,
        expected: Result<(u64, Granularity), Error>,
    ) -> &mut Row {
        self.add(name, Object::Descriptor(Box::new(make)), asked, expected)
    }
}

/// Every row.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Rows { rows: Vec::new(), prefix: String::new() };
    for directory in [DISK, "/dev/shm"] {
        rows.prefix = format!("{}: ", if directory == DISK { "disk" } else { "tmpfs" });
        granularities(&mut rows, directory);
        ranges(&mut rows, directory);
        protections(&mut rows, directory);
        order(&mut rows, directory);
    }
    rows.prefix = String::new();
    anonymous(&mut rows);
    others(&mut rows);
    rows.rows
}

fn granularities(rows: &mut Rows, directory: &'static str) {
    let whole = || file(directory, 4 * PAGE, OFlags::RDWR);
    rows.made("whole", whole(), WHOLE, Ok((4 * PAGE, Granularity::Page)));
    let sample = whole()().expect("a file");
    for wanted in [Granularity::Byte, Granularity::CacheLine] {
        let refused = Err(granularity_of(sample.raw(), wanted));
        rows.made(&format!("{wanted:?}"), whole(), Asked::new(wanted), refused);
    }
}

fn ranges(rows: &mut Rows, directory: &'static str) {
    const ODD: u64 = PAGE + 1;
    let beyond = |offset| Err(Error::OffsetBeyondEnd { offset, size: 4 * PAGE });
    let unaligned = |offset| Err(Error::OffsetUnaligned { offset, alignment: PAGE });
    let length = |length| Err(Error::LengthUnaligned { length, alignment: PAGE });
    let four = 4 * PAGE;
    for (size, offset, bytes, expected) in [
        (four, 0, four, Ok(four)),
        (four, 0, PAGE, Ok(PAGE)),
        (four, PAGE, 0, Ok(3 * PAGE)),
        (four, PAGE, 2 * PAGE, Ok(2 * PAGE)),
        (four, 3 * PAGE, PAGE, Ok(PAGE)),
        (four, 1, 0, unaligned(1)),
        (four, 4095, PAGE, unaligned(4095)),
        (four, four, 0, beyond(four)),
        (four, four, PAGE, beyond(four)),
        (four, 5 * PAGE, 0, beyond(5 * PAGE)),
        (four, END - PAGE, 0, beyond(END - PAGE)),
        (four, PAGE, four, Err(range(5 * PAGE, four))),
        (four, PAGE, u64::MAX - 4095, Err(range(u64::MAX, four))),
        (four, 2 * PAGE, u64::MAX - 4095, Err(range(u64::MAX, four))),
        (four, 0, 1, length(1)),
        (four, 0, 4095, length(4095)),
        (four, 0, u64::MAX, length(u64::MAX)),
        (four, 0, 5 * PAGE, Err(range(5 * PAGE, four))),
        (four, 0, END, Err(range(END, four))),
        (four, 0, u64::MAX - 4095, Err(range(u64::MAX - 4095, four))),
        (0, 0, 0, Err(Error::SourceEmpty)),
        (0, 0, PAGE, Err(Error::SourceEmpty)),
        (1, 0, 0, Ok(1)),
        (100, 0, 0, Ok(100)),
        (ODD, 0, 0, Ok(ODD)),
        (ODD, PAGE, 0, Ok(1)),
        (ODD, 0, PAGE, Ok(PAGE)),
        (ODD, 0, 2 * PAGE, Err(range(2 * PAGE, ODD))),
        // Exactly to the end, in the middle of a page.
        (ODD, 0, ODD, Ok(ODD)),
        (ODD, PAGE, 1, Ok(1)),
        (100, 0, 100, Ok(100)),
        (100, 0, 99, length(99)),
        (100, 0, 101, length(101)),
    ] {
        let asked = Asked { offset, length: bytes, ..WHOLE };
        let name = format!("{size} bytes, {bytes} at {offset}");
        let expected = expected.map(|length| (length, Granularity::Page));
        rows.made(&name, file(directory, size, OFlags::RDWR), asked, expected);
    }
    let empty = || file(directory, four, OFlags::RDWR);
    for length in [0, PAGE] {
        let asked = Asked { length, ..WHOLE };
        rows.made(&format!("cut after, {length}"), empty(), asked, Err(Error::SourceEmpty)).then =
            cut;
    }
}

fn protections(rows: &mut Rows, directory: &'static str) {
    let probe = File::open(directory).expect("a directory");
    let flags = rustix::fs::fstatvfs(&probe).expect("a file system").f_flag;
    let executes = !flags.contains(StatVfsMountFlags::NOEXEC);
    for flags in [OFlags::RDONLY, OFlags::RDWR, OFlags::RDWR | OFlags::APPEND] {
        for protection in ALL {
            for sharing in [Shared::Yes, Shared::No] {
                let asked = Asked { protection, sharing, ..WHOLE };
                let stores = sharing == Shared::Yes && protection.contains(Protection::WRITE);
                let expected = if stores && flags == OFlags::RDONLY {
                    Err(Error::NotWritable(WriteFault::ReadOnly))
                } else if protection.contains(Protection::EXEC) && !executes {
                    Err(Error::Os { subject: Subject::Mapping, errno: Errno::EPERM })
                } else if sharing == Shared::Yes {
                    Ok((PAGE, Granularity::Page))
                } else {
                    Ok((PAGE, Granularity::Byte))
                };
                let name = format!("{flags:?}, {protection:?}, shared: {sharing:?}");
                rows.made(&name, file(directory, PAGE, flags), asked, expected);
            }
        }
    }
}

/// Rows in which several things are wrong, of which the first in the order of checks is said.
fn order(rows: &mut Rows, directory: &'static str) {
    const BYTE: Asked = Asked::new(Granularity::Byte);
    let mut row = |name: &str, size, flags, asked, error| {
        rows.made(name, file(directory, size, flags), asked, Err(error));
    };
    let offset = Error::OffsetUnaligned { offset: 1, alignment: PAGE };
    let all = Asked { offset: 1, length: 1, ..BYTE };
    row("offset before empty", 0, OFlags::RDONLY, all, offset);
    let asked = Asked { length: 1, ..BYTE };
    row("empty before length", 0, OFlags::RDONLY, asked, Error::SourceEmpty);
    let asked = Asked { offset: 8 * PAGE, length: 1, ..BYTE };
    let length = Error::LengthUnaligned { length: 1, alignment: PAGE };
    row("length before range", PAGE, OFlags::RDONLY, asked, length);
    let asked = Asked { length: 2 * PAGE, ..BYTE };
    row("range before access", PAGE, OFlags::RDONLY, asked, range(2 * PAGE, PAGE));
    let access = Error::NotWritable(WriteFault::ReadOnly);
    row("access before granularity", PAGE, OFlags::RDONLY, BYTE, access);
}

fn anonymous(rows: &mut Rows) {
    const ENOMEM: Error = Error::Os { subject: Subject::Mapping, errno: Errno::ENOMEM };
    let four = 4 * PAGE;
    for (size, offset, length, expected) in [
        (0, 0, 0, Err(Error::SourceEmpty)),
        (1, 0, 0, Ok(1)),
        (PAGE + 1, 0, 0, Ok(PAGE + 1)),
        (four, 0, PAGE, Ok(PAGE)),
        // The offset is ignored.
        (four, 1, 0, Ok(four)),
        (four, 1, PAGE, Ok(PAGE)),
        (four, four, 0, Ok(four)),
        (four, 8 * PAGE, PAGE, Ok(PAGE)),
        (four, 0, 5 * PAGE, Err(range(5 * PAGE, four))),
        (1 << 47, 0, 0, Err(ENOMEM)),
        (END - 1, 0, 0, Err(ENOMEM)),
        (END, 0, 0, Err(Error::TooLarge(Subject::Mapping))),
        (u64::MAX, 0, 0, Err(Error::TooLarge(Subject::Mapping))),
    ] {
        let asked = Asked { offset, length, ..WHOLE };
        let name = format!("anonymous, {size} bytes, {length} at {offset}");
        let expected = expected.map(|length| (length, Granularity::Byte));
        rows.add(&name, Object::Anonymous(size), asked, expected);
    }
    for granularity in [Granularity::Byte, Granularity::CacheLine, Granularity::Page] {
        for protection in ALL {
            for sharing in [Shared::Yes, Shared::No] {
                let asked = Asked { protection, sharing, ..Asked::new(granularity) };
                let name = format!("anonymous, {granularity:?}, {protection:?}, {sharing:?}");
                let expected = Ok((four, Granularity::Byte));
                rows.add(&name, Object::Anonymous(four), asked, expected);
            }
        }
    }
}

fn others(rows: &mut Rows) {
    const SEALED: Error = Error::Os { subject: Subject::WritableMapping, errno: Errno::EPERM };
    const READ: Asked = Asked { protection: Protection::READ, ..WHOLE };
    const PRIVATE: Asked = Asked { sharing: Shared::No, ..WHOLE };
    for seals in [SealFlags::WRITE, SealFlags::FUTURE_WRITE] {
        rows.made(&format!("{seals:?}, RW"), sealed(seals), WHOLE, Err(SEALED));
        let asked = Asked::new(Granularity::Byte);
        let name = format!("{seals:?}, RW: mapping before granularity");
        rows.made(&name, sealed(seals), asked, Err(SEALED));
        let private = Ok((4 * PAGE, Granularity::Byte));
        rows.made(&format!("{seals:?}, private"), sealed(seals), PRIVATE, private);
    }
    let read = Ok((4 * PAGE, Granularity::Page));
    rows.made("FUTURE_WRITE, R", sealed(SealFlags::FUTURE_WRITE), READ, read);
    let refused = |errno| Err(Error::Os { subject: Subject::Mapping, errno });
    let sysfs = || path("/sys/devices/virtual/mem/null/dev", OFlags::RDONLY).map(Made::of);
    rows.made("file in /sys", sysfs, READ, refused(Errno::ENODEV));
    let closed = Err(Error::InvalidFileHandle(HandleFault::NotOpen));
    rows.made("closed", unowned, WHOLE, closed).then = close;
    let replaced = Err(Error::InvalidFileHandle(HandleFault::Replaced));
    let small = || memfd(MemfdFlags::empty(), PAGE).map(Made::of);
    rows.made("reused", small, WHOLE, replaced).then = reuse;
    let huge = || {
        let flags = MemfdFlags::HUGETLB | MemfdFlags::HUGE_2MB;
        Ok(Made::of(sized(memfd(flags, 0)?, HUGE_PAGE)?))
    };
    let free = std::fs::read_to_string("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages");
    let free: u32 = free.map_or(0, |text| text.trim().parse().expect("a number"));
    let mapped =
        if free == 0 { refused(Errno::ENOMEM) } else { Ok((HUGE_PAGE, Granularity::Page)) };
    rows.made("memfd of huge pages", huge, WHOLE, mapped);
    let asked = Asked { offset: PAGE, ..WHOLE };
    let unaligned = Err(Error::OffsetUnaligned { offset: PAGE, alignment: HUGE_PAGE });
    rows.made("memfd of huge pages, at 4096", huge, asked, unaligned);
    let asked = Asked { length: PAGE, ..WHOLE };
    let unaligned = Err(Error::LengthUnaligned { length: PAGE, alignment: HUGE_PAGE });
    rows.made("memfd of huge pages, 4096", huge, asked, unaligned);
    // As large as a file can be, which has no room in the address space. The kernel maps whole
    // pages, and the last one would end beyond what a file can have.
    let large = || made::memfd(MemfdFlags::empty(), END - 1).map(Made::of);
    rows.made("the largest file", large, WHOLE, refused(Errno::ENOMEM));
    let last = Asked { offset: END - PAGE, ..WHOLE };
    rows.made("its last page", large, last, refused(Errno::EOVERFLOW));
}

//! The suite for implementers: Linux passes it, so does a platform of a page, and every way to
//! break a rule is noticed.

use std::cell::Cell;
#[cfg(target_os = "linux")]
use std::{error::Error as StdError, fs::File, io::Write};

use pmem2::{
    Access, Code, Error, Handle, Kind,
    conformance::{Case, Expect, Rule, check},
    error::Subject,
    place::FileSystem,
    platform::{Alignment, Borrowed, Facts, Fail, Platform},
};

const NOT_OPEN: Expect = Expect::Refused(Code::InvalidFileHandle.raw());
const WRONG_TYPE: Expect = Expect::Refused(Code::InvalidFileType.raw());

fn file(size: u64, alignment: u64, writable: bool) -> Expect {
    Expect::Source { kind: Kind::RegularFile, size, alignment, writable }
}

#[cfg(target_os = "linux")]
#[test]
fn linux_conforms() -> Result<(), Box<dyn StdError>> {
    let mut written = tempfile::tempfile()?;
    written.write_all(&[1; 10_000])?;
    let empty = tempfile::tempfile()?;
    let named = tempfile::NamedTempFile::new()?;
    let read_only = File::open(named.path())?;
    let write_only = File::options().write(true).open(named.path())?;
    let page = rustix::param::page_size().try_into()?;
    check(&[
        Case::new("written", written, file(10_000, page, true)),
        Case::new("empty", empty, file(0, page, true)),
        Case::new("read-only", read_only, file(0, page, false)),
        Case::new("write-only", write_only, NOT_OPEN),
        Case::new("directory", File::open("/")?, WRONG_TYPE),
        Case::new("/dev/null", File::open("/dev/null")?, WRONG_TYPE),
    ])?;
    Ok(())
}

/// Where the table below is wrong on purpose.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Lie {
    None,
    DescribeChanges,
    Admits,
    Refuses,
    OtherAccess,
    OtherSize,
    SizeFails,
    NoAlignment,
    OptionalFails,
    SameIds,
    NeverReplaced,
}

/// The smallest platform: a table of objects by number.
struct Table {
    lie: Lie,
    described: Cell<u64>,
}

impl Platform for &Table {
    type Raw = usize;
    type Id = u64;

    fn describe(handle: Borrowed<'_, Self>) -> Result<Facts<u64>, Fail> {
        let table = handle.platform();
        table.described.set(table.described.get() + 1);
        let kind = match handle.raw() {
            0 | 1 if table.lie == Lie::Refuses => Kind::Socket,
            2 if table.lie == Lie::Admits => Kind::RegularFile,
            0 | 1 => Kind::RegularFile,
            2 => Kind::Directory,
            _ => return Err(Fail::Absent(Subject::Handle)),
        };
        let id = match table.lie {
            Lie::DescribeChanges => table.described.get(),
            // Two of the three objects share an id.
            Lie::SameIds if handle.raw() == 1 => 0,
            _ => handle.raw() as u64,
        };
        let access =
            if table.lie == Lie::OtherAccess { Access::READ } else { Access::READ | Access::WRITE };
        let alignment = if table.lie == Lie::NoAlignment { None } else { Alignment::new(16) };
        Ok(Facts::new(id, kind, access, alignment))
    }

    fn size(handle: Borrowed<'_, Self>, facts: &Facts<u64>) -> Result<u64, Fail> {
        match handle.platform().lie {
            Lie::SizeFails => Err(Fail::Malformed(Subject::Size)),
            Lie::OtherSize => Ok(99),
            Lie::NeverReplaced | Lie::SameIds | Lie::DescribeChanges => Ok(160),
            _ if handle.raw() as u64 != facts.id => Err(Fail::Replaced),
            _ => Ok(160),
        }
    }

    fn file_system(handle: Borrowed<'_, Self>, _: &Facts<u64>) -> Result<FileSystem, Fail> {
        Err(if handle.platform().lie == Lie::OptionalFails {
            Fail::Absent(Subject::FileSystem)
        } else {
            Fail::Unsupported
        })
    }
}

struct Entry<'t>(&'t Table, usize);

// SAFETY: the number names the same entry of the same table for ever.
unsafe impl<'t> Handle for Entry<'t> {
    type P = &'t Table;
    fn platform(&self) -> &'t Table {
        self.0
    }
    fn raw(&self) -> usize {
        self.1
    }
}

/// The rule that the suite says is broken, and the case.
fn broken(lie: Lie) -> Option<(String, Rule)> {
    let table = Table { lie, described: Cell::new(0) };
    let cases = [
        Case::new("first", Entry(&table, 0), file(160, 16, true)),
        Case::new("second", Entry(&table, 1), file(160, 16, true)),
        Case::new("directory", Entry(&table, 2), WRONG_TYPE),
        Case::new("closed", Entry(&table, 3), NOT_OPEN),
    ];
    check(&cases).err().map(|violation| {
        assert!(violation.to_string().starts_with(violation.case), "{violation}");
        (violation.case.to_string(), violation.rule)
    })
}

#[test]
fn a_small_platform_conforms() {
    assert_eq!(broken(Lie::None), None);
}

#[test]
fn every_lie_is_noticed() {
    let table = [
        (Lie::DescribeChanges, "first", Rule::DescribeIsStable),
        (Lie::Admits, "directory", Rule::Outcome(None)),
        (Lie::Refuses, "first", Rule::Outcome(Some(Error::InvalidFileType(Kind::Socket)))),
        (Lie::OtherAccess, "first", Rule::KindAndAccess(Kind::RegularFile, Access::READ)),
        (Lie::OtherSize, "first", Rule::Size(Ok(99))),
        (Lie::SizeFails, "first", Rule::Size(Err(Error::InvalidSizeFormat))),
        (Lie::NoAlignment, "first", Rule::Alignment(Err(Error::Unsupported(Subject::Alignment)))),
        (
            Lie::OptionalFails,
            "first",
            Rule::OptionalAnswer(Error::Os {
                subject: Subject::FileSystem,
                errno: pmem2::error::Errno::ENOENT,
            }),
        ),
        (Lie::NeverReplaced, "first", Rule::ReplacedIsNoticed),
    ];
    for (lie, case, rule) in table {
        assert_eq!(broken(lie), Some((case.to_string(), rule)), "{lie:?}");
    }
}

/// Two objects, or two cases of one.
#[test]
fn shared_ids_are_noticed() {
    let table = Table { lie: Lie::SameIds, described: Cell::new(0) };
    let alike = [0, 1].map(|raw| Case::new("alike", Entry(&table, raw), file(160, 16, true)));
    assert_eq!(check(&alike).map_err(|violation| violation.rule), Err(Rule::IdsDiffer));
    let table = Table { lie: Lie::Admits, described: Cell::new(0) };
    let mut cases: Vec<_> =
        (0..3).map(|raw| Case::new("own", Entry(&table, raw), file(160, 16, true))).collect();
    assert_eq!(check(&cases), Ok(()));
    cases.push(Case::new("twin", Entry(&table, 0), file(160, 16, true)));
    assert_eq!(check(&cases).map_err(|violation| violation.rule), Err(Rule::IdsDiffer));
}

/// The native platform is what [`Native`](pmem2::Native) says, for those who write `Pool<Native,
/// N>`.
#[cfg(target_os = "linux")]
#[test]
fn native_is_linux() {
    fn same<T>(_: T, _: T) {}
    same(pmem2::Native::default(), pmem2::linux::Linux);
}

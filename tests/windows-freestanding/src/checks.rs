//! Handles of each kind.

use core::fmt;

use pmem2::{
    Error, Fd, Kind, Native, Pool, Source, WinHandle,
    error::{HandleFault, Memory},
    windows::RawWinHandle,
};

use crate::win::{self, Owned};

const SIZE: u64 = 1_234_567;
/// The allocation granularity of every Windows there is.
const ALIGNMENT: u64 = 65_536;

static SOURCES: Pool<Native, 2> = Pool::new();

/// An answer where another should be.
pub(crate) enum Found {
    /// The system gave the program no object to look at.
    System(&'static str),
    Refused(Error),
    Accepted,
    Number(u64),
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(call) => write!(f, "{call} failed"),
            Self::Refused(error) => write!(f, "refused: {error}"),
            Self::Accepted => f.write_str("accepted"),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}

impl From<Error> for Found {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

type Check = fn() -> Result<(), Found>;

pub(crate) const ALL: [(&str, Check); 10] = [
    ("file", file),
    ("empty file", empty_file),
    ("directory", directory),
    ("pipe", pipe),
    ("closed handle", closed),
    ("INVALID_HANDLE_VALUE", invalid),
    ("null", null),
    ("pool", pool),
    ("anonymous", anonymous),
    ("descriptor, without the feature crt", descriptor),
];

fn same(found: u64, expected: u64) -> Result<(), Found> {
    if found == expected { Ok(()) } else { Err(Found::Number(found)) }
}

/// The handle is refused with exactly this error.
fn refused(handle: WinHandle<'_>, expected: Error) -> Result<(), Found> {
    match SOURCES.source(handle) {
        Ok(_) => Err(Found::Accepted),
        Err(error) if error == expected => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn new_file(size: u64) -> Result<Owned, Found> {
    win::temporary(size).ok_or(Found::System("CreateFileW"))
}

fn file() -> Result<(), Found> {
    let file = new_file(SIZE)?;
    let source = SOURCES.source(file.borrow())?;
    same(source.size()?, SIZE)?;
    same(source.alignment()?, ALIGNMENT)
}

fn empty_file() -> Result<(), Found> {
    let file = new_file(0)?;
    same(SOURCES.source(file.borrow())?.size()?, 0)
}

fn directory() -> Result<(), Found> {
    let directory = win::directory().ok_or(Found::System("CreateFileW"))?;
    refused(directory.borrow(), Error::InvalidFileType(Kind::Directory))
}

fn pipe() -> Result<(), Found> {
    let (reader, writer) = win::pipe().ok_or(Found::System("CreatePipe"))?;
    refused(reader.borrow(), Error::InvalidFileType(Kind::Pipe))?;
    refused(writer.borrow(), Error::InvalidFileType(Kind::Pipe))
}

/// The value of no open handle.
fn not_open(raw: RawWinHandle) -> Result<(), Found> {
    // SAFETY: it is not open, and this program, which has one thread, opens nothing while it is
    // borrowed.
    let handle = unsafe { WinHandle::borrow_raw(raw) };
    refused(handle, Error::InvalidFileHandle(HandleFault::NotOpen))
}

fn closed() -> Result<(), Found> {
    let file = new_file(SIZE)?;
    let raw = file.borrow().as_raw();
    drop(file);
    not_open(raw)
}

fn invalid() -> Result<(), Found> {
    not_open(RawWinHandle::INVALID)
}

fn null() -> Result<(), Found> {
    not_open(RawWinHandle::NULL)
}

fn pool() -> Result<(), Found> {
    let file = new_file(SIZE)?;
    let first = SOURCES.source(file.borrow())?;
    let second = SOURCES.source(file.borrow())?;
    refused(file.borrow(), Error::OutOfMemory(Memory::Pool(2)))?;
    drop(first);
    same(SOURCES.source(file.borrow())?.size()?, second.size()?)
}

fn anonymous() -> Result<(), Found> {
    let source = Source::from_anon(SIZE)?;
    same(source.size()?, SIZE)?;
    same(source.alignment()?, ALIGNMENT)
}

fn descriptor() -> Result<(), Found> {
    // SAFETY: without the C runtime there are no descriptors, and none comes to be.
    let input = unsafe { Fd::borrow_raw(0) };
    match Source::from_fd(input) {
        Ok(_) => Err(Found::Accepted),
        Err(Error::Unsupported(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

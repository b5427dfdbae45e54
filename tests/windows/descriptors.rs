//! Descriptors of the C runtime that this program is linked with.

use std::{
    ffi::c_int,
    fs::{File, OpenOptions},
    os::windows::io::{AsRawHandle, IntoRawHandle, OwnedHandle},
};

use pmem2::{
    Access, Error, Fd, Kind, Source,
    error::{HandleFault, Subject},
    platform::Fail,
    report::Report,
};

use crate::made::*;

unsafe extern "C" {
    fn _open_osfhandle(handle: isize, flags: c_int) -> c_int;
    fn _close(fd: c_int) -> c_int;
}

/// An open descriptor, which owns its handle.
pub(crate) struct Descriptor(c_int);

impl Descriptor {
    pub(crate) fn of(handle: impl Into<OwnedHandle>) -> Self {
        let handle = handle.into().into_raw_handle();
        // SAFETY: _open_osfhandle wants an open handle, which it takes over.
        let fd = unsafe { _open_osfhandle(handle.addr().cast_signed(), 0) };
        assert!(fd >= 0, "no descriptor is free");
        Self(fd)
    }

    pub(crate) const fn fd(&self) -> Fd<'_> {
        // SAFETY: borrow_raw wants a descriptor that stays open as long as it is borrowed, as this
        // does.
        unsafe { Fd::borrow_raw(self.0) }
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        // SAFETY: _close wants an open descriptor that nobody uses afterwards.
        unsafe { _close(self.0) };
    }
}

#[test]
fn of_a_file() {
    let directory = Directory::new();
    let file = directory.open("file", 5000);
    let handle = file.as_raw_handle();
    let (id, allocated) = {
        let source = Source::new(&file).expect("a source");
        (source.id(), source.allocated().expect("a number"))
    };
    assert!(allocated != 5000, "whole blocks");
    let descriptor = Descriptor::of(file);
    assert_eq!(descriptor.fd().handle().map(|handle| handle.as_raw_handle()), Ok(handle));
    let source = Source::from_fd(descriptor.fd()).expect("a source");
    assert_eq!(
        (source.size(), source.alignment(), source.kind()),
        (Ok(5000), Ok(65536), Kind::RegularFile)
    );
    assert_eq!(
        (source.id(), source.access(), source.check_range(0, 0)),
        (id, Access::READ, Ok(0..5000))
    );
    assert_eq!(source.allocated(), Ok(allocated));
    let report = Report::new(&descriptor.fd());
    assert_eq!((report.verdict(), report.size()), (Ok(()), Some(Ok(5000))));
}

/// Its access mode is not looked at.
#[test]
fn write_only() {
    let directory = Directory::new();
    let path = directory.file("file", 5000);
    let descriptor = Descriptor::of(OpenOptions::new().write(true).open(path).expect("a file"));
    let source = Source::from_fd(descriptor.fd()).expect("a source");
    assert_eq!((source.size(), source.access()), (Ok(5000), Access::WRITE));
    assert_eq!(source.check_range(0, 0), Err(Error::InvalidFileHandle(HandleFault::WriteOnly)));
}

/// All errors of the handle come through.
#[test]
fn of_what_is_no_file() {
    let made = Directory::new();
    let (reader, _writer) = std::io::pipe().expect("a pipe");
    for (descriptor, kind) in [
        (Descriptor::of(directory(made.path())), Kind::Directory),
        (Descriptor::of(reader), Kind::Pipe),
        (Descriptor::of(File::open("NUL").expect("NUL")), Kind::CharacterDevice),
    ] {
        assert_eq!(Source::from_fd(descriptor.fd()).err(), Some(Error::InvalidFileType(kind)));
    }
}

#[test]
fn that_are_not_open() {
    let not_open = Error::InvalidFileHandle(HandleFault::NotOpen);
    let directory = Directory::new();
    let descriptor = Descriptor::of(directory.open("file", 1));
    let closed = descriptor.0;
    drop(descriptor);
    for number in [-1, -2, -3, i32::MIN, 1000, 2047, 2048, 8191, 8192, 99_999, i32::MAX] {
        // SAFETY: borrow_raw wants a number that is no descriptor all the time: no test opens so
        // many.
        let fd = unsafe { Fd::borrow_raw(number) };
        assert_eq!(Source::from_fd(fd).err(), Some(not_open), "{number}");
        assert_eq!(fd.handle().err(), Some(Fail::Absent(Subject::Handle)), "{number}");
    }
    // Unless another test has got the number meanwhile.
    // SAFETY: as above, or a descriptor of another test that is only asked for its size.
    match Source::from_fd(unsafe { Fd::borrow_raw(closed) }).and_then(|source| source.size()) {
        Err(error) => assert!(
            matches!(error, Error::InvalidFileHandle(_) | Error::InvalidFileType(_)),
            "{error:?}"
        ),
        Ok(size) => assert_ne!(size, 1),
    }
}

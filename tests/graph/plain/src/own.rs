//! Implementations for this crate's own types, which a blanket implementation behind a feature of
//! pmem2 would meet: a crate may use the standard library and pmem2 without `std`.

extern crate std;

use std::{
    boxed::Box,
    fs::File,
    os::fd::{AsFd, AsRawFd, BorrowedFd},
};

use pmem2::{Fd, Handle, Native, platform::Borrowed};

/// A file type of its own, which has a descriptor in the standard library's sense too.
pub struct Opened(pub File);

impl AsFd for Opened {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl<'h> From<&'h Opened> for Fd<'h> {
    fn from(opened: &'h Opened) -> Self {
        // SAFETY: the file is borrowed for 'h, and stays open meanwhile.
        unsafe { Fd::borrow_raw(opened.0.as_raw_fd()) }
    }
}

impl<'h> From<&'h Opened> for Borrowed<'h, Native> {
    fn from(opened: &'h Opened) -> Self {
        Fd::from(opened).into()
    }
}

/// A handle that is chosen when the program runs. Box is fundamental: a local trait in it makes it
/// a local type.
pub trait Device: Handle<P = Native> {}

impl Device for crate::Descriptor {}

// SAFETY: the box owns the handle, which promises the same.
unsafe impl Handle for Box<dyn Device> {
    type P = Native;
    fn platform(&self) -> Native {
        (**self).platform()
    }
    fn raw(&self) -> i32 {
        (**self).raw()
    }
}

/// Sources through each of them.
pub fn exercise(opened: &Opened, size: u64) {
    static SOURCES: pmem2::Pool<Native, 2> = pmem2::Pool::new();
    let device: Box<dyn Device> = Box::new(crate::Descriptor(opened.0.as_raw_fd()));
    assert_eq!(pmem2::Source::from_fd(opened).and_then(|source| source.size()), Ok(size));
    assert_eq!(pmem2::Source::new(&device).and_then(|source| source.size()), Ok(size));
    assert_eq!(SOURCES.source(opened).and_then(|source| source.size()), Ok(size));
}

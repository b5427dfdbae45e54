//! Uses pmem2 without features, in every way that a feature of somebody else could break: own
//! implementations of its traits, conversions into its types, inference through its generic
//! parameters.
#![no_std]

pub mod own;

use core::{
    fmt::{self, Write},
    mem::size_of,
};

use pmem2::{
    Access, Error, Fd, Handle, Kind, Native, Pool, Source,
    error::Subject,
    platform::{Alignment, Borrowed, Facts, Fail, Locate, Nowhere, Platform},
    report::Report,
};

/// A handle of its own for the native platform: as a program without std, or one with a file type
/// of its own, has it.
#[derive(Debug)]
pub struct Descriptor(pub i32);

// SAFETY: the number does not change, and the program keeps the descriptor open (or never opened
// it).
unsafe impl Handle for Descriptor {
    type P = Native;
    fn platform(&self) -> Native {
        Native::default()
    }
    fn raw(&self) -> i32 {
        self.0
    }
}

// `std` brings From<&T> for whatever is AsFd: this must not meet it.
impl<'h> From<&'h Descriptor> for Fd<'h> {
    fn from(descriptor: &'h Descriptor) -> Self {
        // SAFETY: the descriptor is borrowed for 'h, and stays open meanwhile.
        unsafe { Fd::borrow_raw(descriptor.0) }
    }
}

/// A pointer to a handle: `alloc` brings such implementations for Box, Rc and Arc.
pub struct Pointer<'h, H>(pub &'h H);

// SAFETY: it is the handle that it points to, borrowed.
unsafe impl<H: Handle> Handle for Pointer<'_, H> {
    type P = H::P;
    fn platform(&self) -> H::P {
        self.0.platform()
    }
    fn raw(&self) -> <H::P as Platform>::Raw {
        self.0.raw()
    }
}

/// A platform of its own: files are numbers, and a file's number is its size in pages.
#[derive(Clone, Copy, Debug)]
pub struct Shelf;

/// The key that the shelf knows its files by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label(u16);

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "label {}", self.0)
    }
}

impl Locate for Shelf {
    type Location = Nowhere;
    type Dimm = Nowhere;
}

impl Platform for Shelf {
    type Raw = u16;
    type Id = Label;

    fn describe(handle: Borrowed<'_, Self>) -> Result<Facts<Label>, Fail> {
        match handle.raw() {
            0 => Err(Fail::Absent(Subject::Handle)),
            1 => Ok(Facts::new(Label(1), Kind::Directory, Access::READ, None)),
            n => Ok(Facts::new(
                Label(n),
                Kind::RegularFile,
                Access::READ | Access::WRITE,
                Alignment::new(512),
            )),
        }
    }

    fn size(handle: Borrowed<'_, Self>, facts: &Facts<Label>) -> Result<u64, Fail> {
        if facts.id == Label(handle.raw()) {
            Ok(u64::from(handle.raw()) * 512)
        } else {
            Err(Fail::Replaced)
        }
    }
}

/// A file on the shelf.
pub struct Book(pub u16);

// SAFETY: the shelf's files are numbers, which stay what they are.
unsafe impl Handle for Book {
    type P = Shelf;
    fn platform(&self) -> Shelf {
        Shelf
    }
    fn raw(&self) -> u16 {
        self.0
    }
}

static NATIVE: Pool<Native, 2> = Pool::new();
static SHELF: Pool<Shelf, 2> = Pool::new();

/// Generic over handles: what is chosen here must not depend on what else is a handle.
pub fn size_of_any<H: Handle>(handle: H) -> Result<u64, Error> {
    Source::new(handle)?.size()
}

/// Generic over what becomes a borrowed handle.
fn size_in_pool<'h, P: Platform + 'h, const N: usize>(
    pool: &Pool<P, N>,
    handle: impl Into<Borrowed<'h, P>>,
) -> Result<u64, Error> {
    pool.source(handle)?.size()
}

/// A trait of its own, on everything that is a handle.
pub trait Describe {
    fn describe(&self) -> Option<Kind>;
}

impl<H: Handle<P: Locate>> Describe for H
where
    <H::P as Platform>::Id: fmt::Display,
{
    fn describe(&self) -> Option<Kind> {
        Report::new(self).kind()
    }
}

/// An error of its own that pmem2's becomes.
#[derive(Debug, PartialEq, Eq)]
pub struct Trouble(pub i32);

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error {
            Error::InvalidFileHandle(_) => Self(1),
            Error::InvalidFileType(Kind::Directory) => Self(2),
            Error::Os { errno, .. } => Self(errno.raw()),
            _ => Self(3),
        }
    }
}

/// Every Fail that this crate knows.
#[must_use]
pub const fn words(fail: &Fail) -> &'static str {
    match fail {
        Fail::Unsupported => "unsupported",
        Fail::Absent(_) => "absent",
        Fail::Malformed(_) => "malformed",
        Fail::Replaced => "replaced",
        Fail::Os(_, _) => "os",
        _ => "another",
    }
}

/// Text in memory of fixed size.
struct Text([u8; 256], usize);

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.1.checked_add(text.len()).ok_or(fmt::Error)?;
        self.0.get_mut(self.1..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.1 = end;
        Ok(())
    }
}

/// Everything above, on a descriptor of a regular file, one of a directory, and the length of the
/// file. Panics where something means something else than it should.
pub fn exercise(file: i32, directory: i32, length: u64) {
    let (file, directory) = (Descriptor(file), Descriptor(directory));

    // SAFETY: the caller's descriptors stay open while this runs.
    let fd: Fd<'_> = unsafe { Fd::borrow_raw(file.0) };
    assert_eq!(Source::from_fd(fd).unwrap().size(), Ok(length));
    assert_eq!(Source::from_fd(&file).unwrap().size(), Ok(length), "through our own From");
    let converted: Fd<'_> = (&file).into();
    assert_eq!(converted, fd);
    let source: Source<Fd<'_>> = Source::new(fd).unwrap();
    assert!(size_of::<Source<Fd<'_>>>() <= 40);
    assert_eq!(source.into_inner().as_raw(), file.0);

    assert_eq!(size_of_any(fd), Ok(length));
    assert_eq!(size_of_any(&file), Ok(length));
    assert_eq!(size_of_any(Pointer(&&file)), Ok(length));
    assert_eq!(size_of_any(Book(7)), Ok(3584));
    assert_eq!(size_in_pool(&NATIVE, fd), Ok(length));
    assert_eq!(size_in_pool(&NATIVE, &file), Ok(length));
    assert_eq!(size_in_pool(&SHELF, &Book(2)), Ok(1024));
    assert!(NATIVE.is_empty() && SHELF.is_empty());

    assert_eq!(file.describe(), Some(Kind::RegularFile));
    assert_eq!(directory.describe(), Some(Kind::Directory));
    assert_eq!(Book(1).describe(), Some(Kind::Directory));
    assert_eq!(Book(0).describe(), None);

    let trouble = |raw| -> Result<u64, Trouble> { Ok(Source::new(Descriptor(raw))?.size()?) };
    assert_eq!(trouble(file.0), Ok(length));
    assert_eq!(trouble(-1), Err(Trouble(1)));
    assert_eq!(trouble(directory.0), Err(Trouble(2)));
    assert_eq!(words(&Shelf::describe((&Book(0)).into()).unwrap_err()), "absent");

    let mut text = Text([0; 256], 0);
    let error: &dyn core::error::Error = &Source::new(&directory).unwrap_err();
    write!(text, "{error}").unwrap();
    assert_eq!(text.0.get(..text.1), Some(&b"a directory cannot be mapped: open a file in it"[..]));
}

//! Where sources lie, who owns the handle, and the suite for implementers.

use std::{
    fs::{File, OpenOptions},
    mem::{MaybeUninit, needs_drop},
    os::windows::{
        fs::OpenOptionsExt,
        io::{AsHandle, AsRawHandle, BorrowedHandle, OwnedHandle},
    },
    rc::Rc,
    sync::Arc,
    thread,
};

use pmem2::{
    Error, Fd, Handle, Kind, Native, Pool, Source, WinHandle,
    conformance::{Case, Expect, check, check_bad_blocks, check_places, check_transfers},
    error::Memory,
    windows::{Crt, Windows},
};

use crate::made::*;

const SIZE: u64 = 5000;

#[test]
fn native_is_windows() {
    fn same<T>(_: T, _: T) {}
    same(Native::default(), Windows);
    let directory = Directory::new();
    assert!(directory.open("file", 0).platform() == Windows);
    assert!(Fd::platform(&descriptor(-1)) == Crt);
}

fn descriptor(number: i32) -> Fd<'static> {
    // SAFETY: borrow_raw wants a number that is no descriptor all the time, as this is.
    unsafe { Fd::borrow_raw(number) }
}

#[test]
fn sources_are_small() {
    assert!(size_of::<Source<WinHandle<'_>>>() <= 40);
    assert!(size_of::<Source<&File>>() <= 40);
    assert!(size_of::<Source<File>>() <= 40);
    assert!(size_of::<Source<Arc<File>>>() <= 40);
    assert!(size_of::<Source<Fd<'_>>>() <= 40);
    assert!(!needs_drop::<Source<WinHandle<'_>>>() && !needs_drop::<Source<BorrowedHandle<'_>>>());
    assert!(needs_drop::<Source<File>>());
}

/// Makes a source of `handle`, asks it, and ends it.
fn used<H: Handle<P = Windows>>(handle: H) -> H {
    let raw = handle.raw();
    let source = Source::new(handle).expect("a source");
    assert_eq!(
        (source.handle().raw(), source.size(), source.kind()),
        (raw, Ok(SIZE), Kind::RegularFile)
    );
    source.into_inner()
}

#[test]
fn every_kind_of_handle() {
    let directory = Directory::new();
    let file = directory.open("file", SIZE);
    let raw = file.as_raw_handle();
    used(&file);
    used(WinHandle::from(&file));
    used(file.as_handle());
    used(WinHandle::borrow(&file));
    assert_eq!(WinHandle::from(file.as_handle()).as_raw_handle(), raw);
    assert_eq!(Source::from_handle(file.as_handle()).and_then(|source| source.size()), Ok(SIZE));
    // What takes std's handles takes a source of one, and a `WinHandle`.
    fn value(of: &(impl AsHandle + AsRawHandle)) -> std::os::windows::io::RawHandle {
        assert_eq!(of.as_handle().as_raw_handle(), of.as_raw_handle());
        of.as_raw_handle()
    }
    let pool = Pool::<Windows, 1>::new();
    let slot = pool.source(&file).expect("a source");
    assert_eq!(
        [
            value(&WinHandle::from(&file)),
            value(&Source::new(&file).expect("a source")),
            value(&Source::from_handle(&file).expect("a source")),
            value(&*slot)
        ],
        [raw; 4]
    );
    assert!(Source::from_handle(WinHandle::borrow(&*slot)).is_ok());
    drop(slot);
    let owned = used(OwnedHandle::from(used(file)));
    assert_eq!(Source::from_handle(&owned).and_then(|source| source.size()), Ok(SIZE));
    let shared = used(Arc::new(owned));
    let shared = used(Rc::new(shared));
    assert_eq!(shared.as_raw_handle(), raw);
    // A refused one is given back.
    let (handle, error) = Source::try_from_handle(mutex()).expect_err("no file");
    assert_eq!(error.code(), -100_004);
    drop(handle);
}

#[test]
fn a_source_that_owns_its_file_closes_it() {
    let directory = Directory::new();
    let path = directory.file("file", SIZE);
    let alone = || OpenOptions::new().read(true).share_mode(0).open(&path);
    let source = Source::new(alone().expect("a file")).expect("a source");
    assert!(alone().is_err(), "it is open");
    drop(source);
    let file = alone().expect("it was closed");
    {
        let _borrowed = Source::new(&file).expect("a source");
    }
    assert!(alone().is_err(), "what was borrowed stays open");
}

#[test]
fn in_the_memory_of_the_caller() {
    let directory = Directory::new();
    let file = directory.open("file", SIZE);
    let mut place = MaybeUninit::uninit();
    assert_eq!(
        Source::new_in(&mut place, WinHandle::from(&file)).and_then(|source| source.size()),
        Ok(SIZE)
    );
    let boxed: Box<Source<File>> = Source::boxed(file).expect("a box");
    assert_eq!(boxed.size(), Ok(SIZE));
}

static POOL: Pool<Native, 8> = Pool::new();

#[test]
fn in_a_pool() {
    let directory = Directory::new();
    let files: Vec<_> = (0..8_u64).map(|size| directory.open(size.to_string(), size)).collect();
    thread::scope(|scope| {
        for (size, file) in (0..).zip(&files) {
            scope.spawn(move || {
                for _ in 0..500 {
                    let source = POOL.source(file).expect("a slot for each thread");
                    assert_eq!(source.size(), Ok(size));
                }
            });
        }
    });
    assert!(POOL.is_empty());
    let slots: Vec<_> =
        files.iter().map(|file| POOL.source(WinHandle::from(file)).expect("a slot")).collect();
    assert_eq!(POOL.source(&files[0]).err(), Some(Error::OutOfMemory(Memory::Pool(8))));
    drop(slots);
    assert!(POOL.source(files[0].as_handle()).is_ok() && POOL.is_empty());
}

/// The suite for implementers, for handles and for the C runtime's descriptors.
#[test]
fn it_conforms() {
    let made = Directory::new();
    let written = OpenOptions::new()
        .read(true)
        .write(true)
        .open(made.file("written", 70_000))
        .expect("a file");
    let (read, empty) = (made.open("read", 10), made.open("empty", 0));
    let file = |size, writable| Expect::Source {
        kind: Kind::RegularFile,
        size,
        alignment: 65536,
        writable,
    };
    let (no_handle, wrong_type) = (Expect::Refused(-100_004), Expect::Refused(-100_005));
    let (root, event, (reader, _writer)) =
        (directory(made.path()), event(), std::io::pipe().expect("a pipe"));
    let cases = [
        Case::new("written", WinHandle::from(&written), file(70_000, true)),
        Case::new("read", WinHandle::from(&read), file(10, false)),
        Case::new("empty", WinHandle::from(&empty), file(0, false)),
        Case::new("directory", WinHandle::from(&root), wrong_type),
        Case::new("pipe", WinHandle::borrow(&reader), wrong_type),
        Case::new("event", WinHandle::from(&event), no_handle),
        Case::new("INVALID_HANDLE_VALUE", number(-1), no_handle),
        Case::new("null", number(0), no_handle),
    ];
    check(&cases).unwrap_or_else(|violation| panic!("{violation}"));
    check_places(&cases).unwrap_or_else(|violation| panic!("{violation}"));
    check_transfers(&cases, None).unwrap_or_else(|violation| panic!("{violation}"));
    check_bad_blocks(&cases).unwrap_or_else(|violation| panic!("{violation}"));

    let [written, read] = [written, read].map(crate::descriptors::Descriptor::of);
    let cases = [
        Case::new("written", written.fd(), file(70_000, true)),
        Case::new("read", read.fd(), file(10, false)),
        Case::new("negative", descriptor(-1), no_handle),
        Case::new("unknown", descriptor(1000), no_handle),
    ];
    check(&cases).unwrap_or_else(|violation| panic!("{violation}"));
    check_places(&cases).unwrap_or_else(|violation| panic!("{violation}"));
    check_transfers(&cases, None).unwrap_or_else(|violation| panic!("{violation}"));
    check_bad_blocks(&cases).unwrap_or_else(|violation| panic!("{violation}"));
}

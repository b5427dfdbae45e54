//! Borrowed and owning handles: what a source does with a descriptor, and what it leaves alone.

use std::{
    fs::File,
    io::{self, ErrorKind, Read, Seek, Write},
    mem::{MaybeUninit, needs_drop, size_of},
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    rc::Rc,
    sync::Arc,
};

use crate::common::{
    fd,
    made::{DISK, FILE_SIZE},
    rows::{Expected, rows},
    thread::{is_open, open_descriptors, with_own_descriptors},
};
use pmem2::{
    Error, Fd, Handle, Kind, Pool, Source,
    error::{Errno, HandleFault, Memory, Subject},
    linux::Linux,
    platform::Borrowed,
    report::Report,
};

const NOT_OPEN: Error = Error::InvalidFileHandle(HandleFault::NotOpen);

/// A file that starts with these bytes.
const TEXT: &[u8; 4] = b"kept";

fn file() -> File {
    let mut file = tempfile::tempfile_in(DISK).expect("a file");
    file.write_all(TEXT).expect("the text");
    file.set_len(FILE_SIZE).expect("the size");
    file.rewind().expect("the start");
    file
}

fn assert_reads(file: &mut impl Read) {
    let mut text = [0; 4];
    file.read_exact(&mut text).expect("a usable file");
    assert_eq!(&text, TEXT);
}

#[test]
fn sources_are_small_and_without_a_destructor_of_their_own() {
    assert!(size_of::<Source<Fd<'_>>>() <= 40);
    assert!(size_of::<Source<File>>() <= 40);
    assert!(size_of::<Source<OwnedFd>>() <= 40);
    assert!(size_of::<Source<&File>>() <= 40);
    assert!(size_of::<Source<Arc<File>>>() <= 40);
    assert!(!needs_drop::<Source<Fd<'_>>>());
    assert!(!needs_drop::<Source<&File>>());
    assert!(!needs_drop::<Source<BorrowedFd<'_>>>());
    assert!(needs_drop::<Source<File>>());
}

/// Makes a source of `handle`, asks it, and ends it.
fn used<H: Handle<P = Linux>>(handle: H) -> H {
    let raw = handle.raw();
    let source = Source::new(handle).expect("a source");
    assert_eq!(source.handle().raw(), raw);
    assert_eq!(source.size(), Ok(FILE_SIZE));
    assert_eq!(source.kind(), Kind::RegularFile);
    let handle = source.into_inner();
    assert_eq!(handle.raw(), raw);
    handle
}

#[test]
fn every_handle_comes_back_and_still_works() {
    assert_reads(&mut used(file()));
    assert_reads(&mut &*used(Arc::new(file())));
    assert_reads(&mut &*used(Rc::new(file())));
    assert_reads(&mut &**used(Rc::new(Arc::new(file()))));
    assert_reads(used(&mut file()));
    assert_reads(&mut File::from(used(OwnedFd::from(file()))));
    let borrowed = file();
    assert_reads(&mut used(&borrowed));
    let borrowed = file();
    used(&&borrowed);
    used(borrowed.as_fd());
    used(&borrowed.as_fd());
    used(Fd::from(&borrowed));
    used(Fd::from(borrowed.as_fd()));
    used(Fd::from(&OwnedFd::from(borrowed.try_clone().expect("another descriptor"))));
    assert_reads(&mut &borrowed);
}

/// Functions that take std's files take a source of one, and an `Fd`.
#[test]
fn sources_and_descriptors_are_those_of_the_standard_library() {
    /// The number, the same by both ways, of a descriptor that works.
    fn number(fd: &(impl AsFd + AsRawFd)) -> i32 {
        let copy = fd.as_fd().try_clone_to_owned().expect("another descriptor");
        assert_reads(&mut &File::from(copy));
        let raw = fd.as_fd().as_raw_fd();
        assert_eq!(fd.as_raw_fd(), raw);
        File::from(fd.as_fd().try_clone_to_owned().expect("another")).rewind().expect("the start");
        raw
    }
    let file = Arc::new(file());
    let raw = file.as_raw_fd();
    assert_eq!(number(&Fd::from(&*file)), raw);
    assert_eq!(number(&Borrowed::from(&*file)), raw);
    assert_eq!(number(&Source::new(&*file).expect("a source")), raw);
    assert_eq!(number(&Source::new(file.as_fd()).expect("a source")), raw);
    assert_eq!(number(&Source::new(file.clone()).expect("a source")), raw);
    assert_eq!(number(&Source::from_fd(&*file).expect("a source")), raw);
    let pool = Pool::<Linux, 1>::new();
    assert_eq!(number(&*pool.source(&*file).expect("a source")), raw);
    let source = Source::new(file.clone()).expect("a source");
    assert_eq!(Source::from_fd(Fd::borrow(&source)).expect("a source").id(), source.id());
    // What is no descriptor stays none: -1 cannot be one of std's, and -100 is a directory there.
    for raw in [-1, -2, libc::AT_FDCWD, i32::MIN, 1_000_000, i32::MAX] {
        let fd = fd(raw);
        assert_eq!(fd.as_raw_fd(), raw);
        assert_eq!(rustix::io::fcntl_getfd(fd.as_fd()), Err(rustix::io::Errno::BADF));
        assert!(Source::new(fd.as_fd()).is_err_and(|error| error == NOT_OPEN));
    }
}

#[test]
fn a_refused_handle_comes_back_if_it_is_wanted() {
    let directory = tempfile::tempdir_in(DISK).expect("a directory");
    let file = File::create(directory.path().join("written")).expect("a file");
    let (mut file, error) = Source::try_from_handle(file).expect_err("it is write-only");
    assert_eq!(error, Error::InvalidFileHandle(HandleFault::WriteOnly));
    file.write_all(TEXT).expect("it still works");
    let source = Source::try_from_handle(
        File::open(directory.path().join("written")).expect("the file again"),
    );
    assert_eq!(source.expect("a source").size(), Ok(4));
}

#[test]
fn dropping_closes_what_was_owned_once_and_nothing_else() {
    with_own_descriptors(|| {
        let before = open_descriptors();

        let borrowed = file();
        let raw = borrowed.as_raw_fd();
        let _ = Source::new(&borrowed).expect("a source");
        let _ = Source::new(borrowed.as_fd()).expect("a source");
        let _ = Source::from_fd(&borrowed).expect("a source");
        assert!(is_open(raw), "borrowed");
        assert_reads(&mut &borrowed);

        // The standard library aborts in a debug build when a descriptor is closed twice.
        let owning = Source::new(borrowed).expect("a source");
        assert!(is_open(raw));
        drop(owning);
        assert!(!is_open(raw), "owned");

        let shared = Arc::new(file());
        let raw = shared.as_raw_fd();
        let sources = [0; 3].map(|_| Source::new(Arc::clone(&shared)).expect("a source"));
        drop(shared);
        assert!(is_open(raw), "three sources own it");
        for source in sources {
            assert_eq!(source.size(), Ok(FILE_SIZE));
        }
        assert!(!is_open(raw), "the last one closed it");

        let boxed = Source::boxed(file()).expect("a source");
        let raw = boxed.handle().as_raw_fd();
        assert_eq!(boxed.size(), Ok(FILE_SIZE));
        drop(boxed);
        assert!(!is_open(raw), "boxed");

        let refused = File::open("/").expect("a directory");
        let raw = refused.as_raw_fd();
        Source::new(refused).expect_err("a directory");
        assert!(!is_open(raw), "dropped with the refusal");

        assert_eq!(open_descriptors(), before);
    });
}

#[test]
fn no_descriptor_leaks_whatever_is_asked_of_it() {
    needs_root!();
    with_own_descriptors(|| {
        let pool = Pool::<Linux, 2>::new();
        for row in rows() {
            let Some(made) = row.descriptor() else { continue };
            let before = open_descriptors();
            for _ in 0..3 {
                let fd = fd(made.raw());
                let _ = Report::new(&fd).to_string();
                let _ = Report::new_unopened(&fd).to_string();
                let source = pool.source(fd);
                assert_eq!(
                    source.is_ok(),
                    matches!(row.expected, Expected::Source { .. }),
                    "{}",
                    row.name
                );
                if let Ok(source) = source {
                    let _ = (
                        source.size(),
                        source.alignment(),
                        source.allocated(),
                        source.file_system(),
                    );
                    let _ = source.check_range(0, 0);
                }
            }
            assert_eq!(open_descriptors(), before, "{}", row.name);
            assert!(pool.is_empty(), "{}", row.name);
        }
    });
}

/// The bytes at `place`, all of which were written.
fn bytes<T>(place: &MaybeUninit<T>) -> &[u8] {
    // SAFETY: as_bytes of `place`: the pointer is valid for size_of::<T>() bytes during the borrow,
    // and every byte of it, padding too, was written by `filled` and not moved since.
    unsafe { std::slice::from_raw_parts(place.as_ptr().cast(), size_of::<T>()) }
}

/// Memory with a pattern in it.
fn filled<T>(place: &mut MaybeUninit<T>) {
    // SAFETY: the pointer is valid for a write of one T, and any byte is a valid MaybeUninit.
    unsafe { place.as_mut_ptr().write_bytes(0xA5, 1) };
}

#[test]
fn new_in_writes_where_it_was_told_and_only_on_success() {
    let file = file();
    let mut place = MaybeUninit::<Source<&File>>::uninit();
    filled(&mut place);
    let address = place.as_ptr();

    let directory = File::open("/").expect("a directory");
    assert_eq!(
        Source::new_in(&mut place, &directory).unwrap_err(),
        Error::InvalidFileType(Kind::Directory)
    );
    assert!(bytes(&place).iter().all(|&byte| byte == 0xA5), "untouched by a failure");

    let source = Source::new_in(&mut place, &file).expect("a source");
    assert_eq!(&raw const *source, address);
    assert_eq!(source.size(), Ok(FILE_SIZE));

    // An owning source there is dropped by whoever placed it.
    let mut place = MaybeUninit::uninit();
    let raw = with_own_descriptors(|| {
        let file = file.try_clone().expect("another descriptor");
        let raw = Source::new_in(&mut place, file).expect("a source").handle().as_raw_fd();
        assert!(is_open(raw));
        // SAFETY: assume_init_drop wants an initialised value, which new_in just wrote, and which
        // is used no more.
        unsafe { place.assume_init_drop() };
        assert!(!is_open(raw));
        raw
    });
    assert!(raw >= 0);
}

#[test]
fn anonymous_sources_have_the_size_they_were_given() {
    for size in [0, 1, 4096, u64::MAX] {
        let source = Source::from_anon(size).expect("an anonymous source");
        assert_eq!(
            (source.kind(), source.size(), source.alignment()),
            (Kind::Anonymous, Ok(size), Ok(4096))
        );
        assert_eq!(source.allocated(), Err(Error::Unsupported(Subject::Allocated)));
        assert_eq!(source.file_system(), Err(Error::Unsupported(Subject::FileSystem)));
        assert_eq!(source.handle().size(), size);
    }
    let source = Source::from_anon(8192).expect("an anonymous source");
    assert_eq!(source.check_range(u64::MAX, 4096), Ok(0..4096), "its offset is ignored");
    assert_eq!(source.check_range(0, 12_288), Err(Error::MapRange { end: 12_288, size: 8192 }));
}

#[test]
fn errors_become_io_errors_and_can_be_had_back() {
    let os = |errno| Error::Os { subject: Subject::Size, errno };
    let table = [
        (Error::InvalidFileHandle(HandleFault::NotOpen), ErrorKind::InvalidInput),
        (Error::InvalidFileType(Kind::Directory), ErrorKind::InvalidInput),
        (Error::UnknownFileType(Subject::Sysfs), ErrorKind::InvalidInput),
        (Error::SourceEmpty, ErrorKind::InvalidInput),
        (Error::Unsupported(Subject::Handle), ErrorKind::Unsupported),
        (Error::OutOfMemory(Memory::Pool(1)), ErrorKind::OutOfMemory),
        (Error::OutOfMemory(Memory::Heap), ErrorKind::OutOfMemory),
        (os(Errno::ENOENT), ErrorKind::NotFound),
        (os(Errno::EACCES), ErrorKind::PermissionDenied),
        (os(Errno::EPERM), ErrorKind::PermissionDenied),
        (os(Errno::ENOSYS), ErrorKind::Unsupported),
        (os(Errno::EINTR), ErrorKind::Interrupted),
        (os(Errno::EAGAIN), ErrorKind::WouldBlock),
        (os(Errno::EBUSY), ErrorKind::ResourceBusy),
        (os(Errno::ENOTDIR), ErrorKind::NotADirectory),
        (os(Errno::ESTALE), ErrorKind::StaleNetworkFileHandle),
        (os(Errno::from_raw(libc::EISDIR)), ErrorKind::IsADirectory),
        (os(Errno::from_raw(libc::EROFS)), ErrorKind::ReadOnlyFilesystem),
    ];
    for (error, kind) in table {
        let converted = io::Error::from(error);
        assert_eq!(converted.kind(), kind, "{error:?}");
        assert_eq!(converted.to_string(), error.to_string());
        let back: Error = converted.downcast().expect("the error itself");
        assert_eq!(back, error);
    }
    // Those without a stable name among them.
    for errno in 1..=133 {
        let standard = io::Error::from_raw_os_error(errno).kind();
        assert_eq!(io::Error::from(os(Errno::from_raw(errno))).kind(), standard, "{errno}");
    }
    fn question_mark() -> io::Result<u64> {
        Ok(Source::new(File::open("/")?)?.size()?)
    }
    assert_eq!(question_mark().unwrap_err().kind(), ErrorKind::InvalidInput);
}

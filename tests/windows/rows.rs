//! A row for each kind of handle: source, INVALID_FILE_HANDLE or INVALID_FILE_TYPE.

use std::{
    fs::{File, OpenOptions},
    net::{TcpListener, UdpSocket},
    os::windows::{
        fs::OpenOptionsExt,
        io::{AsHandle, AsRawHandle, AsRawSocket, OwnedHandle},
    },
};

use pmem2::{
    Error, Kind, Source, WinHandle, error::HandleFault, report::Report, windows::RawWinHandle,
};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_FLAG_DELETE_ON_CLOSE, FILE_FLAG_NO_BUFFERING, FILE_FLAG_OVERLAPPED,
    FILE_FLAG_SEQUENTIAL_SCAN, FILE_FLAG_WRITE_THROUGH,
};

use crate::made::*;

/// Asserts that no source can be made of it, and that the report says why.
fn refused(name: &str, handle: WinHandle<'_>) -> Error {
    let error = Source::from_handle(handle).expect_err(name);
    assert_eq!(Report::new(&handle).verdict(), Err(error), "{name}");
    error
}

/// Asserts that it is no handle of a file.
#[track_caller]
fn no_handle(name: &str, handle: WinHandle<'_>) {
    assert_eq!(refused(name, handle), Error::InvalidFileHandle(HandleFault::NotOpen), "{name}");
}

/// Asserts that it is of the wrong type, and of which.
#[track_caller]
fn of_kind(name: &str, handle: &impl AsHandle, kind: Kind) {
    assert_eq!(refused(name, WinHandle::borrow(handle)), Error::InvalidFileType(kind), "{name}");
}

/// The same, of what Windows and Wine have different types for.
#[track_caller]
fn of_some_kind(name: &str, handle: WinHandle<'_>, kinds: &[Kind]) {
    match refused(name, handle) {
        Error::InvalidFileType(kind) if kinds.contains(&kind) => {}
        error => panic!("{name}: {error:?}"),
    }
}

#[test]
fn numbers_that_are_no_handles() {
    for (name, value) in [
        // Also the pseudo handle of the calling process.
        ("INVALID_HANDLE_VALUE", -1),
        ("null", 0),
        ("the pseudo handle of the calling thread", -2),
        ("the pseudo handle of the process's token", -4),
        ("the pseudo handle of the thread's token", -5),
        ("the pseudo handle of the effective token", -6),
        // Of these GetStdHandle makes handles. GetFileType says what the streams are, here a
        // console and a file.
        ("STD_INPUT_HANDLE", -10),
        ("STD_OUTPUT_HANDLE", -11),
        ("STD_ERROR_HANDLE", -12),
        ("never given", 0x7fff_fff0),
        ("odd", 3),
        ("negative", isize::MIN),
    ] {
        no_handle(name, number(value));
    }
    assert_eq!((RawWinHandle::INVALID.get(), RawWinHandle::NULL.get()), (-1, 0));
}

#[test]
fn closed_handles() {
    let directory = Directory::new();
    // Another thread of this program may get the number, and then it is whatever that one has
    // opened. Not each time.
    let path = directory.file("file", 1);
    let refused = (0..100).any(|_| {
        let file = File::open(&path).expect("a file");
        let handle = borrowed(file.as_raw_handle());
        drop(file);
        Source::from_handle(handle).err() == Some(Error::InvalidFileHandle(HandleFault::NotOpen))
    });
    assert!(refused);
}

#[test]
fn handles_that_are_no_files() {
    for (name, handle) in [
        ("mutex", mutex()),
        ("event", event()),
        ("semaphore", semaphore()),
        ("completion port", completion_port()),
        ("process", process()),
        ("thread", thread()),
    ] {
        no_handle(name, WinHandle::borrow(&handle));
    }
}

#[test]
fn directories() {
    let made = Directory::new();
    of_kind("directory", &directory(made.path()), Kind::Directory);
    of_kind("directory, only looked at", &to_look(made.path()), Kind::Directory);
    of_kind("root", &directory(r"C:\".as_ref()), Kind::Directory);
}

#[test]
fn pipes() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    of_kind("reading end", &reader, Kind::Pipe);
    of_kind("writing end", &writer, Kind::Pipe);
    let name = format!(r"\\.\pipe\pmem2-rows-{}", std::process::id());
    let server = named_pipe(&name);
    of_kind("server", &server, Kind::Pipe);
    let client = OpenOptions::new().read(true).write(true).open(&name).expect("a client");
    of_kind("client", &client, Kind::Pipe);
}

#[test]
fn sockets() {
    let socket = |socket: u64| number(socket.cast_signed().try_into().expect("a handle"));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let datagrams = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    of_some_kind("TCP", socket(listener.as_raw_socket()), &[Kind::Socket]);
    of_some_kind("UDP", socket(datagrams.as_raw_socket()), &[Kind::Socket]);
}

#[test]
fn devices() {
    of_kind(
        "NUL",
        &OpenOptions::new().read(true).write(true).open("NUL").expect("NUL"),
        Kind::CharacterDevice,
    );
    for name in ["CONOUT$", "CONIN$"] {
        let console = OpenOptions::new().read(true).write(true).open(name);
        of_kind(name, &console.expect("a console, which ci/wine brings"), Kind::CharacterDevice);
    }
}

#[test]
fn mailslots_and_volumes() {
    let slot = mailslot(&format!(r"\\.\mailslot\pmem2-rows-{}", std::process::id()));
    // Windows has no type for it, Wine that of a pipe.
    of_some_kind("mailslot", WinHandle::borrow(&slot), &[Kind::Other, Kind::Socket]);
    let volume = with_access(r"\\.\C:", 0);
    // Wine has no type for it.
    of_some_kind("volume", WinHandle::borrow(&volume), &[Kind::BlockDevice, Kind::Other]);
}

#[test]
fn regular_files() {
    let directory = Directory::new();
    let path = directory.file("file", 5000);
    let with_flags =
        |flags| OpenOptions::new().read(true).custom_flags(flags).open(&path).expect("the file");
    let opened = |options: &mut OpenOptions| options.open(&path).expect("the file");
    let long = directory.path().join("d".repeat(120)).join("e".repeat(120));
    let deep = std::path::PathBuf::from(format!(r"\\?\{}", long.display()));
    std::fs::create_dir_all(&deep).expect("directories");
    let doomed = directory.file("doomed", 5000);
    let doomed = OpenOptions::new()
        .read(true)
        .custom_flags(FILE_FLAG_DELETE_ON_CLOSE)
        .access_mode(0x8001_0000)
        .open(doomed);
    let unwritable = directory.file("unwritable", 5000);
    let before = std::fs::metadata(&unwritable).expect("the file").permissions();
    let mut permissions = before.clone();
    permissions.set_readonly(true);
    std::fs::set_permissions(&unwritable, permissions).expect("the attribute");
    for (name, file) in [
        ("read-only", opened(OpenOptions::new().read(true))),
        ("read and write", opened(OpenOptions::new().read(true).write(true))),
        // What the man page does not look at.
        ("write-only", opened(OpenOptions::new().write(true))),
        ("append-only", opened(OpenOptions::new().append(true))),
        ("only looked at", to_look(&path)),
        ("without any access", with_access(&path, 0)),
        ("not shared", opened(OpenOptions::new().read(true).share_mode(7))),
        ("overlapped", with_flags(FILE_FLAG_OVERLAPPED)),
        ("unbuffered", with_flags(FILE_FLAG_NO_BUFFERING)),
        ("write-through", with_flags(FILE_FLAG_WRITE_THROUGH | FILE_FLAG_SEQUENTIAL_SCAN)),
        ("deleted when it is closed", doomed.expect("a file")),
        ("with the attribute read-only", File::open(&unwritable).expect("a file")),
        ("not in ASCII", directory.open("数据 é\u{1f4be}", 5000)),
        ("with a long path", {
            let path = deep.join("file");
            File::create(&path).and_then(|file| file.set_len(5000)).expect("a file");
            File::open(path).expect("a file")
        }),
        ("a second handle", opened(OpenOptions::new().read(true)).try_clone().expect("a handle")),
    ] {
        let source = Source::new(&file).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(
            (source.kind(), source.size(), source.alignment()),
            (Kind::RegularFile, Ok(5000), Ok(65536)),
            "{name}"
        );
        assert!(source.id().file() != 0, "{name}");
        let owned: OwnedHandle = file.into();
        assert_eq!(
            Source::from_handle(&owned).and_then(|source| source.size()),
            Ok(5000),
            "{name}"
        );
    }
    // Windows removes no file that has it.
    std::fs::set_permissions(&unwritable, before).expect("the attribute");
}

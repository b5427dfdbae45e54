//! Errors, in words and numbers.

use std::io;

use pmem2::{
    Error, Kind,
    error::{Errno, HandleFault, Subject, WriteFault},
    windows::Windows,
};

use crate::whats::WHATS;

/// Words of other systems.
const FOREIGN: [&str; 10] = [
    "O_RD",
    "O_WR",
    "O_PATH",
    "/dev",
    "/sys",
    "/proc",
    "seccomp",
    "fallocate",
    "RLIMIT",
    "MAP_SYNC",
];

/// The numbers are those of the C runtime's errno.h.
#[test]
fn numbers() {
    for (errno, number) in [
        (Errno::ENOENT, 2),
        (Errno::EBADF, 9),
        (Errno::ENOMEM, 12),
        (Errno::EACCES, 13),
        (Errno::EINVAL, 22),
        (Errno::EMFILE, 24),
        (Errno::ENAMETOOLONG, 38),
        (Errno::ENOSYS, 40),
        (Errno::ELOOP, 114),
        (Errno::ENOTSUP, 129),
        (Errno::EOVERFLOW, 132),
    ] {
        assert_eq!(errno.raw(), number, "{errno}");
    }
    assert_eq!(Error::Unsupported(Subject::Size).errno().raw(), 129);
    assert_eq!((Windows::known_errno(5), Windows::known_errno(1392)), (Some(Errno::EACCES), None));
    assert_eq!(Error::OsCode { subject: Subject::Size, code: 1392 }.code(), -5);
    assert_eq!(
        (Windows::errno(5), Windows::errno(0), Windows::errno(6)),
        (Errno::EACCES, Errno::EIO, Errno::EBADF)
    );
}

#[test]
fn sentences_speak_of_windows() {
    let os = |what, errno| Error::Os { subject: what, errno };
    for (error, words) in [
        (Error::InvalidFileHandle(HandleFault::NotOpen), "INVALID_HANDLE_VALUE"),
        (Error::InvalidFileHandle(HandleFault::WriteOnly), "GENERIC_READ"),
        (Error::InvalidFileHandle(HandleFault::NoAccess), "GENERIC_READ"),
        (Error::InvalidFileHandle(HandleFault::Replaced), "its number was reused"),
        (Error::InvalidFileType(Kind::Directory), "open a file in it"),
        (Error::InvalidFileType(Kind::BlockDevice), "raw volume"),
        (Error::InvalidFileType(Kind::CharacterDevice), "NUL"),
        (Error::InvalidFileType(Kind::SymbolicLink), "FILE_FLAG_OPEN_REPARSE_POINT"),
        (Error::InvalidFileType(Kind::Other), "mailslot"),
        (Error::SourceEmpty, "SetEndOfFile"),
        (Error::Unsupported(Subject::Handle), "crt"),
        (os(Subject::Volume, Errno::ENOENT), "the source's volume"),
        (Error::OsCode { subject: Subject::Volume, code: 1392 }, "error 1392 of the system's own"),
        (os(Subject::Open, Errno::EBUSY), "does not share it"),
        (os(Subject::Read, Errno::EBUSY), "another program has locked these bytes"),
        (os(Subject::Write, Errno::EINVAL), "FILE_FLAG_NO_BUFFERING takes whole sectors only"),
        (
            os(Subject::Write, Errno::EACCES),
            "GENERIC_READ | GENERIC_WRITE, on a volume that is not write-protected",
        ),
        (
            os(Subject::Sync, Errno::EACCES),
            "GENERIC_READ | GENERIC_WRITE, on a volume that is not write-protected",
        ),
        (os(Subject::Write, Errno::ENOSPC), "free some, or raise the quota"),
        (os(Subject::Buffer, Errno::EFAULT), "memory that is committed"),
        (Error::NotWritable(WriteFault::ReadOnly), "GENERIC_WRITE to write"),
        (Error::NotWritable(WriteFault::Append), "FILE_APPEND_DATA without FILE_WRITE_DATA"),
        (Error::Unsupported(Subject::BadBlocks), "Windows keeps none"),
        (Error::Unsupported(Subject::ClearBadBlock), "Windows keeps no list"),
        (os(Subject::Open, Errno::EACCES), "more rights are needed"),
    ] {
        let sentence = error.to_string();
        assert!(sentence.contains(words), "{sentence}");
    }
}

/// Whatever is asked for, and however that fails.
#[test]
fn sentences_speak_of_no_other_system() {
    let mut errors = vec![Error::SourceEmpty];
    // Of those two nothing is asked on Windows.
    for what in
        WHATS.into_iter().filter(|what| !matches!(what, Subject::Subsystem | Subject::Sysfs))
    {
        errors.extend([Error::Unsupported(what), Error::Unknown(what), Error::TooLarge(what)]);
        errors.push(Error::OsCode { subject: what, code: 1392 });
        errors.extend(
            (1..200).map(|errno| Error::Os { subject: what, errno: Errno::from_raw(errno) }),
        );
    }
    errors.extend(
        [
            HandleFault::NotOpen,
            HandleFault::WriteOnly,
            HandleFault::NoAccess,
            HandleFault::Replaced,
        ]
        .map(Error::InvalidFileHandle),
    );
    errors.extend(
        [
            Kind::BlockDevice,
            Kind::CharacterDevice,
            Kind::Directory,
            Kind::Other,
            Kind::Pipe,
            Kind::Socket,
            Kind::SymbolicLink,
        ]
        .map(Error::InvalidFileType),
    );
    for error in errors {
        let sentence = error.to_string();
        for foreign in FOREIGN {
            assert!(!sentence.contains(foreign), "{foreign}: {sentence}");
        }
    }
}

#[test]
fn errors_become_io_errors() {
    for (error, kind) in [
        (Error::InvalidFileHandle(HandleFault::NotOpen), io::ErrorKind::InvalidInput),
        (
            Error::Os { subject: Subject::Volume, errno: Errno::EACCES },
            io::ErrorKind::PermissionDenied,
        ),
        (Error::Os { subject: Subject::Volume, errno: Errno::ENOENT }, io::ErrorKind::NotFound),
        (Error::Unsupported(Subject::Size), io::ErrorKind::Unsupported),
    ] {
        let converted = io::Error::from(error);
        assert_eq!(converted.kind(), kind);
        assert_eq!(converted.get_ref().and_then(|inner| inner.downcast_ref()), Some(&error));
    }
}

//! The rows of descriptors that are no sources.

use std::{io, os::fd::OwnedFd};

use pmem2::{Error, Kind, error::HandleFault};
use rustix::{
    event::{EventfdFlags, epoll, eventfd},
    fs::{OFlags, inotify},
    io::Errno,
    mm::{UserfaultfdFlags, userfaultfd},
    net::{AddressFamily, SocketFlags, SocketType, socket, socket_with, socketpair},
    pipe::{PipeFlags, pipe_with},
    process::{PidfdFlags, getpid, pidfd_open},
    time::{TimerfdClockId, TimerfdFlags, timerfd_create},
};

use super::{
    made::{self, DISK, Made, Making, NO_MODE_3, fifo, file, owned},
    rows::{Expected, Row},
};

/// PMEM2_E_INVALID_FILE_HANDLE and PMEM2_E_INVALID_FILE_TYPE of `<libpmem2/base.h>`.
const INVALID_FILE_HANDLE: i32 = -100_004;
const INVALID_FILE_TYPE: i32 = -100_005;

fn bad_handle(name: &'static str, fault: HandleFault, make: fn() -> Making) -> Row {
    let word = match fault {
        HandleFault::NotOpen => "not an open file descriptor",
        HandleFault::WriteOnly => "opened write-only",
        HandleFault::NoAccess => "access mode 3",
        HandleFault::PathOnly => "O_PATH",
        other => panic!("no row is expected to be {other:?}"),
    };
    let expected = Expected::Refused {
        error: Error::InvalidFileHandle(fault),
        code: INVALID_FILE_HANDLE,
        word,
    };
    Row { name, make, may_be_missing: &[], expected }
}

fn bad_type(name: &'static str, kind: Kind, word: &'static str, make: fn() -> Making) -> Row {
    let expected =
        Expected::Refused { error: Error::InvalidFileType(kind), code: INVALID_FILE_TYPE, word };
    Row { name, make, may_be_missing: &[], expected }
}

fn device(path: &str, flags: OFlags) -> Making {
    made::path(path, flags).map(Made::of)
}

/// Refused for the descriptor itself, whatever it refers to.
pub(super) fn bad_handles() -> Vec<Row> {
    use HandleFault::{NoAccess, NotOpen, PathOnly, WriteOnly};
    /// Linux's access mode 3.
    const NEITHER: OFlags = OFlags::RWMODE;
    vec![
        bad_handle("-1", NotOpen, || Ok(Made::number(-1))),
        bad_handle("-2", NotOpen, || Ok(Made::number(-2))),
        bad_handle("AT_FDCWD", NotOpen, || Ok(Made::number(libc::AT_FDCWD))),
        bad_handle("the least number", NotOpen, || Ok(Made::number(i32::MIN))),
        bad_handle("beyond the table", NotOpen, || Ok(Made::number(i32::MAX))),
        bad_handle("closed", NotOpen, made::closed),
        bad_handle("file, O_WRONLY", WriteOnly, || file(OFlags::WRONLY)),
        bad_handle("file, O_WRONLY and O_APPEND", WriteOnly, || {
            file(OFlags::WRONLY | OFlags::APPEND)
        }),
        bad_handle("/dev/null, O_WRONLY", WriteOnly, || device("/dev/null", OFlags::WRONLY)),
        bad_handle("FIFO, write end", WriteOnly, || fifo(OFlags::WRONLY)),
        bad_handle("pipe, write end", WriteOnly, || {
            pipe().map(|(read, write)| Made::of(write).beside(read))
        }),
        bad_handle("file, access mode 3", NoAccess, || file(NEITHER)).unless(NO_MODE_3),
        bad_handle("/dev/null, access mode 3", NoAccess, || device("/dev/null", NEITHER))
            .unless(NO_MODE_3),
        bad_handle("file, O_PATH", PathOnly, || file(OFlags::PATH)),
        bad_handle("directory, O_PATH", PathOnly, || device(DISK, OFlags::PATH)),
        bad_handle("/dev/null, O_PATH", PathOnly, || device("/dev/null", OFlags::PATH)),
        bad_handle("FIFO, O_PATH", PathOnly, || fifo(OFlags::PATH)),
        bad_handle("symbolic link, O_PATH", PathOnly, made::symbolic_link),
    ]
}

/// Refused for what they refer to.
pub(super) fn bad_types() -> Vec<Row> {
    let object = |name, make| bad_type(name, Kind::AnonymousInode, "kernel object", make);
    let character = |name, make| bad_type(name, Kind::CharacterDevice, "not a device DAX", make);
    vec![
        bad_type("directory", Kind::Directory, "a directory", || device(DISK, OFlags::DIRECTORY)),
        bad_type("block device", Kind::BlockDevice, "a block device", made::block_device),
        bad_type("pipe, read end", Kind::Pipe, "a pipe", || {
            pipe().map(|(read, write)| Made::of(read).beside(write))
        }),
        bad_type("FIFO, O_RDONLY", Kind::Pipe, "FIFO", || fifo(OFlags::RDONLY)),
        bad_type("FIFO, O_RDWR", Kind::Pipe, "FIFO", || fifo(OFlags::RDWR)),
        bad_type("socket, Unix", Kind::Socket, "a socket", || {
            let (one, other) =
                socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
            Ok(Made::of(one).beside(other))
        }),
        bad_type("socket, UDP", Kind::Socket, "a socket", || {
            Ok(Made::of(socket_with(
                AddressFamily::INET,
                SocketType::DGRAM,
                SocketFlags::CLOEXEC,
                None,
            )?))
        }),
        bad_type("socket, TCP", Kind::Socket, "a socket", || {
            Ok(Made::of(socket(AddressFamily::INET, SocketType::STREAM, None)?))
        }),
        object("epoll", || Ok(Made::of(epoll::create(epoll::CreateFlags::CLOEXEC)?))),
        object("eventfd", || Ok(Made::of(eventfd(0, EventfdFlags::CLOEXEC)?))),
        object("timerfd", || {
            Ok(Made::of(timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC)?))
        }),
        object("signalfd", || signalfd().map(Made::of)),
        object("pidfd", || Ok(Made::of(pidfd_open(getpid(), PidfdFlags::empty())?))),
        object("inotify", || Ok(Made::of(inotify::init(inotify::CreateFlags::CLOEXEC)?))),
        // May be switched off: kernel.io_uring_disabled.
        object("io_uring", || io_uring().map(Made::of)).unless(&[Errno::NOSYS, Errno::PERM]),
        object("userfaultfd", || {
            // SAFETY: userfaultfd is unsafe for what can be done with it to memory; it is
            // registered on none.
            Ok(Made::of(unsafe { userfaultfd(UserfaultfdFlags::CLOEXEC) }?))
        })
        .unless(&[Errno::NOSYS, Errno::PERM]),
        object("fanotify", || fanotify().map(Made::of)).unless(&[Errno::NOSYS, Errno::PERM]),
        character("/dev/null", || device("/dev/null", OFlags::RDWR)),
        character("/dev/zero", || device("/dev/zero", OFlags::RDONLY)),
        character("/dev/full", || device("/dev/full", OFlags::RDWR)),
        character("/dev/urandom", || device("/dev/urandom", OFlags::RDONLY)),
        character("terminal, master", || {
            made::terminal().map(|(master, slave)| Made::of(master).beside(slave))
        }),
        // It has no entry in /sys/dev/char.
        character("terminal, slave", || {
            made::terminal().map(|(master, slave)| Made::of(slave).beside(master))
        }),
    ]
}

fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(pipe_with(PipeFlags::CLOEXEC)?)
}

fn signalfd() -> io::Result<OwnedFd> {
    let mut none = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigemptyset initialises the set that it is given a valid pointer to.
    unsafe { libc::sigemptyset(none.as_mut_ptr()) };
    // SAFETY: the set was initialised above; -1 asks for a new descriptor.
    owned(unsafe { libc::signalfd(-1, none.as_ptr(), libc::SFD_CLOEXEC) }.into())
}

fn fanotify() -> io::Result<OwnedFd> {
    // SAFETY: fanotify_init takes flags and touches no memory.
    owned(unsafe { libc::fanotify_init(libc::FAN_CLASS_NOTIF | libc::FAN_CLOEXEC, 0) }.into())
}

fn io_uring() -> io::Result<OwnedFd> {
    // struct io_uring_params of io_uring_setup(2) has 120 bytes, all of them 0 for a plain ring.
    let mut parameters = [0_u64; 15];
    // SAFETY: io_uring_setup reads and writes the 120 bytes that the pointer is to.
    owned(unsafe { libc::syscall(libc::SYS_io_uring_setup, 1, parameters.as_mut_ptr()) })
}

//! The system calls that something makes, one by one (ptrace(2)).

use std::{io, ptr::null_mut};

/// A call that nothing here makes but to say that what is traced begins, or has ended.
pub(crate) const MARK: libc::c_long = libc::SYS_getppid;

/// `name` for the numbers that tests speak of.
fn name(number: u64) -> String {
    let known: [(libc::c_long, &str); 21] = [
        (libc::SYS_fcntl, "fcntl"),
        (libc::SYS_fstat, "fstat"),
        (libc::SYS_fstatfs, "fstatfs"),
        (libc::SYS_ioctl, "ioctl"),
        (libc::SYS_readlinkat, "readlinkat"),
        (libc::SYS_faccessat, "faccessat"),
        (libc::SYS_openat, "openat"),
        (libc::SYS_read, "read"),
        (libc::SYS_close, "close"),
        (libc::SYS_newfstatat, "newfstatat"),
        (libc::SYS_getdents64, "getdents64"),
        (libc::SYS_statx, "statx"),
        (libc::SYS_mmap, "mmap"),
        (libc::SYS_munmap, "munmap"),
        (libc::SYS_write, "write"),
        (libc::SYS_msync, "msync"),
        (libc::SYS_madvise, "madvise"),
        (libc::SYS_fallocate, "fallocate"),
        (libc::SYS_ftruncate, "ftruncate"),
        (libc::SYS_lseek, "lseek"),
        (libc::SYS_fdatasync, "fdatasync"),
    ];
    let found = known.into_iter().find(|(known, _)| u64::try_from(*known) == Ok(number));
    found.map_or_else(|| format!("call {number}"), |(_, name)| name.to_owned())
}

/// A forked child that will run `body` between two [`MARK`]s, and has stopped before the first: it
/// must not allocate or lock.
pub(crate) fn start(body: impl FnOnce()) -> libc::pid_t {
    // SAFETY: after fork, the child of a process with threads may use only what is
    // async-signal-safe; `body` promises it, and what `child` does besides is.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "fork: {}", io::Error::last_os_error());
    if pid == 0 {
        child(body);
    }
    // The child stops itself when it is traced.
    let status = wait(pid);
    assert!(
        libc::WIFSTOPPED(status),
        "ptrace(PTRACE_TRACEME): {}",
        io::Error::from_raw_os_error(libc::WEXITSTATUS(status))
    );
    let options = libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_EXITKILL;
    // SAFETY: PTRACE_SETOPTIONS takes a child that is stopped, and a number.
    let set = unsafe { libc::ptrace(libc::PTRACE_SETOPTIONS, pid, 0, options) };
    assert_eq!(set, 0, "PTRACE_SETOPTIONS: {}", io::Error::last_os_error());
    pid
}

/// The names of the calls that `body` makes, in order, in a forked child: it must not allocate or
/// lock.
pub(crate) fn traced(body: impl FnOnce()) -> Vec<String> {
    let pid = start(body);
    let (mut calls, mut marks) = (Vec::new(), 0);
    loop {
        // SAFETY: PTRACE_SYSCALL takes a child that is stopped, and the signal to deliver, none.
        let resumed = unsafe { libc::ptrace(libc::PTRACE_SYSCALL, pid, 0, 0) };
        assert_eq!(resumed, 0, "PTRACE_SYSCALL: {}", io::Error::last_os_error());
        let status = wait(pid);
        if libc::WIFEXITED(status) {
            assert_eq!((libc::WEXITSTATUS(status), marks), (0, 2), "the child ended too early");
            return calls;
        }
        assert!(
            libc::WIFSTOPPED(status) && libc::WSTOPSIG(status) == libc::SIGTRAP | 0x80,
            "{status:#x}"
        );
        match entered(pid) {
            Some(number) if u64::try_from(MARK) == Ok(number) => marks += 1,
            Some(number) if marks == 1 => calls.push(name(number)),
            _ => {}
        }
    }
}

fn child(body: impl FnOnce()) -> ! {
    // SAFETY: alarm takes a number; a child that hangs is killed.
    unsafe { libc::alarm(20) };
    // SAFETY: PTRACE_TRACEME takes nothing; the parent traces from here on.
    if unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, null_mut::<u8>(), null_mut::<u8>()) } != 0 {
        // Stopped and not traced, nobody would see it, and it would stay so. SAFETY: _exit takes
        // any number, runs no handlers and does not return; __errno_location points to this
        // thread's.
        unsafe { libc::_exit(*libc::__errno_location()) };
    }
    // SAFETY: raise takes a signal; the parent lets the child go on.
    unsafe { libc::raise(libc::SIGSTOP) };
    // SAFETY: the call takes no arguments and touches no memory.
    unsafe { libc::syscall(MARK) };
    body();
    // SAFETY: as above.
    unsafe { libc::syscall(MARK) };
    // SAFETY: _exit takes any number, runs no handlers and does not return. A panic above would
    // have ended the process with another status, or, in the copy of the harness, without the
    // second mark.
    unsafe { libc::_exit(0) }
}

pub(crate) fn wait(pid: libc::pid_t) -> i32 {
    let mut status = 0;
    // SAFETY: `status` is a valid place for an int, and `pid` a child of this thread.
    let waited = unsafe { libc::waitpid(pid, &raw mut status, 0) };
    assert_eq!(waited, pid, "waitpid: {}", io::Error::last_os_error());
    status
}

/// The number of the call that the child is about to make; `None` where it has made one.
pub(crate) fn entered(pid: libc::pid_t) -> Option<u64> {
    // SAFETY: the structure is numbers, for which zeros are values.
    let mut info: libc::ptrace_syscall_info = unsafe { std::mem::zeroed() };
    let size = size_of_val(&info);
    // SAFETY: PTRACE_GET_SYSCALL_INFO takes a child that is stopped, the size of the structure and
    // a place for one.
    let got = unsafe { libc::ptrace(libc::PTRACE_GET_SYSCALL_INFO, pid, size, &raw mut info) };
    assert!(got > 0, "PTRACE_GET_SYSCALL_INFO: {}", io::Error::last_os_error());
    if info.op != libc::PTRACE_SYSCALL_INFO_ENTRY {
        return None;
    }
    // SAFETY: of the union the member for the entry of a call is read, which the kernel has just
    // said that this is.
    Some(unsafe { info.u.entry.nr })
}

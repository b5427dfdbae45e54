//! The system calls that a function makes: ptrace(2) on a child.

use std::ptr::null_mut;

/// Where the part of the child that counts begins and ends: a call that pmem2 never makes.
const MARK: i64 = libc::SYS_getppid;

fn mark() {
    // SAFETY: getppid takes nothing and touches no memory.
    unsafe { libc::syscall(MARK) };
}

/// Runs `body` in a child; the names of the system calls that it made there, in order.
///
/// This process has one thread, so that the child may do what `body` likes.
pub(crate) fn calls_of(body: impl FnOnce()) -> Vec<&'static str> {
    // SAFETY: the child has the only thread of this process, so that nothing in it is left locked
    // or half done.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "fork: {}", std::io::Error::last_os_error());
    if child == 0 {
        // SAFETY: these take numbers, and touch no memory of this process.
        unsafe {
            libc::ptrace(libc::PTRACE_TRACEME, 0, null_mut::<u8>(), null_mut::<u8>());
            libc::raise(libc::SIGSTOP);
            libc::alarm(20);
        }
        mark();
        body();
        mark();
        // SAFETY: _exit takes any number, runs no handlers and does not return.
        unsafe { libc::_exit(0) };
    }
    let all = trace(child);
    let marks: Vec<_> =
        all.iter().enumerate().filter(|(_, call)| **call == MARK).map(|(at, _)| at).collect();
    let [begin, end] = marks[..] else { panic!("a child that did not come to its end: {all:?}") };
    all[begin + 1..end].iter().map(|&call| name(call)).collect()
}

/// The numbers of all calls of a child that has stopped itself.
fn trace(child: libc::pid_t) -> Vec<i64> {
    let mut calls = Vec::new();
    let status = wait(child);
    assert!(
        libc::WIFSTOPPED(status) && libc::WSTOPSIG(status) == libc::SIGSTOP,
        "the child: {status:#x}"
    );
    request(libc::PTRACE_SETOPTIONS, child, libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_EXITKILL);
    // A child stops twice at each call: before it and after it.
    let mut enters = true;
    loop {
        request(libc::PTRACE_SYSCALL, child, 0);
        let status = wait(child);
        if libc::WIFEXITED(status) {
            assert_eq!(libc::WEXITSTATUS(status), 0, "the child");
            return calls;
        }
        // TRACESYSGOOD sets this bit, so that a call is no signal.
        assert!(
            libc::WIFSTOPPED(status) && libc::WSTOPSIG(status) == libc::SIGTRAP | 0x80,
            "the child: {status:#x}"
        );
        if enters {
            calls.push(number(child));
        }
        enters = !enters;
    }
}

fn wait(child: libc::pid_t) -> i32 {
    let mut status = 0;
    // SAFETY: `status` is a valid place for an int, and `child` a child of this process that nobody
    // else waits for.
    let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert_eq!(waited, child, "{}", std::io::Error::last_os_error());
    status
}

fn request(what: libc::c_uint, child: libc::pid_t, data: i32) {
    // SAFETY: the requests that are made here take a number as data and no address.
    let done = unsafe { libc::ptrace(what, child, null_mut::<u8>(), libc::c_long::from(data)) };
    assert_eq!(done, 0, "ptrace: {}", std::io::Error::last_os_error());
}

/// The number of the call that a child is at.
fn number(child: libc::pid_t) -> i64 {
    // SAFETY: it is a structure of numbers, for which zeros are good.
    let mut registers: libc::user_regs_struct = unsafe { std::mem::zeroed() };
    // SAFETY: PTRACE_GETREGS writes one such structure, for which there is room.
    let done =
        unsafe { libc::ptrace(libc::PTRACE_GETREGS, child, null_mut::<u8>(), &raw mut registers) };
    assert_eq!(done, 0, "ptrace: {}", std::io::Error::last_os_error());
    registers.orig_rax.cast_signed()
}

fn name(call: i64) -> &'static str {
    match call {
        libc::SYS_fcntl => "fcntl",
        libc::SYS_fstat => "fstat",
        libc::SYS_fstatfs => "fstatfs",
        libc::SYS_ioctl => "ioctl",
        libc::SYS_readlinkat => "readlinkat",
        libc::SYS_faccessat => "faccessat",
        libc::SYS_newfstatat => "newfstatat",
        libc::SYS_openat => "openat",
        libc::SYS_read => "read",
        libc::SYS_close => "close",
        libc::SYS_getdents64 => "getdents64",
        libc::SYS_statx => "statx",
        libc::SYS_mmap => "mmap",
        libc::SYS_munmap => "munmap",
        other => panic!("system call {other}, which pmem2 is not documented to make"),
    }
}

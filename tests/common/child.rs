//! Processes of their own for what would end or starve the others: filters on system calls, limits.

use std::{
    any::Any,
    mem::size_of,
    panic::{AssertUnwindSafe, catch_unwind},
    ptr::null_mut,
};

/// How a child ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ended<T> {
    /// It returned this.
    With(T),
    /// A signal killed it.
    Killed(i32),
    /// It panicked, or ended otherwise.
    Failed(i32),
}

/// Memory that parent and child see both.
struct Shared<T: Copy>(*mut Option<T>);

impl<T: Copy> Shared<T> {
    fn new() -> Self {
        let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
        // SAFETY: a new anonymous mapping at no particular address touches no memory that anybody
        // has.
        let page = unsafe {
            libc::mmap(
                null_mut(),
                size_of::<Option<T>>(),
                libc::PROT_READ | libc::PROT_WRITE,
                flags,
                -1,
                0,
            )
        };
        assert_ne!(page, libc::MAP_FAILED, "shared memory for the child's result");
        let shared = Self(page.cast());
        // SAFETY: the mapping is page-aligned, writable, long enough for an Option<T>, and this is
        // its only user as yet.
        unsafe { shared.0.write(None) };
        shared
    }
}

impl<T: Copy> Drop for Shared<T> {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `new` with this length and nothing refers to it any more.
        unsafe { libc::munmap(self.0.cast(), size_of::<Option<T>>()) };
    }
}

/// Runs `body` in a forked child and brings its result back, with no system call after `body` but
/// exit_group. A child that hangs is killed by SIGALRM.
///
/// The child has one thread, of a process that has several: `body` must not allocate or lock. `T`
/// must hold no references into memory that `body` made.
pub(crate) fn in_child<T: Copy + 'static>(body: impl FnOnce() -> T) -> Ended<T> {
    let shared = Shared::<T>::new();
    // SAFETY: after fork, the child of a process with threads may use only what is
    // async-signal-safe; `body` promises it, and what is here besides (setrlimit, alarm, _exit) is.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "fork: {}", std::io::Error::last_os_error());
    if pid == 0 {
        let status = child(body, shared.0);
        // SAFETY: _exit takes any number, runs no handlers and does not return.
        unsafe { libc::_exit(status) };
    }
    let mut status = 0;
    // SAFETY: `status` is a valid place for an int, and `pid` a child of this process that nobody
    // else waits for.
    let waited = unsafe { libc::waitpid(pid, &raw mut status, 0) };
    assert_eq!(waited, pid, "waitpid: {}", std::io::Error::last_os_error());
    if libc::WIFSIGNALED(status) {
        return Ended::Killed(libc::WTERMSIG(status));
    }
    // SAFETY: `shared` is still mapped and holds an Option<T> since `new`; the child, its other
    // user, is gone.
    match unsafe { shared.0.read() } {
        Some(value) if libc::WEXITSTATUS(status) == 0 => Ended::With(value),
        _ => Ended::Failed(libc::WEXITSTATUS(status)),
    }
}

/// Takes every descriptor there is, and says how that ended; what is open stays so. For a child of
/// its own.
pub(crate) fn fill_the_descriptor_table() -> i32 {
    let limit = libc::rlimit { rlim_cur: 128, rlim_max: 128 };
    // SAFETY: `limit` is a valid rlimit.
    unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
    // SAFETY: dup asks for another descriptor and touches no memory.
    while unsafe { libc::dup(2) } >= 0 {}
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

fn child<T: Copy>(body: impl FnOnce() -> T, result: *mut Option<T>) -> i32 {
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `none` is a valid rlimit. A child that a filter kills shall leave no core file
    // behind.
    unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const none) };
    // SAFETY: alarm takes a number. A child that hangs shall be a failure and not the end of all
    // tests.
    unsafe { libc::alarm(20) };
    // A panic must not unwind into the copy of the test harness that the child has.
    let value: Result<T, Box<dyn Any + Send>> = catch_unwind(AssertUnwindSafe(body));
    match value {
        Ok(value) => {
            // SAFETY: `result` is the shared mapping, valid for the write, and the parent reads it
            // after waitpid only.
            unsafe { result.write(Some(value)) };
            0
        }
        Err(_) => 101,
    }
}

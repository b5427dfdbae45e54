//! Signals to one thread of this process.

/// The number of this thread.
pub(crate) fn this_thread() -> i32 {
    // SAFETY: it takes and changes nothing.
    unsafe { libc::gettid() }
}

/// tgkill(2); whether there is such a thread.
pub(crate) fn send(thread: i32, signal: i32) -> bool {
    // SAFETY: it takes numbers. What the signal does is the test's business.
    unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), thread, signal) == 0 }
}

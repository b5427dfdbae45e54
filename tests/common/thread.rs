//! Threads with a descriptor table or mounts of their own: nothing that they do is seen by the
//! tests beside them.

use std::{panic::resume_unwind, path::Path, thread};

use rustix::{
    mount::{MountFlags, MountPropagationFlags, mount, mount_change},
    process::{chdir, chroot},
    thread::{UnshareFlags, unshare_unsafe},
};

/// Runs `body` on a thread whose descriptor table is a copy that only it and its own threads have:
/// a number that was closed is not reused by another test, and what is open can be counted.
///
/// No descriptor may leave it, in `body`'s result or elsewhere: its number means nothing outside.
pub(crate) fn with_own_descriptors<T: Send>(body: impl FnOnce() -> T + Send) -> T {
    with_own(UnshareFlags::FILES, body)
}

/// Runs `body` on a thread with a mount namespace, root and working directory of its own.
pub(crate) fn with_own_mounts<T: Send>(body: impl FnOnce() -> T + Send) -> T {
    with_own(UnshareFlags::NEWNS | UnshareFlags::FS, || {
        // Otherwise the host would get what is mounted here.
        mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
            .expect("mounts made private");
        body()
    })
}

/// Runs `body` on a thread whose root directory is `root`.
pub(crate) fn with_own_root<T: Send>(root: &Path, body: impl FnOnce() -> T + Send) -> T {
    with_own(UnshareFlags::FS, || {
        chroot(root).expect("chroot");
        chdir("/").expect("chdir");
        body()
    })
}

fn with_own<T: Send>(what: UnshareFlags, body: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let thread = scope.spawn(|| {
            // SAFETY: unshare_unsafe warns of CLONE_FILES, after which descriptors of this thread
            // and of others no longer mean the same. with_own_descriptors asks its callers to let
            // none out, and what came in stays open here.
            unsafe { unshare_unsafe(what) }.unwrap_or_else(|errno| {
                panic!("unshare({what:?}): {errno}; these tests have to run as root")
            });
            body()
        });
        thread.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

/// Runs `body` with the rights of nobody, on this thread only.
pub(crate) fn as_nobody<T>(body: impl FnOnce() -> T) -> T {
    const NOBODY: libc::uid_t = 65534;
    // SAFETY: setfsuid touches no memory; it changes this thread's user for file accesses, and with
    // it the capabilities.
    unsafe { libc::setfsuid(NOBODY) };
    let result = body();
    // SAFETY: as above. It says who it was before.
    let before = unsafe { libc::setfsuid(0) };
    assert_eq!(before, NOBODY.cast_signed(), "setfsuid: this test needs root");
    result
}

/// Mounts a new file system of type `kind` on `target`; call it on a thread with mounts of its own.
pub(crate) fn mount_new(kind: &str, target: &str, options: &str) {
    let options = std::ffi::CString::new(options).expect("mount options without a NUL");
    mount(kind, target, kind, MountFlags::empty(), options.as_c_str())
        .unwrap_or_else(|errno| panic!("mount of {kind} on {target} with {options:?}: {errno}"));
}

/// How many descriptors this thread has open. Meaningful on a thread with its own table only.
pub(crate) fn open_descriptors() -> usize {
    let entries = std::fs::read_dir("/proc/thread-self/fd").expect("/proc is mounted").count();
    // One of them was the directory's own.
    entries - 1
}

/// Whether this descriptor number is open.
pub(crate) fn is_open(raw: i32) -> bool {
    // SAFETY: F_GETFD only asks about a number, whatever it is.
    unsafe { libc::fcntl(raw, libc::F_GETFD) >= 0 }
}

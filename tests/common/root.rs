//! Tests for which a process needs root: mounts of its own, device nodes, loop devices.

use std::{
    io::Write,
    sync::atomic::{AtomicUsize, Ordering},
};

static NOT_RUN: AtomicUsize = AtomicUsize::new(0);

/// Returns from a test, unless this is root. The program says at its end how many were not run.
#[allow(unused_macros, reason = "each test program uses a part of this")]
macro_rules! needs_root {
    () => {
        if !crate::common::root::is_root() {
            return;
        }
    };
}

pub(crate) fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root && NOT_RUN.fetch_add(1, Ordering::Relaxed) == 0 {
        // SAFETY: the function takes nothing, does not unwind, and stays as long as the program.
        unsafe { libc::atexit(say) };
    }
    root
}

extern "C" fn say() {
    // The harness keeps back only what is printed by macros.
    let count = NOT_RUN.load(Ordering::Relaxed);
    let _ = writeln!(std::io::stderr(), "needs root: {count} not run");
}

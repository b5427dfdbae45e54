//! Mappings of files and of anonymous memory on this machine's kernel: what is mapped and what is
//! refused, Debian's libpmem2 beside each answer, accesses, growth, fork, threads.
#![cfg(target_os = "linux")]

#[macro_use]
#[path = "../common/mod.rs"]
mod common;
#[cfg(target_arch = "x86_64")]
#[path = "../common/instructions.rs"]
mod instructions;

mod access;
mod aligned;
mod fork;
mod grow;
mod made_up;
mod peer;
mod refused;
mod rows;
mod smoke;
mod table;
mod threads;

use std::{
    env,
    ffi::CStr,
    fs::File,
    os::fd::{AsRawFd, FromRawFd},
    process::{Command, Output},
};

/// The directories of files: the disk's file system, and memory.
const DIRECTORIES: [&str; 2] = [common::made::DISK, "/dev/shm"];

/// A file of so many zeros in a directory, without a name.
fn file_in(directory: &str, size: u64) -> File {
    let file = tempfile::tempfile_in(directory).expect("a file");
    file.set_len(size).expect("its size");
    file
}

/// Runs a test of this program in a process of its own, with this variable for it to know, and
/// returns how that ended.
fn alone(test: &str, variable: &str, value: &str) -> Output {
    let program = env::current_exe().expect("this program");
    let mut command = Command::new(program);
    let output = command.args(["--exact", test, "--nocapture"]).env(variable, value).output();
    let output = output.expect("a process");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("running 1 test"), "{test}: {text}");
    output
}

/// Reads a file of /proc, without allocation: the number of bytes.
fn read_file(path: &CStr, into: &mut [u8]) -> usize {
    // SAFETY: open takes a string that ends, and touches no other memory.
    let fd = unsafe { libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
    assert!(fd >= 0);
    // SAFETY: the descriptor was opened just now, and is nobody else's.
    let file = unsafe { File::from_raw_fd(fd) };
    let mut length = 0;
    loop {
        assert!(length < into.len(), "the buffer is too small");
        // SAFETY: the buffer has so many bytes from there.
        let read = unsafe {
            libc::read(file.as_raw_fd(), into[length..].as_mut_ptr().cast(), into.len() - length)
        };
        match usize::try_from(read).expect("it can be read") {
            0 => return length,
            read => length += read,
        }
    }
}

/// Whether the page at an address is mapped.
fn is_mapped(at: usize) -> bool {
    // SAFETY: msync with MS_ASYNC changes nothing, and fails where nothing is mapped.
    unsafe { libc::msync(std::ptr::without_provenance_mut(at), 1, libc::MS_ASYNC) == 0 }
}

//! Reading and writing through sources of real descriptors: what comes of each, against
//! pmem2_source_pread_mcsafe(3) and the issue.
#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
#[macro_use]
mod common;
#[cfg(target_arch = "x86_64")]
#[path = "../common/instructions.rs"]
mod instructions;

mod buffers;
mod device;
mod durable;
mod files;
mod limits;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"))]
mod mcsafe;
mod meanwhile;
mod model;
mod refused;

use std::{fs::File, os::fd::OwnedFd, os::unix::fs::FileExt};

use common::made::{self, Made};
use pmem2::{Error, Source, transfer::TransferError};
use rustix::fs::{MemfdFlags, OFlags};

/// The byte at an offset of a file of these tests.
fn byte(offset: usize) -> u8 {
    (offset * 7 + offset / 251 + offset / 65_521) as u8
}

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(byte).collect()
}

/// A file of memory with those bytes, open to be read and written.
fn memory(length: usize) -> File {
    let file = File::from(made::memfd(MemfdFlags::empty(), 0).expect("a memfd"));
    file.write_all_at(&bytes(length), 0).expect("its bytes");
    file
}

/// A file on the disk with those bytes, opened like this.
fn on_disk(length: usize, flags: OFlags) -> File {
    let named = tempfile::NamedTempFile::new_in(made::DISK).expect("a file on the disk");
    named.as_file().write_all_at(&bytes(length), 0).expect("its bytes");
    File::from(made::path(named.path(), flags).expect("it opens"))
}

/// All bytes of the source that can be read.
fn all_of(source: &Source<&File>) -> Vec<u8> {
    let mut found =
        vec![0xEE; usize::try_from(source.size().expect("a size")).expect("a size that fits")];
    assert_eq!(source.read_at(0, &mut found), Ok(()));
    found
}

/// The number of bytes that were transferred, and why no more.
fn stopped<T>(result: Result<T, TransferError>) -> Result<T, (usize, Error)> {
    result.map_err(|error| (error.done(), error.error()))
}

fn file_of(made: &Made) -> File {
    // SAFETY: the descriptor is open; its copy belongs to the file.
    let fd: OwnedFd = unsafe { rustix::fd::BorrowedFd::borrow_raw(made.raw()) }
        .try_clone_to_owned()
        .expect("a copy");
    File::from(fd)
}

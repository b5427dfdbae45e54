//! Buffers that are not what they should be: the kernel finds out, and how far it got is right.

use std::{ffi::c_void, fs::File, ptr::null_mut};

use pmem2::{
    Error, Source,
    error::{Errno, Subject},
    transfer::{ReadBuffer, TransferError, WriteBuffer},
};
use rustix::fs::OFlags;

use crate::{all_of, byte, bytes, memory, on_disk, stopped};

const PAGE: usize = 4096;

/// A reserved range, and what is mapped in it.
struct Reserved {
    at: *mut u8,
    length: usize,
}

impl Reserved {
    /// No access to any of it.
    fn new(length: usize) -> Self {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a mapping at an address of the kernel's choice touches no memory that anybody
        // has.
        let at = unsafe { libc::mmap(null_mut(), length, libc::PROT_NONE, flags, -1, 0) };
        assert_ne!(at, libc::MAP_FAILED, "a range");
        Self { at: at.cast(), length }
    }

    /// Changes the protection of these bytes, which are whole pages.
    fn protect(&self, start: usize, length: usize, protection: i32) {
        assert!(start + length <= self.length);
        // An emulation of mprotect(2) may not take what is nothing.
        if length == 0 {
            return;
        }
        // SAFETY: the pages are this range's, to which there is no reference.
        assert_eq!(unsafe { libc::mprotect(self.address(start), length, protection) }, 0);
    }

    fn address(&self, at: usize) -> *mut c_void {
        self.at.wrapping_add(at).cast()
    }

    fn to_read(&self, at: usize, length: usize) -> ReadBuffer<'_> {
        // SAFETY: nobody has a reference to any of it.
        unsafe { ReadBuffer::from_raw_parts(self.address(at).cast(), length) }
    }

    fn to_write(&self, at: usize, length: usize) -> WriteBuffer<'_> {
        // SAFETY: as above.
        unsafe { WriteBuffer::from_raw_parts(self.address(at).cast(), length) }
    }

    fn copy(&self, at: usize, length: usize) -> Vec<u8> {
        // SAFETY: the tests ask for bytes that they have made readable, and nobody writes to them
        // now.
        unsafe { std::slice::from_raw_parts(self.address(at).cast::<u8>(), length) }.to_vec()
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        // SAFETY: `new` has mapped it, and nobody has a reference to it.
        unsafe { libc::munmap(self.at.cast(), self.length) };
    }
}

/// A few bytes of memory, mapped again and again.
pub(crate) struct Ring(Reserved, usize);

impl Ring {
    pub(crate) fn new(mapped: usize, length: usize) -> Self {
        let (ring, file) = (Reserved::new(length.next_multiple_of(mapped)), memory(0));
        file.set_len(mapped as u64).expect("its length");
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let fd = std::os::fd::AsRawFd::as_raw_fd(&file);
        for start in (0..ring.length).step_by(mapped) {
            let flags = libc::MAP_SHARED | libc::MAP_FIXED;
            // SAFETY: it replaces pages of the range, to which there is no reference.
            let at = unsafe { libc::mmap(ring.address(start), mapped, protection, flags, fd, 0) };
            assert_ne!(at, libc::MAP_FAILED);
        }
        Self(ring, length)
    }

    pub(crate) fn whole(&self) -> ReadBuffer<'_> {
        self.0.to_read(0, self.1)
    }

    pub(crate) fn first(&self, length: usize) -> Vec<u8> {
        self.0.copy(0, length)
    }
}

fn fault<T>(done: usize) -> Result<T, (usize, Error)> {
    Err((done, Error::Os { subject: Subject::Buffer, errno: Errno::EFAULT }))
}

fn files() -> [File; 2] {
    [memory(8 * PAGE), on_disk(8 * PAGE, OFlags::RDWR)]
}

/// In the midst of a buffer the memory ends.
#[test]
fn a_buffer_of_which_a_part_is_there() {
    for file in files() {
        let source = Source::new(&file).expect("a source");
        for (there, start, length) in
            [(0, 0, 100), (1, 0, PAGE + 1), (2, 100, 4 * PAGE), (4, 0, 8 * PAGE), (1, PAGE - 1, 2)]
        {
            let range = Reserved::new(8 * PAGE + PAGE);
            range.protect(0, there * PAGE, libc::PROT_READ | libc::PROT_WRITE);
            let expected = there * PAGE - start;
            let read = stopped(source.read_into(0, range.to_read(start, length)));
            assert_eq!(read, fault(expected), "{there} pages, {length} bytes from {start}");
            assert!(range.copy(start, expected) == bytes(expected));
            // What comes from there is what was read to there.
            assert_eq!(
                stopped(source.write_from(0, range.to_write(start, length))),
                fault(expected)
            );
            range.protect(0, there * PAGE, libc::PROT_READ);
            assert_eq!(
                stopped(source.read_into(0, range.to_read(start, length))),
                fault(0),
                "it can only be read"
            );
            assert_eq!(
                stopped(source.write_from(0, range.to_write(start, length))),
                fault(expected)
            );
        }
        assert!(all_of(&source) == bytes(8 * PAGE));
    }
}

#[test]
fn a_buffer_that_is_nowhere() {
    for file in files() {
        let source = Source::new(&file).expect("a source");
        for address in [0, 1, 8, usize::MAX - 50, usize::MAX / 2, !0 << 12] {
            let at: *mut u8 = std::ptr::without_provenance_mut(address);
            // SAFETY: no object of Rust's is there.
            let (to, from) = unsafe {
                (ReadBuffer::from_raw_parts(at, 100), WriteBuffer::from_raw_parts(at, 100))
            };
            assert_eq!(stopped(source.read_into(0, to)), fault(0), "{address:#x}");
            assert_eq!(stopped(source.write_from(0, from)), fault(0), "{address:#x}");
            // SAFETY: as above.
            let (to, from) =
                unsafe { (ReadBuffer::from_raw_parts(at, 0), WriteBuffer::from_raw_parts(at, 0)) };
            assert_eq!(stopped(source.read_into(0, to)), Ok(()), "nothing is read");
            assert_eq!(stopped(source.write_from(0, from)), Ok(()));
        }
        assert!(all_of(&source) == bytes(8 * PAGE));
    }
}

/// A mapping of a file that was cut off is no memory, and no bad block either.
#[test]
fn a_buffer_in_a_file_that_was_cut_off() {
    let (file, other) = (memory(4 * PAGE), memory(2 * PAGE));
    let range = Reserved::new(2 * PAGE);
    let fd = std::os::fd::AsRawFd::as_raw_fd(&other);
    let (protection, flags) =
        (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_FIXED);
    // SAFETY: it replaces the range, to which there is no reference.
    let mapped = unsafe { libc::mmap(range.address(0), 2 * PAGE, protection, flags, fd, 0) };
    assert_ne!(mapped, libc::MAP_FAILED);
    other.set_len(PAGE as u64).expect("a shorter file");
    let source = Source::new(&file).expect("a source");
    let (read, written) = (
        source.read_into(10, range.to_read(5, 2 * PAGE - 5)),
        source.write_from(10, range.to_write(5, 2 * PAGE - 5)),
    );
    assert_eq!(stopped(read), fault(PAGE - 5));
    assert_eq!(stopped(written), fault(PAGE - 5));
}

/// Memory that may be uninitialized.
#[test]
fn uninitialized_memory() {
    let file = memory(PAGE);
    let mut room = [const { std::mem::MaybeUninit::uninit() }; 100];
    let read: Result<(), TransferError> =
        Source::new(&file).expect("a source").read_into(7, room.as_mut_slice().into());
    assert_eq!(read, Ok(()));
    // SAFETY: all of it was read.
    let found = room.map(|byte| unsafe { byte.assume_init() });
    assert!(found.iter().enumerate().all(|(index, found)| *found == byte(7 + index)));
}

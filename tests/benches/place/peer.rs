//! The functions of Debian's libpmem2 that say where a source lies.

use std::{
    ffi::{CStr, c_char, c_int},
    ptr::null_mut,
};

use libloading::Library;

use crate::libpmem2::Pointer;

/// The number that a function of libpmem2 returns where it fails.
pub(crate) type Code = c_int;

/// Plain pointers, as the dynamic linker would call them.
pub(crate) struct Peer {
    numa_node: unsafe extern "C" fn(Pointer, *mut c_int) -> c_int,
    device_id: unsafe extern "C" fn(Pointer, *mut c_char, *mut usize) -> c_int,
    device_usc: unsafe extern "C" fn(Pointer, *mut u64) -> c_int,
    /// Last: the functions are in it.
    _library: Library,
}

impl Peer {
    pub(crate) fn load() -> Result<Self, libloading::Error> {
        // SAFETY: the library's initialisers set up its own state and nothing of ours.
        let library = unsafe { Library::new("libpmem2.so.1") }?;
        // SAFETY: the types are those of <libpmem2/base.h>; the library stays loaded as long as the
        // pointers are there.
        unsafe {
            Ok(Self {
                numa_node: *library.get(b"pmem2_source_numa_node\0")?,
                device_id: *library.get(b"pmem2_source_device_id\0")?,
                device_usc: *library.get(b"pmem2_source_device_usc\0")?,
                _library: library,
            })
        }
    }

    /// Asks about a source that the library made and that lives; likewise below.
    pub(crate) fn numa_node(&self, source: Pointer) -> Result<i32, Code> {
        let mut node = 0;
        // SAFETY: it writes an int, for which there is room.
        done(unsafe { (self.numa_node)(source, &raw mut node) }).map(|()| node)
    }

    pub(crate) fn device_usc(&self, source: Pointer) -> Result<u64, Code> {
        let mut count = 0;
        // SAFETY: it writes a uint64_t, for which there is room.
        done(unsafe { (self.device_usc)(source, &raw mut count) }).map(|()| count)
    }

    /// Writes the id into `buffer`.
    pub(crate) fn device_id<'b>(
        &self,
        source: Pointer,
        buffer: &'b mut [u8],
    ) -> Result<&'b CStr, Code> {
        // It appends to what is there.
        *buffer.first_mut().expect("room for an id") = 0;
        let mut length = buffer.len();
        // SAFETY: it writes at most `length` bytes, for which there is room.
        done(unsafe { (self.device_id)(source, buffer.as_mut_ptr().cast(), &raw mut length) })?;
        Ok(CStr::from_bytes_until_nul(buffer).expect("a string that ends"))
    }

    /// How many bytes the id takes, with the zero behind it.
    pub(crate) fn device_id_length(&self, source: Pointer) -> Result<usize, Code> {
        let mut length = 0;
        // SAFETY: with no buffer it writes only the length, for which there is room.
        done(unsafe { (self.device_id)(source, null_mut(), &raw mut length) }).map(|()| length)
    }
}

fn done(code: c_int) -> Result<(), Code> {
    if code == 0 { Ok(()) } else { Err(code) }
}

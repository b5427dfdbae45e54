//! The functions of a libpmem2 that read past bad memory and tell of it.

use std::{
    ffi::{OsStr, c_int, c_void},
    ptr::null_mut,
};

use libloading::Library;

use crate::libpmem2::Pointer;

/// The number that a function of libpmem2 returns where it fails.
pub(crate) type Code = c_int;

/// PMEM2_E_NO_BAD_BLOCK_FOUND of <libpmem2/base.h>.
const NO_BAD_BLOCK_FOUND: Code = -100_029;

/// Plain pointers, as the dynamic linker would call them.
pub(crate) struct Peer {
    pread: unsafe extern "C" fn(Pointer, *mut c_void, usize, usize) -> c_int,
    new: unsafe extern "C" fn(*mut Pointer, Pointer) -> c_int,
    next: unsafe extern "C" fn(Pointer, *mut [usize; 2]) -> c_int,
    delete: unsafe extern "C" fn(*mut Pointer),
    /// Last: the functions are in it.
    _library: Library,
}

impl Peer {
    pub(crate) fn load(name: impl AsRef<OsStr>) -> Result<Self, libloading::Error> {
        // SAFETY: the library's initialisers set up its own state and nothing of ours.
        let library = unsafe { Library::new(name.as_ref()) }?;
        // SAFETY: the types are those of <libpmem2/base.h>; the library stays loaded as long as the
        // pointers are there.
        unsafe {
            Ok(Self {
                pread: *library.get(b"pmem2_source_pread_mcsafe\0")?,
                new: *library.get(b"pmem2_badblock_context_new\0")?,
                next: *library.get(b"pmem2_badblock_next\0")?,
                delete: *library.get(b"pmem2_badblock_context_delete\0")?,
                _library: library,
            })
        }
    }

    /// Asks about a source that the library made and that lives; likewise below.
    pub(crate) fn read(&self, source: Pointer, offset: u64, buffer: &mut [u8]) -> Result<(), Code> {
        // SAFETY: it writes at most so many bytes, for which there is room.
        match unsafe {
            (self.pread)(source, buffer.as_mut_ptr().cast(), buffer.len(), offset as usize)
        } {
            0 => Ok(()),
            code => Err(code),
        }
    }

    /// How many there are.
    pub(crate) fn bad_blocks(&self, source: Pointer) -> Result<usize, Code> {
        let mut context = null_mut();
        // SAFETY: it writes the pointer, for which there is room.
        match unsafe { (self.new)(&raw mut context, source) } {
            0 => {}
            code => return Err(code),
        }
        let (mut found, mut block) = (0, [0; 2]);
        loop {
            // SAFETY: the context lives, and it writes two numbers, for which there is room.
            match unsafe { (self.next)(context, &raw mut block) } {
                0 => found += 1,
                code => break assert_eq!(code, NO_BAD_BLOCK_FOUND),
            }
        }
        // SAFETY: the context is not used again; here it is set to null.
        unsafe { (self.delete)(&raw mut context) };
        Ok(found)
    }
}

//! The functions of Debian's libpmem2 that map and store.

use std::{
    ffi::{OsStr, c_int, c_uint, c_void},
    ptr::null_mut,
};

use libloading::Library;

use crate::libpmem2::{Libpmem2, Pointer};

/// `enum pmem2_granularity`.
pub(crate) const CACHE_LINE: c_int = 1;
pub(crate) const PAGE: c_int = 2;

pub(crate) type Persist = unsafe extern "C" fn(*const c_void, usize);
pub(crate) type Memcpy =
    unsafe extern "C" fn(*mut c_void, *const c_void, usize, c_uint) -> *mut c_void;

/// Plain pointers, as the dynamic linker would call them.
pub(crate) struct Peer {
    config_new: unsafe extern "C" fn(*mut Pointer) -> c_int,
    config_granularity: unsafe extern "C" fn(Pointer, c_int) -> c_int,
    map_new: unsafe extern "C" fn(*mut Pointer, Pointer, Pointer) -> c_int,
    map_delete: unsafe extern "C" fn(*mut Pointer) -> c_int,
    address: unsafe extern "C" fn(Pointer) -> *mut u8,
    persist: unsafe extern "C" fn(Pointer) -> Persist,
    memcpy: unsafe extern "C" fn(Pointer) -> Memcpy,
    /// Makes sources.
    sources: Libpmem2,
    /// Last: the functions are in it.
    _library: Library,
}

/// A source and a configuration, from which mappings are made. They stay.
#[derive(Clone, Copy)]
pub(crate) struct Recipe {
    source: Pointer,
    config: Pointer,
}

// SAFETY: pmem2_map_new reads both, from any thread.
unsafe impl Sync for Recipe {}

impl Peer {
    pub(crate) fn load(name: impl AsRef<OsStr>) -> Result<Self, libloading::Error> {
        let sources = Libpmem2::open(name.as_ref())?;
        // SAFETY: the library's initialisers set up its own state and nothing of ours.
        let library = unsafe { Library::new(name.as_ref()) }?;
        // SAFETY: the types are those of <libpmem2/base.h>; the library stays loaded as long as the
        // pointers are there.
        unsafe {
            Ok(Self {
                config_new: *library.get(b"pmem2_config_new\0")?,
                config_granularity: *library
                    .get(b"pmem2_config_set_required_store_granularity\0")?,
                map_new: *library.get(b"pmem2_map_new\0")?,
                map_delete: *library.get(b"pmem2_map_delete\0")?,
                address: *library.get(b"pmem2_map_get_address\0")?,
                persist: *library.get(b"pmem2_get_persist_fn\0")?,
                memcpy: *library.get(b"pmem2_get_memcpy_fn\0")?,
                sources,
                _library: library,
            })
        }
    }

    /// The file that the functions are in.
    pub(crate) fn file(&self) -> String {
        self.sources.file()
    }

    /// A source and a configuration with this granularity.
    pub(crate) fn recipe(&self, fd: i32, granularity: c_int) -> Recipe {
        let (source, mut config) = (self.sources.make(fd), null_mut());
        // SAFETY: it writes the pointer, for which there is room.
        assert_eq!(unsafe { (self.config_new)(&raw mut config) }, 0);
        // SAFETY: the configuration was made just now.
        assert_eq!(unsafe { (self.config_granularity)(config, granularity) }, 0);
        Recipe { source, config }
    }

    /// A mapping.
    pub(crate) fn map(&self, recipe: Recipe) -> Pointer {
        let mut map = null_mut();
        // SAFETY: source and configuration live; it writes the pointer, for which there is room.
        assert_eq!(unsafe { (self.map_new)(&raw mut map, recipe.config, recipe.source) }, 0);
        map
    }

    /// Ends a mapping that came from `map`.
    pub(crate) fn unmap(&self, mut map: Pointer) {
        // SAFETY: the mapping came from the library and is not used again; here it is set to null.
        assert_eq!(unsafe { (self.map_delete)(&raw mut map) }, 0);
    }

    /// The address of a mapping, and the functions for it.
    pub(crate) fn functions(&self, map: Pointer) -> (*mut u8, Persist, Memcpy) {
        // SAFETY: the mapping lives.
        unsafe { ((self.address)(map), (self.persist)(map), (self.memcpy)(map)) }
    }
}

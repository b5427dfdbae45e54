//! The libpmem2 of the Debian package, as a peer: what it answers, by the calls that are known not to crash.

use std::{
    ffi::{c_int, c_void},
    ptr::null_mut,
};

use libloading::{Library, Symbol};

/// `struct pmem2_source *` and siblings.
type Object = *mut c_void;

/// What a function of libpmem2 returned, if it was not 0.
pub(crate) type Code = c_int;

pub(crate) struct Libpmem2(Library);

/// PMEM2_GRANULARITY_PAGE of `<libpmem2/base.h>`.
const GRANULARITY_PAGE: c_int = 2;

fn done(code: c_int) -> Result<(), Code> {
    if code == 0 { Ok(()) } else { Err(code) }
}

impl Libpmem2 {
    pub(crate) fn load() -> Self {
        // SAFETY: loading it runs its constructors, which prepare it and have no demands on us.
        let library = unsafe { Library::new("libpmem2.so.1") };
        Self(library.unwrap_or_else(|error| panic!("{error}; `apt-get install libpmem2-1` brings it")))
    }

    /// # Safety
    ///
    /// `F` is the type that `<libpmem2/base.h>` gives the function `name`.
    unsafe fn function<F>(&self, name: &str) -> Symbol<'_, F> {
        // SAFETY: get wants the symbol's true type, which the caller vouches for.
        unsafe { self.0.get(name) }.unwrap_or_else(|error| panic!("{error}"))
    }

    /// pmem2_source_from_fd.
    pub(crate) fn source(&self, fd: i32) -> Result<PeerSource<'_>, Code> {
        let mut source = null_mut();
        // SAFETY: the type is that of base.h; `source` is a valid place for the pointer, and any number may be passed.
        let code = unsafe {
            self.function::<unsafe extern "C" fn(*mut Object, c_int) -> c_int>("pmem2_source_from_fd")(
                &raw mut source,
                fd,
            )
        };
        done(code).map(|()| PeerSource { library: self, source })
    }

    /// pmem2_source_from_anon.
    pub(crate) fn anonymous_source(&self, size: usize) -> Result<PeerSource<'_>, Code> {
        let mut source = null_mut();
        // SAFETY: the type is that of base.h; `source` is a valid place for the pointer, and any size may be passed.
        let code = unsafe {
            self.function::<unsafe extern "C" fn(*mut Object, usize) -> c_int>("pmem2_source_from_anon")(
                &raw mut source,
                size,
            )
        };
        done(code).map(|()| PeerSource { library: self, source })
    }

    /// Calls `name`, that is one of pmem2_*_delete.
    fn delete(&self, name: &str, mut object: Object) -> Object {
        // SAFETY: every pmem2_*_delete that is called here takes a pointer to the object's pointer, which is a live one.
        let code = unsafe { self.function::<unsafe extern "C" fn(*mut Object) -> c_int>(name)(&raw mut object) };
        assert_eq!(code, 0, "{name}");
        object
    }
}

/// A source of libpmem2. It is not deleted by itself: see [`delete`](PeerSource::delete).
pub(crate) struct PeerSource<'l> {
    library: &'l Libpmem2,
    source: Object,
}

impl PeerSource<'_> {
    /// Calls `name`, that is a function that puts one `T` where it is told.
    fn ask<T: Default>(&self, name: &str) -> Result<T, Code> {
        let mut answer = T::default();
        // SAFETY: the functions that are called here take the source, which is live, and a place for a T.
        let code = unsafe {
            self.library.function::<unsafe extern "C" fn(Object, *mut T) -> c_int>(name)(self.source, &raw mut answer)
        };
        done(code).map(|()| answer)
    }

    pub(crate) fn size(&self) -> Result<u64, Code> {
        self.ask::<usize>("pmem2_source_size").map(|size| size as u64)
    }

    pub(crate) fn alignment(&self) -> Result<u64, Code> {
        self.ask::<usize>("pmem2_source_alignment").map(|alignment| alignment as u64)
    }

    pub(crate) fn fd(&self) -> Result<i32, Code> {
        self.ask::<c_int>("pmem2_source_get_fd")
    }

    /// pmem2_source_delete, which has to leave a null pointer.
    pub(crate) fn delete(self) {
        assert!(self.library.delete("pmem2_source_delete", self.source).is_null());
    }

    /// The verdict of pmem2_config_set_offset, pmem2_config_set_length and pmem2_map_new on this range, with page
    /// granularity; the mapping's length if it was made.
    pub(crate) fn map(&self, offset: u64, length: u64) -> Result<u64, Code> {
        let config = self.new_config();
        let answer = self.configure(config, offset, length).and_then(|()| self.map_with(config));
        self.library.delete("pmem2_config_delete", config);
        answer
    }

    fn map_with(&self, config: Object) -> Result<u64, Code> {
        let library = self.library;
        let mut map = null_mut();
        // SAFETY: the type is that of base.h; `map` is a valid place for the pointer, config and source are live.
        let code = unsafe {
            library.function::<unsafe extern "C" fn(*mut Object, Object, Object) -> c_int>("pmem2_map_new")(
                &raw mut map,
                config,
                self.source,
            )
        };
        done(code)?;
        // SAFETY: the type is that of base.h, and the map is live.
        let length = unsafe { library.function::<unsafe extern "C" fn(Object) -> usize>("pmem2_map_get_size")(map) };
        library.delete("pmem2_map_delete", map);
        Ok(length as u64)
    }

    fn new_config(&self) -> Object {
        let mut config = null_mut();
        // SAFETY: the type is that of base.h; `config` is a valid place for the pointer.
        let code = unsafe {
            self.library.function::<unsafe extern "C" fn(*mut Object) -> c_int>("pmem2_config_new")(&raw mut config)
        };
        assert_eq!(code, 0, "pmem2_config_new");
        config
    }

    fn configure(&self, config: Object, offset: u64, length: u64) -> Result<(), Code> {
        for (name, value) in [("pmem2_config_set_offset", offset), ("pmem2_config_set_length", length)] {
            let value = usize::try_from(value).expect("a 64-bit machine");
            // SAFETY: both functions have this type in base.h, and the configuration is live.
            done(unsafe {
                self.library.function::<unsafe extern "C" fn(Object, usize) -> c_int>(name)(config, value)
            })?;
        }
        let name = "pmem2_config_set_required_store_granularity";
        // SAFETY: the type is that of base.h, where an enum is an int, and the configuration is live.
        done(unsafe {
            self.library.function::<unsafe extern "C" fn(Object, c_int) -> c_int>(name)(config, GRANULARITY_PAGE)
        })
    }
}

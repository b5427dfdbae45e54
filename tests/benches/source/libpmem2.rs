//! A libpmem2, Debian's or the one of src/capi, loaded as it is.

use std::{
    ffi::{CStr, OsStr, c_int, c_void},
    mem::MaybeUninit,
    ptr,
};

use libloading::Library;

/// A `struct pmem2_source *`.
pub(crate) type Pointer = *mut c_void;

/// The functions that are compared. Plain pointers, as the dynamic linker would call them.
pub(crate) struct Libpmem2 {
    from_fd: unsafe extern "C" fn(*mut Pointer, c_int) -> c_int,
    delete: unsafe extern "C" fn(*mut Pointer) -> c_int,
    size: unsafe extern "C" fn(Pointer, *mut usize) -> c_int,
    /// Last: the functions are in it.
    _library: Library,
}

impl Libpmem2 {
    /// Debian's. To be loaded before any other: two libraries of one name are told apart by their
    /// paths alone.
    pub(crate) fn load() -> Result<Self, libloading::Error> {
        Self::open("libpmem2.so.1")
    }

    /// The one with this path or name.
    pub(crate) fn open(name: impl AsRef<OsStr>) -> Result<Self, libloading::Error> {
        // SAFETY: the library's initialisers set up its own state and nothing of ours.
        let library = unsafe { Library::new(name.as_ref()) }?;
        // SAFETY: the types are those of <libpmem2/source.h>; the library stays loaded as long as
        // the pointers are there.
        unsafe {
            Ok(Self {
                from_fd: *library.get(b"pmem2_source_from_fd\0")?,
                delete: *library.get(b"pmem2_source_delete\0")?,
                size: *library.get(b"pmem2_source_size\0")?,
                _library: library,
            })
        }
    }

    /// The file that the functions are in.
    pub(crate) fn file(&self) -> String {
        let mut info = MaybeUninit::uninit();
        // SAFETY: dladdr writes the information, for which there is room, or returns 0.
        let found = unsafe { libc::dladdr(self.from_fd as *const c_void, info.as_mut_ptr()) };
        assert_ne!(found, 0, "dladdr knows a function that dlsym gave");
        // SAFETY: it was written, since dladdr succeeded; the name stays as long as the library is
        // loaded.
        let name = unsafe { CStr::from_ptr(info.assume_init().dli_fname) };
        name.to_string_lossy().into_owned()
    }

    /// A source of an open descriptor of a regular file.
    pub(crate) fn make(&self, fd: i32) -> Pointer {
        let mut source = ptr::null_mut();
        // SAFETY: it writes the pointer, for which there is room.
        assert_eq!(unsafe { (self.from_fd)(&raw mut source, fd) }, 0);
        source
    }

    /// Ends a source that came from `make`.
    pub(crate) fn delete(&self, mut source: Pointer) {
        // SAFETY: the source came from the library and is not used again; here it is set to null.
        assert_eq!(unsafe { (self.delete)(&raw mut source) }, 0);
    }

    /// The size of a source that came from `make`.
    pub(crate) fn size(&self, source: Pointer) -> u64 {
        let mut size = 0;
        // SAFETY: the source came from the library and lives; it writes a size_t, for which there
        // is room.
        assert_eq!(unsafe { (self.size)(source, &raw mut size) }, 0);
        size as u64
    }
}

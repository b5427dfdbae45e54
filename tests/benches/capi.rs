//! `cargo bench --bench capi`: what the C library costs, beside Debian's libpmem2. It is built and
//! installed by `ci/install` first, and loaded as a C program would have it.
//!
//! The method is that of the benchmark `source`. Nothing is asserted.

#[path = "source/figures.rs"]
mod figures;
#[path = "source/installed.rs"]
mod installed;
#[path = "source/libpmem2.rs"]
mod libpmem2;
#[path = "source/pair.rs"]
mod pair;

use std::{
    ffi::c_int, fs::File, hint::black_box, mem::MaybeUninit, os::fd::AsRawFd, path::Path, ptr,
};

use figures::{CALLS, Effort, pin, print_ratio};
use libloading::Library;
use libpmem2::{Libpmem2, Pointer};
use pair::{Side, compare};

/// The length of the file: any will do.
const LENGTH: u64 = 1 << 20;

fn main() {
    // Cargo passes `--bench`, and possibly a filter; there is one benchmark, and it runs.
    let path = installed::install();
    let theirs = Libpmem2::load().expect("libpmem2 of Debian: apt-get install libpmem2-dev");
    let ours = Libpmem2::open(&path).expect("the library that was installed");
    let init_fd = InitFd::load(&path).expect("pmem2_source_init_fd");
    println!("ours: {}\ntheirs: {}", ours.file(), theirs.file());
    assert_ne!(
        Path::new(&ours.file()).canonicalize().ok(),
        Path::new(&theirs.file()).canonicalize().ok()
    );

    pin();
    let file = tempfile::tempfile().expect("a temporary file");
    file.set_len(LENGTH).expect("its length");
    let number = file.as_raw_fd();

    let make = |library: &Libpmem2| library.delete(library.make(black_box(number)));
    let from_fd = ratio("from_fd and delete", &|| make(&ours), &|| make(&theirs));

    let init_fd =
        ratio("init_fd and delete", &|| ours.delete(init_fd.make(black_box(&file))), &|| {
            make(&theirs)
        });

    let sources = (ours.make(number), theirs.make(number));
    assert_eq!((ours.size(sources.0), theirs.size(sources.1)), (LENGTH, LENGTH));
    let ask = |library: &Libpmem2, source: Pointer| {
        assert!(black_box(library.size(black_box(source))) == LENGTH)
    };
    let size = ratio("size", &|| ask(&ours, sources.0), &|| ask(&theirs, sources.1));
    ours.delete(sources.0);
    theirs.delete(sources.1);

    println!();
    print_ratio("capi_from_fd_vs_libpmem2", from_fd, 3);
    print_ratio("init_fd_vs_libpmem2", init_fd, 3);
    print_ratio("capi_size_vs_libpmem2", size, 3);
}

/// pmem2_source_init_fd, which only one of the two has.
struct InitFd {
    init_fd: unsafe extern "C" fn(*mut Storage, *mut Pointer, c_int) -> c_int,
    storage: std::cell::UnsafeCell<MaybeUninit<Storage>>,
    /// Last: the function is in it.
    _library: Library,
}

/// `struct pmem2_source_storage` of libpmem2/base.h.
#[repr(C, align(8))]
struct Storage([u64; 8]);

impl InitFd {
    fn load(path: &Path) -> Result<Self, libloading::Error> {
        // SAFETY: the library is loaded already; it has no initialisers.
        let library = unsafe { Library::new(path) }?;
        // SAFETY: the type is that of libpmem2/base.h; the library stays loaded as long as the
        // pointer is there.
        let init_fd = unsafe { *library.get(b"pmem2_source_init_fd\0")? };
        Ok(Self { init_fd, storage: MaybeUninit::uninit().into(), _library: library })
    }

    /// A source in the one storage there is: the one before has been deleted.
    fn make(&self, file: &File) -> Pointer {
        let mut source = ptr::null_mut();
        let storage = self.storage.get().cast();
        // SAFETY: it writes the pointer and the storage, for which there is room, and which nothing
        // else uses: each source is deleted before the next is made.
        assert_eq!(unsafe { (self.init_fd)(storage, &raw mut source, file.as_raw_fd()) }, 0);
        source
    }
}

/// Runs the two in turn, prints what each costs, and returns the ratio.
fn ratio(name: &str, ours: &dyn Fn(), theirs: &dyn Fn()) -> f64 {
    let side = |call| Side { call, calls: CALLS };
    compare(name, Effort::USUAL, side(ours), side(theirs)).ratio
}

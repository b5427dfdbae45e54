//! The names: one list of the functions that C has. Symbols and their versions come from it, and
//! `ci/install` compares the headers with it. A new function takes:
//!
//! 1. the function in call/, in the file of its word, which includes its manual page;
//! 2. a line here;
//! 3. a prototype in a header of include/;
//! 4. a manual page in man/, and its name in libpmem2(7), man/libpmem2.md;
//! 5. tests in tests/capi/, with each sentence of the page; `ci/capi` runs them;
//! 6. a bullet in CHANGELOG.md.

/// Defines libpmem2's functions over a platform of your own, with a static pool in place of a heap.
///
/// The library's memory has room for `N` sources and for `N` contexts of bad blocks. Those in the
/// caller's memory ([`pmem2_source_init_fd`](crate::call::source_init_fd),
/// [`pmem2_badblock_context_init`](crate::call::badblock_context_init)) are not counted.
///
/// ```
/// pmem2_capi::export!(pmem2::Native, 16);
///
/// // The declaration in C:
/// unsafe extern "C" {
///     fn pmem2_source_from_fd(
///         src: *mut *mut core::ffi::c_void,
///         fd: core::ffi::c_int,
///     ) -> core::ffi::c_int;
/// }
/// let mut src = core::ptr::null_mut();
/// // SAFETY: there is room for the pointer, and -1 is not a descriptor.
/// assert_eq!(unsafe { pmem2_source_from_fd(&mut src, -1) }, -100_004);
/// ```
///
/// The platform is a type that is `Default`, or a type and a value, `export!(&'static Table =
/// &TABLE, 16)`: see tests/capi/export. C's descriptors are its raw values: `Raw` converts from and
/// to `int` (`TryFrom<c_int> + TryInto<c_int>`). C's part of the contract is `libpmem2.h`. Use the
/// macro once in an image. `pmem2_perror` is not defined, since it prints.
///
/// Without a third argument the image has one buffer for the last message. Then no two threads, and
/// no thread and an interrupt, may be in a failing call, or read the message while another one is
/// in a failing call, at the same time. Where that can be, name a function that returns the calling
/// thread's own ([`Message::new`](crate::Message::new) is a constant):
///
/// ```
/// /// Returns the message of the one thread of this program.
/// fn message() -> *mut pmem2_capi::Message {
///     static MESSAGE: pmem2_capi::SharedMessage = pmem2_capi::SharedMessage::new();
///     MESSAGE.get()
/// }
///
/// // SAFETY: it is valid for as long as the program runs, which has no other thread.
/// pmem2_capi::export!(pmem2::Native, 16, unsafe message);
/// # fn main() {}
/// ```
///
/// # Safety
///
/// The third argument is a `fn() -> *mut Message` (or an `unsafe fn`) after the word `unsafe`, with
/// which you promise that the pointer is aligned, valid for reads and writes for as long as the
/// calling thread runs, and initialized, and that nothing else reads or writes the message but the
/// functions that this defines, in that thread. They make a reference to it. Without the word it is
/// refused:
///
/// ```compile_fail
/// fn message() -> *mut pmem2_capi::Message {
///     static MESSAGE: pmem2_capi::SharedMessage = pmem2_capi::SharedMessage::new();
///     MESSAGE.get()
/// }
///
/// pmem2_capi::export!(pmem2::Native, 16, message);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! export {
    ($platform:ty = $value:expr, $n:expr $(, unsafe $message:expr)?) => {
        $crate::image!(
            $platform = $value, $n, [$($message)?]; descriptor_functions common_functions
        );
    };
    ($platform:ty, $n:expr $(, unsafe $message:expr)?) => {
        $crate::export!(
            $platform = <$platform as ::core::default::Default>::default(),
            $n $(, unsafe $message)?
        );
    };
}

/// Defines the functions where there is no operating system: those of [`export!`](crate::export),
/// over regions of physical memory, and those of libpmem2/region.h. `N` is as there.
///
/// ```standalone_crate
/// pmem2_capi::export_regions!(16);
/// ```
///
/// Every number that is given for a descriptor is refused. A second argument is the message of
/// `export!`.
#[macro_export]
macro_rules! export_regions {
    ($n:expr $(, unsafe $message:expr)?) => {
        $crate::image!(
            $crate::Regions = <$crate::Regions as ::core::default::Default>::default(),
            $n, [$($message)?]; descriptor_functions common_functions region_functions
        );
    };
}

/// Defines the functions of some lists over a library with static pools.
#[doc(hidden)]
#[macro_export]
macro_rules! image {
    ($platform:ty = $value:expr, $n:expr, []; $($functions:ident)*) => {
        // It is a static's. That no two use it at once is said in the documentation.
        $crate::image!($platform = $value, $n, [{
            static MESSAGE: $crate::SharedMessage = $crate::SharedMessage::new();
            fn message() -> *mut $crate::Message {
                MESSAGE.get()
            }
            message
        }]; $($functions)*);
    };
    ($platform:ty = $value:expr, $n:expr, [$message:expr]; $($functions:ident)*) => {
        // Nothing but the C names enters the module that this is used in, and no name of that
        // module has a part in it.
        const _: () = {
            enum CLibrary {}

            // SAFETY: of the message, who wrote `unsafe` before it promised it.
            unsafe impl $crate::Library for CLibrary {
                type Platform = $platform;
                type Memory = Self;

                fn platform() -> $platform {
                    $value
                }

                fn message() -> *mut $crate::Message {
                    let message: unsafe fn() -> *mut $crate::Message = $message;
                    // SAFETY: who wrote `unsafe` before it promised that it may be called.
                    unsafe { message() }
                }
            }

            $crate::pool!(CLibrary, $crate::CSource<CLibrary>, $n);
            $crate::pool!(CLibrary, $crate::CContext<CLibrary>, $n);

            $($crate::$functions!(CLibrary, []);)*
        };
    };
}

/// Gives a library a static pool for objects of one type.
#[doc(hidden)]
#[macro_export]
macro_rules! pool {
    ($library:ty, $object:ty, $n:expr) => {
        const _: () = {
            static POOL: $crate::StaticPool<$object, { $n }> = $crate::StaticPool::new();

            // SAFETY: what the pool keeps stays there until it is released.
            unsafe impl $crate::Allocator<$object> for $library {
                fn allocate(
                    object: $object,
                ) -> ::core::result::Result<*mut $object, $crate::Memory> {
                    POOL.allocate(object)
                }

                unsafe fn release(object: *mut $object) {
                    // SAFETY: as the caller says, `allocate` returned it.
                    unsafe { POOL.release(object) }
                }
            }
        };
    };
}

/// Defines functions under their names in C; with `[versions]`, as a shared library has them.
#[doc(hidden)]
#[macro_export]
macro_rules! define {
    ($library:ty, $versions:tt; $(
        fn $name:ident($($argument:ident: $kind:ty),*) $(-> $answer:ty)? = $call:path;
    )*) => {
        const _: () = {
            use $crate::abi::*;
            #[allow(dead_code, reason = "not every list has all of them")]
            type L = $library;
            #[allow(dead_code, reason = "as above")]
            type Source = $crate::CSource<$library>;
            #[allow(dead_code, reason = "as above")]
            type Context = $crate::CContext<$library>;
            $(
                #[allow(unused_unsafe, reason = "some functions ask the caller for nothing")]
                #[unsafe(no_mangle)]
                unsafe extern "C" fn $name($($argument: $kind),*) $(-> $answer)? {
                    // SAFETY: libpmem2.h asks the caller in C for what the function asks for.
                    unsafe { $call($($argument),*) }
                }
            )*
        };
        $($crate::version!($versions $name);)*
    };
}

/// Gives a function its symbol versions: `LIBPMEM2_1.0`, which programs that were linked with
/// Debian's library ask for, and `LIBPMEM2_2.0`, which new ones get. Their nodes, and which symbols
/// are local: libpmem2.map. Those of pmem2_perror are in shim.c.
#[doc(hidden)]
#[macro_export]
macro_rules! version {
    ([] $name:ident) => {};
    ([versions] $name:ident) => {
        ::core::arch::global_asm!(
            concat!(".symver ", stringify!($name), ",", stringify!($name), "@LIBPMEM2_1.0"),
            concat!(".symver ", stringify!($name), ",", stringify!($name), "@@LIBPMEM2_2.0"),
        );
    };
}

/// Names of types for the lists below.
#[doc(hidden)]
pub mod abi {
    pub use crate::{
        call::{self, Badblock, Granularity, Reach},
        context::BadblockStorage,
        region::structures::{CRegion, CWarning},
        source::SourceStorage,
    };
    pub use core::ffi::{c_int, c_void};
}

/// The functions that are the same everywhere.
#[doc(hidden)]
#[macro_export]
macro_rules! common_functions {
    ($library:ty, $versions:tt) => {
        $crate::define! { $library, $versions;
            fn pmem2_source_from_anon(src: *mut *mut Source, size: usize) -> c_int
                = call::source_from_anon::<L>;
            fn pmem2_source_init_anon(
                storage: *mut SourceStorage, src: *mut *mut Source, size: usize
            ) -> c_int = call::source_init_anon::<L>;
            fn pmem2_source_delete(src: *mut *mut Source) -> c_int = call::source_delete::<L>;
            fn pmem2_source_size(src: *const Source, size: *mut usize) -> c_int
                = call::source_size::<L>;
            fn pmem2_source_alignment(src: *const Source, alignment: *mut usize) -> c_int
                = call::source_alignment::<L>;
            fn pmem2_source_describe(src: *const Source, buf: *mut u8, len: usize) -> c_int
                = call::source_describe::<L>;
            fn pmem2_source_numa_node(src: *const Source, numa_node: *mut c_int) -> c_int
                = call::source_numa_node::<L>;
            fn pmem2_source_target_node(src: *const Source, target_node: *mut c_int) -> c_int
                = call::source_target_node::<L>;
            fn pmem2_source_device_usc(src: *const Source, usc: *mut u64) -> c_int
                = call::source_device_usc::<L>;
            fn pmem2_source_expected_granularity(
                src: *const Source, sharing: c_int, granularity: *mut Granularity
            ) -> c_int = call::source_expected_granularity::<L>;
            fn pmem2_source_expected_granularity_reason(
                src: *const Source, sharing: c_int, buf: *mut u8, len: usize
            ) -> c_int = call::source_expected_granularity_reason::<L>;
            fn pmem2_source_pread_mcsafe(
                src: *const Source, buf: *mut c_void, size: usize, offset: usize
            ) -> c_int = call::source_pread_mcsafe::<L>;
            fn pmem2_source_pwrite_mcsafe(
                src: *const Source, buf: *const c_void, size: usize, offset: usize
            ) -> c_int = call::source_pwrite_mcsafe::<L>;
            fn pmem2_source_pread_at(
                src: *const Source, buf: *mut c_void, size: usize, offset: u64, done: *mut usize
            ) -> c_int = call::source_pread_at::<L>;
            fn pmem2_source_pwrite_at(
                src: *const Source, buf: *const c_void, size: usize, offset: u64, done: *mut usize
            ) -> c_int = call::source_pwrite_at::<L>;
            fn pmem2_source_sync(src: *const Source) -> c_int = call::source_sync::<L>;
            fn pmem2_badblock_context_new(bbctx: *mut *mut Context, src: *const Source) -> c_int
                = call::badblock_context_new::<L>;
            fn pmem2_badblock_context_init(
                storage: *mut BadblockStorage, bbctx: *mut *mut Context, src: *const Source
            ) -> c_int = call::badblock_context_init::<L>;
            fn pmem2_badblock_context_delete(bbctx: *mut *mut Context)
                = call::badblock_context_delete::<L>;
            fn pmem2_badblock_next(bbctx: *mut Context, bb: *mut Badblock) -> c_int
                = call::badblock_next::<L>;
            fn pmem2_badblock_clear(bbctx: *mut Context, bb: *const Badblock) -> c_int
                = call::badblock_clear::<L>;
            fn pmem2_badblock_clear_by_device(bbctx: *mut Context, bb: *const Badblock) -> c_int
                = call::badblock_clear_by_device::<L>;
            fn pmem2_err_to_errno(err: c_int) -> c_int = call::err_to_errno;
        }
    };
}

/// The functions of platforms whose descriptors are numbers, and whose texts are narrow.
#[doc(hidden)]
#[macro_export]
macro_rules! descriptor_functions {
    ($library:ty, $versions:tt) => {
        $crate::define! { $library, $versions;
            fn pmem2_source_from_fd(src: *mut *mut Source, fd: c_int) -> c_int
                = call::source_from_fd::<L>;
            fn pmem2_source_init_fd(
                storage: *mut SourceStorage, src: *mut *mut Source, fd: c_int
            ) -> c_int = call::source_init_fd::<L>;
            fn pmem2_source_get_fd(src: *const Source, fd: *mut c_int) -> c_int
                = call::source_get_fd::<L>;
            fn pmem2_source_device_id(src: *const Source, id: *mut u8, len: *mut usize) -> c_int
                = call::source_device_id::<L, u8>;
            fn pmem2_errormsg() -> *const u8 = call::errormsg::<L>;
        }
    };
}

/// The functions of Linux.
#[doc(hidden)]
#[macro_export]
macro_rules! linux_functions {
    ($library:ty, $versions:tt) => {
        $crate::define! { $library, $versions;
            fn pmem2_sigbus_own() -> c_int = call::sigbus_own;
            fn pmem2_sigbus_resume(info: *mut c_void, context: *mut c_void) -> c_int
                = call::sigbus_resume;
        }
    };
}

/// The functions of Windows, over a [`WideLibrary`](crate::WideLibrary) whose platform is
/// `Windows`. shim.c has those that C's own runtime has a part in (`pmem2_source_from_fd` and its
/// sibling, `pmem2_perrorU` and its sibling).
#[doc(hidden)]
#[macro_export]
macro_rules! handle_functions {
    ($library:ty, $versions:tt) => {
        $crate::define! { $library, $versions;
            fn pmem2_source_from_handle(src: *mut *mut Source, handle: *mut c_void) -> c_int
                = call::source_from_handle::<L>;
            fn pmem2_source_init_handle(
                storage: *mut SourceStorage, src: *mut *mut Source, handle: *mut c_void
            ) -> c_int = call::source_init_handle::<L>;
            fn pmem2_source_get_handle(src: *const Source, handle: *mut *mut c_void) -> c_int
                = call::source_get_handle::<L>;
            fn pmem2_source_device_idU(src: *const Source, id: *mut u8, len: *mut usize) -> c_int
                = call::source_device_id::<L, u8>;
            fn pmem2_source_device_idW(src: *const Source, id: *mut u16, len: *mut usize) -> c_int
                = call::source_device_id::<L, u16>;
            fn pmem2_errormsgU() -> *const u8 = call::errormsg::<L>;
            fn pmem2_errormsgW() -> *const u16 = call::errormsg_wide::<L>;
        }
    };
}

/// The functions of libpmem2/region.h.
#[doc(hidden)]
#[macro_export]
macro_rules! region_functions {
    ($library:ty, $versions:tt) => {
        $crate::define! { $library, $versions;
            fn pmem2_source_from_region(src: *mut *mut Source, region: *const CRegion) -> c_int
                = call::source_from_region::<L>;
            fn pmem2_source_init_region(
                storage: *mut SourceStorage, src: *mut *mut Source, region: *const CRegion
            ) -> c_int = call::source_init_region::<L>;
            fn pmem2_region_part(
                region: *const CRegion, offset: u64, length: u64, part: *mut CRegion
            ) -> c_int = call::region_part::<L>;
            fn pmem2_find_nfit(
                rsdp: u64, reach: Reach, arg: *mut c_void, nfit: *mut *const c_void,
                length: *mut usize
            ) -> c_int = call::find_nfit::<L>;
            fn pmem2_regions_from_nfit(
                nfit: *const c_void, length: usize, regions: *mut CRegion, count: *mut usize
            ) -> c_int = call::regions_from_nfit::<L>;
            fn pmem2_nfit_warnings(
                nfit: *const c_void, length: usize, warnings: *mut CWarning, count: *mut usize
            ) -> c_int = call::nfit_warnings::<L>;
            fn pmem2_regions_from_devicetree(
                tree: *const c_void, length: usize, regions: *mut CRegion, count: *mut usize
            ) -> c_int = call::regions_from_devicetree::<L>;
        }
    };
}

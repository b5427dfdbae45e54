//! The names.

/// Defines libpmem2's source functions over a platform of your own, with memory for `N` sources
/// that [`pmem2_source_from_fd`](crate::call::source_from_fd) and
/// [`pmem2_source_from_anon`](crate::call::source_from_anon) hand out, and no heap; and for as many
/// contexts of bad blocks. What is in the caller's memory
/// ([`pmem2_source_init_fd`](crate::call::source_init_fd),
/// [`pmem2_badblock_context_init`](crate::call::badblock_context_init)) is not counted.
///
/// ```
/// pmem2_capi::export!(pmem2::Native, 16);
///
/// // C's side of it:
/// unsafe extern "C" {
///     fn pmem2_source_from_fd(src: *mut *mut core::ffi::c_void, fd: core::ffi::c_int) -> core::ffi::c_int;
/// }
/// let mut src = core::ptr::null_mut();
/// // SAFETY: there is room for the pointer, and -1 is not a descriptor.
/// assert_eq!(unsafe { pmem2_source_from_fd(&mut src, -1) }, -100_004);
/// ```
///
/// The platform is a type that is `Default`, or a type and a value of it, `export!(&'static Table =
/// &TABLE, 16)`; what is made of the latter is tests/capi/export.
///
/// Descriptors are the platform's raw values: its `Raw` converts from and to `int` (`TryFrom<c_int>
/// + TryInto<c_int>`). To be used once in an image. C's part of the contract is `libpmem2.h`.
///
/// Without a third argument the image has one buffer for the last message. Then no two threads, and
/// no thread and an interrupt, may be in a failing call, or read the message while another one is
/// in a failing call, at the same time. Where that can be, name a function that returns the calling
/// thread's own ([`Message::new`](crate::Message::new) is a constant):
///
/// ```
/// /// Of the one thread of this program.
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
/// which you promise that what it returns is aligned, valid for reads and writes for as long as the
/// calling thread runs, and initialized, and that nothing else reads or writes it but the functions
/// that this defines, in that thread. They make a reference of it. Without the word it is refused:
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
///
/// `pmem2_perror` is not defined, since it prints.
#[macro_export]
macro_rules! export {
    ($platform:ty = $value:expr, $n:expr) => {
        // SAFETY: it is a static's. That no two use it at once is said in the documentation.
        $crate::export!($platform = $value, $n, unsafe {
            static MESSAGE: $crate::SharedMessage = $crate::SharedMessage::new();
            fn message() -> *mut $crate::Message {
                MESSAGE.get()
            }
            message
        });
    };
    ($platform:ty = $value:expr, $n:expr, unsafe $message:expr) => {
        $crate::export!($platform = $value, $n, unsafe $message; functions);
    };
    // What the names are that are defined: macros of this crate.
    ($platform:ty = $value:expr, $n:expr, unsafe $message:expr; $($functions:ident)*) => {
        // Nothing but the C names enters the module that this is used in, and no name of that
        // module has a part in it.
        const _: () = {
            /// What the C functions of this image stand on.
            enum CEdge {}

            static C_SOURCES: $crate::StaticPool<$crate::Object<$platform>, { $n }> = $crate::StaticPool::new();

            static C_CONTEXTS: $crate::StaticPool<$crate::Context<$platform>, { $n }> = $crate::StaticPool::new();

            // SAFETY: what the pool keeps stays there until it is released.
            unsafe impl $crate::Keep<$crate::Object<$platform>> for CEdge {
                fn keep(
                    object: $crate::Object<$platform>,
                ) -> ::core::result::Result<*mut $crate::Object<$platform>, $crate::Memory> {
                    C_SOURCES.keep(object)
                }

                unsafe fn release(object: *mut $crate::Object<$platform>) {
                    // SAFETY: as the caller says, `keep` returned it.
                    unsafe { C_SOURCES.release(object) }
                }
            }

            // SAFETY: the same.
            unsafe impl $crate::Keep<$crate::Context<$platform>> for CEdge {
                fn keep(
                    context: $crate::Context<$platform>,
                ) -> ::core::result::Result<*mut $crate::Context<$platform>, $crate::Memory> {
                    C_CONTEXTS.keep(context)
                }

                unsafe fn release(context: *mut $crate::Context<$platform>) {
                    // SAFETY: as the caller says, `keep` returned it.
                    unsafe { C_CONTEXTS.release(context) }
                }
            }

            // SAFETY: of the message, who wrote `unsafe` before it promised it.
            unsafe impl $crate::Edge for CEdge {
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

            $($crate::$functions!(CEdge);)*
        };
    };
    ($platform:ty, $n:expr) => {
        $crate::export!($platform = <$platform as ::core::default::Default>::default(), $n);
    };
    ($platform:ty, $n:expr, unsafe $message:expr) => {
        $crate::export!($platform = <$platform as ::core::default::Default>::default(), $n, unsafe $message);
    };
}

/// Defines the functions over an [`Edge`](crate::Edge), under their names in C.
#[doc(hidden)]
#[macro_export]
macro_rules! functions {
    ($edge:ty) => {
        $crate::names! { $edge =>
            pmem2_source_from_fd = source_from_fd(src: *mut *mut Source, fd: ::core::ffi::c_int);
            pmem2_source_init_fd =
                source_init_fd(storage: *mut $crate::Storage, src: *mut *mut Source, fd: ::core::ffi::c_int);
            pmem2_source_get_fd = source_get_fd(src: *const Source, fd: *mut ::core::ffi::c_int);
            pmem2_source_device_id =
                source_device_id(src: *const Source, id: *mut ::core::ffi::c_char, len: *mut usize);
        }

        const _: () = {
            #[unsafe(no_mangle)]
            extern "C" fn pmem2_errormsg() -> *const ::core::ffi::c_char {
                $crate::call::errormsg::<$edge>()
            }
        };

        $crate::common_functions!($edge);
    };
}

/// Defines the functions of Windows, over a [`WideEdge`](crate::WideEdge) whose platform is
/// `Windows`. Those that C's own runtime has a part in (`pmem2_source_from_fd` and its sibling,
/// `pmem2_perror`) are not among them.
#[doc(hidden)]
#[macro_export]
macro_rules! windows_functions {
    ($edge:ty) => {
        $crate::names! { $edge =>
            pmem2_source_from_handle = source_from_handle(src: *mut *mut Source, handle: *mut ::core::ffi::c_void);
            pmem2_source_init_handle = source_init_handle(
                storage: *mut $crate::Storage, src: *mut *mut Source, handle: *mut ::core::ffi::c_void
            );
            pmem2_source_get_handle =
                source_get_handle(src: *const Source, handle: *mut *mut ::core::ffi::c_void);
            pmem2_source_device_idU =
                source_device_id(src: *const Source, id: *mut ::core::ffi::c_char, len: *mut usize);
            pmem2_source_device_idW = source_device_id_wide(src: *const Source, id: *mut u16, len: *mut usize);
        }

        const _: () = {
            #[unsafe(no_mangle)]
            extern "C" fn pmem2_errormsgU() -> *const ::core::ffi::c_char {
                $crate::call::errormsg::<$edge>()
            }

            #[unsafe(no_mangle)]
            extern "C" fn pmem2_errormsgW() -> *const u16 {
                $crate::call::errormsg_wide::<$edge>()
            }
        };

        $crate::common_functions!($edge);
    };
}

/// Defines the functions that are the same everywhere.
#[doc(hidden)]
#[macro_export]
macro_rules! common_functions {
    ($edge:ty) => {
        $crate::names! { $edge =>
            pmem2_source_from_anon = source_from_anon(src: *mut *mut Source, size: usize);
            pmem2_source_init_anon =
                source_init_anon(storage: *mut $crate::Storage, src: *mut *mut Source, size: usize);
            pmem2_source_delete = source_delete(src: *mut *mut Source);
            pmem2_source_size = source_size(src: *const Source, size: *mut usize);
            pmem2_source_alignment = source_alignment(src: *const Source, alignment: *mut usize);
            pmem2_source_numa_node = source_numa_node(src: *const Source, numa_node: *mut ::core::ffi::c_int);
            pmem2_source_target_node = source_target_node(src: *const Source, target_node: *mut ::core::ffi::c_int);
            pmem2_source_device_usc = source_device_usc(src: *const Source, usc: *mut u64);
            pmem2_source_expected_granularity = source_expected_granularity(
                src: *const Source, sharing: ::core::ffi::c_int, granularity: *mut $crate::Granularity
            );
            pmem2_source_expected_granularity_reason = source_expected_granularity_reason(
                src: *const Source, sharing: ::core::ffi::c_int, buf: *mut ::core::ffi::c_char, len: usize
            );
            pmem2_source_describe = source_describe(src: *const Source, buf: *mut ::core::ffi::c_char, len: usize);
            pmem2_source_pread_mcsafe = source_pread_mcsafe(
                src: *const Source, buf: *mut ::core::ffi::c_void, size: usize, offset: usize
            );
            pmem2_source_pwrite_mcsafe = source_pwrite_mcsafe(
                src: *const Source, buf: *const ::core::ffi::c_void, size: usize, offset: usize
            );
            pmem2_source_pread_at = source_pread_at(
                src: *const Source, buf: *mut ::core::ffi::c_void, size: usize, offset: u64, done: *mut usize
            );
            pmem2_source_pwrite_at = source_pwrite_at(
                src: *const Source, buf: *const ::core::ffi::c_void, size: usize, offset: u64, done: *mut usize
            );
            pmem2_source_sync = source_sync(src: *const Source);
            pmem2_badblock_context_new = badblock_context_new(bbctx: *mut *mut Context, src: *const Source);
            pmem2_badblock_context_init = badblock_context_init(
                storage: *mut $crate::BadblockStorage, bbctx: *mut *mut Context, src: *const Source
            );
            pmem2_badblock_next = badblock_next(bbctx: *mut Context, bb: *mut $crate::Badblock);
            pmem2_badblock_clear = badblock_clear(bbctx: *mut Context, bb: *const $crate::Badblock);
            pmem2_badblock_clear_by_device = badblock_clear_by_device(bbctx: *mut Context, bb: *const $crate::Badblock);
        }

        const _: () = {
            #[unsafe(no_mangle)]
            extern "C" fn pmem2_err_to_errno(err: ::core::ffi::c_int) -> ::core::ffi::c_int {
                $crate::call::err_to_errno(err)
            }

            type Context = $crate::Context<<$edge as $crate::Edge>::Platform>;

            #[unsafe(no_mangle)]
            unsafe extern "C" fn pmem2_badblock_context_delete(bbctx: *mut *mut Context) {
                // SAFETY: libpmem2.h asks the caller in C for what the function asks for.
                unsafe { $crate::call::badblock_context_delete::<$edge>(bbctx) }
            }
        };
    };
}

/// Defines functions of one form under their names in C.
#[doc(hidden)]
#[macro_export]
macro_rules! names {
    ($edge:ty => $($name:ident = $call:ident($($argument:ident: $kind:ty),*);)*) => {
        const _: () = {
            type Source = $crate::Object<<$edge as $crate::Edge>::Platform>;
            #[allow(dead_code, reason = "not every list has one")]
            type Context = $crate::Context<<$edge as $crate::Edge>::Platform>;
            $(
                #[unsafe(no_mangle)]
                unsafe extern "C" fn $name($($argument: $kind),*) -> ::core::ffi::c_int {
                    // SAFETY: libpmem2.h asks the caller in C for what the function asks for.
                    unsafe { $crate::call::$call::<$edge>($($argument),*) }
                }
            )*
        };
    };
}

/// As [`export!`](crate::export), where there is no operating system: libpmem2's source functions
/// over regions of physical memory, and those of libpmem2/region.h, with a pool of `N` sources.
///
/// ```standalone_crate
/// pmem2_capi::export_regions!(16);
/// ```
///
/// There, every number that is given for a descriptor is refused. A second argument is that of
/// `export!` for messages.
#[macro_export]
macro_rules! export_regions {
    ($n:expr) => {
        // SAFETY: as in `export!`.
        $crate::export_regions!($n, unsafe {
            static MESSAGE: $crate::SharedMessage = $crate::SharedMessage::new();
            fn message() -> *mut $crate::Message {
                MESSAGE.get()
            }
            message
        });
    };
    ($n:expr, unsafe $message:expr) => {
        $crate::export!(
            $crate::Regions = <$crate::Regions as ::core::default::Default>::default(),
            $n, unsafe $message; functions region_functions
        );
    };
}

/// Defines the functions of libpmem2/region.h over an [`Edge`](crate::Edge), under their names in
/// C.
#[doc(hidden)]
#[macro_export]
macro_rules! region_functions {
    ($edge:ty) => {
        $crate::names! { $edge =>
            pmem2_source_from_region = source_from_region(src: *mut *mut Source, region: *const $crate::CRegion);
            pmem2_source_init_region = source_init_region(
                storage: *mut $crate::Storage, src: *mut *mut Source, region: *const $crate::CRegion
            );
            pmem2_region_part =
                region_part(region: *const $crate::CRegion, offset: u64, length: u64, part: *mut $crate::CRegion);
            pmem2_find_nfit = find_nfit(
                rsdp: u64, reach: $crate::call::Reach, arg: *mut ::core::ffi::c_void,
                nfit: *mut *const ::core::ffi::c_void, length: *mut usize
            );
            pmem2_regions_from_nfit = regions_from_nfit(
                nfit: *const ::core::ffi::c_void, length: usize, regions: *mut $crate::CRegion, count: *mut usize
            );
            pmem2_nfit_warnings = nfit_warnings(
                nfit: *const ::core::ffi::c_void, length: usize, warnings: *mut $crate::CWarning, count: *mut usize
            );
            pmem2_regions_from_devicetree = regions_from_devicetree(
                tree: *const ::core::ffi::c_void, length: usize, regions: *mut $crate::CRegion, count: *mut usize
            );
        }
    };
}

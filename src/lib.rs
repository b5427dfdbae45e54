//! Validated data sources of persistent memory.
//!
//! A *source* is what a program may map: a regular file, a device DAX, anonymous memory; without an
//! operating system a region of physical memory that keeps its contents. [`Source::new`] looks at a
//! handle and says whether it is one, and if not, why. The source then answers how large it is, how
//! its mappings are aligned, where it lies, and what a store to it takes to be durable. A source
//! that is mapped is a [`Mapping`]: memory that keeps its contents. That is what libpmem2 does
//! (`pmem2_source_from_fd`, `pmem2_map_new` and their siblings), without libc and without an
//! allocator.
//!
//! With the feature `std`, a handle may be a `File`:
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use pmem2::{Granularity, MapConfig, Sharing, Source};
//! use std::fs::File;
//!
//! let source = Source::new(File::open(std::env::current_exe()?)?)?;
//! println!("{} bytes, aligned to {}", source.size()?, source.alignment()?);
//! // "PAGE: it lies on the block device 8:1, which is not persistent memory; use a file on …"
//! println!("{}", source.expected_granularity(Sharing::Shared)?);
//!
//! let null = File::open(if cfg!(windows) { "NUL" } else { "/dev/null" })?;
//! let error = Source::new(null).unwrap_err();
//! assert_eq!(error.symbol(), Some("PMEM2_E_INVALID_FILE_TYPE"));
//! println!("{error}");
//!
//! # if cfg!(windows) { return Ok(()) }
//! let path = std::env::temp_dir().join(format!("pmem2-front-{}", std::process::id()));
//! let file = File::options().read(true).write(true).create_new(true).open(&path)?;
//! # std::fs::remove_file(&path)?;
//! file.set_len(4096)?;
//! let map = Source::new(file)?.map(&MapConfig::new(Granularity::Page))?;
//! map.populate(.., true)?; // allocates the storage: a full disk is an error, and no SIGBUS
//! map.grow(map.length())?; // makes its length durable; with PAGE the first write does
//! map.write(64, b"a record")?; // durable on return
//! # Ok(()) }
//! ```
//!
//! A [`Source`] is a plain value. Keep it in a variable, beside its file in a struct, in an array,
//! in memory of your own ([`Source::new_in`]), in a [`Pool`] that may be a `static`, or, with the
//! feature `alloc`, in a box that is made or refused without aborting. Dropping it is all that
//! deleting takes.
//!
//! # Chapters
//!
//! | chapter | about |
//! |---|---|
//! | this page | sources, pools, handles, errors |
//! | [`map`] | memory that keeps its contents: mapping, storing, making durable |
//! | [`place`] | where a source lies, which granularity to expect, whether data may have been lost |
//! | [`transfer`] | reading and writing that survive bad memory |
//! | [`badblocks`] | the bytes that are known to be bad, and clearing them |
//! | [`persist`] | durability: instructions, domains, what is missing |
//! | [`report`] | everything known of a handle, for people |
//! | [`bare`] | regions of physical memory: no operating system |
#![cfg_attr(target_os = "linux", doc = "| [`linux`] | the backend for Linux, its system calls |")]
#![cfg_attr(windows, doc = "| [`windows`] | the backend for Windows, its handles |")]
//! | [`error`] | what an error is about |
//! | [`platform`] | the contract for those who port the library |
#![cfg_attr(feature = "conformance", doc = "| [`conformance`] | the suite that tests it |")]
//! | **[`guide`]** | **pages** |
//! | [mapping](guide::mapping) | which call, and what it promises; for those who know libpmem2 |
//! | [power cuts](guide::power_cuts) | a test that your data survives them, in `cargo test` |
//! | [Linux](guide::linux) | what makes a source, where it lies, memory that is bad |
//! | [Windows](guide::windows) | handles, builds, what there is not |
//! | [no operating system](guide::bare) | microcontrollers and kernels: tables, windows, flushing |
//! | [C](guide::c) | the C library, on all three |
//! | [the command line](guide::command_line) | `pmem2 inspect` |
//! | [differences](guide::differences) | for those who come from libpmem2 |
//! | [system calls](guide::system_calls) | for those who write a seccomp filter |
//! | [what is verified where](guide::verified) | which test proves which promise, on which target |
//! | [cost](guide::cost) | ratios, stack and bytes, each with its command |
//! | [porting](guide::porting) | for those who have a kernel of their own |
//! | [design](guide::design) | for those who carry this on |
//!
//! # Systems
//!
//! [`Native`] is the system that the crate was built for: Linux, Windows, or regions of physical
//! memory where there is no operating system. A kernel of your own, an emulator or a test is
//! another [`Platform`](platform::Platform). Where there is no backend (macOS, FreeBSD,
//! WebAssembly) the crate builds, and every source is refused with [`Error::Unsupported`].
//!
//! # Features
//!
//! None is on by default. None changes what code that was written without it means.
//!
//! | feature | brings |
//! |---|---|
//! | `alloc` | `Source::boxed`; `Rc` and `Arc` of a handle are handles |
//! | `std` | the standard library's files, descriptors and handles are handles, and become an [`Fd`] or a `WinHandle`, as does whatever has one (`Fd::borrow`); [`Source`] and [`Fd`] are `AsFd`; [`Error`] becomes `std::io::Error`. Implies `alloc` |
//! | `conformance` | the suite for those who implement [`Platform`](platform::Platform) |
//! | `zerocopy` | values of zerocopy's types in a [`Mapping`] |
//! | `critical-section` | [`Pool`] on targets without compare-and-swap; the program provides the critical section |
//! | `crt` | on Windows, sources from descriptors of the C runtime, which has to be linked then; nothing elsewhere |
//!
//! # What it does not do
//!
//! It does not open, create or lock files, and resizes one only where the program says so
//! ([`Mapping::grow`]). It copies by plain stores as yet, reserves no addresses for several
//! mappings, and maps on Linux only: elsewhere [`Source::map`] is refused with
//! [`Error::Unsupported`]. It starts no thread and prints nothing. The only handler that it
//! installs is that of SIGBUS, when a device DAX of Linux is first read or written. Its only global
//! state, on Linux, is the page size (where the kernel has to be asked for it), the action that
//! SIGBUS had before, and whose turn it is in [`Source::clear_bad_blocks`].
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![warn(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::as_conversions
)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

// What makes a source: in the documentation of Source it comes first then.
mod source;
#[cfg(windows)]
pub mod windows;

pub mod bare;

#[cfg(feature = "alloc")]
mod boxed;

pub mod badblocks;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod error;
#[cfg(doc)]
pub mod guide;
#[cfg(target_os = "linux")]
pub mod linux;
pub mod map;
pub mod persist;
pub mod place;
pub mod platform;
#[cfg(any(target_has_atomic = "ptr", feature = "critical-section"))]
mod pool;
pub mod report;
pub mod transfer;
mod words;

pub use error::{Code, Error};
pub use map::{MapConfig, Mapping};
pub use place::granularity::expected::{Granularity, Sharing};
#[cfg(any(target_has_atomic = "ptr", feature = "critical-section"))]
pub use pool::{MapPool, Pool, Slot};
pub use source::Source;

#[cfg(windows)]
pub use pmem2_platform::WinHandle;
pub use pmem2_platform::{Access, Anonymous, Fd, Kind, Native};

/// A name of an object: a file, a descriptor, a region. A type of one's own may be a handle, too:
///
/// ```
/// use pmem2::{Handle, Source, platform::Platform};
/// use std::fs::File;
///
/// struct Log {
///     file: File,
///     name: &'static str,
/// }
///
/// // SAFETY: the file owns its descriptor and gives the same one each time; nobody replaces it.
/// unsafe impl Handle for Log {
///     type P = <File as Handle>::P;
///     fn platform(&self) -> Self::P {
///         self.file.platform()
///     }
///     fn raw(&self) -> <Self::P as Platform>::Raw {
///         self.file.raw()
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let file = File::open(std::env::current_exe()?)?;
/// let source = Source::new(Log { file, name: "log" })?;
/// println!("{}: {} bytes", source.handle().name, source.size()?);
/// # Ok(()) }
/// ```
pub use pmem2_platform::Handle;

/// The examples of README.md are compiled and run by the tests.
#[cfg(all(doctest, feature = "std", any(target_os = "linux", windows)))]
#[doc = include_str!("../README.md")]
struct Readme;

//! Validated data sources of persistent memory.
//!
//! A *source* is what a program may map: a regular file, a device DAX, anonymous memory; without an
//! operating system a region of physical memory that keeps its contents. [`Source::new`] looks at a
//! handle and says whether it is one, and if not, why. This is what libpmem2 calls
//! `pmem2_source_from_fd` and siblings, without libc and without an allocator.
//!
//! With the feature `std`, of whose types this takes a `File`:
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let file = std::fs::File::open(std::env::current_exe()?)?;
//! let source = pmem2::Source::new(&file)?;
//! println!("{} bytes, in steps of {}", source.size()?, source.alignment()?);
//!
//! let null = std::fs::File::open(if cfg!(windows) { "NUL" } else { "/dev/null" })?;
//! let error = pmem2::Source::new(null).unwrap_err();
//! assert_eq!(error.symbol(), Some("PMEM2_E_INVALID_FILE_TYPE"));
//! println!("{error}");
//! # Ok(()) }
//! ```
//!
//! # Where sources live
//!
//! A [`Source`] is a plain value: keep it in a variable, beside its file in a struct, in an array,
//! in memory of your own ([`Source::new_in`]), in a [`Pool`] that may be a `static`, or, with the
//! feature `alloc`, in a box that is made or refused without aborting. Dropping it is all that
//! deleting takes.
//!
//! # What there is below
//!
//! Everything comes through [`Platform`] and [`Handle`]: [`Native`] is the system that the crate
//! was built for, and a kernel of your own, an emulator or a test is another. Where there is no
//! backend (macOS, FreeBSD, WebAssembly) the crate builds and every source is refused with
//! [`Error::Unsupported`].
//!
//! # Memory that is bad
//!
//! [`Source::read_at`] and [`Source::write_at`] transfer all bytes, or say how many and where the
//! first bad one is; a [`Reader`] or [`Writer`] keeps what many transfers need. A load from bad
//! memory raises SIGBUS on Linux: that of a transfer becomes an error
#![cfg_attr(target_os = "linux", doc = "([`SigbusHandler`]).")]
#![cfg_attr(not(target_os = "linux"), doc = "(`SigbusHandler`).")]
//! [`Source::bad_blocks`] is what the system knows to be bad, [`Source::clear_bad_blocks`] gives a
//! file other memory.
//!
//! # Without an operating system
//!
//! A handle is an [`Extent`], a [`PhysicalRegion`] or a part of one; [`Source::from_region`] makes
//! a source of it. Regions come from a table of the board's code, from ACPI ([`find_acpi_table`],
//! [`Nfit`]) or from a [`Devicetree`]. All of it is compiled on every target ([`Bare`]).
//! [`Extent::mapped`] gives a [`Window`], which stores and makes durable, with a [`Cpu`]'s
//! instructions where they are needed. A kernel with descriptors of its own is a matter of the page
//! [`guide::porting`].
//!
//! # Features
//!
//! None is on by default; none changes what code that was written without it means.
//!
//! | feature | brings |
//! |---|---|
//! | `alloc` | `Source::boxed`; `Rc` and `Arc` of a handle are handles |
//! | `std` | `File`, `OwnedFd`, `BorrowedFd` are handles, and become an [`Fd`], as does with `Fd::borrow` whatever is `AsFd`, which [`Source`] and [`Fd`] are, too; on Windows `File`, `OwnedHandle`, `BorrowedHandle`, `WinHandle` and `AsHandle` likewise; [`Error`] becomes `std::io::Error`. Implies `alloc` |
//! | `conformance` | the suite for those who implement [`Platform`] |
//! | `critical-section` | [`Pool`] on targets without compare-and-swap; the program provides the critical section |
//! | `crt` | on Windows, sources from descriptors of the C runtime, which has to be linked then; nothing elsewhere |
//!
//! # What it does not do
//!
//! It does not open, create, lock or resize files, and does not map them for the program yet. It
//! starts no thread, prints nothing, and installs no handler but that of SIGBUS, when a device DAX
//! of Linux is first read or written. It keeps no global state but, on Linux, the page size (where
//! the kernel has to be asked for it), what handled SIGBUS before, and whose turn it is in
//! [`Source::clear_bad_blocks`].
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
pub mod place;
#[cfg(any(target_has_atomic = "ptr", feature = "critical-section"))]
mod pool;
pub mod report;
pub mod transfer;
mod words;

pub use error::{Code, Error};
pub use place::granularity::{Granularity, Sharing};
#[cfg(any(target_has_atomic = "ptr", feature = "critical-section"))]
pub use pool::{Pool, Slot};
pub use source::Source;

#[cfg(windows)]
pub use pmem2_platform::WinHandle;
pub use pmem2_platform::{Access, Anonymous, Fd, Handle, Kind, Native};

/// The backend for Linux.
#[cfg(target_os = "linux")]
pub mod linux {
    pub use pmem2_platform::{FileId, Linux};
}

/// Durability: the instructions that make a store durable, and the domains that they reach.
pub mod persist {
    pub use pmem2_platform::{
        Cpu, Durability, HostFlush, Instruction, Persistence, Undurable, write_flush_hint,
    };
}

/// The contract for those who port the library: traits that a system implements, facts that it
/// states.
pub mod platform {
    pub use pmem2_platform::{
        Alignment, Anon, BadBlocks, Borrowed, Facts, Fail, Locate, NoId, Nowhere, Platform, Text,
        Transfer, Unsupported,
    };
}

/// The examples of README.md are compiled and run by the tests.
#[cfg(all(doctest, feature = "std", any(target_os = "linux", windows)))]
#[doc = include_str!("../README.md")]
struct Readme;

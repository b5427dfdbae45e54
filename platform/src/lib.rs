//! The ground floor of [pmem2](https://docs.rs/pmem2): it states facts about handles and decides
//! nothing.
//!
//! - [`Platform`] is a system, which says what a handle refers to; a [`Handle`] names one of its
//!   objects for as long as it lives.
//! - [`Facts`] and [`Fail`] are all that a platform may answer. No error of libpmem2 is born here.
//! - [`Locate`] finds where an object lies: [`Region`]s, DIMMs, or [`Backing`] of another kind.
//! - [`Transfer`] reads and writes where memory may be bad; [`BadBlocks`] lists the memory that the
//!   system knows to be bad.
//! - `Linux` is the backend for Linux, on rustix's raw system calls, `Windows` the one for Windows.
//!   [`Native`] is the one for the target's system, [`Unsupported`] where there is none, so that
//!   the crate builds everywhere.
//! - `Slots` is the raw storage of pmem2's pool.
//!
//! Every system call and every `unsafe` block of the library is in this crate. Programs use
//! `pmem2`, which re-exports what is public here; this crate has no promise of its own beyond what
//! `pmem2` passes on.
#![no_std]
#![deny(unsafe_op_in_unsafe_fn)]
#![warn(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::as_conversions
)]
#![cfg_attr(
    any(test, fuzzing),
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        reason = "a test may fail"
    )
)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(feature = "std", test, fuzzing))]
extern crate std;

mod alignment;
mod anonymous;
mod badblocks;
mod bare;
#[cfg(feature = "alloc")]
mod boxed;
mod cpu;
mod errno;
mod facts;
mod fail;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
#[path = "../../tests/fuzz/src/parsers.rs"]
pub mod fuzz;
mod handle;
#[cfg(target_os = "linux")]
mod linux;
mod map;
mod native;
mod persist;
mod place;
#[cfg(test)]
mod seed;
#[cfg(any(target_has_atomic = "ptr", feature = "critical-section"))]
mod slots;
mod source;
mod text;
mod transfer;
mod unsupported;
#[cfg(any(windows, test))]
#[cfg_attr(not(windows), allow(unreachable_pub, dead_code, reason = "compiled for its tests only"))]
mod windows;

pub use alignment::Alignment;
pub use anonymous::{Anon, Anonymous};
pub use badblocks::{BadBlocks, ClearBy};
pub use bare::{
    Bare, BareDimm, BoardDimm, Devicetree, DimmTable, Extent, ExtentId, Guid, HostFlush, Nfit,
    PhysicalRegion, RegionKind, TableFault, TableWarning, Window, WindowFault, acpi_root_warning,
    find_acpi_table,
};
#[cfg(feature = "alloc")]
pub use boxed::try_box;
pub use cpu::{Cpu, Instruction, write_flush_hint};
pub use errno::Errno;
pub use facts::{Access, Facts, FileSystem, Kind, NoId, RegionFault};
pub use fail::{Fail, Subject};
pub use handle::Fd;
#[cfg(target_os = "linux")]
pub use linux::{
    BadSectors, Channel, Dimm, FileId, GuardedCopy, Linux, Location, SigbusHandler,
    resume_after_sigbus,
};
#[doc(hidden)]
pub use map::plain::{no_padding, plain_field, shared_field};
pub use map::{
    Map, Mapped, Protection, Request, Span,
    memory::{Memory, MemoryFault},
    plain::{Plain, Shared},
    steps::Steps,
};
pub use native::{Descriptors, Native};
pub use persist::{Means, PersistenceDomain, Route, Undurable};
pub use place::{Backing, DaxOption, DaxState, DimmState, Locate, MapSync, Mode, Nowhere, Region};
#[cfg(any(target_has_atomic = "ptr", feature = "critical-section"))]
pub use slots::{Lease, Slots, Stored};
pub use source::{Borrowed, Handle, Platform};
pub use text::Text;
pub use transfer::{Partial, ReadBuffer, Transfer, WriteBuffer};
pub use unsupported::Unsupported;
#[cfg(windows)]
pub use windows::{Crt, RawWinHandle, WinFileId, WinHandle, WinLocation, WinVolume, Windows};

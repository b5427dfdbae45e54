//! libpmem2's functions for C, over any [`Platform`] of pmem2.
//!
//! - [`call`] has the functions, each with its manual page. They are generic over a [`Library`].
//! - [`Library`] is what the functions of one image stand on: a platform, memory for the objects
//!   that C asks for ([`Allocator`]), a buffer for the last message.
//! - [`export!`](crate::export) defines the `extern "C"` functions for a kernel or program of your
//!   own, with a static pool and no heap; [`export_regions!`](crate::export_regions) does so where
//!   there is no operating system, over [`Regions`] of physical memory.
//! - [`Owned`] is what C has pointers to: a [`Source`] is `struct pmem2_source`, a [`Context`] is
//!   `struct pmem2_badblock_context`.
//!
//! Three packages make libraries: `hosted/` for Linux (`libpmem2.so.1` and `libpmem2.a`),
//! `windows/` (libpmem2.dll), and `bare/` for machines without an operating system. One image has
//! one platform: the functions' names are C's and exist once.
#![no_std]
#![warn(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::as_conversions
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "a test may fail"
    )
)]

#[cfg(test)]
extern crate std;

pub mod call;
mod context;
mod failure;
mod functions;
mod library;
mod owned;
#[cfg(any(target_has_atomic = "ptr", feature = "critical-section"))]
mod pool;
mod region;
mod source;
mod text;
#[cfg(test)]
#[path = "../../../tests/common/whats.rs"]
mod whats;

pub use call::{Badblock, Granularity};
pub use context::{BadblockStorage, Context};
#[doc(hidden)]
pub use functions::abi;
pub use library::{CContext, CSource, Library, WideLibrary};
pub use owned::{Allocator, Heap, Opaque, Owned, Storage};
#[cfg(any(target_has_atomic = "ptr", feature = "critical-section"))]
pub use pool::StaticPool;
pub use region::{CDimm, CRegion, CWarning, DimmAt, RegionAt, Regions};
pub use source::{Source, SourceStorage};
pub use text::{Message, SharedMessage, Unit, WideMessage};

pub use pmem2::{error::Memory, platform::Platform};

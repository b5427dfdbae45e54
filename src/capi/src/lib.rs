//! libpmem2's source functions for C, over any [`Platform`] of pmem2.
//!
//! - [`call`] has the functions, each with its manual page; they are generic over an [`Edge`].
//! - [`Edge`] is what they stand on: a platform, memory for the sources that C asks for ([`Keep`]),
//!   a buffer for the last message.
//! - [`export!`](crate::export) defines the `extern "C"` family for a kernel or program of your
//!   own, with a static pool and no heap. `libpmem2.so.1` and `libpmem2.a` are `hosted/`, over the
//!   C library's malloc and thread-local storage.
//! - [`export_regions!`](crate::export_regions) does so where there is no operating system, over
//!   [`Regions`] of physical memory; `bare/` is made of it.
//! - `windows/` is libpmem2.dll, over handles.
//! - [`Storage`] is `struct pmem2_source_storage`, [`BadblockStorage`] is `struct
//!   pmem2_badblock_storage`.
//!
//! One image has one platform: the functions' names are C's and exist once.
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
mod edge;
mod export;
mod failure;
mod keep;
mod message;
mod object;
mod pointer;
#[cfg(any(target_has_atomic = "ptr", feature = "critical-section"))]
mod pool;
mod region;
#[cfg(test)]
#[path = "../../../tests/common/whats.rs"]
mod whats;
mod wide;

pub use call::{Badblock, Granularity};
pub use context::{BadblockStorage, Context};
pub use edge::{Edge, WideEdge};
pub use keep::{Heap, Keep};
pub use message::{Message, SharedMessage};
pub use object::{Object, Storage};
#[cfg(any(target_has_atomic = "ptr", feature = "critical-section"))]
pub use pool::StaticPool;
pub use region::{CDimm, CRegion, CWarning, DimmAt, RegionAt, Regions};
pub use wide::WideMessage;

pub use pmem2::{error::Memory, platform::Platform};

//! The functions, generic over a [`Library`](crate::Library): each does what its manual page says.
//! `ci/install` makes roff of the same text. The library as a whole:
//!
#![doc = include_str!("../man/libpmem2.md")]

mod answer;
mod badblocks;
mod error;
pub(crate) mod granularity;
#[cfg(windows)]
mod handle;
mod place;
mod region;
#[cfg(target_os = "linux")]
mod sigbus;
mod source;
mod transfer;

pub use badblocks::*;
pub use error::*;
pub use granularity::*;
#[cfg(windows)]
pub use handle::*;
pub use place::*;
pub use region::*;
#[cfg(target_os = "linux")]
pub use sigbus::*;
pub use source::*;
pub use transfer::*;

//! The files `platform/src/slots.rs` and `platform/src/map/reach.rs` over the model checker's
//! atomics. `ci/loom` builds them with `--cfg loom`; without that it is empty.
#![cfg(loom)]
#![no_std]

#[path = "../../../platform/src/slots.rs"]
mod slots;

#[path = "../../../platform/src/map/reach.rs"]
mod reach;

pub use reach::Reach;
pub use slots::{Lease, Slots, Stored};

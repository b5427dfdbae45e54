//! The file `platform/src/slots.rs` over the model checker's atomics. `ci/loom` builds it with
//! `--cfg loom`; without that it is empty.
#![cfg(loom)]
#![no_std]

#[path = "../../../platform/src/slots.rs"]
mod slots;

pub use slots::{Lease, Slots, Stored};

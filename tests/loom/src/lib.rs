//! The file `platform/src/slots.rs` over the model checker's atomics: see the tests, and `ci/loom`,
//! which builds this with `--cfg loom`. Without that it is empty.
#![cfg(loom)]
#![no_std]

#[path = "../../../platform/src/slots.rs"]
mod slots;

pub use slots::{Lease, Slots, Stored};

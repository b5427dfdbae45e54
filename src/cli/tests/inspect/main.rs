//! The built binary, run on real things.
#![cfg(target_os = "linux")]

#[macro_use]
#[path = "../../../../tests/common/root.rs"]
mod root;

mod common {
    pub(crate) use crate::root;
}

mod badblocks;
mod descriptors;
mod devices;
mod kinds;
mod output;
mod place;
mod rights;
mod support;
mod sysfs;
mod tables;
mod transfer;

//! The built binary, run on real things.
#![cfg(target_os = "linux")]

mod bad_blocks;
mod descriptors;
mod devices;
mod kinds;
mod output;
mod rights;
mod scan;
mod support;
mod sysfs;
mod tables;
mod whereabouts;

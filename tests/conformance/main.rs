//! The suite for implementers: what passes it, and every way to break the contract that it finds.

mod map;
mod place;
mod source;
#[cfg(target_os = "linux")]
mod transfer;

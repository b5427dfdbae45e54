//! Sources of real descriptors: every kind of them, the places where programs live, and Debian's
//! libpmem2 beside each answer.
#![cfg(any(target_os = "linux", windows))]

#[cfg(target_os = "linux")]
#[macro_use]
#[path = "../common/mod.rs"]
mod common;

#[cfg(target_os = "linux")]
mod descriptors;
#[cfg(target_os = "linux")]
mod environment;
mod file_systems;
#[cfg(target_os = "linux")]
mod handles;
#[cfg(target_os = "linux")]
mod mappable;
#[cfg(target_os = "linux")]
mod peer;
mod ranges;
#[cfg(target_os = "linux")]
mod sysfs;

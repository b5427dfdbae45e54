//! The places of objects, over a kernel that is a script.

mod dax;
mod dimms;
mod faults;
mod kinds;
pub(super) mod regions;
mod volumes;

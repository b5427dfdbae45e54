//! Structures in a mapping that survive power cuts, to copy from: programs and tests include them,
//! on Linux, in a model of power cuts and without an operating system.
//!
//! They are generic over the handle, need neither `std` nor an allocator, and have no `unsafe`.
#![allow(dead_code, reason = "each program uses a part of this")]

pub(crate) mod checksum;
pub(crate) mod fault;
pub(crate) mod log;
pub(crate) mod ring;
pub(crate) mod slots;
pub(crate) mod zeros;

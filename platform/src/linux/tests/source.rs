//! Descriptors: their kind, size and alignment, over a kernel that is a script.

pub(super) mod contents;
pub(super) mod facts;
mod faults;
mod pages;
mod reuse;

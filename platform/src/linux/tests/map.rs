//! Mappings over a kernel that is a script.

mod aligned;
mod faults;

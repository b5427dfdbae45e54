//! Mappings on Linux.
#![cfg(target_os = "linux")]

mod smoke;

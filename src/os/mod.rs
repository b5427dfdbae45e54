//! Constructors that name a system.

mod bare;
mod fd;
#[cfg(windows)]
mod windows;

//! The words of errors, reasons and places: one sentence each, with the system's own names.

pub(crate) mod error;
pub(crate) mod granularity;
pub(crate) mod place;
#[cfg_attr(target_os = "linux", path = "words/linux.rs")]
#[cfg_attr(windows, path = "words/windows.rs")]
mod system;

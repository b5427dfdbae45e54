//! What names a system: constructors, and the words of errors.

// In the order of the documentation: what most programs have comes first.
mod fd;

#[cfg(windows)]
mod windows;

mod bare;

#[cfg_attr(target_os = "linux", path = "linux/words.rs")]
#[cfg_attr(windows, path = "windows/words.rs")]
pub(crate) mod words;

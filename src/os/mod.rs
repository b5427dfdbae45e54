//! What names a system: constructors, and the words of errors.

mod bare;
mod fd;
#[cfg(windows)]
mod windows;
#[cfg_attr(windows, path = "windows/words.rs")]
pub(crate) mod words;

//! Windows: facts about handles, from Win32. Everything except the calls themselves is generic over
//! them, and compiled for the tests of every host.

#[cfg(windows)]
mod badblocks;
#[cfg(any(windows, test))]
pub(crate) mod crt;
mod errors;
mod handle;
mod id;
mod identity;
#[cfg(windows)]
mod map;
#[cfg(windows)]
mod native;
mod pending;
mod place;
#[cfg(windows)]
pub(crate) mod platform;
mod source;
mod sys;
mod transfer;

#[cfg(windows)]
pub use crt::Crt;
#[cfg(windows)]
pub use handle::{RawWinHandle, WinHandle};
#[cfg(windows)]
pub use id::WinFileId;
#[cfg(windows)]
pub use place::{WinLocation, WinVolume};
#[cfg(windows)]
pub use platform::Windows;

#[cfg(test)]
mod tests;

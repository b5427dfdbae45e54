//! Windows: facts about handles, from Win32. The parts that decide nothing by themselves are
//! generic over the calls, and are compiled for the tests of every host.

#[cfg(any(feature = "crt", test))]
mod crt;
mod describe;
mod errors;
mod handle;
mod identity;
mod io;
#[cfg(windows)]
mod native;
mod pending;
#[cfg(windows)]
mod platform;
mod sys;
mod volume;

#[cfg(windows)]
pub use handle::{RawWinHandle, WinHandle};
#[cfg(windows)]
pub use identity::WinFileId;
#[cfg(windows)]
pub use platform::{Crt, Windows};
#[cfg(windows)]
pub use volume::{WinLocation, WinVolume};

#[cfg(test)]
mod tests;

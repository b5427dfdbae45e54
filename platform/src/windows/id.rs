//! The id of a file.

use core::fmt;

/// The identity of a file on Windows: the serial number of its volume and its id there, of 64 and
/// 128 bits (`FILE_ID_INFO`). On file systems without such ids (FAT), 32 and 64 bits
/// (`BY_HANDLE_FILE_INFORMATION`).
///
/// A new file that got the id of a deleted one cannot be told from it: NTFS counts how often it
/// gave one away, ReFS gives each once, FAT derives it from the place of the directory entry, and
/// may change it. All streams of a file (`file:stream`) have one id. Where a file system has no ids
/// (some networks, some programs) all of its files have the same. An object that is no file has
/// none: all bits are 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WinFileId {
    volume: u64,
    /// The low half first. (The alignment of u128 would make the whole larger.)
    file: [u64; 2],
}

impl WinFileId {
    /// The id of an object that is no file.
    pub(super) const NONE: Self = Self { volume: 0, file: [0; 2] };

    /// Makes an id of `FILE_ID_INFO`, whose bytes are in the order of memory.
    pub(super) fn wide(volume: u64, file: [u8; 16]) -> Self {
        let file = u128::from_le_bytes(file);
        Self { volume, file: [low(file), low(file.wrapping_shr(64))] }
    }

    /// Makes an id of `BY_HANDLE_FILE_INFORMATION`.
    pub(super) fn narrow(volume: u32, high: u32, low: u32) -> Self {
        Self { volume: volume.into(), file: [u64::from(high).wrapping_shl(32) | u64::from(low), 0] }
    }

    /// Returns the serial number of the volume.
    #[must_use]
    pub const fn volume(self) -> u64 {
        self.volume
    }

    /// Returns the id of the file, unique in its volume.
    #[must_use]
    pub fn file(self) -> u128 {
        let [low, high] = self.file.map(u128::from);
        high.wrapping_shl(64) | low
    }
}

/// Returns the low half.
#[expect(clippy::as_conversions, reason = "it is the low half that is wanted")]
const fn low(number: u128) -> u64 {
    number as u64
}

impl fmt::Display for WinFileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::NONE {
            return f.pad("none");
        }
        write!(f, "volume {:x}, file id {:x}", self.volume, self.file())
    }
}

//! The id of a file.

use core::fmt;

/// What tells one file of a Windows system from another: the serial number of its volume and the id
/// of the file in it, of 64 and 128 bits (`FILE_ID_INFO`). Where a file system knows no such ids
/// (FAT), 32 and 64 bits (`BY_HANDLE_FILE_INFORMATION`).
///
/// An id that was given to a new file after the old one was deleted cannot be told from the old
/// one; NTFS counts how often it gave one away, ReFS gives each once, FAT derives it from where the
/// directory entry lies, and may change it. The streams of a file (`file:stream`) have one id, and
/// where a file system gives no ids (some of networks, some that are programs) all of its files
/// have the same. What is no file has none: all of its bits are 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WinFileId {
    volume: u64,
    /// The low half first. Not u128, whose alignment would make the whole larger.
    file: [u64; 2],
}

impl WinFileId {
    /// Of what is no file.
    pub(super) const NONE: Self = Self { volume: 0, file: [0; 2] };

    /// Of `FILE_ID_INFO`, whose id is in the order of memory.
    pub(super) fn wide(volume: u64, file: [u8; 16]) -> Self {
        let file = u128::from_le_bytes(file);
        Self { volume, file: [low(file), low(file.wrapping_shr(64))] }
    }

    /// Of `BY_HANDLE_FILE_INFORMATION`.
    pub(super) fn narrow(volume: u32, high: u32, low: u32) -> Self {
        Self { volume: volume.into(), file: [u64::from(high).wrapping_shl(32) | u64::from(low), 0] }
    }

    /// The serial number of the volume.
    #[must_use]
    pub const fn volume(self) -> u64 {
        self.volume
    }

    /// The id of the file, unique in its volume.
    #[must_use]
    pub fn file(self) -> u128 {
        let [low, high] = self.file.map(u128::from);
        high.wrapping_shl(64) | low
    }
}

/// The low half.
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

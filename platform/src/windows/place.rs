//! Where a file lies: its volume, whether that is DAX, and the answers of its device.

use core::fmt::{self, Write};

#[cfg(windows)]
use super::{crt::Crt, native::Kernel, platform::Windows};
use super::{
    errors::Code,
    handle::RawWinHandle,
    id::WinFileId,
    identity::{no_answer, same},
    sys::{
        COUNT_ANSWER, DEVICE_NUMBER_EX, IOCTL_STORAGE_GET_DEVICE_NUMBER_EX,
        IOCTL_STORAGE_QUERY_PROPERTY, QUERY, Sys, VolumeInformation,
    },
};
use crate::{
    facts::{Facts, FileSystem, Kind},
    fail::{Fail, Subject},
    place::{Backing, MapSync},
    text::Text,
};
#[cfg(windows)]
use crate::{
    place::{Locate, Region},
    source::{Borrowed, Handle},
};

#[cfg(windows)]
macro_rules! locate {
    ($($system:ident)*) => {$(
        impl Locate for $system {
            type Location = WinLocation;
            type Dimm = WinVolume;

            fn locate(
                handle: Borrowed<'_, Self>,
                facts: &Facts<WinFileId>,
            ) -> Result<WinLocation, Fail> {
                locate(Kernel, Self::find(handle.raw())?, facts)
            }

            fn confirm(self, location: &WinLocation) -> Result<u64, Fail> {
                Ok(location.serial())
            }

            fn backing(self, location: &WinLocation) -> Result<Backing, Fail> {
                Ok(location.backing())
            }

            fn regions(self, _: &WinLocation) -> Result<usize, Fail> {
                Ok(0)
            }

            fn region(self, _: &WinLocation, _: usize) -> Result<Option<Region>, Fail> {
                Ok(None)
            }

            fn dimm(
                self,
                location: &WinLocation,
                region: usize,
                dimm: usize,
            ) -> Result<Option<WinVolume>, Fail> {
                Ok(location.volume(region, dimm))
            }

            fn dimm_id(self, volume: WinVolume) -> Result<Text<32>, Fail> {
                device_id(Kernel, volume)
            }

            fn dimm_dirty_shutdowns(self, volume: WinVolume) -> Result<u64, Fail> {
                unsafe_shutdowns(Kernel, volume)
            }

            fn dax_capable(self, location: &WinLocation) -> Result<Option<bool>, Fail> {
                Ok(Some(location.dax()))
            }

            fn synchronous(
                handle: Borrowed<'_, Self>,
                facts: &Facts<WinFileId>,
            ) -> Result<MapSync, Fail> {
                synchronous(Kernel, Self::find(handle.raw())?, facts)
            }
        }
    )*};
}

#[cfg(windows)]
locate! { Windows Crt }

/// FILE_DAX_VOLUME of GetVolumeInformationByHandleW: files of the volume are mapped directly.
pub(super) const DAX_VOLUME: u32 = 0x2000_0000;

/// The location of a file on Windows. It keeps nothing of the file's handle, which may be closed
/// before it is asked.
#[derive(Clone, Copy, Debug)]
pub struct WinLocation {
    volume: WinVolume,
    serial: u64,
    dax: bool,
}

/// The volume of a file, by its name. It stands for its DIMMs, since Windows answers for all of
/// them at once.
#[derive(Clone, Copy)]
pub struct WinVolume {
    /// The failure matters only to questions about the volume itself.
    name: Result<[u16; NAME], Fail>,
}

impl fmt::Debug for WinVolume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WinVolume(")?;
        match &self.name {
            Ok(name) => char::decode_utf16(name.iter().copied().take_while(|&unit| unit != 0))
                .try_for_each(|letter| {
                    f.write_char(letter.unwrap_or(char::REPLACEMENT_CHARACTER))
                })?,
            Err(fail) => fail.fmt(f)?,
        }
        f.write_str(")")
    }
}

impl WinLocation {
    pub(super) const fn backing(&self) -> Backing {
        Backing::Volume { dax: self.dax }
    }

    pub(super) const fn dax(&self) -> bool {
        self.dax
    }

    /// Returns the one volume, which answers for all of its devices.
    pub(super) fn volume(&self, region: usize, index: usize) -> Option<WinVolume> {
        ((region, index) == (0, 0)).then_some(self.volume)
    }

    /// Returns the serial number of the volume, which tells it from others like its name, which no
    /// other volume gets.
    pub(super) const fn serial(&self) -> u64 {
        self.serial
    }
}

pub(super) fn locate<S: Sys>(
    sys: S,
    raw: RawWinHandle,
    facts: &Facts<WinFileId>,
) -> Result<WinLocation, Fail> {
    if facts.kind != Kind::RegularFile {
        return Err(Fail::Unsupported);
    }
    let dax = is_dax(sys, raw, facts)?;
    Ok(WinLocation { volume: WinVolume { name: name(sys, raw) }, serial: facts.id.volume(), dax })
}

pub(super) fn synchronous<S: Sys>(
    sys: S,
    raw: RawWinHandle,
    facts: &Facts<WinFileId>,
) -> Result<MapSync, Fail> {
    Ok(if is_dax(sys, raw, facts)? { MapSync::Granted } else { MapSync::Refused })
}

fn is_dax<S: Sys>(sys: S, raw: RawWinHandle, facts: &Facts<WinFileId>) -> Result<bool, Fail> {
    same(sys, raw, facts)?;
    let volume = sys.volume_information(raw).map_err(|code| no_answer(Subject::Dax, code))?;
    Ok(volume.flags & DAX_VOLUME != 0)
}

/// Returns the file system's number in linux/magic.h if Linux knows it, else the first four letters
/// of its name.
pub(super) fn file_system(volume: &VolumeInformation) -> FileSystem {
    let name = volume.file_system.split(|&byte| byte == 0).next().unwrap_or_default();
    FileSystem::from_magic(match name {
        b"FAT" | b"FAT32" => 0x4d44,
        b"exFAT" => 0x2011_BAB0,
        b"CDFS" => 0x9660,
        name => {
            let mut letters = name.iter().copied().chain([0; 4]);
            u32::from_le_bytes([(); 4].map(|()| letters.next().unwrap_or_default()))
        }
    })
}

/// The most UTF-16 units of a path. Windows allows 32767; only the volume's name at its beginning
/// is needed, but GetFinalPathNameByHandleW gives all or nothing, and this lies on the stack.
pub(super) const PATH: usize = 1024;

/// `\\?\Volume{xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx}` has 48; and a zero.
pub(super) const NAME: usize = 64;

/// Opens the volume for questions only.
fn open<S: Sys>(sys: S, volume: WinVolume) -> Result<S::Volume, Fail> {
    sys.open_volume(&volume.name?).map_err(|code: Code| code.fail(Subject::Volume))
}

/// Returns the name of the volume, without the trailing backslash, with which it would name the
/// root directory. A function of its own, so that the path has left the stack when the volume is
/// asked.
#[inline(never)]
fn name<S: Sys>(sys: S, raw: RawWinHandle) -> Result<[u16; NAME], Fail> {
    let mut path = [0; PATH];
    let length = sys.final_path(raw, &mut path).map_err(|code| no_answer(Subject::Volume, code))?;
    // A path that fits is followed by a zero.
    if length >= PATH {
        return Err(Fail::TooLarge(Subject::Volume));
    }
    let malformed = Fail::Malformed(Subject::Volume);
    let path = path.get(..length).ok_or(malformed)?;
    let (prefix, rest) = path.split_at_checked(4).ok_or(malformed)?;
    let end = rest.iter().position(|&unit| unit == u16::from(b'\\')).ok_or(malformed)?;
    if !prefix.iter().copied().eq(r"\\?\".encode_utf16()) || end == 0 {
        return Err(malformed);
    }
    let mut name = [0; NAME];
    let (_zero, room) = name.split_last_mut().ok_or(malformed)?;
    let whole = path.get(..end.saturating_add(prefix.len())).ok_or(malformed)?;
    room.get_mut(..whole.len()).ok_or(malformed)?.copy_from_slice(whole);
    Ok(name)
}

/// Opens the volume and returns its answer to an IOCTL.
fn query_volume<S: Sys, const N: usize>(
    sys: S,
    volume: WinVolume,
    ioctl: u32,
    input: &[u8],
    subject: Subject,
) -> Result<[u8; N], Fail> {
    let volume = open(sys, volume)?;
    let mut output = [0; N];
    match sys.control(&volume, ioctl, input, &mut output) {
        Ok(filled) if filled >= N => Ok(output),
        Ok(_) => Err(Fail::Malformed(subject)),
        Err(code) if code.is_ioctl_unknown() => Err(Fail::Unsupported),
        // The code is not about the file's handle, whichever it is.
        Err(code) => Err(code.fail(subject)),
    }
}

/// Returns the 32 bits at `offset`.
fn field<const N: usize>(answer: &[u8; N], offset: usize) -> u32 {
    let bytes = answer.get(offset..).and_then(|rest| rest.first_chunk());
    u32::from_le_bytes(bytes.copied().unwrap_or_default())
}

const FLAGS: usize = 8;
const GUID: usize = 20;

/// STORAGE_DEVICE_FLAGS_RANDOM_DEVICEGUID_REASON_CONFLICT and ..._NOHWID: the GUID was made up for
/// this boot.
pub(super) const RANDOM_GUID: u32 = 3;

/// Returns the GUID of the volume's device, as 32 digits.
pub(super) fn device_id<S: Sys>(sys: S, volume: WinVolume) -> Result<Text<32>, Fail> {
    let subject = Subject::DeviceId;
    let answer: [u8; DEVICE_NUMBER_EX] =
        query_volume(sys, volume, IOCTL_STORAGE_GET_DEVICE_NUMBER_EX, &[], subject)?;
    // An id that differs after the next boot would be taken for other hardware, and an unsafe
    // shutdown for none.
    if field(&answer, FLAGS) & RANDOM_GUID != 0 {
        return Err(Fail::Unsupported);
    }
    let guid: [u8; 16] =
        answer.get(GUID..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default();
    if guid == [0; 16] {
        return Err(Fail::Malformed(subject));
    }
    // The first three groups are numbers, which lie in memory with the low byte first.
    let [a, b, c, d, e, f, g, h, rest @ ..] = guid;
    let mut id = Text::new();
    id.push_hex(&[d, c, b, a, f, e, h, g])
        .and_then(|()| id.push_hex(&rest))
        .ok_or(Fail::Malformed(subject))?;
    Ok(id)
}

const COUNT: usize = 8;

/// Returns the number of times that the volume's device lost power before its data was safe.
pub(super) fn unsafe_shutdowns<S: Sys>(sys: S, volume: WinVolume) -> Result<u64, Fail> {
    let answer: [u8; COUNT_ANSWER] =
        query_volume(sys, volume, IOCTL_STORAGE_QUERY_PROPERTY, &QUERY, Subject::UnsafeShutdowns)?;
    Ok(field(&answer, COUNT).into())
}

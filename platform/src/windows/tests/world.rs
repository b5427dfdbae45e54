//! A system of one handle, which notes the calls that are made and can make one of them fail.

use std::{cell::RefCell, string::String, vec::Vec};

use super::disk::Disk;
use crate::{
    ReadBuffer, WriteBuffer,
    windows::{
        errors::Code,
        handle::RawWinHandle,
        id::WinFileId,
        sys::{Information, Standard, Sys, VolumeInformation},
    },
};

/// The one handle that is open.
pub(super) const HANDLE: RawWinHandle = RawWinHandle::new(0x54);

/// A call that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Call {
    FileType,
    NamedPipe,
    Information,
    FileId,
    ReparseTag,
    Standard,
    GrantedAccess,
    VolumeInformation,
    FinalPath,
    /// With the name.
    OpenVolume(String),
    /// With the IOCTL and the input.
    Control(u32, Vec<u8>),
    CloseVolume,
    Waits,
    /// With whether the handle is known to wait, the offset and the length; likewise the next.
    Read(bool, u64, usize),
    Write(bool, u64, usize),
    Flush,
}

#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) file_type: u32,
    pub(super) named_pipe: Result<(), u32>,
    pub(super) attributes: Result<u32, u32>,
    pub(super) narrow: (u32, u32, u32),
    pub(super) wide: Result<(u64, [u8; 16]), u32>,
    pub(super) tag: u32,
    pub(super) standard: (i64, i64),
    pub(super) granted: u32,
    pub(super) flags: u32,
    pub(super) file_system: &'static str,
    pub(super) path: String,
    /// Whether the length that a path needs counts the zero, as that of a path that fits never
    /// does. (On Windows Vista it does not.)
    pub(super) counts_zero: bool,
    pub(super) answer: Result<Vec<u8>, u32>,
    pub(super) granularity: u32,
    pub(super) disk: Disk,
    /// The call with this number, counted from 0, fails so.
    pub(super) fault: Option<(usize, u32)>,
    pub(super) calls: RefCell<Vec<Call>>,
}

pub(super) const VOLUME: &str = r"\\?\Volume{01234567-89ab-cdef-0123-456789abcdef}";

impl World {
    /// A regular file on NTFS.
    pub(super) fn file() -> Self {
        Self {
            file_type: 1,
            named_pipe: Err(1),
            attributes: Ok(0x20),
            narrow: (0x4300_0000, 0x0007_0000, 0x2a),
            wide: Ok((0x1234_5678_9abc_def0, [7; 16])),
            tag: 0,
            standard: (5000, 8192),
            granted: 0x0012_0089,
            flags: 0x03e7_06ff,
            file_system: "NTFS",
            path: [VOLUME, r"\directory\file"].concat(),
            counts_zero: true,
            answer: Err(1),
            granularity: 0x1_0000,
            disk: Disk::new(),
            fault: None,
            calls: RefCell::default(),
        }
    }

    /// Something that is no file of a disk.
    pub(super) fn of_type(file_type: u32) -> Self {
        Self { file_type, attributes: Err(1), wide: Err(1), ..Self::file() }
    }

    /// An object on a disk, with these attributes.
    pub(super) fn with_attributes(attributes: u32) -> Self {
        Self { attributes: Ok(attributes), ..Self::file() }
    }

    pub(super) fn failing(&self, call: usize, code: u32) -> Self {
        Self { fault: Some((call, code)), calls: RefCell::default(), ..self.clone() }
    }

    /// Returns the calls since the last time.
    pub(super) fn calls(&self) -> Vec<Call> {
        self.calls.take()
    }

    /// Notes a call, which fails if it is its turn.
    fn note(&self, call: Call) -> Result<(), Code> {
        let mut calls = self.calls.borrow_mut();
        let number = calls.iter().filter(|call| **call != Call::CloseVolume).count();
        calls.push(call);
        match self.fault {
            Some((at, code)) if at == number => Err(Code(code)),
            _ => Ok(()),
        }
    }

    /// The same, for a call about the handle.
    fn about(&self, handle: RawWinHandle, call: Call) -> Result<(), Code> {
        assert_eq!(handle, HANDLE, "{call:?}");
        self.note(call)
    }
}

/// An open volume of the script.
pub(super) struct Volume<'w>(&'w World);

impl Drop for Volume<'_> {
    fn drop(&mut self) {
        self.0.calls.borrow_mut().push(Call::CloseVolume);
    }
}

impl<'w> Sys for &'w World {
    type Volume = Volume<'w>;

    fn file_type(self, handle: RawWinHandle) -> Result<u32, Code> {
        self.about(handle, Call::FileType)?;
        Ok(self.file_type)
    }

    fn named_pipe(self, handle: RawWinHandle) -> Result<(), Code> {
        self.about(handle, Call::NamedPipe)?;
        self.named_pipe.map_err(Code)
    }

    fn information(self, handle: RawWinHandle) -> Result<Information, Code> {
        self.about(handle, Call::Information)?;
        let (volume, high, low) = self.narrow;
        let information =
            |attributes| Information { attributes, id: WinFileId::narrow(volume, high, low) };
        self.attributes.map(information).map_err(Code)
    }

    fn file_id(self, handle: RawWinHandle) -> Result<WinFileId, Code> {
        self.about(handle, Call::FileId)?;
        self.wide.map(|(volume, file)| WinFileId::wide(volume, file)).map_err(Code)
    }

    fn reparse_tag(self, handle: RawWinHandle) -> Result<u32, Code> {
        self.about(handle, Call::ReparseTag)?;
        Ok(self.tag)
    }

    fn standard(self, handle: RawWinHandle) -> Result<Standard, Code> {
        self.about(handle, Call::Standard)?;
        Ok(Standard { size: self.standard.0, allocated: self.standard.1 })
    }

    fn granted_access(self, handle: RawWinHandle) -> Result<u32, Code> {
        self.about(handle, Call::GrantedAccess)?;
        Ok(self.granted)
    }

    fn volume_information(self, handle: RawWinHandle) -> Result<VolumeInformation, Code> {
        self.about(handle, Call::VolumeInformation)?;
        let mut file_system = [0; 16];
        file_system[..self.file_system.len()].copy_from_slice(self.file_system.as_bytes());
        Ok(VolumeInformation { flags: self.flags, file_system })
    }

    fn final_path(self, handle: RawWinHandle, path: &mut [u16]) -> Result<usize, Code> {
        self.about(handle, Call::FinalPath)?;
        let units: Vec<_> = self.path.encode_utf16().chain([0]).collect();
        match path.get_mut(..units.len()) {
            None => Ok(units.len() - usize::from(!self.counts_zero)),
            Some(room) => {
                room.copy_from_slice(&units);
                Ok(units.len() - 1)
            }
        }
    }

    fn open_volume(self, name: &[u16]) -> Result<Volume<'w>, Code> {
        let end = name.iter().position(|&unit| unit == 0).expect("a zero at the end");
        assert!(name[end..].iter().all(|&unit| unit == 0));
        self.note(Call::OpenVolume(String::from_utf16(&name[..end]).expect("UTF-16")))?;
        Ok(Volume(self))
    }

    fn control(
        self,
        _: &Volume<'w>,
        ioctl: u32,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize, Code> {
        self.note(Call::Control(ioctl, input.to_vec()))?;
        let answer = self.answer.as_ref().map_err(|code| Code(*code))?;
        output[..answer.len()].copy_from_slice(answer);
        Ok(answer.len())
    }

    fn waits(self, handle: RawWinHandle) -> Result<bool, Code> {
        self.about(handle, Call::Waits)?;
        Ok(self.disk.waits)
    }

    fn read(
        self,
        handle: RawWinHandle,
        waits: bool,
        offset: u64,
        buffer: ReadBuffer<'_>,
    ) -> Result<usize, Code> {
        self.about(handle, Call::Read(waits, offset, buffer.len()))?;
        self.disk.read(offset, buffer)
    }

    fn write(
        self,
        handle: RawWinHandle,
        waits: bool,
        offset: u64,
        buffer: WriteBuffer<'_>,
    ) -> Result<usize, Code> {
        self.about(handle, Call::Write(waits, offset, buffer.len()))?;
        self.disk.write(offset, buffer)
    }

    fn flush(self, handle: RawWinHandle) -> Result<(), Code> {
        self.about(handle, Call::Flush)
    }

    fn allocation_granularity(self) -> u32 {
        self.granularity
    }
}

//! The list of Win32 calls. Everything else of the Windows backend is generic over [`Sys`], so that
//! tests can make any call fail with any error, on any host.

use super::{errors::Code, handle::RawWinHandle, id::WinFileId};
use crate::transfer::{ReadBuffer, WriteBuffer};

// FILE_TYPE_* of GetFileType.
pub(super) const FILE_TYPE_UNKNOWN: u32 = 0;
pub(super) const FILE_TYPE_DISK: u32 = 1;
pub(super) const FILE_TYPE_CHAR: u32 = 2;
pub(super) const FILE_TYPE_PIPE: u32 = 3;
/// A flag in the type, which Windows does not use.
pub(super) const FILE_TYPE_REMOTE: u32 = 0x8000;

pub(super) const IOCTL_STORAGE_GET_DEVICE_NUMBER_EX: u32 = 0x002D_1084;

/// The size of STORAGE_DEVICE_NUMBER_EX, whose fields except the GUID have 32 bits: version, size,
/// flags, type, number, GUID, partition.
pub(super) const DEVICE_NUMBER_EX: usize = 40;

pub(super) const IOCTL_STORAGE_QUERY_PROPERTY: u32 = 0x002D_1400;

/// StorageDeviceUnsafeShutdownCount of STORAGE_PROPERTY_ID.
pub(super) const UNSAFE_SHUTDOWN_COUNT: u8 = 61;

/// STORAGE_PROPERTY_QUERY: the property, PropertyStandardQuery, and no parameters.
pub(super) const QUERY: [u8; 12] = [UNSAFE_SHUTDOWN_COUNT, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// STORAGE_DEVICE_UNSAFE_SHUTDOWN_COUNT: version, size, count.
pub(super) const COUNT_ANSWER: usize = 12;

/// The used fields of `BY_HANDLE_FILE_INFORMATION`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Information {
    /// FILE_ATTRIBUTE_*.
    pub(super) attributes: u32,
    /// The volume's serial number of 32 bits, and the file's id of 64.
    pub(super) id: WinFileId,
}

/// The used fields of `FILE_STANDARD_INFO`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standard {
    /// EndOfFile. Negative where a file system is broken; likewise the next.
    pub(super) size: i64,
    /// AllocationSize.
    pub(super) allocated: i64,
}

/// The used answers of GetVolumeInformationByHandleW.
#[derive(Clone, Copy, Debug)]
pub(super) struct VolumeInformation {
    /// FILE_DAX_VOLUME and its like.
    pub(super) flags: u32,
    /// The name of the file system, in ASCII, up to a zero; what is longer is cut off.
    pub(super) file_system: [u8; 16],
}

pub(super) trait Sys: Copy {
    /// An open volume; closed when dropped.
    type Volume;

    /// GetFileType: FILE_TYPE_*. FILE_TYPE_UNKNOWN only where that is the type.
    fn file_type(self, handle: RawWinHandle) -> Result<u32, Code>;
    /// GetNamedPipeInfo, only to learn whether it is a pipe.
    fn named_pipe(self, handle: RawWinHandle) -> Result<(), Code>;
    /// GetFileInformationByHandle.
    fn information(self, handle: RawWinHandle) -> Result<Information, Code>;
    /// GetFileInformationByHandleEx with FileIdInfo.
    fn file_id(self, handle: RawWinHandle) -> Result<WinFileId, Code>;
    /// GetFileInformationByHandleEx with FileAttributeTagInfo: the reparse tag.
    fn reparse_tag(self, handle: RawWinHandle) -> Result<u32, Code>;
    /// GetFileInformationByHandleEx with FileStandardInfo.
    fn standard(self, handle: RawWinHandle) -> Result<Standard, Code>;
    /// NtQueryObject with ObjectBasicInformation: the access that was granted when it was opened,
    /// FILE_READ_DATA and its like.
    fn granted_access(self, handle: RawWinHandle) -> Result<u32, Code>;
    /// GetVolumeInformationByHandleW.
    fn volume_information(self, handle: RawWinHandle) -> Result<VolumeInformation, Code>;
    /// GetFinalPathNameByHandleW with VOLUME_NAME_GUID: the length of the path, or, where `path` is
    /// too short for it, the length that is needed.
    fn final_path(self, handle: RawWinHandle, path: &mut [u16]) -> Result<usize, Code>;
    /// CreateFileW for questions only, with a name that ends with a zero.
    fn open_volume(self, name: &[u16]) -> Result<Self::Volume, Code>;
    /// DeviceIoControl: the number of bytes filled in `output`.
    fn control(
        self,
        volume: &Self::Volume,
        ioctl: u32,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize, Code>;
    /// NtQueryInformationFile with FileModeInformation: whether calls of this handle return when
    /// they are done. (Those of a handle that was opened with FILE_FLAG_OVERLAPPED do not.)
    fn waits(self, handle: RawWinHandle) -> Result<bool, Code>;
    /// ReadFile at an offset, with a handle that `waits` or may not: the number of bytes read.
    fn read(
        self,
        handle: RawWinHandle,
        waits: bool,
        offset: u64,
        buffer: ReadBuffer<'_>,
    ) -> Result<usize, Code>;
    /// WriteFile, likewise.
    fn write(
        self,
        handle: RawWinHandle,
        waits: bool,
        offset: u64,
        buffer: WriteBuffer<'_>,
    ) -> Result<usize, Code>;
    /// FlushFileBuffers.
    fn flush(self, handle: RawWinHandle) -> Result<(), Code>;
    /// GetSystemInfo: dwAllocationGranularity.
    fn allocation_granularity(self) -> u32;
}

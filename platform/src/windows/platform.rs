//! The platform of handles.

use super::errors::Code;
use crate::errno::Errno;

/// The Windows backend: Win32 calls through windows-sys, no C runtime.
///
/// | method | calls |
/// |---|---|
/// | `describe` | `GetFileType`; of a file `GetFileInformationByHandle`, `GetFileInformationByHandleEx(FileIdInfo)`, `NtQueryObject(ObjectBasicInformation)`, `GetSystemInfo`; of a reparse point also `GetFileInformationByHandleEx(FileAttributeTagInfo)`, of a pipe or socket `GetNamedPipeInfo` |
/// | `size`, `allocated` | `GetFileInformationByHandleEx(FileIdInfo)`, and `(FileStandardInfo)` |
/// | `alignment`, `page_size` | `GetSystemInfo`, which makes no system call |
/// | `file_system`, `locate`, `synchronous` | `GetFileInformationByHandleEx(FileIdInfo)`, `GetVolumeInformationByHandleW`; `locate` also `GetFinalPathNameByHandleW` |
/// | `channel` | `NtQueryInformationFile(FileModeInformation)` |
/// | `read_at`, `write_at` | `ReadFile`, `WriteFile`; of an overlapped handle also `CreateEventW`, `GetOverlappedResult`, `CloseHandle`, and where it cannot be waited for `CancelIoEx`, `Sleep` |
/// | `sync` | `GetFileInformationByHandleEx(FileIdInfo)`, `FlushFileBuffers` |
/// | `dimm_id`, `dimm_dirty_shutdowns` | `CreateFileW` of the volume, `DeviceIoControl` (`IOCTL_STORAGE_GET_DEVICE_NUMBER_EX`; `IOCTL_STORAGE_QUERY_PROPERTY` with `StorageDeviceUnsafeShutdownCount`), `CloseHandle` |
///
/// Where a file system knows no ids of 128 bits, `GetFileInformationByHandle` follows `FileIdInfo`.
///
/// # What Windows cannot tell apart
///
/// - A closed handle, and the handle of something that is no file (a mutex, an event, a process, a
///   thread, a key): both are `ERROR_INVALID_HANDLE`, and no handle of a file.
/// - `INVALID_HANDLE_VALUE` and the pseudo handle of the calling process are one number.
/// - A volume, a disk, and a file of a file system that keeps no information about files: a block
///   device.
/// - A mailslot, and other objects of drivers that are neither disk nor character device nor pipe:
///   an unknown kind. (Wine has a mailslot for a pipe that does not answer as one, which is a
///   socket.)
/// - A console, `NUL`, a serial port: a character device.
///
/// # What a call may wait for
///
/// Windows runs the calls on a handle opened for synchronous I/O one after the other. Making a
/// source of a pipe or a console from which another thread is reading may wait until that has read.
/// Files answer at once, or when their disk or server does.
///
/// # Error numbers
///
/// Errors of Win32 become errnos by this table; any other is `EIO`, with its number in
/// [`Fail::OsCode`](crate::Fail::OsCode).
///
/// | errno | `GetLastError` |
/// |---|---|
/// | `EPERM` | `PRIVILEGE_NOT_HELD` |
/// | `ENOENT` | `FILE_NOT_FOUND`, `PATH_NOT_FOUND`, `INVALID_DRIVE`, `BAD_NETPATH`, `BAD_NET_NAME`, `INVALID_NAME`, `BAD_PATHNAME`, `NOT_FOUND` |
/// | `EINTR` | `OPERATION_ABORTED` |
/// | `EIO` | `CRC`, `SEEK`, `SECTOR_NOT_FOUND`, `WRITE_FAULT`, `READ_FAULT`, `GEN_FAILURE`, `HANDLE_EOF`, `DATA_CHECKSUM_ERROR`, `DEVICE_HARDWARE_ERROR`, `IO_DEVICE`, `DISK_RECALIBRATE_FAILED`, `DISK_OPERATION_FAILED`, `DISK_RESET_FAILED` |
/// | `ENXIO` | `NOT_READY`, `NO_MEDIA_IN_DRIVE` |
/// | `EBADF` | `INVALID_HANDLE` |
/// | `ENOMEM` | `NOT_ENOUGH_MEMORY`, `OUTOFMEMORY`, `NO_SYSTEM_RESOURCES`, `COMMITMENT_LIMIT`, `NOT_ENOUGH_QUOTA` |
/// | `EACCES` | `ACCESS_DENIED`, `WRITE_PROTECT`, `NETWORK_ACCESS_DENIED`, `CANT_ACCESS_FILE` |
/// | `EFAULT` | `NOACCESS`, `INVALID_USER_BUFFER` |
/// | `EBUSY` | `SHARING_VIOLATION`, `LOCK_VIOLATION`, `BUSY`, `PIPE_BUSY` |
/// | `ENODEV` | `BAD_UNIT`, `DEV_NOT_EXIST`, `BAD_DEV_TYPE`, `NO_SUCH_DEVICE`, `UNRECOGNIZED_VOLUME`, `DEVICE_NOT_CONNECTED`, `DEVICE_REMOVED` |
/// | `ENOTDIR` | `DIRECTORY` |
/// | `EINVAL` | `INVALID_FUNCTION`, `INVALID_ACCESS`, `INVALID_DATA`, `BAD_LENGTH`, `INVALID_PARAMETER`, `INVALID_LEVEL` |
/// | `EMFILE` | `TOO_MANY_OPEN_FILES` |
/// | `EFBIG` | `FILE_TOO_LARGE` |
/// | `ENOSPC` | `HANDLE_DISK_FULL`, `DISK_FULL`, `DISK_QUOTA_EXCEEDED` |
/// | `ENAMETOOLONG` | `BUFFER_OVERFLOW`, `FILENAME_EXCED_RANGE` |
/// | `ENOSYS` | `CALL_NOT_IMPLEMENTED` |
/// | `ELOOP` | `CANT_RESOLVE_FILENAME` |
/// | `EOVERFLOW` | `INSUFFICIENT_BUFFER`, `MORE_DATA`, `ARITHMETIC_OVERFLOW` |
/// | `ENOTSUP` | `NOT_SUPPORTED` |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Windows;

impl Windows {
    /// Returns the errno of an error of Win32 (`GetLastError`), by the table above.
    #[must_use]
    pub const fn errno(code: u32) -> Errno {
        Code(code).errno()
    }

    /// Returns the errno of an error of Win32; `None` if the table does not have it.
    #[must_use]
    pub const fn known_errno(code: u32) -> Option<Errno> {
        Code(code).known()
    }
}

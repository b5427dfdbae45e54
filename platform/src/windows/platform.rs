//! The platforms: of handles, and of the C runtime's descriptors.

mod io;

use super::{
    describe,
    errors::Code,
    handle::{RawWinHandle, WinHandle},
    identity::WinFileId,
    native::Kernel,
    volume::{self, WinLocation, WinVolume},
};
use crate::{
    Alignment, Backing, Borrowed, Errno, Facts, Fail, Fd, FileSystem, Handle, Locate, MapSync,
    Platform, Region, Text,
};

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
/// Windows runs the calls on a handle that was opened for synchronous I/O one after the other. So
/// making a source of a pipe or a console from which another thread is reading may take until that
/// has read. Files answer at once, or when their disk or server does.
///
/// # Error numbers
///
/// Errors of Win32 become errno by this table; any other is `EIO`, and its number is kept in
/// [`Fail::OsCode`].
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
    /// The errno of an error of Win32 (`GetLastError`), by the table above.
    #[must_use]
    pub const fn errno(code: u32) -> Errno {
        Code(code).errno()
    }

    /// The same, of an error that the table has.
    #[must_use]
    pub const fn known_errno(code: u32) -> Option<Errno> {
        Code(code).known()
    }
}

impl Platform for Windows {
    type Raw = RawWinHandle;
    type Id = WinFileId;

    /// As pmem2_source_from_handle(3) has it.
    const REQUIRES_READ: bool = false;

    fn describe(handle: Borrowed<'_, Self>) -> Result<Facts<WinFileId>, Fail> {
        describe::describe(Kernel, handle.raw())
    }

    fn size(handle: Borrowed<'_, Self>, facts: &Facts<WinFileId>) -> Result<u64, Fail> {
        describe::size(Kernel, handle.raw(), facts)
    }

    fn alignment(_: Borrowed<'_, Self>, _: &Facts<WinFileId>) -> Result<u64, Fail> {
        Ok(describe::granularity(Kernel))
    }

    fn allocated(handle: Borrowed<'_, Self>, facts: &Facts<WinFileId>) -> Result<u64, Fail> {
        describe::allocated(Kernel, handle.raw(), facts)
    }

    fn file_system(
        handle: Borrowed<'_, Self>,
        facts: &Facts<WinFileId>,
    ) -> Result<FileSystem, Fail> {
        describe::file_system(Kernel, handle.raw(), facts)
    }

    /// The allocation granularity, to which Windows aligns what it maps: 64 KiB, where pages have
    /// 4.
    fn page_size(self) -> Result<Alignment, Fail> {
        describe::page_size(Kernel)
    }
}

impl Locate for Windows {
    type Location = WinLocation;
    type Dimm = WinVolume;

    fn locate(handle: Borrowed<'_, Self>, facts: &Facts<WinFileId>) -> Result<WinLocation, Fail> {
        volume::locate(Kernel, handle.raw(), facts)
    }

    fn confirm(self, spot: &WinLocation) -> Result<u64, Fail> {
        Ok(spot.serial())
    }

    fn backing(self, spot: &WinLocation) -> Result<Backing, Fail> {
        Ok(spot.backing())
    }

    fn regions(self, _: &WinLocation) -> Result<usize, Fail> {
        Ok(0)
    }

    fn region(self, _: &WinLocation, _: usize) -> Result<Option<Region>, Fail> {
        Ok(None)
    }

    fn dimm(
        self,
        spot: &WinLocation,
        region: usize,
        dimm: usize,
    ) -> Result<Option<WinVolume>, Fail> {
        Ok(spot.volume(region, dimm))
    }

    fn dimm_id(self, volume: WinVolume) -> Result<Text<32>, Fail> {
        volume::device_id(Kernel, volume)
    }

    fn dimm_dirty_shutdowns(self, volume: WinVolume) -> Result<u64, Fail> {
        volume::unsafe_shutdowns(Kernel, volume)
    }

    fn dax_capable(self, spot: &WinLocation) -> Result<Option<bool>, Fail> {
        Ok(Some(spot.dax()))
    }

    fn synchronous(handle: Borrowed<'_, Self>, facts: &Facts<WinFileId>) -> Result<MapSync, Fail> {
        volume::synchronous(Kernel, handle.raw(), facts)
    }
}

/// The platform of the C runtime's descriptors on Windows: [`Windows`] for the handle that a
/// descriptor stands for (`_get_osfhandle`), which each call finds anew. Without the feature `crt`
/// it answers [`Fail::Unsupported`], and no C runtime is needed.
///
/// # Which C runtime
///
/// The one that the program is linked with. A process may have several, msvcrt.dll and the
/// universal one among them, each with descriptors of its own: a number of another one's is unknown
/// here, or another file.
///
/// # Descriptors that are not open
///
/// Negative ones, and those beyond what any C runtime has (8191), are refused without asking. For
/// another number that is not open, `_get_osfhandle` calls the runtime's *invalid-parameter
/// handler*, which by default ends the program (in a debug build after a dialogue). With the
/// universal C runtime this is avoided: for the time of the call a handler of ours, which does
/// nothing, is set for the calling thread. msvcrt.dll, which the target `*-windows-gnu` links with,
/// knows no handler for a thread: there the process's is called. The one that msvcrt.dll itself
/// brings does nothing; a program that may be linked with another runtime, or in which somebody has
/// set another, can change it by `_set_invalid_parameter_handler`, `_set_abort_behavior` and
/// `SetErrorMode`, as pmem2_source_from_fd(3) says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Crt;

/// The number of the handle that a descriptor stands for.
#[cfg(feature = "crt")]
fn number(fd: i32) -> Result<RawWinHandle, Fail> {
    super::crt::handle(super::native::get_osfhandle, fd)
}

#[cfg(not(feature = "crt"))]
const fn number(_: i32) -> Result<RawWinHandle, Fail> {
    Err(Fail::Unsupported)
}

/// The handle that a descriptor stands for.
fn handle(fd: Borrowed<'_, Crt>) -> Result<Borrowed<'_, Windows>, Fail> {
    let raw = number(fd.raw())?;
    // SAFETY: from_raw wants a handle that stays open for the lifetime. The descriptor does, as
    // Borrowed promises, and with it its handle.
    Ok(unsafe { Borrowed::from_raw(Windows, raw) })
}

impl<'h> Fd<'h> {
    /// The handle that the descriptor stands for. It is the descriptor's: closing the descriptor
    /// closes it.
    ///
    /// # Errors
    ///
    /// [`Fail::Absent`] if the descriptor is not open, or stands for no handle;
    /// [`Fail::Unsupported`] without the feature `crt`.
    pub fn handle(self) -> Result<WinHandle<'h>, Fail> {
        let raw = number(self.as_raw())?;
        // SAFETY: borrow_raw wants a handle that stays open for 'h. The descriptor does, as who
        // made this Fd promised, and with it its handle.
        Ok(unsafe { WinHandle::borrow_raw(raw) })
    }
}

impl Platform for Crt {
    type Raw = i32;
    type Id = WinFileId;

    const REQUIRES_READ: bool = Windows::REQUIRES_READ;

    fn describe(fd: Borrowed<'_, Self>) -> Result<Facts<WinFileId>, Fail> {
        Windows::describe(handle(fd)?)
    }

    fn size(fd: Borrowed<'_, Self>, facts: &Facts<WinFileId>) -> Result<u64, Fail> {
        Windows::size(handle(fd)?, facts)
    }

    fn alignment(fd: Borrowed<'_, Self>, facts: &Facts<WinFileId>) -> Result<u64, Fail> {
        Windows::alignment(handle(fd)?, facts)
    }

    fn allocated(fd: Borrowed<'_, Self>, facts: &Facts<WinFileId>) -> Result<u64, Fail> {
        Windows::allocated(handle(fd)?, facts)
    }

    fn file_system(fd: Borrowed<'_, Self>, facts: &Facts<WinFileId>) -> Result<FileSystem, Fail> {
        Windows::file_system(handle(fd)?, facts)
    }

    fn page_size(self) -> Result<Alignment, Fail> {
        Windows.page_size()
    }
}

impl Locate for Crt {
    type Location = WinLocation;
    type Dimm = WinVolume;

    fn locate(fd: Borrowed<'_, Self>, facts: &Facts<WinFileId>) -> Result<WinLocation, Fail> {
        Windows::locate(handle(fd)?, facts)
    }

    fn confirm(self, spot: &WinLocation) -> Result<u64, Fail> {
        Windows.confirm(spot)
    }

    fn backing(self, spot: &WinLocation) -> Result<Backing, Fail> {
        Windows.backing(spot)
    }

    fn regions(self, spot: &WinLocation) -> Result<usize, Fail> {
        Windows.regions(spot)
    }

    fn region(self, spot: &WinLocation, index: usize) -> Result<Option<Region>, Fail> {
        Windows.region(spot, index)
    }

    fn dimm(
        self,
        spot: &WinLocation,
        region: usize,
        dimm: usize,
    ) -> Result<Option<WinVolume>, Fail> {
        Windows.dimm(spot, region, dimm)
    }

    fn dimm_id(self, volume: WinVolume) -> Result<Text<32>, Fail> {
        Windows.dimm_id(volume)
    }

    fn dimm_dirty_shutdowns(self, volume: WinVolume) -> Result<u64, Fail> {
        Windows.dimm_dirty_shutdowns(volume)
    }

    fn dax_capable(self, spot: &WinLocation) -> Result<Option<bool>, Fail> {
        Windows.dax_capable(spot)
    }

    fn synchronous(fd: Borrowed<'_, Self>, facts: &Facts<WinFileId>) -> Result<MapSync, Fail> {
        Windows::synchronous(handle(fd)?, facts)
    }
}

// SAFETY: who called borrow_raw promised it for 'h; AsHandle promises it for the borrow that the
// WinHandle was made from.
unsafe impl Handle for WinHandle<'_> {
    type P = Windows;
    #[inline]
    fn platform(&self) -> Windows {
        Windows
    }
    #[inline]
    fn raw(&self) -> RawWinHandle {
        self.as_raw()
    }
}

impl<'h> From<WinHandle<'h>> for Borrowed<'h, Windows> {
    #[inline]
    fn from(handle: WinHandle<'h>) -> Self {
        // SAFETY: from_raw wants a raw value that keeps its meaning for 'h, as that of the handle
        // does.
        unsafe { Self::from_raw(Windows, handle.as_raw()) }
    }
}

#[cfg(feature = "std")]
mod handles {
    use super::{Borrowed, Handle, RawWinHandle, WinHandle, Windows};
    use std::{
        fs::File,
        os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, OwnedHandle, RawHandle},
    };

    impl<'h> WinHandle<'h> {
        /// Borrows the handle of anything that has one.
        #[inline]
        #[must_use]
        pub fn of(file: &'h impl AsHandle) -> Self {
            file.as_handle().into()
        }
    }

    // For these types and not for all that are AsHandle: a crate that does without `std` may have a
    // From for its own.
    impl<'h> From<&'h File> for WinHandle<'h> {
        #[inline]
        fn from(file: &'h File) -> Self {
            Self::of(file)
        }
    }

    impl<'h> From<&'h OwnedHandle> for WinHandle<'h> {
        #[inline]
        fn from(handle: &'h OwnedHandle) -> Self {
            Self::of(handle)
        }
    }

    impl<'h> From<&'h BorrowedHandle<'_>> for WinHandle<'h> {
        #[inline]
        fn from(handle: &'h BorrowedHandle<'_>) -> Self {
            Self::of(handle)
        }
    }

    impl<'h> From<BorrowedHandle<'h>> for WinHandle<'h> {
        #[inline]
        fn from(handle: BorrowedHandle<'h>) -> Self {
            // SAFETY: borrow_raw wants a handle that stays open for 'h, as a BorrowedHandle's does
            // (I/O safety).
            unsafe { Self::borrow_raw(RawWinHandle::from_ptr(handle.as_raw_handle())) }
        }
    }

    impl<'h> From<BorrowedHandle<'h>> for Borrowed<'h, Windows> {
        #[inline]
        fn from(handle: BorrowedHandle<'h>) -> Self {
            WinHandle::from(handle).into()
        }
    }

    /// What a handle of ours is to the standard library.
    macro_rules! std_handles {
        ($($handle:ty)*) => {$(
            impl AsRawHandle for $handle {
                #[inline]
                fn as_raw_handle(&self) -> RawHandle {
                    Handle::raw(self).as_ptr()
                }
            }

            /// It may be a value that is no open handle: then the system answers
            /// `ERROR_INVALID_HANDLE` to what is asked of this.
            impl AsHandle for $handle {
                #[inline]
                fn as_handle(&self) -> BorrowedHandle<'_> {
                    // SAFETY: borrow_raw wants a handle that stays open. Whoever made this of a
                    // value promised that it does if it is open; if it is not, that it does not
                    // become it: no call takes it for one.
                    unsafe { BorrowedHandle::borrow_raw(self.as_raw_handle()) }
                }
            }
        )*};
    }

    std_handles! { WinHandle<'_> Borrowed<'_, Windows> }

    macro_rules! handles {
        ($($handle:ty)*) => {$(
            // SAFETY: the type owns its handle, or borrows it for its lifetime (I/O safety), and
            // gives the same one each time.
            unsafe impl Handle for $handle {
                type P = Windows;
                #[inline]
                fn platform(&self) -> Windows {
                    Windows
                }
                #[inline]
                fn raw(&self) -> RawWinHandle {
                    RawWinHandle::from_ptr(self.as_raw_handle())
                }
            }
        )*};
    }

    handles! { File OwnedHandle BorrowedHandle<'_> }
}

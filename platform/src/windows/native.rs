//! The calls of [`Sys`] on a running system.

mod call;
mod overlapped;

use core::{ffi::c_void, mem::MaybeUninit, ptr};

use windows_sys::{
    Wdk::Foundation::{NtQueryObject, ObjectBasicInformation},
    Win32::{
        Foundation::{CloseHandle, INVALID_HANDLE_VALUE, RtlNtStatusToDosError, SetLastError},
        Storage::FileSystem::{
            BY_HANDLE_FILE_INFORMATION, CreateFileW, FILE_ATTRIBUTE_TAG_INFO, FILE_ID_INFO,
            FILE_INFO_BY_HANDLE_CLASS, FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_SHARE_WRITE,
            FileAttributeTagInfo, FileIdInfo, FileStandardInfo, FlushFileBuffers,
            GetFileInformationByHandle, GetFileInformationByHandleEx, GetFileType,
            GetFinalPathNameByHandleW, GetVolumeInformationByHandleW, OPEN_EXISTING, ReadFile,
            VOLUME_NAME_GUID, WriteFile,
        },
        System::{IO::DeviceIoControl, Pipes::GetNamedPipeInfo, SystemInformation::GetSystemInfo},
    },
};

use self::call::{count, done, index, last};
use super::{
    errors::Code,
    handle::RawWinHandle,
    id::WinFileId,
    sys::{self, FILE_TYPE_UNKNOWN, Information, Standard, Sys, VolumeInformation},
};
use crate::transfer::{ReadBuffer, WriteBuffer};

/// The running system.
#[derive(Clone, Copy)]
pub(super) struct Kernel;

/// An open volume.
pub(super) struct Volume(RawWinHandle);

#[cfg(test)]
impl Volume {
    pub(super) const fn raw(&self) -> RawWinHandle {
        self.0
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        // SAFETY: CloseHandle wants an open handle that nobody uses afterwards: this value owns it,
        // and is being dropped.
        unsafe { CloseHandle(self.0.as_ptr()) };
    }
}

/// `FILE_STANDARD_INFO`, whose last fields are bytes with any value, which a Rust `bool` must not
/// have.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct StandardInfo {
    allocation_size: i64,
    end_of_file: i64,
    number_of_links: u32,
    delete_pending: u8,
    directory: u8,
}

/// `PUBLIC_OBJECT_BASIC_INFORMATION`, which `ObjectBasicInformation` asks for.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct ObjectInformation {
    attributes: u32,
    granted_access: u32,
    handle_count: u32,
    pointer_count: u32,
    reserved: [u32; 10],
}

// The values of windows-sys, since the parts that are compiled everywhere have their own.
const _: () = {
    use windows_sys::Win32::{
        Storage::FileSystem::FILE_STANDARD_INFO,
        System::Ioctl::{
            IOCTL_STORAGE_GET_DEVICE_NUMBER_EX, IOCTL_STORAGE_QUERY_PROPERTY,
            STORAGE_DEVICE_NUMBER_EX, STORAGE_DEVICE_UNSAFE_SHUTDOWN_COUNT, STORAGE_PROPERTY_QUERY,
            StorageDeviceUnsafeShutdownCount,
        },
    };
    assert!(size_of::<StandardInfo>() == size_of::<FILE_STANDARD_INFO>());
    assert!(size_of::<STORAGE_DEVICE_NUMBER_EX>() == sys::DEVICE_NUMBER_EX);
    assert!(size_of::<STORAGE_DEVICE_UNSAFE_SHUTDOWN_COUNT>() == sys::COUNT_ANSWER);
    assert!(size_of::<STORAGE_PROPERTY_QUERY>() == sys::QUERY.len());
    assert!(IOCTL_STORAGE_GET_DEVICE_NUMBER_EX == sys::IOCTL_STORAGE_GET_DEVICE_NUMBER_EX);
    assert!(IOCTL_STORAGE_QUERY_PROPERTY == sys::IOCTL_STORAGE_QUERY_PROPERTY);
    #[expect(clippy::as_conversions, reason = "there is no From in a constant")]
    let property = sys::UNSAFE_SHUTDOWN_COUNT as i32;
    assert!(StorageDeviceUnsafeShutdownCount == property);
};

/// Calls GetFileInformationByHandleEx.
///
/// # Safety
///
/// `T` is what `class` has, and any bytes are one.
unsafe fn information<T: Copy>(
    handle: RawWinHandle,
    class: FILE_INFO_BY_HANDLE_CLASS,
) -> Result<T, Code> {
    let mut information = MaybeUninit::<T>::zeroed();
    // SAFETY: the call wants a buffer of as many bytes as it is told, which this is; a handle may
    // be any value, it only asks about it.
    done(unsafe {
        GetFileInformationByHandleEx(
            handle.as_ptr(),
            class,
            information.as_mut_ptr().cast(),
            count(size_of::<T>()),
        )
    })?;
    // SAFETY: initialised as zeros, and any bytes are a T, as the caller promises.
    Ok(unsafe { information.assume_init() })
}

impl Sys for Kernel {
    type Volume = Volume;

    fn file_type(self, handle: RawWinHandle) -> Result<u32, Code> {
        // SAFETY: SetLastError has no precondition. Without it an old error could be taken for one
        // of this call.
        unsafe { SetLastError(0) };
        // SAFETY: GetFileType takes any value, and only asks about it.
        match (unsafe { GetFileType(handle.as_ptr()) }, last()) {
            (FILE_TYPE_UNKNOWN, code) if code != Code(0) => Err(code),
            (file_type, _) => Ok(file_type),
        }
    }

    fn named_pipe(self, handle: RawWinHandle) -> Result<(), Code> {
        // SAFETY: GetNamedPipeInfo takes any handle, and writes nothing where a pointer is null.
        done(unsafe {
            GetNamedPipeInfo(
                handle.as_ptr(),
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
            )
        })
    }

    fn information(self, handle: RawWinHandle) -> Result<Information, Code> {
        let mut information = BY_HANDLE_FILE_INFORMATION::default();
        // SAFETY: GetFileInformationByHandle takes any handle, and writes the structure that it is
        // given.
        done(unsafe { GetFileInformationByHandle(handle.as_ptr(), &raw mut information) })?;
        Ok(Information {
            attributes: information.dwFileAttributes,
            id: WinFileId::narrow(
                information.dwVolumeSerialNumber,
                information.nFileIndexHigh,
                information.nFileIndexLow,
            ),
        })
    }

    fn file_id(self, handle: RawWinHandle) -> Result<WinFileId, Code> {
        // SAFETY: FileIdInfo has a FILE_ID_INFO, which is made of integers.
        let information: FILE_ID_INFO = unsafe { information(handle, FileIdInfo) }?;
        Ok(WinFileId::wide(information.VolumeSerialNumber, information.FileId.Identifier))
    }

    fn reparse_tag(self, handle: RawWinHandle) -> Result<u32, Code> {
        // SAFETY: FileAttributeTagInfo has a FILE_ATTRIBUTE_TAG_INFO, which is made of integers.
        let information: FILE_ATTRIBUTE_TAG_INFO =
            unsafe { information(handle, FileAttributeTagInfo) }?;
        Ok(information.ReparseTag)
    }

    fn standard(self, handle: RawWinHandle) -> Result<Standard, Code> {
        // SAFETY: FileStandardInfo has a FILE_STANDARD_INFO, which is this with bytes for its
        // booleans.
        let information: StandardInfo = unsafe { information(handle, FileStandardInfo) }?;
        Ok(Standard { size: information.end_of_file, allocated: information.allocation_size })
    }

    fn granted_access(self, handle: RawWinHandle) -> Result<u32, Code> {
        let mut information = ObjectInformation::default();
        let length = count(size_of::<ObjectInformation>());
        let room: *mut c_void = (&raw mut information).cast();
        // SAFETY: NtQueryObject takes any handle, and writes the structure that it is given, of the
        // length that it is told.
        let status = unsafe {
            NtQueryObject(handle.as_ptr(), ObjectBasicInformation, room, length, ptr::null_mut())
        };
        if status < 0 {
            // SAFETY: RtlNtStatusToDosError has no precondition.
            return Err(Code(unsafe { RtlNtStatusToDosError(status) }));
        }
        Ok(information.granted_access)
    }

    fn volume_information(self, handle: RawWinHandle) -> Result<VolumeInformation, Code> {
        // MAX_PATH + 1, as the documentation wants.
        let mut name = [0_u16; 261];
        let mut flags = 0;
        // SAFETY: the call takes any handle, writes nothing where a pointer is null, and not more
        // units to the name than it is told.
        done(unsafe {
            GetVolumeInformationByHandleW(
                handle.as_ptr(),
                ptr::null_mut(),
                0,
                ptr::null_mut(),
                ptr::null_mut(),
                &raw mut flags,
                name.as_mut_ptr(),
                count(name.len()),
            )
        })?;
        let mut file_system = [0; 16];
        for (byte, unit) in file_system.iter_mut().zip(name) {
            *byte = u8::try_from(unit).unwrap_or(b'?');
        }
        Ok(VolumeInformation { flags, file_system })
    }

    fn final_path(self, handle: RawWinHandle, path: &mut [u16]) -> Result<usize, Code> {
        // SAFETY: the call takes any handle, and writes not more units than it is told.
        let length = unsafe {
            GetFinalPathNameByHandleW(
                handle.as_ptr(),
                path.as_mut_ptr(),
                count(path.len()),
                VOLUME_NAME_GUID,
            )
        };
        if length == 0 { Err(last()) } else { Ok(index(length)) }
    }

    fn open_volume(self, name: &[u16]) -> Result<Volume, Code> {
        if name.last() != Some(&0) {
            return Err(Code::INVALID_NAME);
        }
        let share = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
        // SAFETY: CreateFileW wants a name that ends with a zero, as was looked at.
        let handle = unsafe {
            CreateFileW(name.as_ptr(), 0, share, ptr::null(), OPEN_EXISTING, 0, ptr::null_mut())
        };
        if handle == INVALID_HANDLE_VALUE {
            Err(last())
        } else {
            Ok(Volume(RawWinHandle::from_ptr(handle)))
        }
    }

    fn control(
        self,
        volume: &Volume,
        ioctl: u32,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize, Code> {
        let mut filled = 0;
        // SAFETY: DeviceIoControl wants buffers of as many bytes as it is told, which it reads and
        // writes, and, for a handle that was not opened as overlapped, no such structure.
        done(unsafe {
            DeviceIoControl(
                volume.0.as_ptr(),
                ioctl,
                input.as_ptr().cast(),
                count(input.len()),
                output.as_mut_ptr().cast(),
                count(output.len()),
                &raw mut filled,
                ptr::null_mut(),
            )
        })?;
        Ok(index(filled))
    }

    fn waits(self, handle: RawWinHandle) -> Result<bool, Code> {
        overlapped::waits(handle)
    }

    fn read(
        self,
        handle: RawWinHandle,
        waits: bool,
        offset: u64,
        buffer: ReadBuffer<'_>,
    ) -> Result<usize, Code> {
        let (room, length) = (buffer.as_ptr(), count(buffer.len()));
        // SAFETY: ReadFile takes any handle, and wants room for as many bytes as it is told, which
        // the buffer is, or finds out that it is not; it is borrowed until this returns. The rest
        // is handed on.
        unsafe {
            overlapped::transfer(handle, waits, offset, |moved, at| {
                ReadFile(handle.as_ptr(), room, length, moved, at)
            })
        }
    }

    fn write(
        self,
        handle: RawWinHandle,
        waits: bool,
        offset: u64,
        buffer: WriteBuffer<'_>,
    ) -> Result<usize, Code> {
        let (bytes, length) = (buffer.as_ptr(), count(buffer.len()));
        // SAFETY: as above, of WriteFile.
        unsafe {
            overlapped::transfer(handle, waits, offset, |moved, at| {
                WriteFile(handle.as_ptr(), bytes, length, moved, at)
            })
        }
    }

    fn flush(self, handle: RawWinHandle) -> Result<(), Code> {
        // SAFETY: FlushFileBuffers takes any handle.
        done(unsafe { FlushFileBuffers(handle.as_ptr()) })
    }

    fn allocation_granularity(self) -> u32 {
        let mut information = MaybeUninit::zeroed();
        // SAFETY: GetSystemInfo writes the structure that it is given.
        unsafe { GetSystemInfo(information.as_mut_ptr()) };
        // SAFETY: written by the call, and any bytes are one: it has integers and pointers.
        unsafe { information.assume_init() }.dwAllocationGranularity
    }
}

/// Calls `_get_osfhandle` of the program's C runtime. See [`Crt`](super::crt::Crt).
#[cfg(feature = "crt")]
pub(super) fn get_osfhandle(fd: i32) -> RawWinHandle {
    unsafe extern "C" {
        fn _get_osfhandle(fd: core::ffi::c_int) -> isize;
    }
    #[cfg(any(target_env = "msvc", target_abi = "llvm"))]
    let _quiet = quiet::Quiet::new();
    // SAFETY: _get_osfhandle takes any number; what it does with one that is no descriptor is told
    // at `Crt`.
    RawWinHandle::new(unsafe { _get_osfhandle(fd) })
}

/// The invalid-parameter handler of the calling thread, which the universal C runtime prefers to
/// the process's.
#[cfg(all(feature = "crt", any(target_env = "msvc", target_abi = "llvm")))]
mod quiet {
    use core::ffi::c_uint;

    type Handler = unsafe extern "C" fn(*const u16, *const u16, *const u16, c_uint, usize);

    unsafe extern "C" {
        fn _set_thread_local_invalid_parameter_handler(handler: Option<Handler>)
        -> Option<Handler>;
    }

    /// Does nothing: the runtime's function then returns its error.
    unsafe extern "C" fn ignore(_: *const u16, _: *const u16, _: *const u16, _: c_uint, _: usize) {}

    /// A guard: as long as it lives, an invalid parameter on this thread ends nothing.
    pub(super) struct Quiet(Option<Handler>);

    impl Quiet {
        pub(super) fn new() -> Self {
            // SAFETY: the handler is a function that may be called any time, and is put back.
            Self(unsafe { _set_thread_local_invalid_parameter_handler(Some(ignore)) })
        }
    }

    impl Drop for Quiet {
        fn drop(&mut self) {
            // SAFETY: the handler that was there before, on the same thread: a Quiet is not Send,
            // and stays in its function.
            unsafe { _set_thread_local_invalid_parameter_handler(self.0) };
        }
    }
}

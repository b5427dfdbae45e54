//! The calls of the program itself, all of them kernel32's; those of the library are the library's
//! own.

use core::{
    ffi::c_void,
    ptr::{null, null_mut},
};

use pmem2::{WinHandle, windows::RawWinHandle};
use windows_sys::{
    Win32::{
        Foundation::{CloseHandle, GENERIC_READ, GENERIC_WRITE, HANDLE, INVALID_HANDLE_VALUE},
        Storage::FileSystem::{
            CREATE_NEW, CreateFileW, FILE_BEGIN, FILE_FLAG_BACKUP_SEMANTICS,
            FILE_FLAG_DELETE_ON_CLOSE, FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_SHARE_WRITE,
            OPEN_EXISTING, SetEndOfFile, SetFilePointerEx, WriteFile,
        },
        System::{
            Console::{GetStdHandle, STD_OUTPUT_HANDLE},
            Pipes::CreatePipe,
            Threading::ExitProcess,
        },
    },
    core::{PCWSTR, w},
};

/// A handle that is closed in the end.
pub(crate) struct Owned(HANDLE);

impl Owned {
    pub(crate) fn borrow(&self) -> WinHandle<'_> {
        // SAFETY: it is open until `self` is dropped.
        unsafe { WinHandle::borrow_raw(RawWinHandle::from_ptr(self.0)) }
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: the handle is this object's, and nothing can have borrowed it for longer.
        unsafe { CloseHandle(self.0) };
    }
}

/// # Safety
///
/// `name` is a string that ends with a zero.
unsafe fn open(name: PCWSTR, access: u32, disposition: u32, flags: u32) -> Option<Owned> {
    const SHARED: u32 = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
    // SAFETY: the caller answers for the name; the other pointers may be null.
    let handle =
        unsafe { CreateFileW(name, access, SHARED, null(), disposition, flags, null_mut()) };
    (handle != INVALID_HANDLE_VALUE).then_some(Owned(handle))
}

/// A new file of `size` bytes in the working directory, which disappears when it is closed.
pub(crate) fn temporary(size: u64) -> Option<Owned> {
    // SAFETY: w! makes a string that ends with a zero.
    let file = unsafe {
        open(
            w!("freestanding.tmp"),
            GENERIC_READ | GENERIC_WRITE,
            CREATE_NEW,
            FILE_FLAG_DELETE_ON_CLOSE,
        )
    }?;
    let end = i64::try_from(size).ok()?;
    // SAFETY: the handle is open; the new position is not asked for.
    let moved = unsafe { SetFilePointerEx(file.0, end, null_mut(), FILE_BEGIN) };
    // SAFETY: the handle is open.
    let ended = unsafe { SetEndOfFile(file.0) };
    (moved != 0 && ended != 0).then_some(file)
}

/// The working directory.
pub(crate) fn directory() -> Option<Owned> {
    // SAFETY: w! makes a string that ends with a zero.
    unsafe { open(w!("."), GENERIC_READ, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS) }
}

/// Both ends of an anonymous pipe.
pub(crate) fn pipe() -> Option<(Owned, Owned)> {
    let mut reader: *mut c_void = null_mut();
    let mut writer: *mut c_void = null_mut();
    // SAFETY: both are written, and nothing else.
    let made = unsafe { CreatePipe(&raw mut reader, &raw mut writer, null(), 0) };
    (made != 0).then_some((Owned(reader), Owned(writer)))
}

/// Prints to standard output; how many bytes.
pub(crate) fn print(bytes: &[u8]) -> Option<usize> {
    let mut written = 0;
    let length = u32::try_from(bytes.len()).ok()?;
    // SAFETY: it takes no pointer.
    let output = unsafe { GetStdHandle(STD_OUTPUT_HANDLE) };
    // SAFETY: `length` bytes are there; `written` is written.
    let done = unsafe { WriteFile(output, bytes.as_ptr(), length, &raw mut written, null_mut()) };
    if done == 0 { None } else { usize::try_from(written).ok() }
}

pub(crate) fn exit(status: u32) -> ! {
    // SAFETY: it ends the process.
    unsafe { ExitProcess(status) }
}

// What compilers for 32 bits call to divide 64-bit numbers. Microsoft's C runtime has it; so has
// the system, as _aulldiv: its symbol without the prefix that C's functions have.
#[cfg(all(target_arch = "x86", target_env = "msvc"))]
#[link(name = "ntdll", kind = "raw-dylib", import_name_type = "noprefix")]
unsafe extern "C" {
    fn __aulldiv();
}

//! Handles of each kind, made for the tests.

use std::{
    fs::{self, File, OpenOptions},
    os::windows::{
        fs::OpenOptionsExt,
        io::{AsRawHandle, FromRawHandle, OwnedHandle},
    },
    path::{Path, PathBuf},
    ptr::{null, null_mut},
    sync::atomic::{AtomicU32, Ordering},
};

use pmem2::{WinHandle, windows::RawWinHandle};
use windows_sys::Win32::{
    Foundation::{HANDLE, INVALID_HANDLE_VALUE},
    Storage::FileSystem::{FILE_FLAG_BACKUP_SEMANTICS, FILE_READ_ATTRIBUTES, PIPE_ACCESS_DUPLEX},
    System::{
        IO::{CreateIoCompletionPort, DeviceIoControl},
        Ioctl::FSCTL_SET_SPARSE,
        Mailslots::CreateMailslotW,
        Pipes::CreateNamedPipeW,
        Threading::{
            CreateEventW, CreateMutexW, CreateSemaphoreW, GetCurrentProcessId, GetCurrentThreadId,
            OpenProcess, OpenThread, PROCESS_QUERY_LIMITED_INFORMATION,
            THREAD_QUERY_LIMITED_INFORMATION,
        },
    },
};

/// A directory of a test's own, removed at its end.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("pmem2-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("a directory in TEMP");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The path of a new file of that many bytes.
    pub(crate) fn file(&self, name: impl AsRef<Path>, size: u64) -> PathBuf {
        let path = self.0.join(name);
        File::create_new(&path).and_then(|file| file.set_len(size)).expect("a file");
        path
    }

    pub(crate) fn open(&self, name: impl AsRef<Path>, size: u64) -> File {
        File::open(self.file(name, size)).expect("a file")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // Where a test failed it may hold a file open.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A handle as a C program hands it over.
pub(crate) fn borrowed(handle: HANDLE) -> WinHandle<'static> {
    // SAFETY: borrow_raw wants a handle that stays open while it is used, or a value that is none
    // all the time. The tests keep what they took a value of until they are through with it; where
    // a test breaks the rule on purpose, nothing is mapped and a wrong answer is all there can be.
    unsafe { WinHandle::borrow_raw(RawWinHandle::from_ptr(handle)) }
}

pub(crate) fn number(number: isize) -> WinHandle<'static> {
    borrowed(RawWinHandle::new(number).as_ptr())
}

fn owned(handle: HANDLE) -> OwnedHandle {
    assert!(
        !handle.is_null() && handle != INVALID_HANDLE_VALUE,
        "{}",
        std::io::Error::last_os_error()
    );
    // SAFETY: from_raw_handle wants an open handle that nobody else owns: a call just made this
    // one.
    unsafe { OwnedHandle::from_raw_handle(handle) }
}

fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

pub(crate) fn mutex() -> OwnedHandle {
    // SAFETY: CreateMutexW may be given no attributes and no name; likewise below.
    owned(unsafe { CreateMutexW(null(), 0, null()) })
}

pub(crate) fn event() -> OwnedHandle {
    // SAFETY: as above.
    owned(unsafe { CreateEventW(null(), 1, 0, null()) })
}

pub(crate) fn semaphore() -> OwnedHandle {
    // SAFETY: as above.
    owned(unsafe { CreateSemaphoreW(null(), 0, 1, null()) })
}

pub(crate) fn completion_port() -> OwnedHandle {
    // SAFETY: CreateIoCompletionPort makes a port without a file where it is given
    // INVALID_HANDLE_VALUE.
    owned(unsafe { CreateIoCompletionPort(INVALID_HANDLE_VALUE, null_mut(), 0, 1) })
}

pub(crate) fn process() -> OwnedHandle {
    // SAFETY: OpenProcess takes any number; this is the calling process's.
    owned(unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, GetCurrentProcessId()) })
}

pub(crate) fn thread() -> OwnedHandle {
    // SAFETY: OpenThread takes any number; this is the calling thread's.
    owned(unsafe { OpenThread(THREAD_QUERY_LIMITED_INFORMATION, 0, GetCurrentThreadId()) })
}

/// The server's end of a pipe of that name.
pub(crate) fn named_pipe(path: &str) -> OwnedHandle {
    // SAFETY: CreateNamedPipeW wants a name that ends with a zero.
    owned(unsafe {
        CreateNamedPipeW(wide(path).as_ptr(), PIPE_ACCESS_DUPLEX, 0, 1, 512, 512, 0, null())
    })
}

pub(crate) fn mailslot(path: &str) -> OwnedHandle {
    // SAFETY: CreateMailslotW wants a name that ends with a zero.
    owned(unsafe { CreateMailslotW(wide(path).as_ptr(), 0, 0, null()) })
}

/// Opens what `access_mode` would be too much for.
pub(crate) fn with_access(path: impl AsRef<Path>, access: u32) -> File {
    OpenOptions::new()
        .access_mode(access)
        .custom_flags(FILE_FLAG_BACKUP_SEMANTICS)
        .open(path.as_ref())
        .unwrap_or_else(|error| panic!("{}: {error}", path.as_ref().display()))
}

pub(crate) fn to_look(path: impl AsRef<Path>) -> File {
    with_access(path, FILE_READ_ATTRIBUTES)
}

pub(crate) fn directory(path: &Path) -> File {
    OpenOptions::new()
        .read(true)
        .custom_flags(FILE_FLAG_BACKUP_SEMANTICS)
        .open(path)
        .expect("a directory")
}

/// Makes a file sparse.
pub(crate) fn make_sparse(file: &File) {
    let mut filled = 0;
    // SAFETY: the handle is open, FSCTL_SET_SPARSE needs no buffers, and the file was not opened as
    // overlapped.
    let done = unsafe {
        DeviceIoControl(
            file.as_raw_handle(),
            FSCTL_SET_SPARSE,
            null(),
            0,
            null_mut(),
            0,
            &raw mut filled,
            null_mut(),
        )
    };
    assert_ne!(done, 0, "{}", std::io::Error::last_os_error());
}

//! The calls themselves, on this Windows: what no test of a source shows, since another call has
//! answered before.

use core::ptr;
use std::{
    collections::HashSet,
    env, format,
    fs::File,
    io::Write,
    os::windows::io::{AsRawHandle, FromRawHandle},
    process, thread,
    time::Duration,
    vec::Vec,
};

use windows_sys::Win32::{
    Foundation::INVALID_HANDLE_VALUE,
    Storage::FileSystem::{FILE_FLAG_OVERLAPPED, PIPE_ACCESS_INBOUND},
    System::{IO::CancelIoEx, Pipes::CreateNamedPipeW},
};

use crate::windows::{
    errors::Code,
    handle::RawWinHandle,
    native::Kernel,
    place::PATH,
    sys::{IOCTL_STORAGE_QUERY_PROPERTY, Sys},
};

/// A handle that is not open.
const CLOSED: RawWinHandle = RawWinHandle::new(0x7fff_fff0);

fn program() -> File {
    File::open(env::current_exe().expect("this program")).expect("its file")
}

#[test]
fn every_call_says_that_a_handle_is_not_open() {
    let closed = Code::INVALID_HANDLE;
    assert_eq!(Kernel.file_type(CLOSED).err(), Some(closed));
    assert_eq!(Kernel.named_pipe(CLOSED).err(), Some(closed));
    assert_eq!(Kernel.information(CLOSED).map(drop).err(), Some(closed));
    assert_eq!(Kernel.file_id(CLOSED).err(), Some(closed));
    assert_eq!(Kernel.reparse_tag(CLOSED).err(), Some(closed));
    assert_eq!(Kernel.standard(CLOSED).map(drop).err(), Some(closed));
    assert_eq!(Kernel.granted_access(CLOSED).err(), Some(closed));
    assert_eq!(Kernel.volume_information(CLOSED).map(drop).err(), Some(closed));
    assert_eq!(Kernel.final_path(CLOSED, &mut [0; PATH]).err(), Some(closed));
}

/// A short id is the long one's low half, on a file system that has both.
#[test]
fn ids_of_both_lengths_are_of_one_file() {
    let file = program();
    let raw = RawWinHandle::from_ptr(file.as_raw_handle());
    let (short, long) =
        (Kernel.information(raw).expect("an answer").id, Kernel.file_id(raw).expect("an answer"));
    let (half, whole) = (1_u128 << 64, 1_u64 << 32);
    assert_eq!((short.file(), short.volume()), (long.file() % half, long.volume() % whole));
    assert!(short.file() != 0);
}

#[test]
fn the_name_of_a_path_is_as_long_as_it_says() {
    let file = program();
    let raw = RawWinHandle::from_ptr(file.as_raw_handle());
    let mut path = [0xffff; PATH];
    let length = Kernel.final_path(raw, &mut path).expect("a path");
    assert_eq!((path[length], path[..length].contains(&0)), (0, false));
    assert!(path.starts_with(&r"\\?\".encode_utf16().collect::<Vec<_>>()));
    // What is too short is not written beyond, and the length that is needed is told.
    let mut short = [0xffff; 8];
    let needed = Kernel.final_path(raw, &mut short[..4]).expect("a length");
    assert!((length..=length + 1).contains(&needed), "{needed}, {length}");
    assert_eq!(short[4..], [0xffff; 4]);
}

#[test]
fn volumes_are_opened_and_closed_again() {
    let name = |name: &str| name.encode_utf16().chain([0]).collect::<Vec<_>>();
    assert_eq!(Kernel.open_volume(&[]).map(drop).err(), Some(Code::INVALID_NAME));
    assert_eq!(Kernel.open_volume(&name(r"\\.\C:")[..6]).map(drop).err(), Some(Code::INVALID_NAME));
    assert_eq!(
        Kernel.open_volume(&name(r"\\.\nothing")).map(drop).err(),
        Some(Code::FILE_NOT_FOUND)
    );
    // One that stays open has a number that no other gets.
    let mut numbers = HashSet::new();
    for _ in 0..1000 {
        let volume = Kernel.open_volume(&name(r"\\.\C:")).expect("a volume");
        // More than to ask is not wanted, which not everybody may have: neither FILE_READ_DATA nor
        // FILE_WRITE_DATA.
        assert_eq!(Kernel.granted_access(volume.raw()).map(|granted| granted & 3), Ok(0));
        // There is no such property.
        assert!(
            Kernel.control(&volume, IOCTL_STORAGE_QUERY_PROPERTY, &[61; 12], &mut [0; 12]).is_err()
        );
        numbers.insert(volume.raw());
    }
    assert!(numbers.len() < 100, "{} handles for 1000", numbers.len());
}

/// A pipe of which nothing comes at once: its reading end, which does not wait, and the other one.
fn pipe(name: &str) -> (File, File) {
    let name = format!(r"\\.\pipe\pmem2-{}-{name}", process::id());
    let units: Vec<u16> = name.encode_utf16().chain([0]).collect();
    let access = PIPE_ACCESS_INBOUND | FILE_FLAG_OVERLAPPED;
    // SAFETY: CreateNamedPipeW wants a name that ends with a zero.
    let raw = unsafe { CreateNamedPipeW(units.as_ptr(), access, 0, 1, 4096, 4096, 0, ptr::null()) };
    assert_ne!(raw, INVALID_HANDLE_VALUE);
    // SAFETY: it was made just now, and is nobody else's.
    let reading = unsafe { File::from_raw_handle(raw) };
    (reading, File::options().write(true).open(name).expect("the other end"))
}

/// A transfer with this pipe goes on when its call has returned. (With disks nothing shows that.)
#[test]
fn a_transfer_that_goes_on() {
    let (reading, mut writing) = pipe("goes-on");
    let raw = RawWinHandle::from_ptr(reading.as_raw_handle());
    let mut buffer = [0; 8];
    let read = thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(200));
            writing.write_all(b"bytes").expect("written");
        });
        Kernel.read(raw, false, 0, buffer.as_mut_slice().into())
    });
    assert_eq!((read, &buffer), (Ok(5), b"bytes\0\0\0"));
    // Somebody else ends it, as soon as it goes on.
    let read = thread::scope(|scope| {
        scope.spawn(|| {
            // SAFETY: CancelIoEx takes any handle; without a structure it is about all of its
            // transfers.
            while unsafe { CancelIoEx(raw.as_ptr(), ptr::null()) } == 0 {
                thread::sleep(Duration::from_millis(10));
            }
        });
        Kernel.read(raw, false, 0, buffer.as_mut_slice().into())
    });
    assert_eq!(read, Err(Code::OPERATION_ABORTED));
    drop(writing);
    // ERROR_BROKEN_PIPE.
    assert_eq!(Kernel.read(raw, false, 0, buffer.as_mut_slice().into()), Err(Code(109)));
}

//! The calls themselves, on this Windows: what no test of a source shows, since another call has answered before.

use std::{collections::HashSet, env, fs::File, os::windows::io::AsRawHandle, vec::Vec};

use crate::windows::{
    errors::Code,
    handle::RawWinHandle,
    native::Kernel,
    sys::Sys,
    volume::{IOCTL_STORAGE_QUERY_PROPERTY, PATH},
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
    let (short, long) = (Kernel.information(raw).expect("an answer").id, Kernel.file_id(raw).expect("an answer"));
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
    assert_eq!(Kernel.open_volume(&name(r"\\.\nothing")).map(drop).err(), Some(Code::FILE_NOT_FOUND));
    // One that stays open has a number that no other gets.
    let mut numbers = HashSet::new();
    for _ in 0..1000 {
        let volume = Kernel.open_volume(&name(r"\\.\C:")).expect("a volume");
        // More than to ask is not wanted, which not everybody may have: neither FILE_READ_DATA nor FILE_WRITE_DATA.
        assert_eq!(Kernel.granted_access(volume.raw()).map(|granted| granted & 3), Ok(0));
        // There is no such property.
        assert!(Kernel.control(&volume, IOCTL_STORAGE_QUERY_PROPERTY, &[61; 12], &mut [0; 12]).is_err());
        numbers.insert(volume.raw());
    }
    assert!(numbers.len() < 100, "{} handles for 1000", numbers.len());
}

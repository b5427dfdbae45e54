//! The facts of each kind of handle, and of a file.

use std::{format, string::ToString, vec};

use super::world::{HANDLE, World};
use crate::{
    Access, Alignment, Fail, Kind, Subject,
    windows::{
        crt,
        handle::{RawWinHandle, WinHandle},
        id::WinFileId,
        source::{allocated, describe, file_system, page_size, size},
    },
};

const DIRECTORY: u32 = 0x10;
const REPARSE_POINT: u32 = 0x400;
const MOUNT_POINT: u32 = 0xA000_0003;
const SYMLINK: u32 = 0xA000_000C;
const CLOUD: u32 = 0x9000_001A;
const DEDUP: u32 = 0x8000_0013;
const AF_UNIX: u32 = 0x8000_0023;
const LX_SYMLINK: u32 = 0xA000_001D;
const LX_FIFO: u32 = 0x8000_0024;
const LX_CHR: u32 = 0x8000_0025;
const LX_BLK: u32 = 0x8000_0026;

#[test]
fn kinds() {
    let on_disk = |code| World { attributes: Err(code), ..World::file() };
    let reparse =
        |attributes: u32, tag| World { tag, ..World::with_attributes(attributes | REPARSE_POINT) };
    for (world, kind) in [
        (World::file(), Kind::RegularFile),
        // Read-only, hidden, sparse, compressed, encrypted.
        (World::with_attributes(0x4a03), Kind::RegularFile),
        (World { file_type: 0x8001, ..World::file() }, Kind::RegularFile),
        (World::with_attributes(DIRECTORY), Kind::Directory),
        (reparse(DIRECTORY, MOUNT_POINT), Kind::SymbolicLink),
        (reparse(DIRECTORY, SYMLINK), Kind::SymbolicLink),
        (reparse(0x20, SYMLINK), Kind::SymbolicLink),
        (reparse(0x20, CLOUD), Kind::RegularFile),
        (reparse(0x20, DEDUP), Kind::RegularFile),
        (reparse(DIRECTORY, CLOUD), Kind::Directory),
        (reparse(0x20, AF_UNIX), Kind::Socket),
        (reparse(0x20, LX_SYMLINK), Kind::SymbolicLink),
        (reparse(0x20, LX_FIFO), Kind::Pipe),
        (reparse(0x20, LX_CHR), Kind::CharacterDevice),
        (reparse(0x20, LX_BLK), Kind::BlockDevice),
        (on_disk(1), Kind::BlockDevice),
        (on_disk(50), Kind::BlockDevice),
        (on_disk(87), Kind::BlockDevice),
        (World::of_type(2), Kind::CharacterDevice),
        (World { named_pipe: Ok(()), ..World::of_type(3) }, Kind::Pipe),
        (World { named_pipe: Err(5), ..World::of_type(3) }, Kind::Pipe),
        (World::of_type(3), Kind::Socket),
        (World::of_type(0), Kind::Other),
        (World::of_type(9), Kind::Other),
    ] {
        let facts = describe(&world, HANDLE).unwrap();
        assert_eq!(facts.kind, kind, "{world:?}");
        let is_file = kind == Kind::RegularFile;
        assert_eq!(facts.alignment, Alignment::new(0x1_0000).filter(|_| is_file), "{kind}");
        // Whatever has a name in a directory.
        let has_id = world.file_type & 0xff == 1 && world.attributes.is_ok();
        assert_eq!(facts.id == WinFileId::NONE, !has_id, "{kind}");
    }
}

#[test]
fn what_is_no_handle_is_not_asked_about() {
    // STD_INPUT_HANDLE and its like, of which GetStdHandle makes handles; also as the unsigned
    // numbers of 32 bits that they are in C.
    let streams = (-12..=-10).flat_map(|name: isize| [name, name & i32::MAX as isize | 1 << 31]);
    for raw in [-1, 0].into_iter().chain(streams).map(RawWinHandle::new) {
        let world = World::file();
        assert_eq!(describe(&world, raw), Err(Fail::Absent(Subject::Handle)), "{raw:?}");
        assert_eq!(world.calls(), vec![], "{raw:?}");
    }
}

#[test]
fn access_is_what_was_granted() {
    for (granted, access) in [
        (0x0012_0089, Access::READ),
        (0x0012_0196, Access::WRITE),
        (0x0012_019f, Access::READ | Access::WRITE),
        (0x001f_01ff, Access::READ | Access::WRITE),
        // FILE_APPEND_DATA.
        (0x0010_0004, Access::WRITE | Access::APPEND),
        (0x0010_0005, Access::READ | Access::WRITE | Access::APPEND),
        // FILE_READ_ATTRIBUTES.
        (0x80, Access::empty()),
        (0, Access::empty()),
    ] {
        let world = World { granted, ..World::file() };
        assert_eq!(describe(&world, HANDLE).unwrap().access, access, "{granted:#x}");
    }
}

#[test]
fn sizes() {
    let with = |size, allocated| World { standard: (size, allocated), ..World::file() };
    let facts = describe(&World::file(), HANDLE).unwrap();
    for (bytes, expected) in [
        (0, Ok(0)),
        (5000, Ok(5000)),
        (1 << 33, Ok(1 << 33)),
        (i64::MAX, Ok(i64::MAX as u64)),
        (-1, Err(Subject::Size)),
        (i64::MIN, Err(Subject::Size)),
    ] {
        assert_eq!(size(&with(bytes, 3), HANDLE, &facts), expected.map_err(Fail::Malformed));
        let expected = expected.map_err(|_| Fail::Malformed(Subject::Allocated));
        assert_eq!(allocated(&with(3, bytes), HANDLE, &facts), expected);
    }
}

#[test]
fn file_systems() {
    for (name, magic, known) in [
        ("NTFS", 0x5346_544e, Some("ntfs")),
        ("ReFS", 0x5346_6552, Some("refs")),
        ("FAT32", 0x4d44, Some("vfat")),
        ("FAT", 0x4d44, Some("vfat")),
        ("exFAT", 0x2011_BAB0, Some("exfat")),
        ("CDFS", 0x9660, Some("iso9660")),
        ("UDF", 0x0046_4455, None),
        ("CSVFS", 0x4656_5343, None),
        ("", 0, None),
    ] {
        let world = World { file_system: name, ..World::file() };
        let facts = describe(&world, HANDLE).unwrap();
        let system = file_system(&world, HANDLE, &facts).unwrap();
        assert_eq!((system.magic(), system.name()), (magic, known), "{name}");
    }
    // What is on none is not asked.
    let pipe = World::of_type(3);
    let facts = describe(&pipe, HANDLE).unwrap();
    pipe.calls();
    assert_eq!(file_system(&pipe, HANDLE, &facts), Err(Fail::Unsupported));
    assert_eq!(pipe.calls(), vec![]);
}

#[test]
fn ids_tell_files_apart() {
    let fat = |narrow| World { wide: Err(87), narrow, ..World::file() };
    let wide = |volume, byte| World { wide: Ok((volume, [byte; 16])), ..World::file() };
    let last = |byte| {
        let mut file = [1; 16];
        file[15] = byte;
        World { wide: Ok((1, file)), ..World::file() }
    };
    let worlds = [
        wide(1, 1),
        wide(1, 2),
        wide(2, 1),
        wide(1 << 40, 1),
        last(2),
        fat((1, 1, 1)),
        fat((1, 1, 2)),
        fat((1, 2, 1)),
        fat((2, 1, 1)),
    ];
    for (index, world) in worlds.iter().enumerate() {
        let facts = describe(world, HANDLE).unwrap();
        for (other, now) in worlds.iter().enumerate() {
            let same = index == other;
            assert_eq!(
                size(now, HANDLE, &facts),
                if same { Ok(5000) } else { Err(Fail::Replaced) },
                "{world:?} {now:?}"
            );
        }
        // What has no id is another object, whatever its driver calls that.
        for code in [1, 50, 87] {
            let now = World { attributes: Err(code), wide: Err(code), ..World::file() };
            assert_eq!(size(&now, HANDLE, &facts), Err(Fail::Replaced));
        }
        let closed = World { attributes: Err(6), wide: Err(6), ..World::file() };
        assert_eq!(size(&closed, HANDLE, &facts), Err(Fail::Absent(Subject::Handle)));
    }
}

#[test]
fn ids_in_words() {
    let id = WinFileId::wide(0x4300_0000, [1, 2, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!((id.volume(), id.file()), (0x4300_0000, (3 << 64) + 0x201));
    assert_eq!(id.to_string(), "volume 43000000, file id 30000000000000201");
    assert_eq!(WinFileId::narrow(1, 2, 3).to_string(), "volume 1, file id 200000003");
    assert_eq!(format!("{:>6}", WinFileId::NONE), "  none");
}

#[test]
fn alignments() {
    assert_eq!(page_size(&World::file()), Ok(Alignment::new(0x1_0000).unwrap()));
    let odd = World { granularity: 3, ..World::file() };
    assert_eq!(page_size(&odd), Err(Fail::Malformed(Subject::PageSize)));
    assert_eq!(describe(&odd, HANDLE).unwrap().alignment, None);
}

#[test]
fn handles_are_numbers() {
    for number in [0, 0x54, -1, -2, isize::MAX, isize::MIN] {
        let raw = RawWinHandle::new(number);
        assert_eq!((raw.get(), RawWinHandle::from_ptr(raw.as_ptr())), (number, raw));
    }
    let raw = RawWinHandle::new(0x54);
    // SAFETY: it names nothing, and nobody asks about it.
    let handle = unsafe { WinHandle::borrow_raw(raw) };
    assert_eq!(
        (handle.as_raw(), format!("{handle:?} {raw:?}")),
        (raw, "WinHandle(0x54) RawWinHandle(0x54)".into())
    );
    assert_eq!(size_of::<WinHandle<'_>>(), size_of::<usize>());
}

/// The C runtime's: numbers that cannot be descriptors are not shown to it.
#[test]
fn descriptors() {
    let never = |fd| panic!("the C runtime is asked for {fd}");
    for fd in [-1, -2, i32::MIN, 8192, 99_999, i32::MAX] {
        assert_eq!(crt::handle(never, fd), Err(Fail::Absent(Subject::Handle)));
    }
    for fd in [0, 1, 8191] {
        let ask = |asked| {
            assert_eq!(asked, fd);
            HANDLE
        };
        assert_eq!(crt::handle(ask, fd), Ok(HANDLE));
        // Not open; a standard stream that there is none of.
        for none in [-1, -2] {
            assert_eq!(
                crt::handle(|_| RawWinHandle::new(none), fd),
                Err(Fail::Absent(Subject::Handle))
            );
        }
    }
}

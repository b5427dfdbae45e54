//! A device DAX: /dev/zero, of which a made-up /sys says that it is one. A shared mapping of it has
//! zeros of its own, so that what was written is there as long as the mapping is kept. (What bad
//! memory does to it is in mcsafe, and in the guest.)
#![cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]

use std::fs::File;

use pmem2::{
    Error, Source,
    error::{Errno, HandleFault, Subject, WriteFault},
    transfer::{Reader, Writer},
};
use rustix::fs::OFlags;

use crate::{
    bytes,
    common::{
        device_dax::{BUS_DAX, Entry, Sysfs, with_sysfs},
        made,
    },
    stopped,
};

pub(crate) const SIZE: u64 = 8 << 20;
pub(crate) const ALIGN: u64 = 2 << 20;

pub(crate) fn device(sysfs: &Sysfs) -> Entry {
    sysfs.clear();
    let entry = Entry::at("/sys/dev/char/1:5");
    entry.link("subsystem", BUS_DAX);
    entry.write("size", format!("{SIZE}\n"));
    entry.write("align", format!("{ALIGN}\n"));
    entry
}

pub(crate) fn open(flags: OFlags) -> File {
    File::from(made::path("/dev/zero", flags).expect("/dev/zero"))
}

#[test]
fn what_was_written_is_read() {
    needs_root!();
    with_sysfs(|sysfs| {
        device(sysfs);
        let file = open(OFlags::RDWR);
        let source = Source::new(&file).expect("a device DAX");
        let writer = Writer::new(source).expect("a writer");
        let new = bytes(100_000);
        let mut found = vec![0xEE; new.len()];
        for offset in [0, 1, 64, ALIGN - 5, SIZE - new.len() as u64] {
            assert_eq!(writer.write_at(offset, &new), Ok(()));
            assert_eq!(writer.read_at(offset, &mut found), Ok(()));
            assert!(found == new, "at {offset}");
        }
        for offset in [0, 5, ALIGN - 3] {
            let mut found = [0xEE; 3];
            assert_eq!(source.read_at(offset, &mut found), Ok(()), "a mapping of this call's own");
            assert_eq!(found, [0; 3]);
            assert_eq!(source.write_at(offset, &found), Ok(()));
        }
        assert_eq!(source.sync(), Ok(()));
        assert_eq!((writer.read_at(SIZE, &mut []), writer.write_at(SIZE, &[])), (Ok(()), Ok(())));
        for (offset, length) in
            [(SIZE, 1), (SIZE - 1, 2), (u64::MAX, 1), (u64::MAX - 1, 2), (SIZE + 1, 0)]
        {
            let expected = Err((
                0,
                Error::LengthOutOfRange { end: offset.saturating_add(length as u64), size: SIZE },
            ));
            assert_eq!(stopped(writer.read_at(offset, &mut vec![0; length])), expected);
            assert_eq!(stopped(source.read_at(offset, &mut vec![0; length])), expected);
            assert_eq!(stopped(writer.write_at(offset, &vec![0; length])), expected);
            assert_eq!(stopped(source.write_at(offset, &vec![0; length])), expected);
        }
    });
}

/// A mapping of /dev/zero has as many bytes as it is long, from offset 0 on: behind these there is
/// nothing, and a SIGBUS.
#[test]
fn memory_that_fails() {
    needs_root!();
    with_sysfs(|sysfs| {
        device(sysfs);
        let file = open(OFlags::RDWR);
        let source = Source::new(&file).expect("a device DAX");
        let failed = |offset| Err((0, Error::IoFail { offset, length: 1 }));
        for offset in [ALIGN, ALIGN + 77, SIZE - 100] {
            assert_eq!(stopped(source.read_at(offset, &mut [0; 100])), failed(offset));
            assert_eq!(stopped(source.write_at(offset, &[1; 100])), failed(offset));
        }
        // From the second unit on two are mapped, and two are there, of which the first is not
        // mapped.
        let mut found = [0xEE; 200];
        let expected = Err((150, Error::IoFail { offset: 2 * ALIGN, length: 1 }));
        assert_eq!(stopped(source.read_at(2 * ALIGN - 150, &mut found)), expected);
        assert_eq!((found[149], found[150]), (0, 0xEE));
        assert_eq!(Error::IoFail { offset: 0, length: 1 }.symbol(), Some("PMEM2_E_IO_FAIL"));
    });
}

/// libpmem2 cannot read it.
#[test]
fn one_that_is_opened_to_be_read() {
    needs_root!();
    with_sysfs(|sysfs| {
        device(sysfs);
        let file = open(OFlags::RDONLY);
        let source = Source::new(&file).expect("a device DAX");
        let reader = Reader::new(source).expect("a reader");
        let mut found = [0xEE; 100];
        assert_eq!(reader.read_at(ALIGN - 50, &mut found), Ok(()));
        assert_eq!(found, [0; 100]);
        assert_eq!(source.read_at(ALIGN - 50, &mut found), Ok(()));
        let refused = Error::NotWritable(WriteFault::ReadOnly);
        assert_eq!(Writer::new(source).err(), Some(refused));
        assert_eq!(stopped(source.write_at(0, &[1])), Err((0, refused)));
        // Memory has no end to append to.
        let file = open(OFlags::RDWR | OFlags::APPEND);
        assert_eq!(Source::new(&file).expect("a device DAX").write_at(10, &[1]), Ok(()));
    });
}

/// A device that cannot be mapped, and one that became another.
#[test]
fn what_stands_in_the_way() {
    needs_root!();
    with_sysfs(|sysfs| {
        let entry = device(sysfs);
        let file = open(OFlags::RDWR);
        let source = Source::new(&file).expect("a device DAX");
        for (align, expected) in [
            ("3\n", Error::InvalidAlignmentFormat),
            ("x\n", Error::InvalidAlignmentFormat),
            ("0\n", Error::InvalidAlignmentFormat),
        ] {
            entry.write("align", align);
            assert_eq!(stopped(source.read_at(0, &mut [0])), Err((0, expected)), "{align}");
            assert_eq!(Writer::new(source).err(), Some(expected));
        }
        entry.write("align", format!("{ALIGN}\n"));
        // Longer than any address.
        entry.write("size", format!("{}\n", 1_u64 << 60));
        let reader = Reader::new(source).err();
        assert_eq!(reader, Some(Error::Os { subject: Subject::Mapping, errno: Errno::ENOMEM }));
        assert_eq!(source.read_at(ALIGN - 1, &mut [0]), Ok(()), "what is asked for can be mapped");
        entry.write("size", "0\n");
        let empty = Reader::new(source).expect("a reader of nothing");
        assert_eq!(empty.read_at(0, &mut []), Ok(()));
        entry.write("size", format!("{SIZE}\n"));
        // Another directory, with another inode number.
        std::fs::rename("/sys/dev/char/1:5", "/sys/dev/char/gone").expect("it goes");
        device(sysfs);
        let replaced = Error::InvalidFileHandle(HandleFault::DeviceReplaced);
        assert_eq!(stopped(source.read_at(0, &mut [0])), Err((0, replaced)));
        assert_eq!(Reader::new(source).err(), Some(replaced));
    });
}

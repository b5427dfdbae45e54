//! Mappings, and which bytes of them there are.

use std::fs::{self, File, OpenOptions};

use pmem2_platform::{Errno, Fail, Fd, GuardedCopy};

use super::{
    handler,
    shrunk::{Shrunk, byte, page},
};

fn map(file: &File, offset: u64, length: usize, writable: bool) -> Result<GuardedCopy, Errno> {
    GuardedCopy::new(handler(), file, offset, length, writable)
}

#[test]
fn only_the_bytes_of_the_mapping() {
    let file = Shrunk::new(3 * page());
    let mapping =
        GuardedCopy::new(handler(), &file.file, page() as u64, page() + 10, true).unwrap();
    let length = mapping.length();
    assert_eq!(length, page() + 10);
    let mut buffer = vec![0; 20];
    assert_eq!(mapping.read(length as u64 - 20, &mut buffer), Ok(()));
    assert!(
        buffer
            .iter()
            .enumerate()
            .all(|(index, &found)| found == byte(page() + length - 20 + index))
    );
    for (offset, ok) in [
        (length as u64, true),
        (length as u64 + 1, false),
        (u64::MAX, false),
        (u64::MAX - 19, false),
        (i64::MAX as u64, false),
    ] {
        let expected = if ok { Ok(()) } else { Err(Fail::Ended.into()) };
        assert_eq!(mapping.read(offset, &mut []), expected, "nothing at {offset}");
        assert_eq!(mapping.write(offset, &[]), expected, "nothing at {offset}");
        assert_eq!(mapping.read(offset, &mut buffer), Err(Fail::Ended.into()), "{offset}");
        assert_eq!(mapping.write(offset, &buffer), Err(Fail::Ended.into()), "{offset}");
    }
    for offset in [length as u64 - 19, length as u64 - 1] {
        assert_eq!(mapping.read(offset, &mut buffer), Err(Fail::Ended.into()), "{offset}");
        assert_eq!(mapping.write(offset, &buffer), Err(Fail::Ended.into()), "{offset}");
    }
}

#[test]
fn a_descriptor_is_mapped_for_what_it_is_open_for() {
    let path = tempfile::NamedTempFile::new().unwrap();
    fs::write(path.path(), vec![7; page()]).unwrap();
    let open = |read, write| OpenOptions::new().read(read).write(write).open(path.path()).unwrap();
    let only_read = map(&open(true, false), 0, page(), false).unwrap();
    let mut buffer = [0; 100];
    assert_eq!(only_read.read(0, &mut buffer), Ok(()));
    assert_eq!(buffer, [7; 100]);
    assert_eq!(only_read.write(0, &buffer), Err(Fail::Ended.into()));
    assert_eq!(map(&open(true, false), 0, page(), true).err(), Some(Errno::EACCES));
    for writable in [false, true] {
        assert_eq!(map(&open(false, true), 0, page(), writable).err(), Some(Errno::EACCES));
    }
    let both = map(&open(true, true), 0, page(), true).unwrap();
    assert_eq!(both.write(50, &[8; 10]), Ok(()));
    assert_eq!(both.read(0, &mut buffer), Ok(()));
    assert_eq!(buffer[49..61], [7, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 7]);
    assert_eq!(only_read.read(0, &mut buffer[..60]), Ok(()));
    assert_eq!(buffer[49..52], [7, 8, 8], "it is one file");
    assert_eq!(fs::read(path.path()).unwrap()[49..52], [7, 8, 8]);
}

#[test]
fn what_cannot_be_mapped() {
    let file = Shrunk::new(page());
    assert_eq!(map(&file.file, 0, 0, false).err(), Some(Errno::EINVAL));
    assert_eq!(map(&file.file, 1, page(), false).err(), Some(Errno::EINVAL));
    assert_eq!(map(&file.file, 0, usize::MAX, false).err(), Some(Errno::ENOMEM));
    assert_eq!(map(&File::open("/").unwrap(), 0, page(), false).err(), Some(Errno::ENODEV));
    for fd in [-1, i32::MIN, 1_000_000] {
        // SAFETY: borrow_raw wants a number that is not opened meanwhile, as nothing opens these.
        let fd = unsafe { Fd::borrow_raw(fd) };
        assert_eq!(GuardedCopy::new(handler(), &fd, 0, page(), false).err(), Some(Errno::EBADF));
    }
}

/// Lines of /proc/self/maps with this file.
fn mapped(file: &File) -> usize {
    use std::os::unix::fs::MetadataExt;
    let inode = file.metadata().unwrap().ino().to_string();
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    // Files of other file systems may have the same number.
    let ours = maps.lines().filter(|line| line.ends_with("/memfd:shrunk (deleted)"));
    ours.filter(|line| line.split_whitespace().nth(4) == Some(&inode)).count()
}

#[test]
fn nothing_stays_mapped() {
    let file = Shrunk::new(4 * page());
    for _ in 0..100 {
        let mapping = file.mapping(handler(), false);
        assert_eq!(mapped(&file.file), 1);
        file.cut(0);
        assert!(mapping.read(0, &mut [0; 10]).is_err());
        file.cut(file.length);
        drop(mapping);
        assert_eq!(mapped(&file.file), 0);
    }
}

/// The descriptor may be closed, and the mapping may go to another thread.
#[test]
fn it_lives_without_its_descriptor() {
    let file = Shrunk::new(page());
    let mapping = file.mapping(handler(), false);
    drop(file);
    let mut buffer = vec![0; page()];
    std::thread::spawn(move || mapping.read(0, &mut buffer).map(|()| buffer))
        .join()
        .unwrap()
        .unwrap()
        .into_iter()
        .enumerate()
        .for_each(|(index, found)| assert_eq!(found, byte(index)));
}

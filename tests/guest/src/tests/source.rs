//! A device opened in every way.

use std::os::{
    fd::AsRawFd,
    unix::fs::{FileTypeExt, MetadataExt},
};

use pmem2::{Access, Error, Kind, Source, error::HandleFault, report::Report};
use pmem2_guest::machine::{Contents, Device};
use rustix::fs::OFlags;

use crate::common::{fd, made::path};

/// Its kind by the table.
pub(crate) fn kind(device: &Device) -> Kind {
    match device.contents {
        Contents::Device if device.is_device_dax() => Kind::DeviceDax,
        Contents::Device => Kind::BlockDevice,
        _ => Kind::RegularFile,
    }
}

pub(crate) fn opened_in_every_way(device: &Device) {
    let read = Access::READ;
    let bad = |fault| Err(Error::InvalidFileHandle(fault));
    let good = if kind(device) == Kind::BlockDevice {
        Err(Error::InvalidFileType(Kind::BlockDevice))
    } else {
        Ok(())
    };
    check(device, OFlags::RDONLY, read, good);
    check(device, OFlags::RDONLY | OFlags::NONBLOCK, read, good);
    // Whatever it is: the descriptor is judged first.
    check(device, OFlags::PATH, Access::PATH, bad(HandleFault::PathOnly));
    if device.read_only {
        path(device.path(), OFlags::RDWR).expect_err("a file that cannot be written");
        return;
    }
    check(device, OFlags::RDWR, read | Access::WRITE, good);
    check(device, OFlags::RDWR | OFlags::APPEND, read | Access::WRITE | Access::APPEND, good);
    check(device, OFlags::WRONLY, Access::WRITE, bad(HandleFault::WriteOnly));
    check(device, OFlags::RWMODE, Access::empty(), bad(HandleFault::NoAccess));
}

fn check(device: &Device, flags: OFlags, access: Access, expected: Result<(), Error>) {
    let opened = path(device.path(), flags)
        .unwrap_or_else(|error| panic!("{} with {flags:?}: {error}", device.path()));
    let metadata = std::fs::metadata(device.path()).expect("stat");
    let source = Source::from_fd(fd(opened.as_raw_fd()));
    assert_eq!(source.map(|_| ()), expected, "with {flags:?}");

    let report = Report::new(&opened);
    assert_eq!(report.verdict(), expected, "with {flags:?}");
    assert_eq!(report.access(), Some(access), "with {flags:?}");
    assert_eq!(report.kind(), Some(kind(device)), "with {flags:?}");
    let id = report.id().expect("an identity");
    assert_eq!(id.inode(), metadata.ino());
    assert_eq!(id.device(), (libc::major(metadata.dev()), libc::minor(metadata.dev())));
    if !metadata.file_type().is_file() {
        assert!(metadata.file_type().is_block_device() || metadata.file_type().is_char_device());
        assert_eq!(
            id.represented_device(),
            (libc::major(metadata.rdev()), libc::minor(metadata.rdev()))
        );
    }
    // Of a device file, the file system that it lies on: devtmpfs has the number of tmpfs.
    let file_system = match device.contents {
        Contents::Device | Contents::Tmpfs => "tmpfs",
        Contents::Overlay(_) => "overlay",
        Contents::Ext4(_) => "ext2/ext3/ext4",
        Contents::Xfs(_) | Contents::XfsRealtime(_) => "xfs",
        Contents::F2fs => "f2fs",
        Contents::Erofs(_) => "erofs",
    };
    let found = report.file_system().expect("asked for").expect("fstatfs");
    assert_eq!(found.to_string(), file_system, "with {flags:?}");
}

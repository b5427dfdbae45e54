//! Where it cannot be told what is bad, there is an error, and never "none".

use std::{fs::File, io::Write, os::unix::fs::FileExt};

use pmem2::{Error, Source, error::Subject};
use rustix::{fs::MemfdFlags, io::Errno};

use super::{
    common::{
        device_dax::with_sysfs,
        made::{self, memfd},
        nd::{self, Bus},
        thread::{mount_new, with_own_mounts},
    },
    image::Image,
    on_pmem, walk,
};

fn unsupported(what: &str, file: &File) {
    let source = Source::new(file).expect("a source");
    let (found, error) = walk(&source);
    assert!(
        matches!(error, Some(Error::Unsupported(_))) && found.is_empty(),
        "{what}: {found:?}, {error:?}"
    );
}

/// The file systems of this machine, and an ordinary disk: the kernel keeps no list of it.
#[test]
fn what_the_kernel_keeps_no_list_of() {
    needs_root!();
    let file = tempfile::tempfile_in(made::DISK).expect("a file");
    file.set_len(10_000).expect("its size");
    unsupported("an ordinary disk", &file);
    unsupported("a memfd", &File::from(memfd(MemfdFlags::empty(), 10_000).expect("a memfd")));
    with_own_mounts(|| {
        let directory = tempfile::tempdir_in(made::DISK).expect("a directory");
        let path = directory.path().to_str().expect("a path");
        mount_new("tmpfs", path, "");
        let path = directory.path().join("file");
        let file =
            File::options().read(true).write(true).create_new(true).open(path).expect("a file");
        unsupported("tmpfs", &file);
        rustix::mount::unmount(directory.path(), rustix::mount::UnmountFlags::DETACH)
            .expect("unmounted");
    });
}

/// A BTT has no list of its own, whatever its region has; and of a made-up disk without the file
/// nothing is known either.
#[test]
fn a_btt() {
    needs_root!();
    let image = Image::ext4(4096);
    with_sysfs(|sysfs| {
        let mounted = image.mount();
        let region = Bus::new(sysfs).region(0, &[]);
        region.entry.write("badblocks", "0 100000\n");
        let disk = region.sector("pmem0s", mounted.device());
        let file = mounted.file("file");
        file.write_all_at(&[1; 4096], 0).expect("written");
        unsupported("a BTT", &file);
        // Before Linux 5.12 it had a file with an empty line.
        disk.write("badblocks", "\n");
        unsupported("a BTT of an older kernel", &file);
    });
}

/// The bytes of a small file, in its inode: no block of its own is bad or good.
#[test]
fn bytes_in_the_inode() {
    needs_root!();
    let image = Image::new("ext4", &["-b", "4096", "-I", "256", "-O", "inline_data"]);
    on_pmem(&image, |mounted, disk| {
        let mut file = mounted.file("small");
        file.write_all(&[1; 40]).expect("written");
        file.sync_all().expect("written");
        disk.write("badblocks", "0 10000000\n");
        unsupported("inline data", &file);
        // Of a disk with nothing bad on it, nothing is bad, wherever it lies.
        disk.write("badblocks", "");
        assert_eq!(walk(&Source::new(&file).expect("a source")), (vec![], None));
    });
}

/// Files of XFS's realtime device are not on the one that stat(2) names.
#[test]
fn the_realtime_device_of_xfs() {
    needs_root!();
    let realtime = Image::ext4(4096);
    let device = realtime.device().to_str().expect("a path").to_owned();
    let option = format!("rtdev={device}");
    let image = Image::new("xfs", &["-r", &option, "-d", "rtinherit=1"]).mounted_with(&option);
    // ENOSYS where XFS was built without.
    let there = with_own_mounts(|| {
        made::unless("XFS realtime", image.try_mount().map(drop), &[Errno::NOSYS]).is_some()
    });
    if !there {
        return;
    }
    on_pmem(&image, |mounted, disk| {
        disk.write("badblocks", "");
        let file = mounted.file("realtime");
        file.write_all_at(&[1; 8192], 0).expect("written");
        unsupported("a realtime file", &file);
    });
}

/// Before any list there is the question where the file lies.
#[test]
fn without_sysfs() {
    needs_root!();
    let image = Image::ext4(4096);
    with_sysfs(|sysfs| {
        let mounted = image.mount();
        let file = mounted.file("file");
        file.write_all_at(&[1; 4096], 0).expect("written");
        let source = Source::new(&file).expect("a source");
        sysfs.clear();
        let (found, error) = walk(&source);
        assert!(
            found.is_empty() && !matches!(error, None | Some(Error::Unsupported(_))),
            "{error:?}"
        );
        nd::block(
            std::path::Path::new("/sys/devices/pci0000:00/virtio1"),
            "vdb",
            mounted.device(),
            "0",
        );
        assert_eq!(walk(&source), (vec![], Some(Error::Unsupported(Subject::BadBlocks))));
        let disk = Bus::new(sysfs).region(0, &[]).fsdax("pmem0", mounted.device());
        assert_eq!(
            walk(&source),
            (vec![], Some(Error::Unsupported(Subject::BadBlocks))),
            "no list"
        );
        for text in ["garbage\n", "1 1 1\n", "-1 1\n", "1 0\n"] {
            disk.write("badblocks", text);
            assert_eq!(walk(&source), (vec![], Some(Error::CannotReadBounds)), "{text:?}");
        }
    });
}

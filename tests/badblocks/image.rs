//! File systems in a file, on a loop device.

use std::{
    fs::{self, File},
    io,
    os::{
        fd::AsRawFd,
        unix::fs::{FileExt, MetadataExt},
    },
    path::{Path, PathBuf},
    process::Command,
};

use rustix::mount::{MountFlags, mount};
use tempfile::{NamedTempFile, TempDir};

use crate::common::made::DISK;

/// An image with a file system in it, and a loop device for it.
pub(crate) struct Image {
    kind: &'static str,
    options: String,
    device: PathBuf,
    _file: NamedTempFile,
}

/// Runs a program of Debian's, and says what it printed.
fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| {
        panic!("{program}: {error}; Debian has it in e2fsprogs, xfsprogs or mount")
    });
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

impl Image {
    /// With this file system, made with these options.
    pub(crate) fn new(kind: &'static str, options: &[&str]) -> Self {
        let file = NamedTempFile::new_in(DISK).expect("a file for the image");
        // The least that mkfs.xfs takes.
        file.as_file().set_len(300 << 20).expect("its size");
        let path = file.path().to_str().expect("a path");
        run(&format!("mkfs.{kind}"), &[&["-q"], options, &[path]].concat());
        let device = run("losetup", &["--find", "--show", path]).into();
        Self { kind, options: String::new(), device, _file: file }
    }

    /// An ext4 with blocks of this size.
    pub(crate) fn ext4(block: u64) -> Self {
        Self::new("ext4", &["-b", &block.to_string()])
    }

    pub(crate) fn xfs() -> Self {
        Self::new("xfs", &[])
    }

    pub(crate) fn mounted_with(mut self, options: &str) -> Self {
        self.options = options.to_owned();
        self
    }

    pub(crate) fn device(&self) -> &Path {
        &self.device
    }

    /// On a thread with mounts of its own, which end with it.
    pub(crate) fn mount(&self) -> Mounted {
        self.try_mount().expect("mounted")
    }

    pub(crate) fn try_mount(&self) -> io::Result<Mounted> {
        let directory = TempDir::new_in(DISK)?;
        let options = std::ffi::CString::new(self.options.as_str())?;
        mount(&self.device, directory.path(), self.kind, MountFlags::empty(), options.as_c_str())?;
        Ok(Mounted { directory })
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        // It goes when nothing has it mounted any more.
        run("losetup", &["--detach", self.device.to_str().expect("a path")]);
    }
}

/// A mounted file system.
pub(crate) struct Mounted {
    directory: TempDir,
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let result =
            rustix::mount::unmount(self.directory.path(), rustix::mount::UnmountFlags::DETACH);
        assert!(result.is_ok() || std::thread::panicking(), "{result:?}");
    }
}

impl Mounted {
    /// The device of its files, as stat(2) gives it.
    pub(crate) fn device(&self) -> (u32, u32) {
        let dev = fs::metadata(self.directory.path()).expect("the root directory").dev();
        (rustix::fs::major(dev), rustix::fs::minor(dev))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A new file, for reading and writing.
    pub(crate) fn file(&self, name: &str) -> File {
        File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(self.path(name))
            .expect("a file")
    }
}

/// For each block of a file the sector of the device where it begins, or none in a hole: by FIBMAP
/// of linux/fs.h, which has nothing in common with FIEMAP.
pub(crate) fn places(file: &File) -> Vec<Option<u64>> {
    const FIBMAP: libc::Ioctl = 1;
    const FIGETBSZ: libc::Ioctl = 2;
    file.sync_all().expect("written");
    let mut block: libc::c_int = 0;
    // SAFETY: FIGETBSZ writes an int.
    assert_eq!(unsafe { libc::ioctl(file.as_raw_fd(), FIGETBSZ, &raw mut block) }, 0, "FIGETBSZ");
    let block = u64::try_from(block).expect("a size");
    let size = file.metadata().expect("its size").len();
    let place = |number: u64| {
        let mut place = libc::c_int::try_from(number).expect("a small file");
        // SAFETY: FIBMAP reads and writes an int.
        let result = unsafe { libc::ioctl(file.as_raw_fd(), FIBMAP, &raw mut place) };
        assert_eq!(result, 0, "FIBMAP: {}", std::io::Error::last_os_error());
        (place != 0).then(|| u64::try_from(place).expect("a place") * (block / 512))
    };
    (0..size.div_ceil(block)).map(place).collect()
}

/// A file of so many blocks of 4 KiB that lie on the device in reverse order: on an XFS, where they
/// are those of another file. And where they begin, as [`places`] says of the other file: of blocks
/// that are shared it says nothing.
pub(crate) fn reversed(mounted: &Mounted, blocks: u64) -> (File, Vec<Option<u64>>) {
    const BLOCK: u64 = 4096;
    // FICLONERANGE of linux/fs.h.
    const CLONE_RANGE: libc::Ioctl = 0x4020_940d;
    let (file, whole) = (mounted.file("reversed"), mounted.file("whole"));
    whole.write_all_at(&vec![1; (blocks * BLOCK) as usize], 0).expect("written");
    let mut places = places(&whole);
    assert!(
        places.windows(2).all(|two| two[0].is_some() && two[1] == two[0].map(|place| place + 8)),
        "{places:?}"
    );
    places.reverse();
    for block in 0..blocks {
        let range = [whole.as_raw_fd() as u64, (blocks - 1 - block) * BLOCK, BLOCK, block * BLOCK];
        // SAFETY: `struct file_clone_range` is these four numbers.
        let result = unsafe { libc::ioctl(file.as_raw_fd(), CLONE_RANGE, &raw const range) };
        assert_eq!(result, 0, "FICLONERANGE: {}", io::Error::last_os_error());
    }
    (file, places)
}

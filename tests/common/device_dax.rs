//! Device DAX without a device: a /sys of our own on a thread of our own says that /dev/null is
//! one. The descriptor, the paths and the code are the real ones.

use std::{
    fs::{self, File},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use super::thread::{mount_new, with_own_mounts};

/// The target of the kernel's link for a device DAX, from `/sys/devices/.../dax0.0`.
pub(crate) const BUS_DAX: &str = "../../../../../../../bus/dax";

/// A /sys that has nothing in it but what a test puts there. Exists on threads of [`with_sysfs`]
/// only.
pub(crate) struct Sysfs(());

/// Runs `body` on a thread where /sys is empty.
pub(crate) fn with_sysfs<T: Send>(body: impl FnOnce(&Sysfs) -> T + Send) -> T {
    with_own_mounts(|| {
        mount_new("tmpfs", "/sys", "mode=755");
        body(&Sysfs(()))
    })
}

impl Sysfs {
    /// Takes everything away.
    pub(crate) fn clear(&self) {
        for entry in fs::read_dir("/sys").expect("/sys can be listed") {
            let path = entry.expect("an entry of /sys").path();
            if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) }
                .expect("removed");
        }
    }

    /// An entry for /dev/null alone, empty.
    pub(crate) fn device(&self) -> Entry {
        self.clear();
        let entry = self.entry();
        fs::create_dir_all(&entry.0).expect("a directory in /sys");
        entry
    }

    /// A good device DAX with these texts as its size and alignment.
    pub(crate) fn device_dax(&self, size: impl AsRef<[u8]>, align: impl AsRef<[u8]>) -> Entry {
        let entry = self.device();
        entry.link("subsystem", BUS_DAX);
        entry.write("size", size);
        entry.write("align", align);
        entry
    }

    /// Where the entry of /dev/null is, or would be.
    pub(crate) fn entry(&self) -> Entry {
        Entry(PathBuf::from("/sys/dev/char/1:3"))
    }
}

/// A directory in /sys: `/sys/dev/char/1:3`.
pub(crate) struct Entry(PathBuf);

impl Entry {
    /// The directory with this path, which is made if it is not there.
    pub(crate) fn at(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        fs::create_dir_all(&path).expect("a directory in /sys");
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.0
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).expect("a file in /sys");
    }

    pub(crate) fn link(&self, name: &str, target: impl AsRef<Path>) {
        symlink(target, self.path(name)).expect("a link in /sys");
    }
}

/// The descriptor that is to be a device DAX.
pub(crate) fn dev_null() -> File {
    File::options().read(true).write(true).open("/dev/null").expect("/dev/null opens")
}

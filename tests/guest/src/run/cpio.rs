//! The archive that the kernel unpacks as its first file system: cpio, "newc"
//! (Documentation/driver-api/early-userspace).

use std::collections::BTreeSet;

const DIRECTORY: u32 = 0o040_755;
const FILE: u32 = 0o100_755;
const LINK: u32 = 0o120_777;
const CHARACTER_DEVICE: u32 = 0o020_600;

/// An archive in the making.
#[derive(Default)]
pub(crate) struct Cpio {
    bytes: Vec<u8>,
    directories: BTreeSet<String>,
    entries: u32,
}

impl Cpio {
    /// `path` is absolute. The directories that it lies in are made first.
    pub(crate) fn file(&mut self, path: &str, contents: &[u8]) {
        self.parents(path);
        self.entry(path, FILE, (0, 0), contents);
    }

    pub(crate) fn link(&mut self, path: &str, target: &str) {
        self.parents(path);
        self.entry(path, LINK, (0, 0), target.as_bytes());
    }

    pub(crate) fn character_device(&mut self, path: &str, number: (u32, u32)) {
        self.parents(path);
        self.entry(path, CHARACTER_DEVICE, number, &[]);
    }

    /// The whole archive.
    pub(crate) fn end(mut self) -> Vec<u8> {
        self.entry("/TRAILER!!!", 0, (0, 0), &[]);
        self.bytes
    }

    fn parents(&mut self, path: &str) {
        for (slash, _) in path.match_indices('/').skip(1) {
            let directory = &path[..slash];
            if self.directories.insert(directory.to_owned()) {
                self.entry(directory, DIRECTORY, (0, 0), &[]);
            }
        }
    }

    fn entry(&mut self, path: &str, mode: u32, (major, minor): (u32, u32), contents: &[u8]) {
        let name = path.trim_start_matches('/');
        self.entries += 1;
        let length = |bytes: usize| u32::try_from(bytes).expect("less than 4 GiB");
        let (size, name_size) = (length(contents.len()), length(name.len() + 1));
        self.bytes.extend(b"070701");
        // Inode, mode, user, group, links, time, size, device, device that it stands for, name's
        // length, no checksum.
        for field in [self.entries, mode, 0, 0, 1, 0, size, 0, 0, major, minor, name_size, 0] {
            self.bytes.extend(format!("{field:08x}").bytes());
        }
        self.bytes.extend(name.bytes());
        self.bytes.push(0);
        self.align();
        self.bytes.extend(contents);
        self.align();
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

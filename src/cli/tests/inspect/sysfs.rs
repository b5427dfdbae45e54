//! A /sys with persistent memory in it, laid out as the kernel does, made in a directory and
//! mounted over the real one.

use std::{
    fs,
    os::unix::fs::{MetadataExt, symlink},
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::*;

/// A directory on a disk: /tmp may lie on a file system without a device.
const DISK: &str = env!("CARGO_TARGET_TMPDIR");

pub(crate) struct Sysfs {
    directory: TempDir,
    /// A file that lies on the block device `device` by the kernel's own word.
    pub(crate) file: PathBuf,
    pub(crate) device: (u32, u32),
}

/// `regionN`, or what is in one: a directory below /sys/devices.
pub(crate) struct Node {
    directory: PathBuf,
    number: u32,
}

impl Sysfs {
    pub(crate) fn new() -> Self {
        let directory = tempfile::Builder::new().tempdir_in(DISK).unwrap();
        let file = file(&directory, "file", "0123456789");
        let device = fs::metadata(&file).unwrap().dev();
        let device = (rustix::fs::major(device), rustix::fs::minor(device));
        assert_ne!(device.0, 0, "{DISK} has to be on a file system with a block device");
        let sysfs = Self { directory, file, device };
        for parents in
            ["dev/block", "dev/char", "class/block", "bus/nd/devices", "bus/dax", "devices"]
        {
            fs::create_dir_all(sysfs.path(parents)).unwrap();
        }
        sysfs
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.directory.path().join("sys").join(name)
    }

    /// A link from `from` to `to`, both below /sys, relative as the kernel's are.
    fn link(&self, from: impl AsRef<Path>, to: &Path) {
        let from = self.path(from);
        let up = from.strip_prefix(self.path("")).unwrap().components().count() - 1;
        let mut target: PathBuf = std::iter::repeat_n("..", up).collect();
        target.push(to.strip_prefix(self.path("")).unwrap());
        symlink(target, from).unwrap();
    }

    /// A directory of a device that is linked to in /sys/bus/nd.
    fn node(&self, below: &Path, name: &str, number: u32) -> Node {
        let directory = below.join(name);
        fs::create_dir_all(&directory).unwrap();
        self.link(Path::new("bus/nd/devices").join(name), &directory);
        Node { directory, number }
    }

    /// A region of node 0, with what every region has.
    pub(crate) fn region(&self, bus: u32, number: u32, provider: &str) -> Node {
        let bus = self.path(format!("devices/LNXSYSTM:00/ndbus{bus}"));
        let region = self.node(&bus, &format!("region{number}"), number);
        fs::write(bus.join("provider"), format!("{provider}\n")).unwrap();
        region.write("numa_node", "0\n");
        region.write("read_only", "0\n");
        region
    }

    /// The carrier of a namespace in the region with the same number: `pfn` (fsdax), `btt`
    /// (sector), `dax` (devdax), or the namespace itself (raw).
    pub(crate) fn carrier(&self, region: &Node, kind: &str, number: u32) -> Node {
        let node =
            self.node(&region.directory, &format!("{kind}{}.{number}", region.number), number);
        if kind != "namespace" {
            node.write("namespace", &format!("namespace{}.{number}\n", region.number));
        }
        node
    }

    /// A DIMM, as the next one of the region: its id, its flags, its count of unsafe shutdowns.
    pub(crate) fn dimm(
        &self,
        region: &Node,
        number: u32,
        id: &str,
        flags: &str,
        dirty_shutdown: Option<&str>,
    ) -> Node {
        let dimm = self.node(&self.path("devices/LNXSYSTM:00"), &format!("nmem{number}"), number);
        let mapping =
            (0..).find(|n| !region.directory.join(format!("mapping{n}")).exists()).unwrap();
        region
            .write(&format!("mapping{mapping}"), &format!("nmem{number},0,134217728,{mapping}\n"));
        fs::create_dir(dimm.directory.join("nfit")).unwrap();
        dimm.write("nfit/id", &format!("{id}\n"));
        dimm.write("nfit/flags", &format!("{flags}\n"));
        if let Some(count) = dirty_shutdown {
            dimm.write("nfit/dirty_shutdown", &format!("{count}\n"));
        }
        dimm
    }

    /// The disk that is made of `carrier`: whether it has DAX.
    pub(crate) fn disk(&self, carrier: &Node, name: &str, (major, minor): (u32, u32), dax: bool) {
        let disk = carrier.directory.join("block").join(name);
        self.disk_at(&disk, name, (major, minor));
        fs::create_dir(disk.join("queue")).unwrap();
        fs::write(disk.join("queue/dax"), if dax { "1\n" } else { "0\n" }).unwrap();
    }

    /// A volume made of other disks.
    pub(crate) fn volume(&self, name: &str, device: (u32, u32), disks: &[&str]) {
        let directory = self.path(format!("devices/virtual/block/{name}"));
        self.disk_at(&directory, name, device);
        for disk in disks {
            let slaves = Path::new("devices/virtual/block").join(name).join("slaves");
            fs::create_dir_all(self.path(&slaves)).unwrap();
            let target = self.path("class/block").join(disk).canonicalize().unwrap();
            self.link(slaves.join(disk), &target);
        }
    }

    fn disk_at(&self, directory: &Path, name: &str, (major, minor): (u32, u32)) {
        fs::create_dir_all(directory).unwrap();
        self.link(format!("dev/block/{major}:{minor}"), directory);
        self.link(format!("class/block/{name}"), directory);
        fs::write(directory.join("dev"), format!("{major}:{minor}\n")).unwrap();
    }

    /// /dev/null is the device DAX in `carrier`.
    pub(crate) fn device_dax(&self, carrier: &Node) {
        self.device_dax_at(&carrier.directory.join("dax0.0"));
    }

    /// /dev/null is a device DAX in no region of persistent memory, of node 1.
    pub(crate) fn device_dax_of_no_region(&self) {
        let directory = self.path("devices/platform/hmem.0/dax0.0");
        self.device_dax_at(&directory);
        fs::write(directory.join("numa_node"), "1\n").unwrap();
    }

    fn device_dax_at(&self, directory: &Path) {
        fs::create_dir_all(directory).unwrap();
        self.link("dev/char/1:3", directory);
        self.link(
            directory.strip_prefix(self.path("")).unwrap().join("subsystem"),
            &self.path("bus/dax"),
        );
        fs::write(directory.join("size"), "134217728\n").unwrap();
        fs::write(directory.join("align"), "2097152\n").unwrap();
    }

    /// The binary, where this is /sys.
    fn inspect(&self, script: &str, path: &Path) -> Command {
        let script = format!("mount --bind \"$dir/sys\" /sys; {script}");
        inspect_after(&script, self.directory.path(), [path])
    }

    /// Both outputs for `path`.
    pub(crate) fn says(&self, status: i32, path: impl AsRef<Path>) -> (String, Value) {
        self.says_after("", status, path)
    }

    /// Both outputs for `path` after `script`.
    pub(crate) fn says_after(
        &self,
        script: &str,
        status: i32,
        path: impl AsRef<Path>,
    ) -> (String, Value) {
        let mut command = self.inspect(script, path.as_ref());
        let block = report(status, &mut command);
        let object = objects(status, &mut command).remove(0);
        assert_documented(&object);
        (block, object)
    }
}

/// Every key and every word about where something lies is in `--help`.
pub(crate) fn assert_documented(object: &Value) {
    static HELP: LazyLock<String> = LazyLock::new(|| report(0, &mut inspect(["--help"])));
    // These are described in the line of their key.
    const WHOLE: [&str; 7] = [
        "permission",
        "device",
        "represented_device",
        "file_system",
        "place.disk",
        "bad_blocks",
        "answer_errors",
    ];
    const WORDS: [&str; 8] = [
        "persistent.answer",
        "persistent.reason",
        "granularity.shared",
        "granularity.reason",
        "place.backing",
        "place.regions.mode",
        "place.regions.persistence_domain",
        "warnings.warning",
    ];
    fn check(path: &str, value: &Value) {
        match value {
            Value::Object(keys) if !WHOLE.contains(&path) => {
                for (key, value) in keys {
                    let dot = if path.is_empty() { "" } else { "." };
                    let path = format!("{path}{dot}{key}");
                    assert!(HELP.contains(&format!("\n- {path} - ")), "{path}");
                    check(&path, value);
                }
            }
            Value::Array(all) => all.iter().for_each(|value| check(path, value)),
            // The symbols of errors are libpmem2's.
            Value::String(word) if WORDS.contains(&path) && !word.starts_with(['P', 'E']) => {
                let mut known = HELP.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                assert!(known.any(|known| known == word), "{path}: {word}");
            }
            _ => {}
        }
    }
    check("", object);
}

impl Node {
    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.directory.join(name), text).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

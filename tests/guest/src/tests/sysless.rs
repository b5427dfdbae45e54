//! Device DAX where there is no /sys: every character device that there is, by a node of one's own.

use std::{
    fs::{self, File},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use pmem2::{
    Error, Kind, Source,
    error::{Errno, Subject},
    report::Report,
};
use pmem2_guest::machine::{Device, Machine};
use rustix::{
    fs::{CWD, FileType, Mode, OFlags, makedev, mknodat},
    mount::{UnmountFlags, unmount},
};

use crate::{
    common::{
        made::path,
        thread::{mount_new, with_own_mounts},
    },
    open,
    trace::calls_of,
};

/// A character device, and what /sys says of it.
struct Listed {
    number: (u32, u32),
    /// The alignment of a device DAX.
    alignment: Option<u64>,
}

/// All that the kernel lists.
fn listed() -> Vec<Listed> {
    let entries = fs::read_dir("/sys/dev/char").expect("/sys");
    let listed = entries.map(|entry| {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a number").to_str().expect("digits");
        let (major, minor) = name.split_once(':').expect("two numbers");
        let subsystem = fs::read_link(path.join("subsystem")).expect("a subsystem");
        let alignment = subsystem.ends_with("bus/dax").then(|| {
            let text = fs::read_to_string(path.join("align")).expect("an alignment");
            text.trim().parse().expect("a number")
        });
        Listed { number: (major.parse().expect("M"), minor.parse().expect("m")), alignment }
    });
    listed.collect()
}

/// A new node of a device, which nobody has opened before.
fn node(directory: &Path, (major, minor): (u32, u32)) -> PathBuf {
    let node = directory.join(format!("{major}:{minor}"));
    let _ = fs::remove_file(&node);
    mknodat(CWD, &node, FileType::CharacterDevice, Mode::RUSR, makedev(major, minor))
        .expect("a node");
    node
}

/// Opened without waiting, and becoming nothing's terminal.
fn opened(node: &Path) -> std::io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    File::options().read(true).custom_flags(flags.bits().cast_signed()).open(node)
}

pub(crate) fn told(machine: &Machine, device: &Device) {
    let (devices, before) = (listed(), open(device, 0));
    let source = Source::new(&before).expect("a source");
    let absent = Error::Os { subject: Subject::Size, errno: Errno::ENOENT };
    with_own_mounts(|| {
        unmount("/sys", UnmountFlags::DETACH).expect("no /sys");
        mount_new("tmpfs", "/mnt", "");
        let (mut dax, mut others) = (0, 0);
        for Listed { number, alignment } in &devices {
            let node = node(Path::new("/mnt"), *number);
            let unopened = path(node.to_str().expect("a name"), OFlags::PATH).expect("O_PATH");
            let kind = Report::new(&unopened).kind();
            assert_eq!(kind, Some(Kind::UnknownDevice(Subject::Sysfs)), "{number:?}, unopened");
            // A few have no hardware, or somebody else has them.
            let Ok(file) = opened(&node) else { continue };
            match (Source::new(&file), alignment) {
                (Ok(source), Some(alignment)) => {
                    assert_eq!(source.kind(), Kind::DeviceDax);
                    assert_eq!(source.alignment(), Ok(*alignment), "{number:?}");
                    assert_eq!(source.size(), Err(absent));
                    dax += 1;
                }
                (Err(Error::InvalidFileType(Kind::CharacterDevice)), None) => others += 1,
                (found, listed) => panic!("{number:?}: {found:?}, in /sys {listed:?}"),
            }
        }
        assert_eq!(dax, devices.iter().filter(|device| device.alignment.is_some()).count());
        assert!(dax > 0 && others > 20, "{dax} device DAX, {others} others of {}", devices.len());

        on_overlayfs(&devices);

        // What was made with /sys goes on, and what was made without it goes on with it.
        assert_eq!(source.alignment(), Ok(device.alignment));
        assert_eq!(source.size(), Err(absent));
        assert!(absent.to_string().ends_with("is not mounted on /sys"), "{absent}");
        assert_eq!(source.report().verdict(), Err(absent));
        let without = Source::new(&before).expect("a source");
        assert_ne!(without.id(), source.id(), "it says less");
        let calls = calls_of(|| _ = Source::new(&before));
        assert_eq!(calls, ["fcntl", "fstat", "readlinkat", "faccessat", "statx"]);
        let lengths = (12..=device.alignment.trailing_zeros()).map(|_| "mmap");
        let tried = ["fstat", "openat", "openat", "openat"].into_iter().chain(lengths);
        let calls = calls_of(|| _ = without.alignment());
        assert_eq!(calls, tried.chain(["munmap"]).collect::<Vec<_>>());

        mount_new("sysfs", "/sys", "");
        for source in [source, without] {
            assert_eq!(source.alignment(), Ok(device.alignment));
            assert_eq!(source.size(), Ok(device.size(machine)));
            assert_eq!(source.report().verdict(), Ok(()));
            assert!(source.place().is_ok(), "{:?}", source.place());
        }
    });
}

/// A node on overlayfs: statx(2) tells of the inode below it, which nobody has opened.
fn on_overlayfs(devices: &[Listed]) {
    let names = ["below", "above", "work", "all"];
    let [below, above, work, all] = names.map(|name| Path::new("/mnt").join(name));
    for directory in [&below, &above, &work, &all] {
        fs::create_dir(directory).expect("a directory");
    }
    let dax = || devices.iter().filter(|device| device.alignment.is_some());
    dax().for_each(|device| _ = node(&below, device.number));
    mount_new(
        "overlay",
        all.to_str().expect("a name"),
        &format!(
            "lowerdir={},upperdir={},workdir={}",
            below.display(),
            above.display(),
            work.display()
        ),
    );
    for Listed { number: (major, minor), .. } in dax() {
        let lower = all.join(format!("{major}:{minor}"));
        let found = || Source::new(opened(&lower).expect("opened")).map(|_| ());
        assert_eq!(found(), Err(Error::UnknownFileType(Subject::Sysfs)), "below");
        node(&all, (*major, *minor));
        assert_eq!(found(), Err(Error::UnknownFileType(Subject::Sysfs)), "above");
    }
}

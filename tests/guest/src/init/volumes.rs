//! What is put on disks: partitions, volumes, file systems.

use std::{
    fs::{self, File},
    os::unix::fs::{FileExt, symlink},
    path::{Path, PathBuf},
};

use pmem2_guest::machine::{Bus, Contents, Device, FILE_SIZE, Machine, Memory, Volume};
use rustix::{
    fs::{IFlags, ioctl_getflags, ioctl_setflags},
    mount::{MountFlags, UnmountFlags, mount, unmount},
};

use crate::{
    command::run,
    nd,
    sysfs::{Failure, below, entries, name, read, wait_for},
};

/// Makes the device and a link to it, or to the file on it, where the tests look for it.
pub(crate) fn make(machine: &Machine, device: &Device) -> Result<(), Failure> {
    let entries: Result<Vec<_>, _> =
        device.memory(machine).map(|memory| entry(machine, device, memory)).collect();
    let entries = entries?;
    // What lies on no device has no device file.
    let node = if entries.is_empty() { PathBuf::from("none") } else { volume(device, &entries)? };
    let on_it = file_system(machine, device, &node);
    if let Some(on_it) = &on_it {
        on_it.make()?;
    }
    if device.memory(machine).any(|memory| matches!(memory.bus, Bus::Nvdimm { unarmed: true, .. }))
    {
        if let Some(on_it) = &on_it {
            on_it.unmount()?;
        }
        entries.iter().try_for_each(|entry| nd::make_read_only(entry))?;
        if let Some(on_it) = &on_it {
            on_it.mount(MountFlags::RDONLY)?;
        }
    }
    let source = on_it.map_or(node, |on_it| on_it.file());
    symlink(&source, device.path())
        .map_err(|e| format!("{} to {}: {e}", device.path(), source.display()))
}

/// The entry in /sys of the disk or character device that is made of the memory.
fn entry(machine: &Machine, device: &Device, memory: &Memory) -> Result<PathBuf, Failure> {
    match memory.bus {
        Bus::VirtioBlk => {
            below("/sys/class/block", &format!("0000:00:{:02x}.0", machine.pci_slot(memory)))
        }
        Bus::SoftReserved => {
            below("/sys/bus/dax/devices", &format!("hmem.{}", machine.index(memory)))
        }
        _ => nd::namespace(machine, device, memory),
    }
}

/// The device file of an entry in /sys.
fn node(entry: &Path) -> Result<PathBuf, Failure> {
    let node = Path::new("/dev").join(name(entry));
    wait_for(&node.to_string_lossy(), || Ok(node.exists().then(|| node.clone())))
}

fn volume(device: &Device, entries: &[PathBuf]) -> Result<PathBuf, Failure> {
    let [first, ..] = entries else { return Err("the table gives it no memory".to_owned()) };
    match device.volume {
        Volume::Whole => node(first),
        Volume::Partition => partition(first),
        Volume::Linear => linear(&device.name, entries),
    }
}

/// The size of a disk in sectors.
fn sectors(entry: &Path) -> Result<u32, Failure> {
    let path = entry.join("size");
    read(&path)?.parse().map_err(|e| format!("{}: {e}", path.display()))
}

/// One partition, of all but the first MiB.
fn partition(entry: &Path) -> Result<PathBuf, Failure> {
    const START: u32 = 2048;
    const LINUX: u8 = 0x83;
    let disk = node(entry)?;
    let mut table = [0; 512];
    // The first of four entries: type, start, length.
    table[0x1be + 4] = LINUX;
    table[0x1be + 8..0x1be + 12].copy_from_slice(&START.to_le_bytes());
    table[0x1be + 12..0x1be + 16].copy_from_slice(&(sectors(entry)? - START).to_le_bytes());
    table[510..].copy_from_slice(&[0x55, 0xaa]);
    let written = File::options().write(true).open(&disk).and_then(|file| {
        file.write_all_at(&table, 0)?;
        file.sync_all()
    });
    written.map_err(|e| format!("a partition table on {}: {e}", disk.display()))?;
    nd::rescan(entry)?;
    node(Path::new(&format!("{}p1", name(entry))))
}

/// All the disks one after another.
fn linear(volume: &str, disks: &[PathBuf]) -> Result<PathBuf, Failure> {
    let (mut start, mut table) = (0, String::new());
    for entry in disks {
        let (disk, length) = (node(entry)?, sectors(entry)?);
        table += &format!("{start} {length} linear {} 0\n", disk.display());
        start += length;
    }
    let path = format!("/run/{volume}.table");
    fs::write(&path, table).map_err(|e| format!("{path}: {e}"))?;
    run("dmsetup", &["create", volume, "--noudevrules", "--noudevsync", &path])?;
    // Links by the volume's name are udev's business, and here is none.
    let disks = entries("/sys/class/block")?;
    let disk =
        disks.iter().find(|disk| read(disk.join("dm/name")).is_ok_and(|name| name == volume));
    node(disk.ok_or("no such volume")?)
}

/// A file system on a disk.
struct FileSystem {
    disk: PathBuf,
    place: PathBuf,
    kind: &'static str,
    options: String,
    /// The program that makes one, and its arguments before the disk.
    program: Option<(&'static str, &'static [&'static str])>,
    /// Whether the directory of the file has the flag for DAX.
    flag: bool,
    /// Whether the file is on an overlayfs whose directories are on it.
    overlay: bool,
}

/// The one that the table wants on the disk.
fn file_system(machine: &Machine, device: &Device, disk: &Path) -> Option<FileSystem> {
    const EXT4: Option<(&str, &[&str])> =
        Some(("mke2fs", &["-q", "-F", "-t", "ext4", "-b", "4096"]));
    // Shared extents and DAX exclude each other in this kernel.
    const XFS: Option<(&str, &[&str])> = Some(("mkfs.xfs", &["-q", "-f", "-m", "reflink=0"]));
    // See `hold_writes_back`.
    let commit = if machine.faults { "commit=86400," } else { "" };
    let (kind, options, program) = match device.contents {
        Contents::Device => return None,
        Contents::Ext4(options) | Contents::Overlay(options) => {
            ("ext4", format!("{commit}{options}"), EXT4)
        }
        Contents::Xfs(options) => ("xfs", options.to_owned(), XFS),
        Contents::Tmpfs => ("tmpfs", String::new(), None),
    };
    let place = PathBuf::from(format!("/mnt/{}", device.name));
    let overlay = matches!(device.contents, Contents::Overlay(_));
    Some(FileSystem {
        disk: disk.to_owned(),
        place,
        kind,
        options,
        program,
        flag: device.flag,
        overlay,
    })
}

impl FileSystem {
    /// A directory on it for the file.
    fn directory(&self) -> PathBuf {
        match (self.flag, self.overlay) {
            (true, _) => self.place.join("flag"),
            (_, true) => self.place.join("overlay"),
            _ => self.place.clone(),
        }
    }

    fn file(&self) -> PathBuf {
        self.directory().join("file")
    }

    /// Makes and mounts it, with a file on it.
    fn make(&self) -> Result<(), Failure> {
        if let Some((program, arguments)) = self.program {
            run(program, &[arguments, &[&*self.disk.to_string_lossy()]].concat())?;
        }
        new_directory(&self.place)?;
        self.mount(MountFlags::empty())?;
        if self.flag {
            self.set_flag()?;
        }
        if self.overlay {
            self.mount_overlay()?;
        }
        let sized = File::create(self.file()).and_then(|file| file.set_len(FILE_SIZE));
        sized.map_err(|e| format!("{}: {e}", self.file().display()))
    }

    /// What `chattr +x` does: new files there are mapped directly.
    fn set_flag(&self) -> Result<(), Failure> {
        /// FS_DAX_FL of linux/fs.h.
        const DAX: IFlags = IFlags::from_bits_retain(0x0200_0000);
        let directory = self.directory();
        new_directory(&directory)?;
        let open = File::open(&directory).map_err(|e| format!("{}: {e}", directory.display()))?;
        let set = ioctl_getflags(&open).and_then(|flags| ioctl_setflags(&open, flags | DAX));
        set.map_err(|e| format!("the flag for DAX of {}: {e}", directory.display()))
    }

    fn mount_overlay(&self) -> Result<(), Failure> {
        let below = ["lower", "upper", "work"].map(|name| self.place.join(name));
        below
            .iter()
            .chain([&self.directory()])
            .try_for_each(|directory| new_directory(directory))?;
        let [lower, upper, work] = below.map(|directory| directory.display().to_string());
        let options = format!("lowerdir={lower},upperdir={upper},workdir={work}");
        let options = std::ffi::CString::new(options).map_err(|e| e.to_string())?;
        let target = self.directory();
        mount("overlay", &target, "overlay", MountFlags::empty(), options.as_c_str())
            .map_err(|e| format!("overlay on {}: {e}", target.display()))
    }

    fn mount(&self, flags: MountFlags) -> Result<(), Failure> {
        let options = std::ffi::CString::new(&*self.options).map_err(|e| e.to_string())?;
        mount(&self.disk, &self.place, self.kind, flags, options.as_c_str()).map_err(|e| {
            format!("{} on {} with {:?}: {e}", self.kind, self.disk.display(), self.options)
        })
    }

    fn unmount(&self) -> Result<(), Failure> {
        unmount(&self.place, UnmountFlags::empty())
            .map_err(|e| format!("{}: {e}", self.place.display()))
    }
}

fn new_directory(path: &Path) -> Result<(), Failure> {
    fs::create_dir_all(path).map_err(|e| format!("{}: {e}", path.display()))
}

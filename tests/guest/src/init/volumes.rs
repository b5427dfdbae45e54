//! Everything on disks: partitions, volumes, file systems.

use std::{
    fs::{self, File},
    os::unix::fs::{FileExt, symlink},
    path::{Path, PathBuf},
};

use pmem2_guest::machine::{Bus, Contents, Device, FILE_SIZE, Machine, Memory, PAGE, Volume};
use rustix::{
    fs::{IFlags, ioctl_getflags, ioctl_setflags},
    mount::{MountFlags, UnmountFlags, mount, unmount},
};

use crate::{
    command::run,
    nd,
    sysfs::{Failure, below, entries, name, read, wait_for},
};

/// Makes the device and a link to it, or to the file on it, where the tests look for it. Where the
/// machine boots `again`, it has the device.
pub(crate) fn make(machine: &Machine, device: &Device, again: bool) -> Result<(), Failure> {
    let entries: Result<Vec<_>, _> =
        device.memory(machine).map(|memory| entry(machine, device, memory, again)).collect();
    let entries = entries?;
    // What lies on no device has no device file.
    let node = if entries.is_empty() { PathBuf::from("none") } else { volume(device, &entries)? };
    let members = match device.volume {
        Volume::Members => entries.iter().skip(1).map(|entry| self::node(entry)).collect(),
        _ => Ok(vec![]),
    };
    let on_it = file_system(machine, device, &node, &members?);
    match &on_it {
        Some(on_it) if again => {
            new_directory(&on_it.place)?;
            on_it.mount(MountFlags::empty())?;
        }
        Some(on_it) => on_it.make()?,
        None => {}
    }
    if device.regions(machine).iter().any(|region| region.unarmed) {
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
fn entry(
    machine: &Machine,
    device: &Device,
    memory: &Memory,
    again: bool,
) -> Result<PathBuf, Failure> {
    match memory.bus {
        Bus::VirtioBlk => {
            below("/sys/class/block", &format!("0000:00:{:02x}.0", machine.pci_slot(memory)))
        }
        Bus::SoftReserved => {
            below("/sys/bus/dax/devices", &format!("hmem.{}", machine.index(memory)))
        }
        _ => nd::namespace(machine, device, memory, again),
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
        Volume::Whole | Volume::Members => node(first),
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
    program: Option<(&'static str, Vec<String>)>,
    /// Whether the directory of the file has the flag for DAX.
    flag: bool,
    /// Whether the file is on an overlayfs whose directories are on it.
    overlay: bool,
    /// Whether it is made with its file, and never written to.
    read_only: bool,
}

/// The one that the table wants on the disk, and on the other disks that it takes.
fn file_system(
    machine: &Machine,
    device: &Device,
    disk: &Path,
    members: &[PathBuf],
) -> Option<FileSystem> {
    // With reflink and dax=always it is not mounted from a partition, and before Linux 6.0 from no
    // disk; with the flag of a directory it is.
    const XFS: &str = "-q -f -m reflink=0";
    const XFS_WITH_REFLINK: &str = "-q -f -m reflink=1";
    // See `hold_writes_back`.
    let commit = if machine.holds_writes_back() { "commit=86400," } else { "" };
    let others: Vec<_> = members.iter().map(|member| member.display().to_string()).collect();
    let others = others.join(",");
    let (kind, options, program, arguments) = match device.contents {
        Contents::Device => return None,
        Contents::Ext4(options) | Contents::Overlay(options) => (
            "ext4",
            format!("{commit}{options}"),
            "mke2fs",
            format!("-q -F -t ext4 -b {}", device.block_size),
        ),
        Contents::Xfs(options) => {
            let arguments = if device.flag { XFS_WITH_REFLINK } else { XFS };
            ("xfs", options.to_owned(), "mkfs.xfs", arguments.to_owned())
        }
        Contents::XfsRealtime(options) => (
            "xfs",
            format!("rtdev={others},{options}"),
            "mkfs.xfs",
            // Every file is a realtime file.
            format!("{XFS} -d rtinherit=1 -r rtdev={others}"),
        ),
        Contents::F2fs => ("f2fs", String::new(), "mkfs.f2fs", format!("-q -f -c {others}")),
        Contents::Erofs(options) => (
            "erofs",
            format!("device={others},{options}"),
            "mkfs.erofs",
            format!("--quiet --chunksize={PAGE} --blobdev={others}"),
        ),
        Contents::Tmpfs => ("tmpfs", String::new(), "", String::new()),
    };
    let arguments = arguments.split(' ').map(str::to_owned).collect();
    let program = (!program.is_empty()).then_some((program, arguments));
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
        read_only: matches!(device.contents, Contents::Erofs(_)),
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
        new_directory(&self.place)?;
        let disk = self.disk.display().to_string();
        let mut words = vec![&*disk];
        let contents = format!("/tmp/{}", disk.replace('/', "-"));
        if self.read_only {
            self.contents(&contents)?;
            words.push(&contents);
        }
        if let Some((program, arguments)) = &self.program {
            let arguments = arguments.iter().map(|argument| &**argument);
            run(program, &arguments.chain(words).collect::<Vec<_>>())?;
        }
        if self.read_only {
            return self.mount(MountFlags::RDONLY);
        }
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

    /// The directory that a file system is made of.
    fn contents(&self, directory: &str) -> Result<(), Failure> {
        new_directory(Path::new(directory))?;
        // No two blocks are alike: the program would write one of them.
        let words = (0..FILE_SIZE).step_by(8).flat_map(u64::to_le_bytes);
        let bytes: Vec<u8> = words.take(FILE_SIZE.try_into().expect("a few MiB")).collect();
        let file = Path::new(directory).join("file");
        fs::write(&file, bytes).map_err(|e| format!("{}: {e}", file.display()))
    }

    /// Does as `chattr +x`: new files there are mapped directly.
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

//! Persistent memory without any: a made-up /sys has a bus with DIMMs, regions and namespaces, and
//! says that the disk that the tests' files are on is one of them, or /dev/null. It has what
//! libndctl wants to see, too.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::{
    device_dax::{Entry, Sysfs},
    made::DISK,
};

/// Where the kernel has what ACPI told it of.
const ACPI: &str = "/sys/devices/LNXSYSTM:00/LNXSYBUS:00/ACPI0012:00";

/// The device that the tests' files are on: a file tells it by `st_dev`, which cannot be made up.
pub(crate) fn disk() -> (u32, u32) {
    let dev = fs::metadata(DISK).expect("a directory for tests").dev();
    let (major, minor) = (rustix::fs::major(dev), rustix::fs::minor(dev));
    assert_ne!(
        major, 0,
        "{DISK} is on a file system without a device: set CARGO_TARGET_DIR to a directory on a disk"
    );
    (major, minor)
}

/// /dev/null.
pub(crate) const NULL: (u32, u32) = (1, 3);

/// Makes `link` lead to `target`, both of them paths in /sys, as the kernel does: up to /sys and
/// down again.
fn link(link: impl AsRef<Path>, target: &Path) {
    let link = link.as_ref();
    let levels = link.components().count() - 3;
    let below = target.strip_prefix("/sys").expect("a path in /sys");
    let relative: PathBuf = (0..levels).map(|_| "..").collect::<PathBuf>().join(below);
    fs::create_dir_all(link.parent().expect("a directory")).expect("a directory in /sys");
    if fs::symlink_metadata(link).is_ok() {
        fs::remove_file(link).expect("the old link goes");
    }
    std::os::unix::fs::symlink(relative, link).expect("a link in /sys");
}

/// A device of the bus `nd`.
fn nd_device(path: impl Into<PathBuf>) -> Entry {
    let entry = Entry::at(path);
    let name = entry.directory().file_name().expect("a name");
    link(Path::new("/sys/bus/nd/devices").join(name), entry.directory());
    entry
}

fn write_all(entry: &Entry, files: &[(&str, &str)]) {
    for (name, text) in files {
        entry.write(name, format!("{text}\n"));
    }
}

/// `ndbusB`.
pub(crate) struct Bus {
    pub(crate) entry: Entry,
    number: u32,
}

impl Bus {
    /// The bus of ACPI's NFIT, in a /sys that is otherwise empty.
    pub(crate) fn new(sysfs: &Sysfs) -> Self {
        Self::numbered(sysfs, 0)
    }

    /// The same with another number.
    pub(crate) fn numbered(sysfs: &Sysfs, number: u32) -> Self {
        sysfs.clear();
        Self::another(number, "ACPI.NFIT", ACPI)
    }

    /// A bus beside it.
    pub(crate) fn another(number: u32, provider: &str, parent: &str) -> Self {
        let entry = nd_device(format!("{parent}/ndbus{number}"));
        write_all(
            &entry,
            &[
                ("provider", provider),
                ("commands", "ars_cap ars_start ars_status"),
                ("wait_probe", "1"),
            ],
        );
        let nfit = Entry::at(entry.path("nfit"));
        write_all(&nfit, &[("revision", "1"), ("dsm_mask", "0x0")]);
        let control = Entry::at(entry.path(&format!("nd/ndctl{number}")));
        write_all(&control, &[("dev", &format!("248:{number}"))]);
        control.link("device", "../..");
        link(format!("/sys/class/nd/ndctl{number}"), control.directory());
        link(format!("/sys/dev/char/248:{number}"), control.directory());
        Self { entry, number }
    }

    /// `nmemN`, with this id and this count.
    pub(crate) fn dimm(&self, number: u32, id: &str, dirty_shutdown: &str) -> Dimm {
        let entry = nd_device(self.entry.path(&format!("nmem{number}")));
        let dev = format!("249:{number}");
        write_all(
            &entry,
            &[("dev", &dev), ("commands", "smart"), ("modalias", "nd:t1"), ("flags", "")],
        );
        let nfit = Entry::at(entry.path("nfit"));
        let handle = format!("{number:#x}");
        write_all(
            &nfit,
            &[
                ("id", id),
                ("handle", &handle),
                ("phys_id", &handle),
                ("serial", &handle),
                ("vendor", "0x8086"),
                ("device", "0x0"),
                ("rev_id", "0x0"),
                ("format", "0x0301"),
                ("flags", ""),
                ("dirty_shutdown", dirty_shutdown),
            ],
        );
        Dimm { nfit }
    }

    /// `regionN` on node 1, with ADR, on these DIMMs in this order.
    pub(crate) fn region(&self, number: u32, dimms: &[u32]) -> Region {
        let entry = nd_device(self.entry.path(&format!("region{number}")));
        write_all(
            &entry,
            &[
                ("size", "134217728"),
                ("mappings", &dimms.len().to_string()),
                ("nstype", "4"),
                ("read_only", "0"),
                ("devtype", "nd_pmem"),
                ("numa_node", "1"),
                ("target_node", "1"),
                ("modalias", "nd:t2"),
                ("persistence_domain", "memory_controller"),
            ],
        );
        for (position, dimm) in dimms.iter().enumerate() {
            entry.write(
                &format!("mapping{position}"),
                format!("nmem{dimm},0,134217728,{position}\n"),
            );
        }
        Region { entry, bus: self.number, number }
    }
}

/// `nmemN`.
pub(crate) struct Dimm {
    pub(crate) nfit: Entry,
}

/// `regionN`.
pub(crate) struct Region {
    pub(crate) entry: Entry,
    pub(crate) bus: u32,
    pub(crate) number: u32,
}

impl Region {
    /// `namespaceN.K`.
    pub(crate) fn namespace(&self, index: u32) -> Entry {
        let entry = nd_device(self.entry.path(&format!("namespace{}.{index}", self.number)));
        let files = [
            ("nstype", "4"),
            ("size", "134217728"),
            ("resource", "0x100000000"),
            ("force_raw", "0"),
            ("holder", ""),
        ];
        write_all(&entry, &files);
        write_all(&entry, &[("numa_node", "1"), ("modalias", "nd:t4"), ("mode", "raw")]);
        entry
    }

    /// The device `pfnN.J` or the like that `namespaceN.K` was made.
    pub(crate) fn carrier(&self, kind: &str, index: u32, namespace: u32) -> Entry {
        let name = format!("{kind}{}.{index}", self.number);
        let held = self.namespace(namespace);
        held.write("holder", format!("{name}\n"));
        let entry = nd_device(self.entry.path(&name));
        write_all(&entry, &[("namespace", &format!("namespace{}.{namespace}", self.number))]);
        write_all(
            &entry,
            &[
                ("size", "132120576"),
                ("resource", "0x100200000"),
                ("align", "2097152"),
                ("mode", "pmem"),
            ],
        );
        write_all(
            &entry,
            &[("uuid", "6e7a5c36-0b9f-4f4e-9d0c-0ef8f4d5a5a1"), ("modalias", "nd:t7")],
        );
        entry
    }

    /// The disk `name` with the number `device`, in the mode fsdax.
    pub(crate) fn fsdax(&self, name: &str, device: (u32, u32)) -> Entry {
        block(self.carrier("pfn", 1, 0).directory(), name, device, "1")
    }

    /// In the mode sector.
    pub(crate) fn sector(&self, name: &str, device: (u32, u32)) -> Entry {
        let btt = self.carrier("btt", 1, 0);
        btt.write("sector_size", "512 520 528 [4096] 4104 4160 4224\n");
        block(btt.directory(), name, device, "0")
    }

    /// In the mode raw.
    pub(crate) fn raw(&self, name: &str, device: (u32, u32)) -> Entry {
        block(self.namespace(0).directory(), name, device, "0")
    }

    /// /dev/null, in the mode devdax.
    pub(crate) fn devdax(&self) -> Entry {
        device_dax(self.carrier("dax", 1, 0).path("dax0.0"))
    }
}

/// A disk of whatever lies at `parent`.
pub(crate) fn block(parent: &Path, name: &str, device: (u32, u32), dax: &str) -> Entry {
    let disk = numbered(parent.join("block").join(name), "block", device);
    link(format!("/sys/block/{name}"), disk.directory());
    Entry::at(disk.path("queue")).write("dax", format!("{dax}\n"));
    disk
}

/// A part of a disk.
pub(crate) fn partition(disk: &Entry, name: &str, device: (u32, u32)) -> Entry {
    let part = numbered(disk.path(name), "block", device);
    part.write("partition", "1\n");
    part
}

/// A volume that is made of these disks or parts.
pub(crate) fn volume(name: &str, device: (u32, u32), of: &[&Entry]) -> Entry {
    let volume = block(Path::new("/sys/devices/virtual"), name, device, "1");
    let slaves = Entry::at(volume.path("slaves"));
    for slave in of {
        let name = slave.directory().file_name().expect("a name");
        link(slaves.directory().join(name), slave.directory());
    }
    volume
}

/// /dev/null as a device DAX that lies here.
pub(crate) fn device_dax(path: impl Into<PathBuf>) -> Entry {
    let entry = numbered(path.into(), "char", NULL);
    fs::create_dir_all("/sys/bus/dax").expect("a directory in /sys");
    link(entry.path("subsystem"), Path::new("/sys/bus/dax"));
    write_all(
        &entry,
        &[("size", "130023424"), ("align", "2097152"), ("numa_node", "0"), ("target_node", "1")],
    );
    entry
}

/// The directory of a device with a number.
fn numbered(path: PathBuf, class: &str, (major, minor): (u32, u32)) -> Entry {
    let entry = Entry::at(path);
    entry.write("dev", format!("{major}:{minor}\n"));
    link(format!("/sys/dev/{class}/{major}:{minor}"), entry.directory());
    if class == "block" {
        let name = entry.directory().file_name().expect("a name");
        link(Path::new("/sys/class/block").join(name), entry.directory());
    }
    entry
}

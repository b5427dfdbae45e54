//! Where Debian's libpmem2 and pmem2 differ where memory is bad, and why.

use pmem2_guest::machine::{Backing, Contents, Device, Machine, Volume};

use crate::peer_table::Intended;

const EFAULT: &str = "code -14";
const EBADF: &str = "code -9";
const ENXIO: &str = "code -6";
const EINVAL: &str = "code -22";
const NO_ACCESS: &str = "code -100032";
const KILLED: &str = "killed by 11";

pub(crate) const INTENDED: &[Intended] = &[
    Intended {
        of: is_file,
        calls: &["read behind the end", "write behind the end"],
        theirs: "done",
        why: "offset > size wraps around: it reads nothing and says that it has, and makes the file larger",
    },
    Intended {
        of: is_device_dax,
        calls: &["read behind the end", "write behind the end"],
        theirs: KILLED,
        why: "the same on a device DAX: beyond the mapping",
    },
    Intended {
        of: is_device_dax,
        calls: &["read, read-only"],
        theirs: NO_ACCESS,
        why: "libpmem2 maps for writing what it is to read",
    },
    Intended {
        of: is_file,
        calls: &["write, read-only"],
        theirs: EBADF,
        why: "what pwrite(2) says; pmem2 says which access is missing",
    },
    Intended {
        of: is_mapped_directly,
        calls: &["write, a bad page"],
        theirs: EFAULT,
        why: "the kernel blames the program's buffer where the memory of a DAX file is bad, and libpmem2 passes that on",
    },
    Intended {
        of: is_file,
        calls: &["clear, good memory"],
        theirs: "done",
        why: "libpmem2 clears what is not bad: healthy data is lost",
    },
    Intended {
        of: is_on_whole_disk,
        calls: &["bad blocks, a sector of a page"],
        theirs: "4096+4096",
        why: "libpmem2 tells of whole blocks of the file system; pmem2 of what is listed",
    },
    Intended {
        of: is_on_whole_disk,
        calls: &["bad blocks, over reversed pieces"],
        theirs: "0+4096",
        why: "libpmem2 takes a range of the device for one of the file, and leaves out the second",
    },
    Intended {
        of: is_on_whole_disk,
        calls: &["bad blocks, an empty file"],
        theirs: EINVAL,
        why: "libpmem2 cannot ask of an empty file",
    },
    Intended {
        of: is_on_part_or_volume,
        calls: &[
            "bad blocks, a bad page",
            "bad blocks, a sector of a page",
            "bad blocks, over reversed pieces",
        ],
        theirs: "none",
        why: "libpmem2 finds no region below a partition or a volume, and takes that for good news",
    },
    Intended {
        of: is_device_dax,
        calls: &["clear, good memory", "clear, a bad page"],
        theirs: ENXIO,
        why: "QEMU has no such command: pmem2 says so, and looks before whether it is bad at all",
    },
];

fn is_file(_: &Machine, device: &Device) -> bool {
    device.is_file()
}

fn is_device_dax(_: &Machine, device: &Device) -> bool {
    device.is_device_dax()
}

fn is_mapped_directly(_: &Machine, device: &Device) -> bool {
    device.is_file() && device.contents != Contents::Ext4("dax=never")
}

fn is_on_whole_disk(machine: &Machine, device: &Device) -> bool {
    device.is_file()
        && device.backing(machine) == Backing::Regions
        && device.volume == Volume::Whole
}

fn is_on_part_or_volume(_: &Machine, device: &Device) -> bool {
    device.is_file() && device.volume != Volume::Whole
}

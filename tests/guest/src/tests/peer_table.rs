//! Where Debian's libpmem2 and pmem2 differ, and why.

use pmem2_guest::machine::{Backing, Bus, Device, Granularity, Machine, Volume};

/// A difference that is meant. What pmem2 says there is in the other tests.
pub(crate) struct Intended {
    /// The devices that it is about.
    pub(crate) of: fn(&Machine, &Device) -> bool,
    /// In which calls.
    pub(crate) calls: &'static [&'static str],
    /// libpmem2's answer.
    pub(crate) theirs: &'static str,
    /// Why.
    #[expect(dead_code, reason = "it is for who reads the table")]
    pub(crate) why: &'static str,
}

const INVALID_FILE_TYPE: &str = "code -100005";
const DAX_REGION_NOT_FOUND: &str = "code -100026";
const NOSUPP: &str = "code -100001";
const KILLED: &str = "killed by 11";

pub(crate) const INTENDED: &[Intended] = &[
    Intended {
        of: is_source,
        calls: &["from_fd, O_PATH"],
        theirs: "a source",
        why: "an O_PATH descriptor cannot be used; libpmem2 takes it, and mapping fails later (EBADF)",
    },
    Intended {
        of: is_disk,
        calls: &["from_fd, O_PATH"],
        theirs: INVALID_FILE_TYPE,
        why: "the descriptor is judged before the type; libpmem2 does not know O_PATH",
    },
    Intended {
        of: is_written,
        calls: &["from_fd, access mode 3"],
        theirs: "a source",
        why: "a descriptor that cannot be read cannot be mapped; libpmem2 knows O_WRONLY only",
    },
    Intended {
        of: is_disk,
        calls: &["from_fd, access mode 3"],
        theirs: INVALID_FILE_TYPE,
        why: "the descriptor is judged before the type; libpmem2 does not know access mode 3",
    },
    Intended {
        of: is_hmem,
        calls: &[
            "range, a step",
            "range, the second step",
            "range, from the middle",
            "range, half a step",
            "range, far away",
            "size, O_RDONLY",
            "size, O_RDWR",
            "alignment, O_RDONLY",
            "alignment, O_RDWR",
            "Shared",
            "Private",
        ],
        theirs: KILLED,
        why: "size and alignment are files in /sys; libpmem2 looks for them in a namespace, and there is none",
    },
    Intended {
        of: is_hmem,
        calls: &["numa"],
        theirs: DAX_REGION_NOT_FOUND,
        why: "a device DAX has a node without a region too; libpmem2 knows that of regions only",
    },
    Intended {
        of: is_hidden,
        calls: &["numa"],
        theirs: DAX_REGION_NOT_FOUND,
        why: "a file system that hides its device may lie on a region all the same; libpmem2 says that there is none",
    },
    Intended {
        of: is_on_several_disks,
        calls: &["numa"],
        theirs: "0",
        why: "a file system of several disks does not say on which one a file lies; libpmem2 takes the first",
    },
    Intended { of: is_on_several_disks, calls: &["id"], theirs: "an id", why: "the same" },
    Intended {
        of: is_on_several_disks,
        calls: &["id, into a buffer with text"],
        theirs: "the text and an id",
        why: "the same",
    },
    Intended {
        of: is_on_several_disks,
        calls: &["length of the id"],
        theirs: "14",
        why: "the same",
    },
    Intended {
        of: is_in_part_of_a_disk,
        calls: &["numa"],
        theirs: DAX_REGION_NOT_FOUND,
        why: "partitions and linear volumes are followed to their regions; libpmem2 knows whole namespaces only",
    },
    Intended {
        of: is_in_part_of_a_disk,
        calls: &["id", "length of the id", "id, into a buffer with text"],
        theirs: NOSUPP,
        why: "the same",
    },
    Intended { of: counts_in_part_of_a_disk, calls: &["usc"], theirs: NOSUPP, why: "the same" },
    Intended {
        of: has_id_in_order,
        calls: &["id, into a buffer with text"],
        theirs: "the text and the id",
        why: "what is in the buffer is no part of the id; libpmem2 appends to it",
    },
    Intended {
        of: is_interleaved,
        calls: &["id"],
        theirs: "the ids in another order",
        why: "the order of the mappings is that of the region; libpmem2 takes a directory's",
    },
    Intended {
        of: is_interleaved,
        calls: &["id, into a buffer with text"],
        theirs: "the text and the ids in another order",
        why: "both",
    },
    Intended {
        of: has_weaker_neighbours,
        calls: &["Shared"],
        theirs: "CACHE_LINE",
        why: "eADR is the region's own; libpmem2 wants it of every region of the machine",
    },
    Intended {
        of: is_never_durable,
        calls: &["Shared"],
        theirs: "CACHE_LINE",
        why: "only the host's flush makes stores to virtio-pmem durable; libpmem2 grants what loses data",
    },
];

fn is_source(_: &Machine, device: &Device) -> bool {
    device.is_file() || device.is_device_dax()
}

fn is_written(machine: &Machine, device: &Device) -> bool {
    is_source(machine, device) && !device.read_only
}

pub(crate) fn is_hmem(machine: &Machine, device: &Device) -> bool {
    device.memory(machine).any(|memory| memory.bus == Bus::SoftReserved)
}

fn is_disk(machine: &Machine, device: &Device) -> bool {
    !is_source(machine, device)
}

fn is_hidden(machine: &Machine, device: &Device) -> bool {
    device.backing(machine) == Backing::Hidden && !device.has_members()
}

fn is_on_several_disks(_: &Machine, device: &Device) -> bool {
    device.has_members()
}

/// On persistent memory, that is.
fn is_in_part_of_a_disk(machine: &Machine, device: &Device) -> bool {
    device.volume != Volume::Whole && device.backing(machine) == Backing::Regions
}

/// Whether libpmem2 can tell an id, be it an empty one.
fn has_id(machine: &Machine, device: &Device) -> bool {
    let regions = device.regions(machine);
    let known = !regions.is_empty() && regions.iter().all(|region| !region.dimms.contains(&None));
    is_source(machine, device) && known && !is_in_part_of_a_disk(machine, device)
}

fn counts_in_part_of_a_disk(machine: &Machine, device: &Device) -> bool {
    let regions = device.regions(machine);
    is_in_part_of_a_disk(machine, device) && regions.iter().any(|region| region.shutdowns.is_some())
}

/// Whether libpmem2 can tell.
fn is_interleaved(machine: &Machine, device: &Device) -> bool {
    let regions = device.regions(machine);
    has_id(machine, device) && regions.iter().any(|region| region.dimms.len() > 1)
}

fn has_id_in_order(machine: &Machine, device: &Device) -> bool {
    has_id(machine, device) && !is_interleaved(machine, device)
}

pub(crate) fn has_weaker_neighbours(machine: &Machine, device: &Device) -> bool {
    device.gives.granularity == Granularity::Byte
        && machine.memory.iter().any(|memory| machine.region_of(memory).domain != Some("cpu_cache"))
}

pub(crate) fn is_never_durable(_: &Machine, device: &Device) -> bool {
    device.gives.reason == "never_durable"
}

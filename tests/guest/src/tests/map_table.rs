//! Where mappings of Debian's libpmem2 and of pmem2 differ, and why.

use pmem2::{Granularity, map::Protection};
use pmem2_guest::machine::{Device, Machine};

use crate::{
    common::libpmem2::Shared,
    map::{GRANULARITY_NOT_SUPPORTED, Input, shown},
    peer_table::{has_weaker_neighbours, is_hmem, is_never_durable},
};

/// A difference that is meant. The first one that an input belongs to counts.
pub(crate) struct Intended {
    /// The inputs that it is about.
    pub(crate) of: fn(&Machine, &Device, &Input) -> bool,
    /// libpmem2's answer.
    pub(crate) theirs: fn(&Input) -> String,
    /// Why.
    pub(crate) why: &'static str,
}

const EINVAL: i32 = -22;
const LENGTH_UNALIGNED: i32 = -100_015;
const SRC_DEVDAX_PRIVATE: i32 = -100_020;

pub(crate) const INTENDED: &[Intended] = &[
    Intended {
        of: |machine, device, _| is_hmem(machine, device),
        theirs: |_| "killed by 11".to_owned(),
        why: "size and alignment are in /sys; libpmem2 looks for a namespace, and there is none",
    },
    Intended {
        of: |_, device, input| {
            let private = device.is_device_dax() && input.asked.sharing == Shared::No;
            let begins_well = input.asked.offset.is_multiple_of(input.step);
            private && begins_well && input.range().is_err()
        },
        theirs: |_| code(SRC_DEVDAX_PRIVATE),
        why: "both are wrong, and the range is looked at first: check_range says the same",
    },
    Intended {
        of: |_, _, input| ends_in_a_step(input),
        theirs: |_| code(LENGTH_UNALIGNED),
        why: "a range may end where the source does; libpmem2 maps those bytes if unnamed",
    },
    Intended {
        of: |_, _, input| (input.asked.offset, input.asked.length) == (input.size, 0),
        theirs: |_| code(EINVAL),
        why: "nothing is left to map at the end: a range error; libpmem2 passes mmap's on",
    },
    Intended {
        of: |machine, device, input| {
            has_weaker_neighbours(machine, device) && is_mapped_shared(input)
        },
        theirs: granted_cache_lines,
        why: "eADR is the region's own; libpmem2 wants it of every region of the machine",
    },
    Intended {
        of: |machine, device, input| {
            is_never_durable(machine, device)
                && is_mapped_shared(input)
                && input.asked.granularity > Granularity::Byte
        },
        theirs: granted_cache_lines,
        why: "only the host makes stores to virtio-pmem durable; libpmem2 grants it",
    },
];

fn code(code: i32) -> String {
    format!("code {code}")
}

fn ends_in_a_step(input: &Input) -> bool {
    let end = input.asked.offset + input.asked.length;
    input.asked.length > 0
        && end == input.size
        && input.asked.offset.is_multiple_of(input.step)
        && !input.asked.length.is_multiple_of(input.step)
}

/// Whether it is shared, and both find nothing else wrong with it.
fn is_mapped_shared(input: &Input) -> bool {
    let stores = input.asked.protection.contains(Protection::WRITE);
    input.asked.sharing == Shared::Yes && input.range().is_ok() && (input.writable || !stores)
}

fn granted_cache_lines(input: &Input) -> String {
    if input.asked.granularity == Granularity::Byte {
        return code(GRANULARITY_NOT_SUPPORTED);
    }
    let range = input.range().expect("a range");
    shown((range.end - range.start, Granularity::CacheLine as i32))
}

//! The layout of the structures, compared with the header: layout.h is compiled with both.
#![expect(
    non_upper_case_globals,
    reason = "the names are those of the expression, which is C's too"
)]

use core::mem::offset_of;

use super::structures::{CDimm, CRegion, CWarning};

const x86: bool = cfg!(all(target_arch = "x86", not(windows)));
const pointer: usize = size_of::<*const ()>();
const word: usize = align_of::<u64>();

/// Defines the offsets of members, and the size.
macro_rules! layout {
    ($structure:ident: $($name:ident = $member:ident),*; $size:ident) => {
        $(const $name: usize = offset_of!($structure, $member);)*
        const $size: usize = size_of::<$structure>();
    };
}

layout!(CDimm: dimm_id = id, dimm_dirty_shutdowns = dirty_shutdowns, dimm_counts = counts,
    dimm_pmem2_private = private; dimm_size);
layout!(CWarning: warning_kind = kind, warning_at = at, warning_found = found,
    warning_expected = expected; warning_size);
layout!(CRegion: base = base, length = length, alignment = alignment, kind = kind,
    durability = durability, flags = flags, numa_node = numa_node, number = number,
    pmem2_private_range = range, proximity_domain = proximity_domain, pmem2_private_sum = sum,
    provider = provider, dimms = dimms, dimm_count = dimm_count, table = table,
    table_length = table_length, pmem2_private_nfit = nfit,
    pmem2_private_nfit_length = nfit_length; size);
const aligned: usize = align_of::<CRegion>();

const _: () = assert!(include!("layout.h"));

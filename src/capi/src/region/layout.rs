//! The other side of these structures is in the header: layout.h is compiled with both.
#![expect(
    non_upper_case_globals,
    reason = "the names are those of the expression, which is C's too"
)]

use core::mem::offset_of;

use super::{CDimm, CRegion, CWarning};

const x86: bool = cfg!(all(target_arch = "x86", not(windows)));
const pointer: usize = size_of::<*const ()>();
const word: usize = align_of::<u64>();

const dimm_id: usize = offset_of!(CDimm, id);
const dimm_dirty_shutdowns: usize = offset_of!(CDimm, dirty_shutdowns);
const dimm_counts: usize = offset_of!(CDimm, counts);
const dimm_pmem2_private: usize = offset_of!(CDimm, private);
const dimm_size: usize = size_of::<CDimm>();

const warning_kind: usize = offset_of!(CWarning, kind);
const warning_at: usize = offset_of!(CWarning, at);
const warning_found: usize = offset_of!(CWarning, found);
const warning_expected: usize = offset_of!(CWarning, expected);
const warning_size: usize = size_of::<CWarning>();

const base: usize = offset_of!(CRegion, base);
const length: usize = offset_of!(CRegion, length);
const alignment: usize = offset_of!(CRegion, alignment);
const kind: usize = offset_of!(CRegion, kind);
const durability: usize = offset_of!(CRegion, durability);
const flags: usize = offset_of!(CRegion, flags);
const numa_node: usize = offset_of!(CRegion, numa_node);
const number: usize = offset_of!(CRegion, number);
const pmem2_private_range: usize = offset_of!(CRegion, range);
const proximity_domain: usize = offset_of!(CRegion, proximity_domain);
const pmem2_private_sum: usize = offset_of!(CRegion, sum);
const provider: usize = offset_of!(CRegion, provider);
const dimms: usize = offset_of!(CRegion, dimms);
const dimm_count: usize = offset_of!(CRegion, dimm_count);
const table: usize = offset_of!(CRegion, table);
const table_length: usize = offset_of!(CRegion, table_length);
const pmem2_private_nfit: usize = offset_of!(CRegion, nfit);
const pmem2_private_nfit_length: usize = offset_of!(CRegion, nfit_length);
const size: usize = size_of::<CRegion>();
const aligned: usize = align_of::<CRegion>();

const _: () = assert!(include!("layout.h"));

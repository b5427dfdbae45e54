//! The functions, generic over a [`Library`](crate::Library): each does what its manual page says.
//! `ci/install` makes roff of the same text.

mod answer;
mod badblocks;
mod error;
mod granularity;
#[cfg(windows)]
mod handle;
mod place;
mod region;
#[cfg(target_os = "linux")]
mod sigbus;
mod source;
mod transfer;

pub use badblocks::{
    Badblock, badblock_clear, badblock_clear_by_device, badblock_context_delete,
    badblock_context_init, badblock_context_new, badblock_next,
};
pub use error::{err_to_errno, errormsg, errormsg_wide};
#[cfg(test)]
pub(crate) use granularity::Explained;
pub use granularity::{
    Granularity, source_expected_granularity, source_expected_granularity_reason,
};
#[cfg(windows)]
pub use handle::{source_from_handle, source_get_handle, source_init_handle};
pub use place::{source_device_id, source_device_usc, source_numa_node, source_target_node};
pub use region::{
    Reach, find_nfit, nfit_warnings, region_part, regions_from_devicetree, regions_from_nfit,
    source_from_region, source_init_region,
};
#[cfg(target_os = "linux")]
pub use sigbus::{sigbus_guard, sigbus_own, sigbus_resume};
pub use source::{
    source_alignment, source_delete, source_describe, source_from_anon, source_from_fd,
    source_get_fd, source_init_anon, source_init_fd, source_size,
};
pub use transfer::{
    source_pread_at, source_pread_mcsafe, source_pwrite_at, source_pwrite_mcsafe, source_sync,
};

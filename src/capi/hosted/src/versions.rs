//! The symbol versions of the shared library: `LIBPMEM2_1.0`, which programs that were linked with
//! Debian's library ask for, and `LIBPMEM2_2.0`, which new ones get. pmem2_perror's are in shim.c.
//! Nodes and what is local: libpmem2.map.

use core::arch::global_asm;

macro_rules! versions {
    ($($name:ident)*) => {$(
        global_asm!(
            concat!(".symver ", stringify!($name), ",", stringify!($name), "@LIBPMEM2_1.0"),
            concat!(".symver ", stringify!($name), ",", stringify!($name), "@@LIBPMEM2_2.0"),
        );
    )*};
}

versions! {
    pmem2_source_from_fd
    pmem2_source_from_anon
    pmem2_source_init_fd
    pmem2_source_init_anon
    pmem2_source_delete
    pmem2_source_get_fd
    pmem2_source_size
    pmem2_source_alignment
    pmem2_source_numa_node
    pmem2_source_target_node
    pmem2_source_device_id
    pmem2_source_device_usc
    pmem2_source_expected_granularity
    pmem2_source_expected_granularity_reason
    pmem2_source_describe
    pmem2_source_pread_mcsafe
    pmem2_source_pwrite_mcsafe
    pmem2_source_pread_at
    pmem2_source_pwrite_at
    pmem2_source_sync
    pmem2_badblock_context_new
    pmem2_badblock_context_init
    pmem2_badblock_context_delete
    pmem2_badblock_next
    pmem2_badblock_clear
    pmem2_badblock_clear_by_device
    pmem2_sigbus_own
    pmem2_sigbus_resume
    pmem2_errormsg
    pmem2_err_to_errno
}

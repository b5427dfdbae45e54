//! Asks where a source lies: its regions, its NUMA node, its device id and its unsafe shutdowns.
#![no_std]
#![no_main]

use core::hint::black_box;

use pmem2_size::program;

program!(|source| {
    black_box(source.place()?);
    black_box(source.numa_node()?);
    black_box(source.device_id()?);
    black_box(source.device_usc()?);
});

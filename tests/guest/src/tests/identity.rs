//! NUMA node, id and unsafe shutdowns, against what QEMU was told.

use pmem2::Source;
use pmem2_guest::machine::{Device, Machine};

use crate::{expected, open};

pub(crate) fn answers(machine: &Machine, device: &Device) {
    let source = Source::new(open(device, 0)).expect("a source");
    assert_eq!(source.numa_node(), expected::numa_node(machine, device), "numa_node");
    assert_eq!(source.target_node(), expected::target_node(machine, device), "target_node");
    let id = source.device_id();
    assert_eq!(id.map(|id| id.to_string()), expected::device_id(machine, device), "device_id");
    assert_eq!(source.device_usc(), expected::device_usc(machine, device), "device_usc");
}

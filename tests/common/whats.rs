//! Everything that a platform can be asked about: each test that goes through all of it has it from
//! here.

use pmem2::What;

pub(crate) const WHATS: [What; 31] = [
    What::Handle,
    What::Subsystem,
    What::Sysfs,
    What::Size,
    What::Alignment,
    What::Allocated,
    What::FileSystem,
    What::PageSize,
    What::Device,
    What::Volume,
    What::Region,
    What::NumaNode,
    What::Persistence,
    What::Dimm,
    What::DeviceId,
    What::UnsafeShutdowns,
    What::Dax,
    What::Synchronous,
    What::Read,
    What::Write,
    What::Buffer,
    What::Sync,
    What::Mapping,
    What::WritableMapping,
    What::SignalHandler,
    What::BadBlocks,
    What::Extents,
    What::ClearBadBlock,
    What::WriteBack,
    What::Spare,
    What::Open,
];

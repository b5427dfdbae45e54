//! Everything that a platform can be asked about: each test that goes through all of it has it from
//! here.

use pmem2::error::Subject;

pub(crate) const WHATS: [Subject; 31] = [
    Subject::Handle,
    Subject::Subsystem,
    Subject::Sysfs,
    Subject::Size,
    Subject::Alignment,
    Subject::Allocated,
    Subject::FileSystem,
    Subject::PageSize,
    Subject::Device,
    Subject::Volume,
    Subject::Region,
    Subject::NumaNode,
    Subject::PersistenceDomain,
    Subject::Dimm,
    Subject::DeviceId,
    Subject::UnsafeShutdowns,
    Subject::Dax,
    Subject::MapSync,
    Subject::Read,
    Subject::Write,
    Subject::Buffer,
    Subject::Sync,
    Subject::Mapping,
    Subject::WritableMapping,
    Subject::SignalHandler,
    Subject::BadBlocks,
    Subject::Extents,
    Subject::ClearBadBlock,
    Subject::WriteBack,
    Subject::Spare,
    Subject::Open,
];

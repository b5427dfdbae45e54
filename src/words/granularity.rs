//! Granularities and their reasons in words.

use core::fmt::{self, Display};

use super::{error::item, place::On, system};
use crate::place::granularity::{expected::Expected, reason::Reason};

impl Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.granularity, self.reason)?;
        if self.reason.remedy().is_none() {
            return Ok(());
        }
        f.write_str("; ")?;
        Finer(self.reason).fmt(f)
    }
}

impl Reason {
    /// Returns what would have to change for a finer granularity; `None` where nothing can.
    #[must_use]
    pub const fn remedy(self) -> Option<&'static str> {
        if let Some(remedy) = system::finer(self) {
            return Some(remedy);
        }
        Some(match self {
            Self::Private | Self::Anonymous | Self::CpuCache | Self::Call | Self::Refused => {
                return None;
            }
            Self::Forced => {
                "do not force it, as the environment variable PMEM2_FORCE_GRANULARITY does"
            }
            Self::ByCall => "map it synchronously",
            Self::MemoryController | Self::DomainUnstated => "BYTE needs a platform with eADR",
            Self::Unarmed => {
                "an armed DIMM is needed: the battery or the firmware of this one is at fault"
            }
            Self::TableUnstated => {
                "BYTE needs a table that states that a fence is enough: the processor has no \
                 caches, or the platform saves them"
            }
            Self::DomainUnknown => {
                "BYTE needs a platform that states eADR, and a file whose device is known"
            }
            Self::NoRegion => "memory in a region of persistent memory is needed",
            Self::NotPersistentMemory(_) => {
                "use a file that is mapped directly, on persistent memory"
            }
            Self::Host => "an NVDIMM is needed: the guest cannot change this",
            Self::Sector | Self::DeviceWithoutDax => {
                "create the namespace again in the mode fsdax, which destroys its data"
            }
            Self::VolumeWithoutDax => {
                "use the namespace itself or a linear or striped volume on it, and a kernel with \
                 DAX"
            }
            Self::VolumeNotDax => "use a file on a DAX volume, on persistent memory",
            Self::FileSystemWithoutDax(_) => "use a file system with DAX",
            Self::MountedWithoutDax | Self::NotDax => "mount the file system with DAX",
            Self::FileFlagOff => {
                "set the file's flag, or mount the file system with DAX for all files"
            }
            Self::FileLeftOut => "use a file without encryption, verity, journalled or inline data",
            Self::PlaceUnknown => "the remedy is known where the source's place can be told",
            Self::KernelTooOld => "a kernel with synchronous mappings is needed",
        })
    }

    /// Returns the function of this crate that the remedy is about.
    pub(crate) const fn item(self) -> Option<&'static str> {
        match self {
            Self::TableUnstated => Some("PhysicalRegion::in_domain(PersistenceDomain::CpuCache)"),
            Self::ByCall => Some("without MapConfig::by_call"),
            Self::Forced => Some("MapConfig::forced"),
            _ => None,
        }
    }
}

/// The remedy for a finer granularity, and the function of this crate that it is about, unless the
/// words are for another language (`{:#}`).
pub(crate) struct Finer(pub(crate) Reason);

impl Display for Finer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.remedy().unwrap_or_default())?;
        item(self.0.item(), f)
    }
}

impl Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(sentence) = system::reason(*self) {
            return f.write_str(sentence);
        }
        f.write_str(match self {
            Self::Private => "nothing of a private mapping is kept",
            Self::Anonymous => "nothing of anonymous memory is kept",
            Self::Forced => "it is forced, whatever the memory needs",
            Self::ByCall => {
                "the program wants a call of the system to make stores durable, and no \
                 synchronous mapping"
            }
            Self::CpuCache => {
                "the platform saves the processor's caches when the power fails (eADR), or there \
                 are no caches"
            }
            Self::MemoryController => {
                "the platform flushes the memory controller's buffers when the power fails, but \
                 not the processor's caches (no eADR)"
            }
            Self::DomainUnstated => {
                "the platform does not say whether it flushes the processor's caches (eADR)"
            }
            Self::Unarmed => {
                "a DIMM of its region is not armed: stores will be lost when the power fails"
            }
            Self::TableUnstated => "its table does not say what makes a store durable",
            Self::DomainUnknown => "the mapping is synchronous, but its region cannot be told",
            Self::NoRegion => "it is mapped directly, but is in no region of persistent memory",
            Self::NotPersistentMemory(on) => return write!(f, "it lies on {}", On(*on)),
            Self::Host => {
                "only the host's flush makes stores durable (virtio-pmem, PowerPC's hypervisor)"
            }
            Self::Call => {
                "only a call of its driver makes stores durable, and the program makes it"
            }
            Self::Sector => {
                "its namespace writes whole sectors (BTT) and cannot be mapped directly"
            }
            Self::DeviceWithoutDax => {
                "its device cannot be mapped directly: the namespace is raw, without page \
                 structures"
            }
            Self::VolumeNotDax => "its volume is not DAX",
            Self::VolumeWithoutDax => {
                "its device cannot be mapped directly, though its namespace is not raw: it is a \
                 volume of a kind without DAX (crypt, md), or the kernel has none"
            }
            Self::FileSystemWithoutDax(system) => {
                return write!(f, "its file system ({system}) has no DAX");
            }
            Self::MountedWithoutDax => "its file system is mounted without DAX",
            Self::FileFlagOff => {
                "its file system maps only files with the flag for DAX directly, and this one does \
                 not have it"
            }
            Self::FileLeftOut => {
                "its file system is mounted with DAX, but does not map this file directly"
            }
            Self::NotDax => {
                "it is not mapped directly: its file system is mounted without DAX, or its flag \
                 for DAX is off"
            }
            Self::PlaceUnknown => "it is not mapped directly, and what it lies on cannot be told",
            Self::KernelTooOld => "the kernel knows no synchronous mappings",
            Self::Refused => "the kernel refuses a synchronous mapping and does not say why",
        })
    }
}

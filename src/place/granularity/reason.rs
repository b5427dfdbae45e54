//! The reason for a granularity.

use pmem2_platform::{Backing, FileSystem};

/// The reason why a granularity is what it is. `Display` writes it as a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Byte: nothing of a private mapping is kept.
    Private,
    /// Byte: nothing of anonymous memory is kept.
    Anonymous,
    /// The program, or its user, set this granularity, whatever the memory needs
    /// ([`Granularity::forced_by`](crate::Granularity::forced_by)).
    Forced,
    /// Page: the program wants a call of the system to make stores durable, and no synchronous
    /// mapping (`MapConfig::by_call`).
    ByCall,
    /// Byte: the platform saves the processor's caches when the power fails (eADR), or there are
    /// none in between.
    CpuCache,
    /// Cache line: the platform flushes the memory controller's buffers only (ADR, no eADR).
    MemoryController,
    /// Cache line: the platform does not say what it flushes.
    DomainUnstated,
    /// Cache line, whatever the platform flushes: a DIMM of the region is not armed, and will lose
    /// stores when the power fails.
    Unarmed,
    /// Cache line: a region of physical memory whose table does not say what makes a store durable
    /// ([`in_domain`](crate::bare::PhysicalRegion::in_domain)).
    TableUnstated,
    /// Cache line: the mapping is synchronous, but its region cannot be told.
    DomainUnknown,
    /// Cache line: a device DAX whose memory is in no region of persistent memory.
    NoRegion,
    /// Page: the source is not on persistent memory, or on a file system that does not say which
    /// device the file is on.
    NotPersistentMemory(Backing),
    /// Page: only the host's flush makes stores durable (virtio-pmem, PowerPC's hypervisor).
    Host,
    /// Page: a region of physical memory whose driver makes stores durable, when the program calls
    /// it ([`HostFlush`](crate::persist::HostFlush)).
    Call,
    /// Page: the namespace is a BTT, which writes whole sectors.
    Sector,
    /// Page: the namespace has no DAX, since it is raw and has no page structures.
    DeviceWithoutDax,
    /// Page: the volume has no DAX, though the namespaces below may have it (device-mapper's crypt,
    /// md), or the kernel has none.
    VolumeWithoutDax,
    /// Page: the volume is not DAX, and the system does not tell what memory it lies on (Windows).
    VolumeNotDax,
    /// Page: the file system has no DAX.
    FileSystemWithoutDax(FileSystem),
    /// Page: the file system is mounted without DAX.
    MountedWithoutDax,
    /// Page: the file's flag for DAX is off.
    FileFlagOff,
    /// Page: the file system is mounted with DAX, but leaves this file out: it is encrypted,
    /// verified or the like.
    FileLeftOut,
    /// Page: the file is not mapped directly, and which of the causes it is cannot be told.
    NotDax,
    /// Page: the file is not mapped directly, and its place cannot be told, which may be the cause.
    PlaceUnknown,
    /// Page: the kernel knows no synchronous mappings.
    KernelTooOld,
    /// Page: the kernel refused a synchronous mapping, and does not say why.
    Refused,
}

impl Reason {
    /// Returns a word for programs, which stays: the variant's name, `"file_flag_off"`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Anonymous => "anonymous",
            Self::Forced => "forced",
            Self::ByCall => "by_call",
            Self::CpuCache => "cpu_cache",
            Self::MemoryController => "memory_controller",
            Self::DomainUnstated => "domain_unstated",
            Self::Unarmed => "unarmed",
            Self::TableUnstated => "table_unstated",
            Self::DomainUnknown => "domain_unknown",
            Self::NoRegion => "no_region",
            Self::NotPersistentMemory(_) => "not_persistent_memory",
            Self::Host => "host",
            Self::Call => "call",
            Self::Sector => "sector",
            Self::DeviceWithoutDax => "device_without_dax",
            Self::VolumeWithoutDax => "volume_without_dax",
            Self::VolumeNotDax => "volume_not_dax",
            Self::FileSystemWithoutDax(_) => "file_system_without_dax",
            Self::MountedWithoutDax => "mounted_without_dax",
            Self::FileFlagOff => "file_flag_off",
            Self::FileLeftOut => "file_left_out",
            Self::NotDax => "not_dax",
            Self::PlaceUnknown => "place_unknown",
            Self::KernelTooOld => "kernel_too_old",
            Self::Refused => "refused",
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    /// All reasons with their names: the compiler finds that one is missing.
    macro_rules! all {
        ($($variant:ident $(($on:expr))? $name:literal)*) => {{
            let _ = |reason| match reason {
                $(Reason::$variant { .. } => {})*
            };
            [$((Reason::$variant $(($on))?, $name)),*]
        }};
    }

    #[test]
    fn names_are_those_of_the_variants_and_documented() {
        let (on, system) = (Backing::DeviceDax, FileSystem::from_magic(0));
        // `pmem2 inspect` asks for shared mappings of files.
        let page = include_str!("../../cli/man/pmem2.md");
        let reasons = page.split("\n- `granularity.reason` ").nth(1).unwrap_or_default();
        let reasons = reasons.split("\n- `").next().unwrap_or_default();
        for (reason, name) in all! {
            Private "private"
            Anonymous "anonymous"
            Forced "forced"
            ByCall "by_call"
            CpuCache "cpu_cache"
            MemoryController "memory_controller"
            DomainUnstated "domain_unstated"
            Unarmed "unarmed"
            TableUnstated "table_unstated"
            DomainUnknown "domain_unknown"
            NoRegion "no_region"
            NotPersistentMemory(on) "not_persistent_memory"
            Host "host"
            Call "call"
            Sector "sector"
            DeviceWithoutDax "device_without_dax"
            VolumeWithoutDax "volume_without_dax"
            VolumeNotDax "volume_not_dax"
            FileSystemWithoutDax(system) "file_system_without_dax"
            MountedWithoutDax "mounted_without_dax"
            FileFlagOff "file_flag_off"
            FileLeftOut "file_left_out"
            NotDax "not_dax"
            PlaceUnknown "place_unknown"
            KernelTooOld "kernel_too_old"
            Refused "refused"
        } {
            assert_eq!(reason.name(), name);
            let variant =
                std::format!("{reason:?}").split('(').next().unwrap_or_default().to_lowercase();
            assert_eq!(variant, name.replace('_', ""));
            let documented = reasons
                .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .any(|word| word == name);
            assert_ne!(
                documented,
                matches!(name, "private" | "anonymous" | "forced" | "by_call"),
                "{name}"
            );
        }
    }
}

//! The reasons of a granularity in words, and what can be done about them.

use std::collections::HashSet;

#[cfg(target_os = "linux")]
use pmem2::place::{DaxOption, DaxState};
use pmem2::{
    Error, Kind,
    place::{MapSync, Reason},
};

#[cfg(target_os = "linux")]
use crate::place::overlay;
use crate::{
    place::{DISK, elsewhere},
    world::{BTRFS, World},
};

/// Every reason, and whether anything can be done about it, on Linux with this word.
const REASONS: [(Reason, Option<&str>); 23] = [
    (Reason::Private, None),
    (Reason::Anonymous, None),
    (Reason::CpuCache, None),
    (Reason::MemoryController, Some("eADR")),
    (Reason::DomainUnstated, Some("eADR")),
    (Reason::Unarmed, Some("ndctl list -DH")),
    (Reason::TableUnstated, Some("a fence is enough")),
    (Reason::DomainUnknown, Some("/sys")),
    (Reason::NoRegion, Some("region of persistent memory")),
    (Reason::NotPersistentMemory(DISK), Some("on persistent memory")),
    (Reason::Host, Some("NVDIMM")),
    (Reason::Call, None),
    (Reason::Sector, Some("--mode=fsdax")),
    (Reason::DeviceWithoutDax, Some("--mode=fsdax")),
    (Reason::VolumeWithoutDax, Some("linear")),
    (Reason::FileSystemWithoutDax(BTRFS), Some("ext4 or xfs")),
    (Reason::MountedWithoutDax, Some("-o dax=always; XFS with reflink ")),
    (Reason::FileFlagOff, Some("chattr +x")),
    (Reason::FileLeftOut, Some("without encryption")),
    (Reason::NotDax, Some("-m reflink=0")),
    (Reason::PlaceUnknown, Some("mount sysfs")),
    (Reason::KernelTooOld, Some("Linux 4.15")),
    (Reason::Refused, None),
];

#[test]
fn reasons_and_remedies() {
    for (reason, word) in REASONS {
        let remedy = reason.remedy();
        assert_eq!(remedy.is_some(), word.is_some(), "{reason:?}");
        let is_linux = cfg!(target_os = "linux");
        assert!(
            !is_linux || remedy.unwrap_or_default().contains(word.unwrap_or_default()),
            "{remedy:?}"
        );
        for text in [Some(reason.to_string()), remedy.map(String::from)].into_iter().flatten() {
            assert!(
                text.starts_with(|first: char| first.is_ascii_lowercase() || "BL".contains(first)),
                "{text}"
            );
            assert!(!text.ends_with(['.', ' ', ';']) && !text.contains("  "), "{text}");
        }
    }
    let sentences: HashSet<_> = REASONS.iter().map(|(reason, _)| reason.to_string()).collect();
    assert_eq!(sentences.len(), REASONS.len(), "no two the same");
    let ons: HashSet<_> = elsewhere().map(|on| Reason::NotPersistentMemory(on).to_string()).into();
    assert_eq!(ons.len(), 4, "{ons:?}");
    let expected = World::BEST.expect(Kind::RegularFile, MapSync::Granted).expect("an answer");
    assert_eq!(
        expected.to_string(),
        "BYTE: the platform saves the processor's caches when the power fails (eADR), or there are no caches"
    );
    assert_eq!(Error::NeverDurable.code(), -100_009);
}

#[cfg(target_os = "linux")]
#[test]
fn remedies_on_linux() {
    // A file system that hides its device may well be on persistent memory.
    let hidden = Reason::NotPersistentMemory(overlay()).remedy().expect("a remedy");
    assert_ne!(Some(hidden), Reason::NotPersistentMemory(DISK).remedy());
    assert!(hidden.contains("on persistent memory itself"), "{hidden}");
    let mut world = World::BEST;
    world.direct = Some(DaxState::new(Some(false), Some(DaxOption::Never)));
    assert_eq!(
        world.expect(Kind::RegularFile, MapSync::Refused).expect("an answer").to_string(),
        "PAGE: its file system is mounted without DAX; mount the file system again with -o dax=always; XFS with reflink refuses that before \
             Linux 6.0, and on a partition: mount it with dax=inode, set the directory's flag (xfs_io -c 'chattr +x') and copy the \
             file within it, or create it again with mkfs.xfs -m reflink=0"
    );
}

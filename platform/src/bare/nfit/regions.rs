//! The regions that an NFIT describes.

use super::{CAPABILITIES, MAPPING, Nfit, RANGE};
use crate::{
    bare::{
        bytes::Bytes,
        guid::Guid,
        region::{DimmTable, PhysicalRegion, RegionKind, overlap},
    },
    facts::RegionFault,
    persist::PersistenceDomain,
    place::DimmState,
};

/// The types of address ranges.
const PERSISTENT: Guid =
    Guid::new(0x66F0_D379, 0xB4F3, 0x4074, [0xAC, 0x43, 0x0D, 0x33, 0x18, 0xB7, 0x8C, 0xDB]);
const VOLATILE: Guid =
    Guid::new(0x7305_944F, 0xFDDA, 0x44E3, [0xB1, 0x6C, 0x3F, 0x22, 0xD2, 0x52, 0xE5, 0xD0]);
const CONTROL_REGION: Guid =
    Guid::new(0x92F7_01F6, 0x13B4, 0x405D, [0x91, 0x0B, 0x29, 0x93, 0x67, 0xE8, 0x23, 0x4C]);
const BLOCK_WINDOW: Guid =
    Guid::new(0x91AF_0530, 0x5D86, 0x470E, [0xA6, 0xB0, 0x0A, 0x2D, 0xB9, 0x40, 0x82, 0x49]);
const VIRTUAL: [Guid; 4] = [
    Guid::new(0x77AB_535A, 0x45FC, 0x624B, [0x55, 0x60, 0xF7, 0xB2, 0x81, 0xD1, 0xF9, 0x6E]),
    Guid::new(0x3D5A_BD30, 0x4175, 0x87CE, [0x6D, 0x64, 0xD2, 0xAD, 0xE5, 0x23, 0xC4, 0xBB]),
    Guid::new(0x5CEA_02C9, 0x4D07, 0x69D3, [0x26, 0x9F, 0x44, 0x96, 0xFB, 0xE0, 0x96, 0xF9]),
    Guid::new(0x0801_8188, 0x42CD, 0xBB48, [0x10, 0x0F, 0x53, 0x87, 0xD5, 0x3D, 0xED, 0x3D]),
];

/// Memory mapping attributes: EFI_MEMORY_RO.
const READ_ONLY: u64 = 0x2_0000;

/// Platform capabilities.
const CPU_CACHE: u32 = 1;
const MEMORY_CONTROLLER: u32 = 1 << 1;

impl<'t> Nfit<'t> {
    /// Iterates over the platform's address ranges, in the order of the table, whatever their kind.
    pub fn regions(self) -> impl Iterator<Item = PhysicalRegion<'t>> {
        self.structures_of(RANGE)
            .enumerate()
            .filter_map(move |(number, range)| self.region(number, range))
    }

    fn region(self, number: usize, range: Bytes<'t>) -> Option<PhysicalRegion<'t>> {
        let index = range.u16(4)?;
        let (base, length) = (range.u64(32)?, range.u64(40)?);
        let kind = match Guid::at(range, 16)? {
            // Index 0 is reserved. Linux ignores such a range.
            PERSISTENT if index != 0 => RegionKind::Persistent,
            VOLATILE => RegionKind::Volatile,
            CONTROL_REGION => RegionKind::ControlRegion,
            BLOCK_WINDOW => RegionKind::BlockWindow,
            disk if VIRTUAL.contains(&disk) => RegionKind::VirtualDisk,
            _ => RegionKind::Other,
        };
        let mut region = PhysicalRegion::new(base, length, kind);
        let number = u16::try_from(number).ok()?;
        region.number = number.into();
        region.provider = "ACPI.NFIT";
        region.domain = self.domain();
        region.read_only = range.u64(48)? & READ_ONLY != 0;
        // The state belongs to a device. Firmware may state it in any mapping of the device, also
        // in one of another range.
        for device in self.devices(index) {
            for mapping in
                self.structures_of(MAPPING).filter(|mapping| mapping.u32(4) == device.u32(4))
            {
                // The flags are the low byte.
                region.state |= DimmState::from_bits_truncate(mapping.u8(44)?);
            }
        }
        // An unarmed range is read-only: its stores would be lost.
        region.read_only |= region.is_unarmed();
        region.fault = self.overlaps(range, base, length).then_some(RegionFault::Overlaps);
        region.dimms = DimmTable::Nfit(self, number);
        Some(region)
    }

    /// Tells whether another range has one of these bytes.
    fn overlaps(self, this: Bytes<'t>, base: u64, length: u64) -> bool {
        let mut others = self.structures_of(RANGE).filter(|other| !other.is_same(this));
        others.any(|other| match (other.u64(32), other.u64(40)) {
            (Some(other_base), Some(other_length)) => {
                overlap(base, length, other_base, other_length)
            }
            _ => false,
        })
    }

    /// Returns the persistence domain that the platform states.
    fn domain(self) -> PersistenceDomain {
        let Some(capabilities) = self.structures_of(CAPABILITIES).next() else {
            return PersistenceDomain::Unstated;
        };
        let (Some(highest), Some(bits)) = (capabilities.u8(4), capabilities.u32(8)) else {
            return PersistenceDomain::Unstated;
        };
        let valid =
            2_u32.checked_shl(highest.into()).map_or(u32::MAX, |above| above.wrapping_sub(1));
        match bits & valid {
            bits if bits & CPU_CACHE != 0 => PersistenceDomain::CpuCache,
            bits if bits & MEMORY_CONTROLLER != 0 => PersistenceDomain::MemoryController,
            _ => PersistenceDomain::Unstated,
        }
    }
}

//! Tables of ACPI's, field by field.

use std::vec::Vec;

use crate::{
    Bare, DimmTable, Extent, Facts, Locate, Nfit, PhysicalRegion, Platform, TableFault, Text,
};

/// The types of ranges, as the bytes in which they lie.
pub(crate) const PERSISTENT: &str = "79d3f066f3b47440ac430d3318b78cdb";
pub(crate) const VOLATILE: &str = "4f940573dafde344b16c3f22d252e5d0";
pub(crate) const CONTROL_REGION: &str = "f601f792b4135d40910b299367e8234c";
pub(crate) const BLOCK_WINDOW: &str = "3005af91865d0e47a6b00a2db9408249";
/// Volatile disk, volatile CD, persistent disk, persistent CD.
pub(crate) const VIRTUAL: [&str; 4] = [
    "5a53ab77fc454b625560f7b281d1f96e",
    "30bd5a3d7541ce876d64d2ade523c4bb",
    "c902ea5c074dd369269f4496fbe096f9",
    "88810108cd4248bb100f5387d53ded3d",
];

pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
}

/// A structure: its type, its length, and fields, each at its offset.
pub(crate) fn structure(kind: u16, length: u16, fields: &[(usize, &[u8])]) -> Vec<u8> {
    let mut structure = std::vec![0; length.into()];
    structure[..2].copy_from_slice(&kind.to_le_bytes());
    structure[2..4].copy_from_slice(&length.to_le_bytes());
    for (at, field) in fields {
        structure[*at..at + field.len()].copy_from_slice(field);
    }
    structure
}

/// An address range.
#[derive(Clone, Copy)]
pub(crate) struct Range {
    pub(crate) index: u16,
    pub(crate) flags: u16,
    pub(crate) proximity: u32,
    pub(crate) kind: &'static str,
    pub(crate) base: u64,
    pub(crate) length: u64,
    pub(crate) attributes: u64,
}

impl Range {
    pub(crate) fn persistent(index: u16, base: u64, length: u64) -> Self {
        Self { index, flags: 0, proximity: 0, kind: PERSISTENT, base, length, attributes: 0x8008 }
    }

    pub(crate) fn structure(self) -> Vec<u8> {
        let Self { index, flags, proximity, kind, base, length, attributes } = self;
        structure(
            0,
            56,
            &[
                (4, &index.to_le_bytes()),
                (6, &flags.to_le_bytes()),
                (12, &proximity.to_le_bytes()),
                (16, &bytes(kind)),
                (32, &base.to_le_bytes()),
                (40, &length.to_le_bytes()),
                (48, &attributes.to_le_bytes()),
            ],
        )
    }
}

/// A mapping of a range to a device.
pub(crate) fn mapping(device: u32, range: u16, control: u16, state: u16) -> Vec<u8> {
    let fields: [(usize, &[u8]); 4] = [
        (4, &device.to_le_bytes()),
        (12, &range.to_le_bytes()),
        (14, &control.to_le_bytes()),
        (44, &state.to_le_bytes()),
    ];
    structure(1, 48, &fields)
}

/// A control region: vendor and serial number as they lie there; place and time of making if they
/// are known.
pub(crate) fn control(
    index: u16,
    vendor: [u8; 2],
    serial: [u8; 4],
    made: Option<(u8, [u8; 2])>,
) -> Vec<u8> {
    let (place, time) = made.unwrap_or((0xee, [0xee, 0xee]));
    let fields: [(usize, &[u8]); 6] = [
        (4, &index.to_le_bytes()),
        (6, &vendor),
        (18, &[u8::from(made.is_some())]),
        (19, &[place]),
        (20, &time),
        (24, &serial),
    ];
    structure(4, 80, &fields)
}

/// Flush hints of a device.
pub(crate) fn hints(device: u32, addresses: &[u64]) -> Vec<u8> {
    let all: Vec<u8> = addresses.iter().flat_map(|address| address.to_le_bytes()).collect();
    let count = u16::try_from(addresses.len()).unwrap();
    let length = 16 + 8 * count;
    structure(6, length, &[(4, &device.to_le_bytes()), (8, &count.to_le_bytes()), (16, &all)])
}

pub(crate) fn capabilities(highest: u8, bits: u32) -> Vec<u8> {
    structure(7, 16, &[(4, &[highest]), (8, &bits.to_le_bytes())])
}

/// A table with a header, whose bytes add up to 0.
pub(crate) fn table(signature: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut table = signature.to_vec();
    table.extend(u32::try_from(36 + body.len()).unwrap().to_le_bytes());
    table.resize(36, 0);
    table.extend(body);
    sum_to_zero(&mut table, 9);
    table
}

pub(crate) fn sum_to_zero(bytes: &mut [u8], at: usize) {
    bytes[at] = 0;
    bytes[at] = bytes.iter().fold(0_u8, |sum, &byte| sum.wrapping_sub(byte));
}

/// An NFIT of these structures.
pub(crate) fn nfit(structures: &[Vec<u8>]) -> Vec<u8> {
    table(b"NFIT", &[[0; 4].as_slice(), &structures.concat()].concat())
}

pub(crate) fn regions(table: &[u8]) -> Result<Vec<PhysicalRegion<'_>>, TableFault> {
    Nfit::parse(table).map(|nfit| nfit.regions().collect())
}

/// The facts of an extent, and its region as [`Locate`] has it.
pub(crate) fn answers<'t>(extent: Extent<'t>) -> (Facts<crate::ExtentId>, crate::Region) {
    let bare = Bare::default();
    let facts = Bare::describe((&extent).into()).unwrap();
    let spot = Bare::locate((&extent).into(), &facts).unwrap();
    (facts, bare.region(&spot, 0).unwrap().unwrap())
}

/// The devices of a region in their order: number, and id if there is one.
pub(crate) fn devices(region: &PhysicalRegion<'_>) -> Vec<(u32, Result<Text<32>, crate::Fail>)> {
    let bare = Bare::default();
    assert!(matches!(region.dimms, DimmTable::Nfit(..) | DimmTable::Board(_)));
    (0..)
        .map_while(|index| bare.dimm(&region, 0, index).unwrap())
        .map(|dimm| (bare.dimm_number(dimm).unwrap(), bare.dimm_id(dimm)))
        .collect()
}

/// As [`devices`], of which all have ids.
pub(crate) fn ids(region: &PhysicalRegion<'_>) -> Vec<(u32, std::string::String)> {
    devices(region).into_iter().map(|(number, id)| (number, id.unwrap().as_str().into())).collect()
}

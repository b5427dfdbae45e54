//! Devicetree blobs, token by token.

use std::vec::Vec;

use super::tables::answers;
use crate::{Devicetree, Extent, Kind, PhysicalRegion, RegionFault, TableFault};

pub(super) fn regions(blob: &[u8]) -> Result<Vec<PhysicalRegion<'_>>, TableFault> {
    Devicetree::parse(blob).map(|tree| tree.regions().collect())
}

/// Base and length of each.
pub(super) fn ranges(blob: &[u8]) -> Result<Vec<(u64, u64)>, TableFault> {
    regions(blob).map(|all| all.iter().map(|region| (region.base(), region.length())).collect())
}

/// The kind of source of each.
pub(super) fn kinds(blob: &[u8]) -> Result<Vec<Kind>, TableFault> {
    regions(blob).map(|all| all.iter().map(|region| answers(Extent::new(region)).0.kind).collect())
}

/// The kind of a node without an address.
pub(super) const UNADDRESSED: Kind = Kind::InvalidRegion(RegionFault::Unaddressed);

/// The blob tells of one region, which has no address.
#[track_caller]
pub(super) fn unaddressed(blob: Blob) {
    let blob = blob.bytes();
    assert_eq!((kinds(&blob), ranges(&blob)), (Ok([UNADDRESSED].into()), Ok([(0, 0)].into())));
}

/// A blob that grows by tokens.
#[derive(Clone, Default)]
pub(super) struct Blob {
    pub(super) structure: Vec<u8>,
    pub(super) strings: Vec<u8>,
}

impl Blob {
    pub(super) fn token(mut self, token: u32) -> Self {
        self.structure.extend(token.to_be_bytes());
        self
    }

    pub(super) fn begin(self, name: &str) -> Self {
        let mut blob = self.token(1);
        blob.structure.extend(name.as_bytes());
        blob.structure.push(0);
        blob.pad()
    }

    pub(super) fn pad(mut self) -> Self {
        self.structure.resize(self.structure.len().next_multiple_of(4), 0);
        self
    }

    pub(super) fn property(self, name: &str, value: &[u8]) -> Self {
        let at = self.strings.len();
        let mut blob = self
            .token(3)
            .token(u32::try_from(value.len()).unwrap())
            .token(u32::try_from(at).unwrap());
        blob.strings.extend(name.as_bytes());
        blob.strings.push(0);
        blob.structure.extend(value);
        blob.pad()
    }

    pub(super) fn cells(self, name: &str, cells: &[u32]) -> Self {
        self.property(name, &cells.iter().flat_map(|cell| cell.to_be_bytes()).collect::<Vec<_>>())
    }

    pub(super) fn end(self) -> Self {
        self.token(2)
    }

    pub(super) fn root() -> Self {
        Self::default().begin("").cells("#address-cells", &[1]).cells("#size-cells", &[1])
    }

    pub(super) fn persistent(self, reg: &[u32]) -> Self {
        self.begin("p").property("compatible", b"pmem-region\0").cells("reg", reg).end()
    }

    pub(super) fn header(&self) -> [u32; 10] {
        let [structure, strings] =
            [&self.structure, &self.strings].map(|block| u32::try_from(block.len()).unwrap());
        [
            0xd00d_feed,
            56 + structure + strings,
            56,
            56 + structure,
            40,
            17,
            16,
            0,
            strings,
            structure,
        ]
    }

    pub(super) fn with_header(&self, header: [u32; 10]) -> Vec<u8> {
        let header = header.into_iter().flat_map(u32::to_be_bytes);
        header
            .chain([0; 16])
            .chain(self.structure.iter().copied())
            .chain(self.strings.iter().copied())
            .collect()
    }

    pub(super) fn bytes(self) -> Vec<u8> {
        let blob = self.token(9);
        blob.with_header(blob.header())
    }
}

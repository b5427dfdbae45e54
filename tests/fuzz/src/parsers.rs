//! Every parser over unchecked bytes, with the rules that hold for any bytes.
//!
//! The property tests of pmem2-platform use this module, and with `cfg(fuzzing)` the fuzz targets.
//! A rule that does not hold is a panic.

use std::{cell::Cell, vec::Vec};

use crate::{
    Access, Bare, Devicetree, Extent, Fail, Kind, Locate, Nfit, PhysicalRegion, Platform,
    RegionFault, RegionKind, TableFault, TableWarning, find_acpi_table,
};

#[cfg(target_os = "linux")]
pub use crate::linux::hostile::{badblocks, badblocks_text, sysfs};

/// Makes a table of bytes, with this signature and the right length and checksum. Few bytes would
/// be parsed otherwise, and none without a warning.
fn mended(bytes: &[u8], signature: [u8; 4]) -> Vec<u8> {
    let mut table = bytes.to_vec();
    if table.len() >= 36 {
        table[..4].copy_from_slice(&signature);
        table[4..8].copy_from_slice(&u32::try_from(bytes.len()).unwrap().to_le_bytes());
        mend(&mut table, 9);
    }
    table
}

/// Writes the checksum at `at`.
fn mend(bytes: &mut [u8], at: usize) {
    bytes[at] = 0;
    bytes[at] = bytes.iter().fold(0_u8, |sum, &byte| sum.wrapping_sub(byte));
}

/// Parses an NFIT: as it is, and with the right length and checksum.
pub fn nfit(bytes: &[u8]) {
    for table in [bytes, &mended(bytes, *b"NFIT")] {
        match Nfit::parse(table) {
            Ok(nfit) => {
                warnings(nfit, &table[..declared(table)]);
                // A range has 56 bytes, and a device 48.
                let count = regions(nfit.regions(), table.len() / 48);
                assert!(count <= table.len() / 56, "{count} ranges in {} bytes", table.len());
            }
            Err(TableFault::Structure(at)) => assert!(usize::try_from(at).unwrap() < table.len()),
            Err(TableFault::Truncated { length, given }) => {
                assert!(u64::from(length) > given && given == table.len() as u64);
            }
            Err(TableFault::Length | TableFault::Signature | TableFault::TooMany) => {}
            Err(other) => panic!("{other:?} of an NFIT"),
        }
    }
}

/// Checks each warning against the table.
fn warnings(nfit: Nfit<'_>, table: &[u8]) {
    assert!(table.len() >= 40);
    let (mut said, mut ended) = (false, false);
    for warning in nfit.warnings() {
        match warning {
            TableWarning::Checksum { found, expected } => {
                assert!(!said && found == table[9] && found != expected);
                said = true;
                let mut mended = table.to_vec();
                mended[9] = expected;
                assert_eq!(sum(&mended), 0);
            }
            TableWarning::ZeroTail(at) | TableWarning::ZeroLength(at) => {
                let rest = &table[usize::try_from(at).unwrap()..];
                assert!(!ended && at >= 40 && rest.iter().skip(2).take(2).all(|&byte| byte == 0));
                let zeros = rest.iter().all(|&byte| byte == 0);
                assert_eq!(zeros, matches!(warning, TableWarning::ZeroTail(_)));
                ended = true;
            }
        }
    }
    assert_eq!(said, sum(table) != 0);
}

fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, &byte| sum.wrapping_add(byte))
}

fn declared(table: &[u8]) -> usize {
    usize::try_from(u32::from_le_bytes(*table[4..].first_chunk().unwrap())).unwrap()
}

/// Parses a devicetree.
pub fn devicetree(bytes: &[u8]) {
    match Devicetree::parse(bytes) {
        Ok(tree) => {
            // A range has at least two cells.
            let count = regions(tree.regions(), 0);
            assert!(count <= bytes.len() / 8);
        }
        Err(TableFault::Structure(at)) => assert!(usize::try_from(at).unwrap() <= bytes.len()),
        Err(TableFault::Unreachable(_) | TableFault::Checksum) => {
            panic!("no fault of a devicetree")
        }
        Err(_) => {}
    }
}

/// Asks everything about regions, none of which has more than `most` devices. Returns their number.
fn regions<'t>(all: impl Iterator<Item = PhysicalRegion<'t>>, most: usize) -> usize {
    let mut table = Vec::new();
    for region in all {
        // These look it up in the table.
        assert_eq!(region.guid().is_some(), region.range().is_some());
        assert!(region.proximity_domain().is_none() || region.guid().is_some());
        // The order is that of the table, each with a number of its own.
        assert_eq!(usize::try_from(region.number()).unwrap(), table.len());
        assert!(region.flush_hints().count() <= most);
        table.push(region);
    }
    for (index, region) in table.iter().enumerate() {
        let extents = [Extent::new(region), Extent::in_table(&table, index).unwrap()];
        let said = extents.map(|extent| {
            extent_of(extent, most);
            kind(extent)
        });
        // The table itself knows which overlap.
        assert_eq!(said[0], said[1]);
        extent_of(Extent::new(region).part(region.length() / 2, region.length() / 4), most);
        extent_of(Extent::new(region).part(1, region.length()), most);
        extent_of(Extent::new(region).part(u64::MAX, 1), most);
    }
    table.len()
}

fn kind(extent: Extent<'_>) -> Kind {
    Bare::describe((&extent).into()).unwrap().kind
}

fn extent_of(extent: Extent<'_>, most: usize) {
    let (bare, region) = (Bare::default(), extent.region());
    let facts = Bare::describe((&extent).into()).unwrap();
    assert!(facts.access.contains(Access::READ));
    match facts.kind {
        Kind::Region => {
            // A source, and so every byte has an address, inside the region.
            assert_eq!(region.kind(), RegionKind::Persistent);
            let (base, last) = (extent.base().unwrap(), extent.length().checked_sub(1).unwrap());
            assert!(
                base >= region.base()
                    && base.checked_add(last).unwrap() - region.base() < region.length()
            );
        }
        Kind::InvalidRegion(RegionFault::Empty) => assert_eq!(extent.length(), 0),
        Kind::InvalidRegion(RegionFault::Unaddressed) => {
            assert_eq!((region.base(), region.length()), (0, 0))
        }
        Kind::InvalidRegion(_) | Kind::VolatileMemory | Kind::VirtualDisk => {}
        Kind::ControlRegion | Kind::BlockWindow | Kind::Other => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(Bare::size((&extent).into(), &facts), Ok(extent.length()));
    assert!(Bare::alignment((&extent).into(), &facts).is_ok());
    let spot = Bare::locate((&extent).into(), &facts).unwrap();
    assert!(bare.confirm(&spot).is_ok() && bare.region(&spot, 0).unwrap().is_some());
    assert_eq!((bare.region(&spot, 1), bare.numa_node(&spot, 1)), (Ok(None), Ok(None)));
    let mut devices = 0;
    while let Some(dimm) = bare.dimm(&spot, 0, devices).unwrap() {
        assert!(bare.dimm_number(dimm).is_ok());
        match bare.dimm_id(dimm) {
            Ok(id) => assert!(matches!(id.len(), 13 | 21), "{id}"),
            Err(fail) => assert_eq!(fail, Fail::Unsupported),
        }
        assert_eq!(bare.dimm_dirty_shutdowns(dimm), Err(Fail::Unsupported));
        devices += 1;
        assert!(devices <= most);
    }
}

/// The length of the head of the input of [`acpi`].
const HEAD: usize = 80;

/// Follows the root pointer through physical memory.
///
/// The input: the root pointer's address, the address of the other memory, 64 bytes at the root
/// pointer, the other memory.
pub fn acpi(bytes: &[u8]) {
    let (Some(at), Some(base)) =
        (bytes.first_chunk::<8>(), bytes.get(8..).and_then(<[u8]>::first_chunk))
    else {
        return;
    };
    let (Some(pointer), Some(memory)) = (bytes.get(16..HEAD), bytes.get(HEAD..)) else { return };
    let (at, base) = (u64::from_le_bytes(*at), u64::from_le_bytes(*base));
    walk(at, pointer, base, memory);

    // With the checksum of the root pointer right, and the signatures of the tables that it names.
    let (mut pointer, mut memory) = (pointer.to_vec(), memory.to_vec());
    pointer[..8].copy_from_slice(b"RSD PTR ");
    mend(&mut pointer[..20], 8);
    // At least 36 bytes long, and no longer than there are.
    let length = 36 + pointer[20] % 28;
    pointer[20..24].copy_from_slice(&u32::from(length).to_le_bytes());
    mend(&mut pointer[..length.into()], 32);
    let rsdt = u32::from_le_bytes(*pointer[16..].first_chunk().unwrap());
    let xsdt = u64::from_le_bytes(*pointer[24..].first_chunk().unwrap());
    for (address, signature) in [(u64::from(rsdt), *b"RSDT"), (xsdt, *b"XSDT")] {
        let table = address
            .checked_sub(base)
            .and_then(|offset| memory.get_mut(usize::try_from(offset).ok()?..));
        let Some(table) = table.filter(|table| table.len() >= 36) else { continue };
        table[..4].copy_from_slice(&signature);
    }
    walk(at, &pointer, base, &memory);
}

fn walk(at: u64, pointer: &[u8], base: u64, memory: &[u8]) {
    let reached = Cell::new(0_usize);
    let reach = |address: u64, length: usize| {
        reached.set(reached.get() + 1);
        [(at, pointer), (base, memory)].into_iter().find_map(|(start, bytes)| {
            let offset = usize::try_from(address.checked_sub(start)?).ok()?;
            bytes.get(offset..offset.checked_add(length)?)
        })
    };
    if let Ok(Some(table)) = find_acpi_table(at, *b"NFIT", reach) {
        assert!(table.starts_with(b"NFIT") && table.len() >= 36 && table.len() == declared(table));
        nfit(table);
    }
    // Each entry of the root table has four bytes at least.
    assert!(reached.get() <= 6 + memory.len().max(pointer.len()) / 4, "{} times", reached.get());
}

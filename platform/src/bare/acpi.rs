//! The search for a table of ACPI: ACPI 6.5, sections 5.2.5 to 5.2.8.

use super::{
    bytes::Bytes,
    fault::{self, TableFault, TableWarning},
};

/// The width of a table's address: 4 bytes in the RSDT, 8 in the XSDT.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Width {
    Four,
    Eight,
}

/// The length of the header that all tables have.
const HEADER: usize = 36;

/// The longest table that is read: far longer than any.
const LONGEST: usize = 4 << 20;

/// The length of the root pointer: that of ACPI 1.0, and those of later versions, which may still
/// grow.
const OLD_POINTER: usize = 20;
const POINTER: core::ops::RangeInclusive<usize> = 36..=256;

/// Returns the table with this signature at the beginning of `bytes`, without what comes after it.
/// The checksum is not verified: Linux only warns of a mismatch and reads the table.
pub(super) fn table(bytes: &[u8], signature: [u8; 4]) -> Result<Bytes<'_>, TableFault> {
    let all = Bytes::new(bytes);
    if all.array(0).ok_or(TableFault::Length)? != signature {
        return Err(TableFault::Signature);
    }
    let table = fault::whole(all, all.u32(4).ok_or(TableFault::Length)?)?;
    if table.len() < HEADER {
        return Err(TableFault::Length);
    }
    if table.len() > LONGEST {
        return Err(TableFault::TooMany);
    }
    Ok(table)
}

/// Returns the sum of all bytes: 0, unless there is a checksum mismatch.
pub(super) fn sum(bytes: Bytes<'_>) -> u8 {
    bytes.as_slice().iter().fold(0, |sum, &byte| sum.wrapping_add(byte))
}

/// Finds the table with `signature`, from the root pointer (RSDP) at the physical address `rsdp`;
/// `None` where the platform has none. `reach` makes physical memory readable: it takes an address
/// and a number of bytes, and returns `None` where it cannot.
///
/// # Errors
///
/// The fault of the root pointer, of the root table, or of the table that is looked for;
/// [`TableFault::TooMany`] for one of more than 4 MiB. The root pointer's checksum is verified.
/// Those of the root table and of the returned table are not, since Linux only warns of a mismatch:
/// [`acpi_root_warning`](root_warning) and [`Nfit::warnings`](super::nfit::Nfit::warnings) report
/// it. Only the signatures of other tables are read. A table that cannot be reached is a fault
/// where no other has the signature: it may have been the one.
pub fn find<'t>(
    rsdp: u64,
    signature: [u8; 4],
    mut reach: impl FnMut(u64, usize) -> Option<&'t [u8]>,
) -> Result<Option<&'t [u8]>, TableFault> {
    let mut bytes = |at, length| reached(&mut reach, at, length);
    let (root, width) = root(rsdp, &mut bytes)?;
    let mut at = HEADER;
    let mut unreachable = None;
    loop {
        let (address, step) = match width {
            Width::Four => (root.u32(at).map(u64::from), 4_usize),
            Width::Eight => (root.u64(at), 8),
        };
        let Some(address) = address else { return unreachable.map_or(Ok(None), Err) };
        at = at.saturating_add(step);
        // Firmware leaves entries empty.
        if address == 0 {
            continue;
        }
        match bytes(address, 4) {
            Ok(found) if found.as_slice() == signature => {
                return table(whole(address, &mut bytes)?, signature)
                    .map(|found| Some(found.as_slice()));
            }
            Ok(_) => {}
            Err(fault) => unreachable = unreachable.or(Some(fault)),
        }
    }
}

/// Returns the warning of a checksum mismatch of ACPI's root table (RSDT or XSDT), which
/// [`find_acpi_table`](find) reads all the same, as Linux does. `rsdp` and `reach` are those of
/// [`find_acpi_table`](find).
///
/// # Errors
///
/// The fault of the root pointer, or of the root table.
pub fn root_warning<'t>(
    rsdp: u64,
    mut reach: impl FnMut(u64, usize) -> Option<&'t [u8]>,
) -> Result<Option<TableWarning>, TableFault> {
    let (root, _) = root(rsdp, &mut |at, length| reached(&mut reach, at, length))?;
    Ok(mismatch(root))
}

/// Returns the warning of a table's checksum mismatch.
pub(super) fn mismatch(table: Bytes<'_>) -> Option<TableWarning> {
    let (sum, found) = (sum(table), table.u8(9)?);
    let expected = found.wrapping_sub(sum);
    (sum != 0).then_some(TableWarning::Checksum { found, expected })
}

/// Returns `length` bytes of physical memory.
fn reached<'t>(
    reach: &mut impl FnMut(u64, usize) -> Option<&'t [u8]>,
    at: u64,
    length: usize,
) -> Result<Bytes<'t>, TableFault> {
    let found = reach(at, length).and_then(|found| found.get(..length));
    found.map(Bytes::new).ok_or(TableFault::Unreachable(at))
}

/// Returns the root table, and the width of its addresses.
fn root<'t>(
    rsdp: u64,
    bytes: &mut impl FnMut(u64, usize) -> Result<Bytes<'t>, TableFault>,
) -> Result<(Bytes<'t>, Width), TableFault> {
    let (address, width) = root_address(rsdp, bytes)?;
    let root = whole(address, bytes)?;
    let root = match width {
        Width::Four => table(root, *b"RSDT"),
        Width::Eight => table(root, *b"XSDT"),
    }?;
    Ok((root, width))
}

/// Returns the address of the root table, from the root pointer.
fn root_address<'t>(
    rsdp: u64,
    bytes: &mut impl FnMut(u64, usize) -> Result<Bytes<'t>, TableFault>,
) -> Result<(u64, Width), TableFault> {
    let pointer = bytes(rsdp, OLD_POINTER)?;
    if pointer.array(0) != Some(*b"RSD PTR ") {
        return Err(TableFault::Signature);
    }
    if sum(pointer) != 0 {
        return Err(TableFault::Checksum);
    }
    // Revision 0 is ACPI 1.0, which ends here.
    if pointer.u8(15).is_some_and(|revision| revision >= 2) {
        let length = bytes(rsdp, 24)?.u32(20).and_then(|length| usize::try_from(length).ok());
        // A pointer of this length has no XSDT, whatever its revision.
        if length != Some(OLD_POINTER) {
            let length =
                length.filter(|length| POINTER.contains(length)).ok_or(TableFault::Length)?;
            let pointer = bytes(rsdp, length)?;
            if sum(pointer) != 0 {
                return Err(TableFault::Checksum);
            }
            match pointer.u64(24) {
                None | Some(0) => {}
                Some(xsdt) => return Ok((xsdt, Width::Eight)),
            }
        }
    }
    match pointer.u32(16) {
        None | Some(0) => Err(TableFault::Unreachable(0)),
        Some(rsdt) => Ok((rsdt.into(), Width::Four)),
    }
}

/// Returns all bytes of the table at this address.
fn whole<'t>(
    at: u64,
    bytes: &mut impl FnMut(u64, usize) -> Result<Bytes<'t>, TableFault>,
) -> Result<&'t [u8], TableFault> {
    let length = bytes(at, 8)?.u32(4).and_then(|length| usize::try_from(length).ok());
    let length = length.filter(|&length| length >= HEADER).ok_or(TableFault::Length)?;
    if length > LONGEST {
        return Err(TableFault::TooMany);
    }
    Ok(bytes(at, length)?.as_slice())
}

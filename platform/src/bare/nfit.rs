//! ACPI's NVDIMM Firmware Interface Table, read in place: ACPI 6.5, section 5.2.26.
//!
//! No byte of the table is trusted. [`Nfit::parse`] checks every length once. A structure that does
//! not fit into the table, or is too short for its type, makes it refuse the whole table;
//! structures of unknown types are skipped. A fault that Linux only warns of is a warning here,
//! too: [`Nfit::warnings`].

mod regions;

use super::{
    acpi,
    bytes::Bytes,
    fault::{TableFault, TableWarning},
    guid::Guid,
};
use crate::text::Text;

/// A whole NFIT that was checked.
#[derive(Clone, Copy, Debug)]
pub struct Nfit<'t> {
    /// Exactly the table's bytes.
    table: Bytes<'t>,
}

/// The length of the header that all tables have, and of four reserved bytes.
const HEADER: usize = 40;

/// The most structures of a table: a machine with hundreds of DIMMs has about four for each. The
/// most ranges, and devices of one range. All are compared with each other, which takes time.
const STRUCTURES: usize = 2048;
const RANGES: usize = 256;
const DEVICES: usize = 64;

/// The types of structures.
pub(super) const RANGE: u16 = 0;
pub(super) const MAPPING: u16 = 1;
const CONTROL: u16 = 4;
const HINTS: u16 = 6;
pub(super) const CAPABILITIES: u16 = 7;

/// Flags of a range: its proximity domain is valid.
const PROXIMITY_VALID: u16 = 1 << 1;
/// The valid fields of a control region: place and time of manufacture.
const MADE_VALID: u8 = 1;

/// Returns the least length of a structure, by its type; 4 for unknown ones.
const fn least(kind: u16) -> usize {
    match kind {
        RANGE => 56,
        MAPPING => 48,
        CONTROL => 32,
        HINTS => 16,
        CAPABILITIES => 12,
        _ => 4,
    }
}

/// A structure: its type, and its bytes with the header.
#[derive(Clone, Copy)]
struct Structure<'t> {
    kind: u16,
    bytes: Bytes<'t>,
}

/// Iterates over the structures; the offset of an invalid one is the last item.
struct Structures<'t> {
    table: Bytes<'t>,
    /// The offset of the next one.
    next: usize,
}

impl<'t> Iterator for Structures<'t> {
    type Item = Result<Structure<'t>, usize>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.next;
        let rest = self.table.tail(at)?;
        let length = match rest.u16(2) {
            // A length of 0, and so a tail of zeros, is the end, as in Linux.
            Some(0) => return None,
            Some(length) => usize::from(length),
            None if rest.is_zeros() => return None,
            None => 0,
        };
        let kind = rest.u16(0).unwrap_or_default();
        match rest.head(length) {
            Some(bytes) if length >= least(kind) => {
                self.next = at.saturating_add(length);
                Some(Ok(Structure { kind, bytes }))
            }
            _ => {
                // Nothing is read after an invalid one.
                self.next = self.table.len();
                Some(Err(at))
            }
        }
    }
}

impl<'t> Nfit<'t> {
    /// Parses the table at the beginning of `bytes`.
    ///
    /// # Errors
    ///
    /// The fault of the table. [`TableFault::TooMany`]: it has more than 4 MiB, 2048 structures,
    /// 256 ranges, or 64 devices of one range. A fault that Linux only warns of is no error: see
    /// [`warnings`](Self::warnings).
    pub fn parse(bytes: &'t [u8]) -> Result<Self, TableFault> {
        let table = acpi::table(bytes, *b"NFIT")?;
        if table.len() < HEADER {
            return Err(TableFault::Length);
        }
        let nfit = Self { table };
        for (number, structure) in nfit.structures().enumerate() {
            if number >= STRUCTURES {
                return Err(TableFault::TooMany);
            }
            if let Err(at) = structure {
                return Err(TableFault::Structure(u32::try_from(at).unwrap_or(u32::MAX)));
            }
        }
        // After the count of ranges, which bounds this loop.
        let mut ranges = nfit.structures_of(RANGE).filter_map(|range| range.u16(4));
        if nfit.structures_of(RANGE).nth(RANGES).is_some()
            || ranges.any(|index| nfit.devices(index).nth(DEVICES).is_some())
        {
            return Err(TableFault::TooMany);
        }
        Ok(nfit)
    }

    /// Takes a table that [`parse`](Self::parse) accepted before, for a caller that can keep no
    /// [`Nfit`]. It is not checked again: a table that was changed since gives wrong answers, and
    /// nothing else. `None` without a table.
    #[doc(hidden)]
    #[must_use]
    pub fn parsed(bytes: &'t [u8]) -> Option<Self> {
        let table = Bytes::new(bytes);
        let length = usize::try_from(table.u32(4)?).ok()?;
        Some(Self { table: table.head(length).filter(|table| table.len() >= HEADER)? })
    }

    /// Returns the faults that Linux reads the table with and warns of, at most one of each kind.
    /// This adds up all bytes of the table.
    pub fn warnings(self) -> impl Iterator<Item = TableWarning> {
        [acpi::mismatch(self.table), self.early_end()].into_iter().flatten()
    }

    /// Returns the sum of its bytes, which shows a change.
    #[doc(hidden)]
    #[must_use]
    pub fn sum(self) -> u8 {
        acpi::sum(self.table)
    }

    fn early_end(self) -> Option<TableWarning> {
        let mut structures = self.structures();
        structures.by_ref().for_each(drop);
        let rest = self.table.tail(structures.next).filter(|rest| rest.len() > 0)?;
        let at = u32::try_from(structures.next).ok()?;
        Some(match rest.is_zeros() {
            true => TableWarning::ZeroTail(at),
            false => TableWarning::ZeroLength(at),
        })
    }

    fn structures(self) -> Structures<'t> {
        Structures { table: self.table, next: HEADER }
    }

    pub(super) fn structures_of(self, kind: u16) -> impl Iterator<Item = Bytes<'t>> {
        self.structures()
            .filter_map(Result::ok)
            .filter(move |structure| structure.kind == kind)
            .map(|found| found.bytes)
    }

    /// Returns the range with this place among the ranges.
    fn range(self, number: u16) -> Option<Bytes<'t>> {
        self.structures_of(RANGE).nth(number.into())
    }

    /// Returns the index by which mappings name it; 0, which is reserved, where there is none.
    fn index(self, number: u16) -> u16 {
        self.range(number).and_then(|range| range.u16(4)).unwrap_or(0)
    }

    /// Returns the type of a range.
    pub(super) fn guid(self, number: u16) -> Option<Guid> {
        Guid::at(self.range(number)?, 16)
    }

    /// Returns the proximity domain of a range.
    pub(super) fn proximity_domain(self, number: u16) -> Option<u32> {
        let range = self.range(number)?;
        range.u32(12).filter(|_| range.u16(6).is_some_and(|flags| flags & PROXIMITY_VALID != 0))
    }

    /// Iterates over the mappings of a range's devices.
    pub(super) fn devices(self, index: u16) -> impl Iterator<Item = Bytes<'t>> {
        // Index 0 is reserved: such a mapping belongs to no range.
        self.structures_of(MAPPING)
            .filter(move |mapping| index != 0 && mapping.u16(12) == Some(index))
    }

    /// Returns the device with this place in a range's mappings.
    pub(super) fn device(self, number: u16, n: usize) -> Option<NfitDevice> {
        let mapping = self.devices(self.index(number)).nth(n)?;
        Some(NfitDevice { handle: mapping.u32(4)?, control: mapping.u16(14)? })
    }

    /// Writes the id of a device as Linux makes it: vendor, place and time of manufacture if known,
    /// serial number. (The fields are shown byte by byte as they lie in the table.)
    // Not in the stack frame of who reads a board's table.
    #[inline(never)]
    pub(super) fn put_id<const N: usize>(
        self,
        number: u16,
        n: usize,
        id: &mut Text<N>,
    ) -> Option<()> {
        let device = self.device(number, n)?;
        let control =
            self.structures_of(CONTROL).find(|control| control.u16(4) == Some(device.control))?;
        // Vendor, place and time of manufacture, serial number: all big-endian.
        let fields: &[(usize, usize)] = if control.u8(18)? & MADE_VALID != 0 {
            &[(6, 2), (19, 1), (20, 2), (24, 4)]
        } else {
            &[(6, 2), (24, 4)]
        };
        for &(at, length) in fields {
            if !id.is_empty() && !id.push("-") {
                return None;
            }
            id.push_hex(control.tail(at)?.head(length)?.as_slice())?;
        }
        Some(())
    }

    /// Iterates over the flush hints of a range, one for each device that has some: an address that
    /// a write to makes the device's memory controller write out its buffers. A device may have
    /// several, of which one is enough; those that are not aligned to eight bytes are left out.
    pub(super) fn hints(self, number: u16) -> impl Iterator<Item = u64> {
        let index = self.index(number);
        let handles = move || self.devices(index).map(|mapping| mapping.u32(4));
        handles().enumerate().filter_map(move |(n, handle)| {
            // A device may be mapped to several parts of the range.
            let again = handles().take(n).any(|before| before == handle);
            let mut of_device =
                self.structures_of(HINTS).filter(|hints| !again && hints.u32(4) == handle);
            of_device.find_map(|hints| {
                let offsets = (16..).step_by(8).take(hints.u16(8)?.into());
                offsets.map_while(|at| hints.u64(at)).find(|address| address.is_multiple_of(8))
            })
        })
    }
}

/// A device of a range.
#[derive(Clone, Copy)]
pub(super) struct NfitDevice {
    /// Its NFIT device handle.
    handle: u32,
    /// The index of its control region.
    control: u16,
}

impl NfitDevice {
    pub(super) const fn handle(self) -> u32 {
        self.handle
    }
}

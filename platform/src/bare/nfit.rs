//! ACPI's NVDIMM Firmware Interface Table, read in place: ACPI 6.5, section 5.2.26.
//!
//! No byte of the table is trusted. [`Nfit::parse`] checks every length once. A structure that does
//! not fit into the table, or is too short for its type, makes the whole table refused; structures
//! of a type that is not known are skipped. Where Linux reads a table that is wrong, and warns, so
//! does this: [`Nfit::warnings`].

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
    /// All of it, and no more.
    table: Bytes<'t>,
}

/// The header that all tables have, and four reserved bytes.
const HEADER: usize = 40;

/// How many structures a table may have: a machine with hundreds of DIMMs has about four for each.
/// How many of them may be ranges, and devices of one range. All are compared with each other, and
/// that shall not take for ever.
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
/// The valid fields of a control region: place and time of making.
const MADE_VALID: u8 = 1;

/// What a structure has at least, by its type; 4 for those that are not known.
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

/// A structure: its type, and its bytes from the beginning.
#[derive(Clone, Copy)]
struct Structure<'t> {
    kind: u16,
    bytes: Bytes<'t>,
}

/// The structures one after the other, or the offset of one that cannot be; ends after that.
struct Structures<'t> {
    table: Bytes<'t>,
    /// The next one: at the end where that is.
    next: usize,
}

impl<'t> Iterator for Structures<'t> {
    type Item = Result<Structure<'t>, usize>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.next;
        let rest = self.table.tail(at)?;
        let length = match rest.u16(2) {
            // As Linux has it: a length of 0, and so a tail of zeros, is the end.
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
                // Whatever is wrong, nothing comes after it.
                self.next = self.table.len();
                Some(Err(at))
            }
        }
    }
}

impl<'t> Nfit<'t> {
    /// The table at the beginning of `bytes`.
    ///
    /// # Errors
    ///
    /// What is wrong with it. [`TableFault::TooMany`]: it has more than 4 MiB, 2048 structures, 256
    /// ranges, or 64 devices of one range. A fault that Linux only warns of is no error: see
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
        // Here, so that the devices of few are looked at.
        let mut ranges = nfit.structures_of(RANGE).filter_map(|range| range.u16(4));
        if nfit.structures_of(RANGE).nth(RANGES).is_some()
            || ranges.any(|index| nfit.devices(index).nth(DEVICES).is_some())
        {
            return Err(TableFault::TooMany);
        }
        Ok(nfit)
    }

    /// A table that [`parse`](Self::parse) found whole before, for who can keep no [`Nfit`]
    /// meanwhile: it is not looked through again. Of one that was changed since, the answers are
    /// wrong, and nothing else. `None` where there is no table at all.
    #[doc(hidden)]
    #[must_use]
    pub fn parsed(bytes: &'t [u8]) -> Option<Self> {
        let table = Bytes::new(bytes);
        let length = usize::try_from(table.u32(4)?).ok()?;
        Some(Self { table: table.head(length).filter(|table| table.len() >= HEADER)? })
    }

    /// Returns the faults of the table that Linux warns of and reads it with, at most one of each
    /// kind. All bytes of the table are added up for that.
    pub fn warnings(self) -> impl Iterator<Item = TableWarning> {
        [self.checksum(), self.early_end()].into_iter().flatten()
    }

    fn checksum(self) -> Option<TableWarning> {
        let (sum, found) = (self.sum(), self.table.u8(9)?);
        let expected = found.wrapping_sub(sum);
        (sum != 0).then_some(TableWarning::Checksum { found, expected })
    }

    /// The sum of its bytes, by which it is noticed that they were changed.
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

    /// The range with this place among the ranges.
    fn range(self, number: u16) -> Option<Bytes<'t>> {
        self.structures_of(RANGE).nth(number.into())
    }

    /// The index by which mappings name it; 0, which is reserved, where there is none.
    fn index(self, number: u16) -> u16 {
        self.range(number).and_then(|range| range.u16(4)).unwrap_or(0)
    }

    /// The type of a range.
    pub(super) fn guid(self, number: u16) -> Option<Guid> {
        Guid::at(self.range(number)?, 16)
    }

    /// The proximity domain of a range.
    pub(super) fn proximity_domain(self, number: u16) -> Option<u32> {
        let range = self.range(number)?;
        range.u32(12).filter(|_| range.u16(6).is_some_and(|flags| flags & PROXIMITY_VALID != 0))
    }

    /// The mappings of the devices that a range is made of.
    pub(super) fn devices(self, index: u16) -> impl Iterator<Item = Bytes<'t>> {
        // Index 0 is reserved: such a mapping belongs to no range.
        self.structures_of(MAPPING)
            .filter(move |mapping| index != 0 && mapping.u16(12) == Some(index))
    }

    /// The device with this place in a range's mappings.
    pub(super) fn device(self, number: u16, n: usize) -> Option<NfitDevice> {
        let mapping = self.devices(self.index(number)).nth(n)?;
        Some(NfitDevice { handle: mapping.u32(4)?, control: mapping.u16(14)? })
    }

    /// The id of a device as Linux makes it: vendor, place and time of making if they are known,
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
        // Vendor, place and time of its making, serial number: all big-endian.
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

    /// For each device of a range that has some, an address that a write to makes its memory
    /// controller write out what it holds. A device may have several, of which one is enough; those
    /// that eight bytes cannot be written to are none.
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
    /// The NFIT's handle of it.
    handle: u32,
    /// Its control region.
    control: u16,
}

impl NfitDevice {
    pub(super) const fn handle(self) -> u32 {
        self.handle
    }
}

//! The platform of C's regions: [`Bare`], as far as C's structures reach.

use core::{ffi::c_int, ptr, ptr::NonNull};

use pmem2::{
    Error, Handle, Kind, Source,
    bare::{Bare, BareDimm, Extent, ExtentId, RegionFault},
    error::Subject,
    place::{Backing, Region},
    platform::{BadBlocks, Borrowed, Facts, Fail, Locate, Platform, Text, Transfer},
};

use super::{
    array::text,
    structures::{CDimm, CRegion, location},
};
use crate::failure::Failure;

/// The bytes that an id may have.
const ID: usize = 32;

/// The platform of [`export_regions!`](crate::export_regions).
#[derive(Clone, Copy, Debug, Default)]
pub struct Regions(());

/// A pointer to a region.
#[derive(Clone, Copy)]
pub struct RegionAt(NonNull<CRegion>);

// SAFETY: nothing is written to through it, and what it leads to is written to by nobody
// (RegionAt::new).
unsafe impl Send for RegionAt {}
// SAFETY: as above.
unsafe impl Sync for RegionAt {}

impl RegionAt {
    /// Makes one.
    ///
    /// # Safety
    ///
    /// As long as the value, and what is made with it, is used, the region is valid for reads and
    /// not written to, and so is all that its pointers lead to.
    pub(crate) const unsafe fn new(region: NonNull<CRegion>) -> Self {
        Self(region)
    }

    fn get(&self) -> &CRegion {
        // SAFETY: who called `new` promised it.
        unsafe { self.0.as_ref() }
    }

    /// Makes a region of `length` bytes of this one from `offset` on. It is refused for the reasons
    /// that such a source would be.
    pub(crate) fn part(self, offset: u64, length: u64) -> Result<CRegion, Failure> {
        let region = self.get();
        // The whole, with its table: in that, a part would overlap the region that it is a part of.
        // SAFETY: who called `new` promised that it stays.
        let whole = unsafe { Borrowed::from_raw(Regions::default(), self) };
        Source::new(whole).map_err(|error| region.refusal(error))?;
        // It was understood just now.
        let physical = region.physical().map_err(|_| Error::InvalidRegionFormat)?;
        let part = Source::from_region(Extent::new(&physical).part(offset, length))?;
        let base = part.handle().base().ok_or(Error::InvalidRegion(RegionFault::Wraps))?;
        Ok(CRegion { base, length, table: ptr::null(), table_length: 0, ..*region })
    }

    /// Queries the region, if it is still the one that was described.
    fn query<T>(
        &self,
        facts: &Facts<ExtentId>,
        query: impl FnOnce(Borrowed<'_, Bare<'_>>) -> Result<T, Fail>,
    ) -> Result<T, Fail> {
        let physical = self.get().physical()?;
        let extent = Extent::new(&physical);
        // The ids only: tables are compared once.
        if Bare::describe((&extent).into())?.id != facts.id {
            return Err(Fail::Replaced);
        }
        query((&extent).into())
    }
}

impl TryFrom<c_int> for RegionAt {
    type Error = ();
    fn try_from(_: c_int) -> Result<Self, ()> {
        Err(())
    }
}

impl TryFrom<RegionAt> for c_int {
    type Error = ();
    fn try_from(_: RegionAt) -> Result<Self, ()> {
        Err(())
    }
}

impl Platform for Regions {
    type Raw = RegionAt;
    type Id = ExtentId;

    fn describe(handle: Borrowed<'_, Self>) -> Result<Facts<ExtentId>, Fail> {
        let at = handle.raw();
        let region = at.get();
        let mut facts = Bare::describe((&Extent::new(&region.physical()?)).into())?;
        if facts.kind == Kind::Region && region.overlaps()? {
            facts.kind = Kind::InvalidRegion(RegionFault::Overlaps);
        }
        Ok(facts)
    }

    fn size(handle: Borrowed<'_, Self>, facts: &Facts<ExtentId>) -> Result<u64, Fail> {
        handle.raw().query(facts, |extent| Bare::size(extent, facts))
    }

    fn alignment(handle: Borrowed<'_, Self>, facts: &Facts<ExtentId>) -> Result<u64, Fail> {
        handle.raw().query(facts, |extent| Bare::alignment(extent, facts))
    }
}

/// Not here: whether the region is mapped is the program's to say.
impl Transfer for Regions {
    type Guard = ();
    type Channel = ();
}

impl BadBlocks for Regions {
    type List = ();
}

/// A DIMM, by its index in the region.
#[derive(Clone, Copy)]
pub struct DimmAt {
    region: RegionAt,
    index: usize,
}

impl DimmAt {
    /// Queries the DIMM in the board's table or in the NFIT.
    fn query<T>(
        self,
        of_board: impl FnOnce(&CDimm) -> Result<T, Fail>,
        of_nfit: impl FnOnce(Bare<'_>, BareDimm<'_>) -> Result<T, Fail>,
    ) -> Result<T, Fail> {
        let region = self.region.get();
        let gone = Fail::Absent(Subject::Dimm);
        let Some(nfit) = region.nfit()? else {
            return of_board(region.dimms()?.get(self.index).ok_or(gone)?);
        };
        let devices = region.with_devices(nfit)?;
        of_nfit(Bare::default(), Bare::default().dimm(&&devices, 0, self.index)?.ok_or(gone)?)
    }
}

impl Locate for Regions {
    type Location = RegionAt;
    type Dimm = DimmAt;

    fn locate(handle: Borrowed<'_, Self>, facts: &Facts<ExtentId>) -> Result<RegionAt, Fail> {
        handle.raw().query(facts, |_| Ok(handle.raw()))
    }

    fn confirm(self, at: &RegionAt) -> Result<u64, Fail> {
        Ok(at.get().base)
    }

    fn backing(self, _: &RegionAt) -> Result<Backing, Fail> {
        Ok(Backing::Regions)
    }

    fn regions(self, _: &RegionAt) -> Result<usize, Fail> {
        Ok(1)
    }

    fn region(self, at: &RegionAt, index: usize) -> Result<Option<Region>, Fail> {
        Bare::default().region(&location(Extent::new(&at.get().physical()?))?, index)
    }

    fn dimm(self, at: &RegionAt, region: usize, index: usize) -> Result<Option<DimmAt>, Fail> {
        if region > 0 {
            return Ok(None);
        }
        if index == 0 {
            // A table that was changed meanwhile is noticed here, once for all of a region's DIMMs.
            at.get().check_nfit()?;
        }
        let dimm = DimmAt { region: *at, index };
        match dimm.query(|_| Ok(()), |_, _| Ok(())) {
            Ok(()) => Ok(Some(dimm)),
            Err(Fail::Absent(Subject::Dimm)) => Ok(None),
            Err(fail) => Err(fail),
        }
    }

    fn dimm_number(self, dimm: DimmAt) -> Result<u32, Fail> {
        let of_board =
            |_: &CDimm| u32::try_from(dimm.index).map_err(|_| Fail::Malformed(Subject::Dimm));
        dimm.query(of_board, |bare, dimm| bare.dimm_number(dimm))
    }

    fn dimm_id(self, dimm: DimmAt) -> Result<Text<ID>, Fail> {
        // SAFETY: it is NULL or a string: who made the RegionAt promised that.
        let id = |dimm: &CDimm| match unsafe { text(dimm.id, ID + 1) } {
            None | Some([]) => Err(Fail::Unsupported),
            // Of an id that is cut, another DIMM could have the same.
            Some(id) => str::from_utf8(id)
                .ok()
                .and_then(Text::fit)
                .ok_or(Fail::Malformed(Subject::DeviceId)),
        };
        dimm.query(id, |bare, dimm| bare.dimm_id(dimm))
    }

    fn dimm_dirty_shutdowns(self, dimm: DimmAt) -> Result<u64, Fail> {
        let count = |dimm: &CDimm| {
            if dimm.counts == 0 { Err(Fail::Unsupported) } else { Ok(dimm.dirty_shutdowns) }
        };
        dimm.query(count, |bare, dimm| bare.dimm_dirty_shutdowns(dimm))
    }

    fn dax_capable(self, at: &RegionAt) -> Result<Option<bool>, Fail> {
        Bare::default().dax_capable(&location(Extent::new(&at.get().physical()?))?)
    }
}

#[cfg(test)]
mod tests {
    use core::ptr;
    use std::vec::Vec;

    use pmem2::bare::Nfit;

    use super::*;

    /// An NFIT of one range with two devices, whose index is not its number.
    fn table() -> Vec<u8> {
        let structure = |kind: u8, length: usize, fields: &[(usize, u8)]| {
            let mut bytes = std::vec![0_u8; length];
            (bytes[0], bytes[2]) = (kind, u8::try_from(length).unwrap());
            fields.iter().for_each(|(at, field)| bytes[*at] = *field);
            bytes
        };
        let mut table = [
            [b"NFIT".as_slice(), &[0; 36]].concat(),
            structure(0, 56, &[(4, 9), (41, 16)]),
            structure(1, 48, &[(4, 1), (12, 9), (14, 1)]),
            structure(1, 48, &[(4, 2), (12, 9), (14, 2)]),
            structure(4, 32, &[(4, 1), (24, 0xaa)]),
            structure(4, 32, &[(4, 2), (24, 0xbb)]),
        ]
        .concat();
        let length = u16::try_from(table.len()).unwrap();
        table[4..6].copy_from_slice(&length.to_le_bytes());
        table[9] = table.iter().fold(0_u8, |sum, byte| sum.wrapping_sub(*byte));
        table
    }

    /// The second DIMM's number and id, asked for after `change` was done to the table, which was
    /// checked for the first.
    fn second(change: impl Fn(&mut [u8])) -> Result<Option<(u32, Text<ID>)>, Fail> {
        let mut table = table();
        let whole = ptr::slice_from_raw_parts_mut(table.as_mut_ptr(), table.len());
        // SAFETY: these are the table's bytes, which nobody writes to while this is used.
        let bytes = unsafe { &*whole };
        let region =
            CRegion::from_nfit(&Nfit::parse(bytes).unwrap().regions().next().unwrap(), bytes)
                .unwrap();
        // SAFETY: the region stays, and the table is written to between two questions only.
        let at = unsafe { RegionAt::new(NonNull::from(&region)) };
        let bare = Regions::default();
        assert!(bare.dimm(&at, 0, 0).unwrap().is_some());
        // SAFETY: nothing borrows them now.
        change(unsafe { &mut *whole });
        let Some(dimm) = bare.dimm(&at, 0, 1)? else { return Ok(None) };
        Ok(Some((bare.dimm_number(dimm)?, bare.dimm_id(dimm)?)))
    }

    #[test]
    fn a_table_that_changes_between_two_questions_gives_other_answers_and_no_more() {
        let id = |text| Text::fit(text).unwrap();
        assert_eq!(second(|_| ()), Ok(Some((2, id("0000-bb000000")))));
        // Longer than the memory that it is in; no table any more.
        assert_eq!(second(|table| table[6] = 1), Err(Fail::Malformed(Subject::Dimm)));
        assert_eq!(second(|table| table[..8].fill(0)), Err(Fail::Malformed(Subject::Dimm)));
        // Its structures end early, or in the middle of one.
        assert_eq!(second(|table| table[42] = 0), Ok(None));
        assert_eq!(second(|table| table[96 + 2] = 0xff), Ok(None));
        assert_eq!(second(|table| table[40..].fill(0xff)), Ok(None));
        assert_eq!(
            second(|table| table[144 + 14] = 7),
            Err(Fail::Unsupported),
            "no control region"
        );
        let length = table().len();
        for at in 0..length {
            for byte in [0, 1, 4, 0x30, 0x7f, 0xff] {
                let _ = second(|table| table[at] = byte);
            }
        }
    }

    #[test]
    fn a_region_has_no_second_region() {
        let board = CDimm { id: ptr::null(), dirty_shutdowns: 0, counts: 0, private: 0 };
        let bytes = table();
        let region =
            CRegion::from_nfit(&Nfit::parse(&bytes).unwrap().regions().next().unwrap(), &bytes)
                .unwrap();
        // A table that is not looked at, whatever it is.
        let gone = CRegion { nfit_length: 1, ..region };
        let of_board =
            CRegion { nfit: ptr::null(), dimms: &raw const board, dimm_count: 1, ..region };
        for (region, first) in
            [(region, Ok(true)), (gone, Err(Fail::Malformed(Subject::Dimm))), (of_board, Ok(true))]
        {
            // SAFETY: it stays while it is asked, and so does the table.
            let at = unsafe { RegionAt::new(NonNull::from(&region)) };
            assert_eq!(Regions::default().dimm(&at, 0, 0).map(|dimm| dimm.is_some()), first);
            assert_eq!(Regions::default().dimm(&at, 1, 0).map(|dimm| dimm.is_none()), Ok(true));
        }
    }
}

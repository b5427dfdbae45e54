//! Where a region lies, by its table.

use super::{
    nfit::NfitDevice,
    region::{DimmTable, PhysicalRegion},
    source::{Bare, ExtentId},
};
use crate::{
    facts::Facts,
    fail::{Fail, Subject},
    persist::PersistenceDomain,
    place::{Backing, DimmState, Locate, Mode, Region},
    source::{Borrowed, Handle},
    text::Text,
};

/// A DIMM of a region: two words, since a small machine's stack holds it several times.
#[derive(Clone, Copy, Debug)]
pub struct BareDimm<'t> {
    region: &'t PhysicalRegion<'t>,
    index: usize,
}

impl<'t> Locate for Bare<'t> {
    /// A part lies where its region does.
    type Location = &'t PhysicalRegion<'t>;
    type Dimm = BareDimm<'t>;

    fn locate(extent: Borrowed<'_, Self>, facts: &Facts<ExtentId>) -> Result<Self::Location, Fail> {
        let extent = extent.raw();
        if extent.id() == facts.id { Ok(extent.region()) } else { Err(Fail::Replaced) }
    }

    /// Physical memory stays where it is.
    fn confirm(self, region: &Self::Location) -> Result<u64, Fail> {
        Ok(region.base)
    }

    fn backing(self, _: &Self::Location) -> Result<Backing, Fail> {
        Ok(Backing::Regions)
    }

    fn device(self, _: &Self::Location) -> Result<Text<32>, Fail> {
        Ok(Text::new())
    }

    fn regions(self, _: &Self::Location) -> Result<usize, Fail> {
        Ok(1)
    }

    fn region(self, from: &Self::Location, index: usize) -> Result<Option<Region>, Fail> {
        if index > 0 {
            return Ok(None);
        }
        // Written in its final place: a small stack has no room for copies.
        let mut answer = Ok(Some(Region::new(0, from.number, Mode::Whole)));
        if let Ok(Some(region)) = &mut answer {
            region.provider = Text::cut(from.provider);
            region.domain = from.domain;
            region.read_only = from.read_only;
            region.state = from.state;
            region.numa_node = from.numa_node;
        }
        answer
    }

    fn domain(
        self,
        region: &Self::Location,
        index: usize,
        _: bool,
    ) -> Result<Option<PersistenceDomain>, Fail> {
        Ok((index == 0).then_some(region.domain))
    }

    fn read_only(self, region: &Self::Location, index: usize) -> Result<Option<bool>, Fail> {
        Ok((index == 0).then_some(region.read_only))
    }

    fn armed(self, region: &Self::Location, index: usize) -> Result<Option<bool>, Fail> {
        let armed = !region.state.contains(DimmState::NOT_ARMED);
        Ok((index == 0).then_some(armed))
    }

    fn numa_node(self, region: &Self::Location, index: usize) -> Result<Option<Option<u32>>, Fail> {
        Ok((index == 0).then_some(region.numa_node))
    }

    fn dimm(
        self,
        location: &Self::Location,
        region: usize,
        index: usize,
    ) -> Result<Option<BareDimm<'t>>, Fail> {
        let there = region == 0
            && match location.dimms {
                DimmTable::Board(all) => index < all.len(),
                DimmTable::Nfit(nfit, range) => nfit.device(range, index).is_some(),
            };
        Ok(there.then_some(BareDimm { region: location, index }))
    }

    fn dimm_number(self, dimm: BareDimm<'t>) -> Result<u32, Fail> {
        let number = match dimm.region.dimms {
            DimmTable::Board(_) => u32::try_from(dimm.index).ok(),
            DimmTable::Nfit(nfit, range) => nfit.device(range, dimm.index).map(NfitDevice::handle),
        };
        number.ok_or(Fail::Malformed(Subject::Dimm))
    }

    // Written in its final place, without a frame of its own: a small stack has no room for copies.
    #[inline(always)]
    fn dimm_id(self, dimm: BareDimm<'t>) -> Result<Text<32>, Fail> {
        let mut id = Ok(Text::new());
        if let Ok(text) = &mut id {
            let known = match dimm.region.dimms {
                DimmTable::Board(all) => match all.get(dimm.index).map(|dimm| dimm.id) {
                    None | Some("") => Err(Fail::Unsupported),
                    Some(known) if text.push(known) => Ok(()),
                    Some(_) => Err(Fail::Malformed(Subject::DeviceId)),
                },
                DimmTable::Nfit(nfit, range) => {
                    nfit.put_id(range, dimm.index, text).ok_or(Fail::Unsupported)
                }
            };
            if let Err(fail) = known {
                id = Err(fail);
            }
        }
        id
    }

    fn dimm_dirty_shutdowns(self, dimm: BareDimm<'t>) -> Result<u64, Fail> {
        let count = match dimm.region.dimms {
            DimmTable::Board(all) => all.get(dimm.index).and_then(|dimm| dimm.dirty_shutdowns),
            DimmTable::Nfit(..) => None,
        };
        count.ok_or(Fail::Unsupported)
    }

    fn dax_capable(self, _: &Self::Location) -> Result<Option<bool>, Fail> {
        Ok(Some(true))
    }
}

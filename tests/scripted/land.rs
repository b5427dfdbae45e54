//! A script's knowledge of where its object lies.

use std::cell::Cell;

use pmem2::{
    Handle,
    error::{Errno, Subject},
    persist::PersistenceDomain,
    place::{Backing, DaxOption, DaxState, MapSync, Mode, Region},
    platform::{Borrowed, Facts, Fail, Locate, Text},
};

use crate::script::{Call, Id, Script};

/// The answers, each of which may be a failure.
#[derive(Clone, Debug)]
pub(crate) struct Land {
    pub(crate) locate: Result<(), Fail>,
    /// The first answer, and the one from then on.
    pub(crate) confirm: [Result<u64, Fail>; 2],
    pub(crate) backing: Result<Backing, Fail>,
    pub(crate) device: Result<Text<32>, Fail>,
    pub(crate) count: Result<usize, Fail>,
    pub(crate) regions: Vec<Result<Region, Fail>>,
    pub(crate) domains: Vec<Result<PersistenceDomain, Fail>>,
    pub(crate) read_only: Vec<Result<bool, Fail>>,
    pub(crate) armed: Vec<Result<bool, Fail>>,
    pub(crate) nodes: Vec<Result<Option<u32>, Fail>>,
    pub(crate) targets: Vec<Result<Option<u32>, Fail>>,
    /// By region.
    pub(crate) dimms: Vec<Vec<Result<Dimm, Fail>>>,
    pub(crate) dax_capable: Result<Option<bool>, Fail>,
    pub(crate) synchronous: Result<MapSync, Fail>,
    pub(crate) direct: Result<DaxState, Fail>,
    pub(crate) confirmed: Cell<usize>,
}

#[derive(Clone, Debug)]
pub(crate) struct Dimm {
    pub(crate) number: Result<u32, Fail>,
    pub(crate) id: Result<Text<32>, Fail>,
    pub(crate) dirty_shutdowns: Result<u64, Fail>,
}

impl Dimm {
    pub(crate) fn new(number: u32, id: &str, dirty_shutdowns: u64) -> Result<Self, Fail> {
        Ok(Self { number: Ok(number), id: Ok(text(id)), dirty_shutdowns: Ok(dirty_shutdowns) })
    }
}

pub(crate) fn text<const N: usize>(text: &str) -> Text<N> {
    Text::fit(text).expect("a text that fits")
}

/// A region of `bus` with ADR on node 0, of whatever made it.
pub(crate) fn region(bus: u32, number: u32, mode: Mode) -> Region {
    let mut region = Region::new(bus, number, mode);
    region.namespace = Some(0);
    region.provider = text("ACPI.NFIT");
    region.domain = PersistenceDomain::MemoryController;
    region.numa_node = Some(0);
    region
}

impl Land {
    /// The answer to every question, until it is written.
    pub(crate) fn unknown() -> Self {
        Self {
            locate: Err(Fail::Unsupported),
            confirm: [Err(Fail::Unsupported); 2],
            backing: Err(Fail::Unsupported),
            device: Err(Fail::Unsupported),
            count: Err(Fail::Unsupported),
            regions: Vec::new(),
            domains: Vec::new(),
            read_only: Vec::new(),
            armed: Vec::new(),
            nodes: Vec::new(),
            targets: Vec::new(),
            dimms: Vec::new(),
            dax_capable: Err(Fail::Unsupported),
            synchronous: Err(Fail::Unsupported),
            direct: Err(Fail::Unsupported),
            confirmed: Cell::new(0),
        }
    }

    /// A file on the file system of these regions, each with a DIMM of its own, mounted with DAX.
    pub(crate) fn of(regions: impl IntoIterator<Item = Region>) -> Self {
        let regions: Vec<_> = regions.into_iter().collect();
        let dimm = |number: usize| {
            Dimm::new(number as u32, &format!("8680-{number:08x}"), number as u64 + 1)
        };
        Self {
            locate: Ok(()),
            confirm: [Ok(77); 2],
            backing: Ok(Backing::Regions),
            device: Ok(text("pmem0")),
            count: Ok(regions.len()),
            domains: regions.iter().map(|region| Ok(region.domain)).collect(),
            read_only: regions.iter().map(|region| Ok(region.read_only)).collect(),
            armed: regions.iter().map(|region| Ok(!region.is_unarmed())).collect(),
            nodes: regions.iter().map(|region| Ok(region.numa_node)).collect(),
            targets: regions.iter().map(|region| Ok(region.target_node)).collect(),
            dimms: (0..regions.len()).map(|number| vec![dimm(number)]).collect(),
            regions: regions.into_iter().map(Ok).collect(),
            dax_capable: Ok(Some(true)),
            synchronous: Ok(MapSync::Granted),
            direct: Ok(DaxState::new(Some(true), Some(DaxOption::Always))),
            confirmed: Cell::new(0),
        }
    }

    /// On one region in the mode fsdax.
    pub(crate) fn fsdax() -> Self {
        Self::of([region(0, 0, Mode::Fsdax)])
    }

    /// On something that is no region.
    pub(crate) fn on(backing: Backing) -> Self {
        let mut land = Self::of([]);
        land.backing = Ok(backing);
        land.synchronous = Ok(MapSync::Refused);
        land
    }

    /// The answer to one question becomes a failure.
    pub(crate) fn fail(&mut self, call: Call, fail: Fail) {
        match call {
            Call::Locate => self.locate = Err(fail),
            Call::Confirm => self.confirm = [Err(fail); 2],
            Call::Backing => self.backing = Err(fail),
            Call::Device => self.device = Err(fail),
            Call::Regions => self.count = Err(fail),
            Call::Region(index) => self.regions[index] = Err(fail),
            Call::Domain(index, _) => self.domains[index] = Err(fail),
            Call::ReadOnly(index) => self.read_only[index] = Err(fail),
            Call::Armed(index) => self.armed[index] = Err(fail),
            Call::NumaNode(index) => self.nodes[index] = Err(fail),
            Call::TargetNode(index) => self.targets[index] = Err(fail),
            Call::Dimm(region, index) => self.dimms[region][index] = Err(fail),
            Call::DimmNumber(region, index) => self.dimm(region, index).number = Err(fail),
            Call::DimmId(region, index) => self.dimm(region, index).id = Err(fail),
            Call::DimmDirtyShutdowns(region, index) => {
                self.dimm(region, index).dirty_shutdowns = Err(fail)
            }
            Call::DaxCapable => self.dax_capable = Err(fail),
            Call::MapSync => self.synchronous = Err(fail),
            Call::DaxState => self.direct = Err(fail),
            other => panic!("{other:?} is no question about a place"),
        }
    }

    pub(crate) fn dimm(&mut self, region: usize, index: usize) -> &mut Dimm {
        self.dimms[region][index].as_mut().expect("a DIMM")
    }
}

/// The key that a script finds a place by: the core has to hand on what it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Location(u16);

const SPOT: Location = Location(0x1ace);

/// The answer at this index; `None` beyond the last one.
fn at<T: Clone>(answers: &[Result<T, Fail>], index: usize) -> Result<Option<T>, Fail> {
    answers.get(index).cloned().transpose()
}

impl Script {
    fn about<T>(&self, call: Call, spot: &Location, answer: Result<T, Fail>) -> Result<T, Fail> {
        assert_eq!(*spot, SPOT, "the core hands on what it was told");
        self.answer(call, answer)
    }

    fn of_dimm<T>(
        &self,
        call: fn(usize, usize) -> Call,
        (region, index): (usize, usize),
        answer: impl FnOnce(&Dimm) -> Result<T, Fail>,
    ) -> Result<T, Fail> {
        let dimm = self.land.dimms[region][index].as_ref().expect("a DIMM that was given out");
        self.answer(call(region, index), answer(dimm))
    }
}

impl Locate for &Script {
    type Location = Location;
    /// Its region and its index there.
    type Dimm = (usize, usize);

    fn locate(handle: Borrowed<'_, Self>, facts: &Facts<Id>) -> Result<Location, Fail> {
        let script = handle.platform();
        script.ask(Call::Locate, handle.raw(), facts, script.land.locate.map(|()| SPOT))
    }
    fn confirm(self, spot: &Location) -> Result<u64, Fail> {
        let before = self.land.confirmed.replace(self.land.confirmed.get() + 1);
        self.about(Call::Confirm, spot, self.land.confirm[before.min(1)])
    }
    fn backing(self, spot: &Location) -> Result<Backing, Fail> {
        self.about(Call::Backing, spot, self.land.backing)
    }
    fn device(self, spot: &Location) -> Result<Text<32>, Fail> {
        self.about(Call::Device, spot, self.land.device)
    }
    fn regions(self, spot: &Location) -> Result<usize, Fail> {
        self.about(Call::Regions, spot, self.land.count)
    }
    fn region(self, spot: &Location, index: usize) -> Result<Option<Region>, Fail> {
        self.about(Call::Region(index), spot, at(&self.land.regions, index))
    }
    fn domain(
        self,
        spot: &Location,
        index: usize,
        synchronous: bool,
    ) -> Result<Option<PersistenceDomain>, Fail> {
        self.about(Call::Domain(index, synchronous), spot, at(&self.land.domains, index))
    }
    fn read_only(self, spot: &Location, index: usize) -> Result<Option<bool>, Fail> {
        self.about(Call::ReadOnly(index), spot, at(&self.land.read_only, index))
    }
    fn armed(self, spot: &Location, index: usize) -> Result<Option<bool>, Fail> {
        self.about(Call::Armed(index), spot, at(&self.land.armed, index))
    }
    fn numa_node(self, spot: &Location, index: usize) -> Result<Option<Option<u32>>, Fail> {
        self.about(Call::NumaNode(index), spot, at(&self.land.nodes, index))
    }
    fn target_node(self, spot: &Location, index: usize) -> Result<Option<Option<u32>>, Fail> {
        self.about(Call::TargetNode(index), spot, at(&self.land.targets, index))
    }
    fn dimm(
        self,
        spot: &Location,
        region: usize,
        index: usize,
    ) -> Result<Option<(usize, usize)>, Fail> {
        let dimm = self.land.dimms.get(region).map_or(Ok(None), |dimms| at(dimms, index));
        self.about(Call::Dimm(region, index), spot, dimm.map(|dimm| dimm.map(|_| (region, index))))
    }
    fn dimm_number(self, dimm: (usize, usize)) -> Result<u32, Fail> {
        self.of_dimm(Call::DimmNumber, dimm, |dimm| dimm.number)
    }
    fn dimm_id(self, dimm: (usize, usize)) -> Result<Text<32>, Fail> {
        self.of_dimm(Call::DimmId, dimm, |dimm| dimm.id)
    }
    fn dimm_dirty_shutdowns(self, dimm: (usize, usize)) -> Result<u64, Fail> {
        self.of_dimm(Call::DimmDirtyShutdowns, dimm, |dimm| dimm.dirty_shutdowns)
    }
    fn dax_capable(self, spot: &Location) -> Result<Option<bool>, Fail> {
        self.about(Call::DaxCapable, spot, self.land.dax_capable)
    }
    fn synchronous(handle: Borrowed<'_, Self>, facts: &Facts<Id>) -> Result<MapSync, Fail> {
        let script = handle.platform();
        script.ask(Call::MapSync, handle.raw(), facts, script.land.synchronous)
    }
    fn direct(handle: Borrowed<'_, Self>, facts: &Facts<Id>) -> Result<DaxState, Fail> {
        let script = handle.platform();
        script.ask(Call::DaxState, handle.raw(), facts, script.land.direct)
    }
}

/// Failures that a place may meet: one of each sort, and some errnos.
pub(crate) fn some_fails(what: Subject) -> Vec<Fail> {
    let errnos = [Errno::EACCES, Errno::ENOENT, Errno::EMFILE, Errno::EIO]
        .map(|errno| Fail::Os(what, errno));
    let others = [
        Fail::Unsupported,
        Fail::OsCode(what, 1392),
        Fail::Absent(what),
        Fail::Malformed(what),
        Fail::Replaced,
        Fail::DeviceReplaced,
        Fail::TooLarge(what),
    ];
    errnos.into_iter().chain(others).collect()
}

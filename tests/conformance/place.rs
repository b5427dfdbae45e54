//! The suite's rules about places: Linux keeps them, so does a platform that knows none, and every
//! way to break one is noticed.

use std::cell::Cell;

use pmem2::{
    Access, Handle, Kind,
    conformance::{Case, Expect, Rule, check_places},
    error::{Errno, Subject},
    place::{Backing, MapSync, Mode, Region},
    platform::{Alignment, Borrowed, Facts, Fail, Locate, Nowhere, Platform, Text},
};

const SOURCE: Expect =
    Expect::Source { kind: Kind::RegularFile, size: 160, alignment: 16, writable: false };

/// Where the platform below is wrong on purpose.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Lie {
    None,
    /// No lie: it cannot be mapped, or not for writing.
    Unmappable(Subject),
    LocateFails,
    SynchronousFails,
    RegionFails,
    DimmFails,
    PlaceChanges,
    NotConfirmed,
    StampChanges,
    NoRegions,
    RegionsElsewhere,
    OneTooMany,
    OneMissing,
    Unordered,
    Twice,
    OtherNode,
    NodesWithoutEnd,
    DimmsChange,
    DimmBehindTheEnd,
    DimmsOfNoRegion,
}

struct World {
    lie: Lie,
    asked: Cell<u32>,
}

impl World {
    fn next(&self) -> u32 {
        self.asked.set(self.asked.get() + 1);
        self.asked.get()
    }
}

impl Platform for &World {
    type Raw = ();
    type Id = u8;

    fn describe(_: Borrowed<'_, Self>) -> Result<Facts<u8>, Fail> {
        Ok(Facts::new(1, Kind::RegularFile, Access::READ, Alignment::new(16)))
    }
    fn size(_: Borrowed<'_, Self>, _: &Facts<u8>) -> Result<u64, Fail> {
        Ok(160)
    }
}

const FAILED: Fail = Fail::Os(Subject::Region, Errno::EIO);

/// Two regions: one with two DIMMs, and one with none.
impl Locate for &World {
    type Location = ();
    type Dimm = u32;

    fn locate(handle: Borrowed<'_, Self>, _: &Facts<u8>) -> Result<(), Fail> {
        if handle.platform().lie == Lie::LocateFails { Err(FAILED) } else { Ok(()) }
    }
    fn confirm(self, (): &()) -> Result<u64, Fail> {
        match self.lie {
            Lie::NotConfirmed if self.next() > 2 => Err(Fail::DeviceReplaced),
            Lie::StampChanges => Ok(self.next().into()),
            _ => Ok(7),
        }
    }
    fn backing(self, (): &()) -> Result<Backing, Fail> {
        Ok(if self.lie == Lie::RegionsElsewhere { Backing::DeviceDax } else { Backing::Regions })
    }
    fn device(self, (): &()) -> Result<Text<32>, Fail> {
        let number = if self.lie == Lie::PlaceChanges { self.next() } else { 0 };
        Ok(Text::fit(&format!("pmem{number}")).expect("short"))
    }
    fn regions(self, (): &()) -> Result<usize, Fail> {
        Ok(match self.lie {
            Lie::NoRegions => 0,
            Lie::OneTooMany => 3,
            Lie::OneMissing => 1,
            _ => 2,
        })
    }
    fn region(self, (): &(), index: usize) -> Result<Option<Region>, Fail> {
        let numbers = match self.lie {
            Lie::Unordered => [(1, 0), (0, 9)],
            Lie::Twice => [(0, 9), (0, 9)],
            _ => [(0, 9), (1, 0)],
        };
        let Some((bus, number)) = numbers.get(index) else { return Ok(None) };
        if self.lie == Lie::RegionFails && self.next() > 4 {
            return Err(FAILED);
        }
        let mut region = Region::new(*bus, *number, Mode::Fsdax);
        region.numa_node = u32::try_from(index).ok();
        Ok(Some(region))
    }
    fn numa_node(self, (): &(), index: usize) -> Result<Option<Option<u32>>, Fail> {
        Ok(match (self.lie, index) {
            (Lie::OtherNode, 1) => Some(None),
            (_, 0) => Some(Some(0)),
            (_, 1) => Some(Some(1)),
            (Lie::NodesWithoutEnd, _) => Some(None),
            _ => None,
        })
    }
    fn dimm(self, (): &(), region: usize, dimm: usize) -> Result<Option<u32>, Fail> {
        Ok(match (self.lie, region, dimm) {
            (Lie::DimmFails, 0, 1) => return Err(FAILED),
            (Lie::DimmsChange, 0, 0 | 1) => Some(self.next()),
            (_, 0, 0 | 1) => Some(dimm as u32),
            (Lie::DimmBehindTheEnd, 0, 3) | (Lie::DimmsOfNoRegion, 2, 0) => Some(9),
            _ => None,
        })
    }
    fn dimm_number(self, dimm: u32) -> Result<u32, Fail> {
        Ok(dimm)
    }
    fn synchronous(handle: Borrowed<'_, Self>, _: &Facts<u8>) -> Result<MapSync, Fail> {
        match handle.platform().lie {
            Lie::SynchronousFails => Err(FAILED),
            Lie::Unmappable(what) => Err(Fail::Os(what, Errno::ENODEV)),
            _ => Ok(MapSync::Granted),
        }
    }
}

struct Object<'w>(&'w World);

// SAFETY: there is one object, which is borrowed for as long as the handle lives.
unsafe impl<'w> Handle for Object<'w> {
    type P = &'w World;
    fn platform(&self) -> &'w World {
        self.0
    }
    fn raw(&self) {}
}

fn broken(lie: Lie) -> Option<Rule> {
    let world = World { lie, asked: Cell::new(0) };
    check_places(&[Case::new("an object", Object(&world), SOURCE)]).err().map(|violation| {
        assert!(violation.to_string().starts_with("an object (expected: "), "{violation}");
        violation.rule
    })
}

#[test]
fn every_lie_is_noticed() {
    let table = [
        (Lie::None, None),
        (Lie::Unmappable(Subject::Mapping), None),
        (Lie::Unmappable(Subject::WritableMapping), None),
        (Lie::LocateFails, Some(Rule::PlaceFails(FAILED))),
        (Lie::SynchronousFails, Some(Rule::PlaceFails(FAILED))),
        (Lie::RegionFails, Some(Rule::PlaceFails(FAILED))),
        (Lie::DimmFails, Some(Rule::PlaceFails(FAILED))),
        (Lie::PlaceChanges, Some(Rule::PlaceIsStable)),
        (Lie::NotConfirmed, Some(Rule::PlaceIsStable)),
        (Lie::StampChanges, Some(Rule::PlaceIsStable)),
        (Lie::NoRegions, Some(Rule::RegionsAreCounted)),
        (Lie::RegionsElsewhere, Some(Rule::RegionsAreCounted)),
        (Lie::OneTooMany, Some(Rule::RegionsAreCounted)),
        (Lie::OneMissing, Some(Rule::RegionsAreCounted)),
        (Lie::Unordered, Some(Rule::RegionsAreOrdered)),
        (Lie::Twice, Some(Rule::RegionsAreOrdered)),
        (Lie::OtherNode, Some(Rule::NumaNode)),
        (Lie::NodesWithoutEnd, Some(Rule::NumaNode)),
        (Lie::DimmsChange, Some(Rule::DimmsAreStable)),
        (Lie::DimmBehindTheEnd, Some(Rule::DimmsAreStable)),
        (Lie::DimmsOfNoRegion, Some(Rule::DimmsAreStable)),
    ];
    for (lie, rule) in table {
        assert_eq!(broken(lie), rule, "{lie:?}");
    }
}

/// A platform that knows nothing of places.
#[derive(Clone, Copy)]
struct Blind;

impl Platform for Blind {
    type Raw = ();
    type Id = u8;

    fn describe(_: Borrowed<'_, Self>) -> Result<Facts<u8>, Fail> {
        Ok(Facts::new(1, Kind::RegularFile, Access::READ, Alignment::new(16)))
    }
    fn size(_: Borrowed<'_, Self>, _: &Facts<u8>) -> Result<u64, Fail> {
        Ok(160)
    }
}

impl Locate for Blind {
    type Location = Nowhere;
    type Dimm = Nowhere;
}

struct Unseen;

// SAFETY: there is one object, for ever.
unsafe impl Handle for Unseen {
    type P = Blind;
    fn platform(&self) -> Blind {
        Blind
    }
    fn raw(&self) {}
}

#[test]
fn who_knows_no_places_keeps_the_rules() {
    assert_eq!(check_places(&[Case::new("an object", Unseen, SOURCE)]), Ok(()));
    let handle = Borrowed::from(&Unseen);
    let facts = Blind::describe(handle).expect("facts");
    assert_eq!(Blind::locate(handle, &facts).map(|_| ()), Err(Fail::Unsupported));
    assert_eq!(Blind::synchronous(handle, &facts), Err(Fail::Unsupported));
    assert_eq!(Blind::direct(handle, &facts), Err(Fail::Unsupported));
}

/// A platform that only says where it is: everything else is as it is written in the trait.
#[derive(Clone, Copy)]
struct Brief;

impl Platform for Brief {
    type Raw = ();
    type Id = u8;

    fn describe(_: Borrowed<'_, Self>) -> Result<Facts<u8>, Fail> {
        Blind::describe((&Unseen).into())
    }
    fn size(_: Borrowed<'_, Self>, facts: &Facts<u8>) -> Result<u64, Fail> {
        Blind::size((&Unseen).into(), facts)
    }
}

impl Locate for Brief {
    type Location = u8;
    type Dimm = u8;

    fn region(self, spot: &u8, index: usize) -> Result<Option<Region>, Fail> {
        let mut region = Region::new(0, 0, Mode::Raw);
        region.numa_node = Some(u32::from(*spot));
        Ok((index == 0).then_some(region))
    }
}

#[test]
fn what_is_not_written_is_unsupported_but_for_the_name() {
    let unsupported = Err(Fail::Unsupported);
    assert_eq!(Brief.confirm(&3), Err(Fail::Unsupported));
    assert_eq!(Brief.backing(&3).map(|_| ()), unsupported);
    assert_eq!(Brief.device(&3).as_deref(), Ok(""), "a name is for people");
    assert_eq!(Brief.regions(&3).map(|_| ()), unsupported);
    assert_eq!(Brief.dimm(&3, 0, 0).map(|_| ()), unsupported);
    assert_eq!(Brief.dimm_number(3).map(|_| ()), unsupported);
    assert_eq!(Brief.dimm_id(3).map(|_| ()), unsupported);
    assert_eq!(Brief.dimm_dirty_shutdowns(3).map(|_| ()), unsupported);
    assert_eq!(Brief.dax_capable(&3).map(|_| ()), unsupported);
    assert_eq!(
        (Brief.numa_node(&3, 0), Brief.numa_node(&3, 1)),
        (Ok(Some(Some(3))), Ok(None)),
        "the region's"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn linux_keeps_the_rules() -> Result<(), Box<dyn std::error::Error>> {
    use pmem2::Error;
    use std::fs::File;
    let here = tempfile::tempfile()?;
    let program = File::open("/proc/self/exe")?;
    let file =
        |size| Expect::Source { kind: Kind::RegularFile, size, alignment: 4096, writable: true };
    check_places(&[
        Case::new("a file", &here, file(0)),
        Case::new("a program", &program, file(0)),
    ])?;
    let directory = File::open("/")?;
    let refused = check_places(&[Case::new("a directory", &directory, file(0))])
        .map_err(|violation| violation.rule);
    assert_eq!(refused, Err(Rule::Outcome(Some(Error::InvalidFileType(Kind::Directory)))));
    Ok(check_places(&[Case::new("a directory", &directory, Expect::Refused(-100_005))])?)
}

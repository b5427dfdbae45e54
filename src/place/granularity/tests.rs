//! The decisions that need no system, in every combination.

extern crate std;

use std::{vec, vec::Vec};

use pmem2_platform::{
    Backing, DimmState, FileSystem, Kind, Mode, PersistenceDomain, Region, Undurable,
};

use super::{
    Basis, Terms, by_domain, excludes_sync,
    expected::{Granularity, Sharing},
    reason::Reason,
    settled, tries_sync,
};
use crate::{error::Error, place::Place};

const GRANULARITIES: [Granularity; 3] =
    [Granularity::Byte, Granularity::CacheLine, Granularity::Page];

const KINDS: [Kind; 4] = [Kind::RegularFile, Kind::DeviceDax, Kind::Anonymous, Kind::Region];

/// Every combination of a kind, a sharing, a call that is wanted, and what is forced.
fn every() -> Vec<(Kind, Terms<'static>)> {
    let mut every = Vec::new();
    for kind in KINDS {
        for sharing in [Sharing::Shared, Sharing::Private] {
            for by_call in [false, true] {
                let forced = GRANULARITIES.map(Some).into_iter().chain([None]);
                every.extend(
                    forced.map(|forced| (kind, Terms { sharing, by_call, forced, place: None })),
                );
            }
        }
    }
    every
}

#[test]
fn what_is_settled() {
    for (kind, terms) in every() {
        let answer = settled(kind, &terms)
            .map(|expected| expected.map(|expected| (expected.granularity, expected.reason)));
        let byte = |reason| Ok(Some((Granularity::Byte, reason)));
        // A device DAX has no msync.
        let no_call = Err(Error::NotDurable(Undurable::NoCall));
        let expected = match (kind, terms.sharing, terms.forced, terms.by_call) {
            (Kind::Anonymous, ..) => byte(Reason::Anonymous),
            (Kind::DeviceDax, Sharing::Private, ..) => Err(Error::SrcDevdaxPrivate),
            (_, Sharing::Private, ..) => byte(Reason::Private),
            // Finer or coarser than what it needs: neither is refused here.
            (Kind::DeviceDax, _, Some(Granularity::Page), _) => no_call,
            (Kind::RegularFile | Kind::DeviceDax, _, Some(forced), _) => {
                Ok(Some((forced, Reason::Forced)))
            }
            (Kind::DeviceDax, _, None, true) => no_call,
            (Kind::RegularFile, _, None, true) => Ok(Some((Granularity::Page, Reason::ByCall))),
            _ => Ok(None),
        };
        assert_eq!(answer, expected, "{kind:?}, {:?}", (terms.forced, terms.by_call));
    }
}

/// A place on these regions.
fn on(backing: Backing, dax_capable: Option<bool>, regions: &[Region]) -> Place {
    let mut place = Place { backing, dax_capable, ..Place::UNKNOWN };
    for (to, region) in place.regions.iter_mut().zip(regions) {
        *to = Some(*region);
    }
    place
}

fn region(mode: Mode, domain: PersistenceDomain) -> Region {
    let mut region = Region::new(0, 1, mode);
    region.domain = domain;
    region
}

/// Each place, and whether it excludes that a file there is mapped synchronously.
fn places() -> Vec<(Place, bool)> {
    let fsdax = region(Mode::Fsdax, PersistenceDomain::MemoryController);
    let host = region(Mode::Fsdax, PersistenceDomain::Host);
    let sector = region(Mode::Sector, PersistenceDomain::MemoryController);
    let system = FileSystem::from_magic(0x0102_1994);
    let regions = |capable, regions: &[Region]| on(Backing::Regions, capable, regions);
    let elsewhere = |backing| on(backing, None, &[]);
    vec![
        (regions(Some(true), &[fsdax]), false),
        (regions(None, &[fsdax, fsdax]), false),
        (regions(Some(true), &[fsdax, host]), true),
        (regions(Some(false), &[fsdax]), true),
        (regions(Some(true), &[sector]), true),
        (elsewhere(Backing::Disk { major: 8, minor: 1 }), true),
        (elsewhere(Backing::Memory(system)), true),
        (elsewhere(Backing::Volume { dax: false }), true),
        (elsewhere(Backing::Volume { dax: true }), false),
        // Its device may have DAX.
        (elsewhere(Backing::Hidden(system)), false),
    ]
}

#[test]
fn where_a_synchronous_mapping_is_tried() {
    for (kind, terms) in every() {
        let tried = kind == Kind::RegularFile
            && terms.sharing == Sharing::Shared
            && !terms.by_call
            && terms.forced != Some(Granularity::Page);
        assert_eq!(tries_sync(kind, &terms), tried, "{kind:?}");
        for (place, excludes) in places() {
            let terms = Terms { place: Some(&place), ..terms };
            assert_eq!(tries_sync(kind, &terms), tried && !excludes, "{place:?}");
            assert_eq!(excludes_sync(&(&place).into()), excludes, "{place:?}");
        }
    }
}

/// The weakest region decides, in any order; one that is not armed makes it no finer than
/// CACHE_LINE.
#[test]
fn by_all_regions() {
    const DOMAINS: [PersistenceDomain; 6] = [
        PersistenceDomain::CpuCache,
        PersistenceDomain::MemoryController,
        PersistenceDomain::Unstated,
        PersistenceDomain::Volatile,
        PersistenceDomain::Host,
        PersistenceDomain::Never,
    ];
    for (weaker, one) in DOMAINS.into_iter().enumerate() {
        for (weakest, other) in DOMAINS.into_iter().enumerate().skip(weaker) {
            for unarmed in [false, true] {
                let mut regions = [one, other].map(|domain| region(Mode::Fsdax, domain));
                regions[0].state.set(DimmState::NOT_ARMED, unarmed);
                let answer = |regions: &[Region]| {
                    let place = on(Backing::Regions, Some(true), regions);
                    let found = |kind| {
                        by_domain(&Basis::from(&place), kind).map(|expected| expected.granularity)
                    };
                    [found(Kind::RegularFile), found(Kind::DeviceDax), found(Kind::Region)]
                };
                let found = answer(&regions);
                regions.reverse();
                assert_eq!(answer(&regions), found);
                let of_file = match weakest {
                    5 => Err(Error::RegionNeverDurable),
                    4 => Ok(Granularity::Page),
                    0 if !unarmed => Ok(Granularity::Byte),
                    _ => Ok(Granularity::CacheLine),
                };
                let of_device = if weakest == 4 { Err(Error::NeverDurable) } else { of_file };
                let of_region = match weakest {
                    3 | 5 => Err(Error::RegionNeverDurable),
                    _ if unarmed => Err(Error::RegionUnarmed),
                    _ => of_file,
                };
                assert_eq!(found, [of_file, of_device, of_region], "{one}, {other}, {unarmed}");
            }
        }
    }
}

#[test]
fn what_the_environment_may_say() {
    let forced = |text| Granularity::forced_by(text);
    for (granularity, words) in [
        (Granularity::Byte, &["BYTE", "byte", "bYtE"][..]),
        (Granularity::CacheLine, &["CACHE_LINE", "cache_line", "CACHELINE", "cacheLine"]),
        (Granularity::Page, &["PAGE", "page", "Page"]),
    ] {
        for word in words {
            assert_eq!(forced(word), Some(granularity), "{word}");
        }
        assert_eq!(forced(granularity.name()), Some(granularity));
    }
    for word in ["", " BYTE", "BYTE ", "PAGE\n", "CACHE LINE", "CACHE-LINE", "0", "2", "BYTES"] {
        assert_eq!(forced(word), None, "{word:?}");
    }
}

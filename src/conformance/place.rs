//! The rules about where objects lie.

use pmem2_platform::{Backing, Fail, Handle, Locate, PersistenceDomain, Region, Subject};

use super::{Case, Expect, Rule, Violation, ensure};
use crate::{error::Error, source::Source};

/// Checks all cases against the contract of [`Locate`]. A platform that knows no places
/// ([`Nowhere`](crate::platform::Nowhere)) keeps it.
///
/// # Errors
///
/// The first rule that is broken.
pub fn check_places<'c, H: Handle<P: Locate>>(cases: &[Case<'c, H>]) -> Result<(), Violation<'c>> {
    for case in cases {
        if let Expect::Source { .. } = case.expect {
            let source = Source::new(&case.handle)
                .map_err(|error| case.violation(Rule::Outcome(Some(error))))?;
            of_source(&source).map_err(|rule| case.violation(rule))?;
        }
    }
    Ok(())
}

fn of_source<H: Handle<P: Locate>>(source: &Source<H>) -> Result<(), Rule> {
    let (platform, facts) = (source.handle().platform(), source.facts());
    match H::P::synchronous(source.handle().into(), facts) {
        // A file that cannot be mapped may be a source all the same.
        Ok(_)
        | Err(Fail::Unsupported | Fail::Os(Subject::Mapping | Subject::WritableMapping, _)) => {}
        Err(fail) => return Err(Rule::PlaceFails(fail)),
    }
    let location = match H::P::locate(source.handle().into(), facts) {
        Ok(location) => location,
        Err(Fail::Unsupported) => return Ok(()),
        Err(fail) => return Err(Rule::PlaceFails(fail)),
    };
    let place = source.place();
    // The answer of a place where a region that was counted is not there.
    ensure(place != Err(Error::Unknown(Subject::Region)), Rule::RegionsAreCounted)?;
    ensure(place.is_ok() && place == source.place(), Rule::PlaceIsStable)?;
    let confirmed = |place| source.confirm_place(place) == Ok(());
    ensure(place.as_ref().is_ok_and(confirmed), Rule::PlaceIsStable)?;
    let asked = |fail| Rule::PlaceFails(fail);
    let (backing, count) =
        (platform.backing(&location).map_err(asked)?, platform.regions(&location).map_err(asked)?);
    ensure((backing == Backing::Regions) == (count > 0), Rule::RegionsAreCounted)?;
    ensure(platform.region(&location, count) == Ok(None), Rule::RegionsAreCounted)?;
    let mut before = None;
    for index in 0..count {
        let region =
            platform.region(&location, index).map_err(asked)?.ok_or(Rule::RegionsAreCounted)?;
        let order = Some((region.bus, region.number));
        ensure(before < order, Rule::RegionsAreOrdered)?;
        before = order;
        facts_of(platform, &location, index, Some(&region))?;
        ensure(platform.numa_node(&location, index) == Ok(Some(region.numa_node)), Rule::NumaNode)?;
        ensure(
            platform.target_node(&location, index) == Ok(Some(region.target_node)),
            Rule::NumaNode,
        )?;
        dimms(platform, &location, index)?;
    }
    // Without regions the device may have a node.
    let end = count.max(1);
    facts_of(platform, &location, end, None)?;
    ensure(platform.numa_node(&location, end) == Ok(None), Rule::NumaNode)?;
    ensure(platform.target_node(&location, end) == Ok(None), Rule::NumaNode)?;
    ensure(
        matches!(platform.dimm(&location, end, 0), Ok(None) | Err(Fail::Unsupported)),
        Rule::DimmsAreStable,
    )
}

/// Checks what is asked of a region alone, against the region.
fn facts_of<P: Locate>(
    platform: P,
    location: &P::Location,
    index: usize,
    region: Option<&Region>,
) -> Result<(), Rule> {
    let domain = region.map(|region| region.domain);
    let fence = |domain| domain == Ok(Some(PersistenceDomain::CpuCache));
    let synchronous = platform.domain(location, index, true);
    ensure(
        platform.domain(location, index, false) == Ok(domain)
            && fence(synchronous) == fence(Ok(domain))
            && synchronous.map(|domain| domain.is_some()) == Ok(region.is_some())
            && platform.read_only(location, index) == Ok(region.map(|region| region.read_only))
            && platform.armed(location, index) == Ok(region.map(|region| !region.is_unarmed())),
        Rule::RegionFacts,
    )
}

/// Checks the DIMMs of one region: the same each time, none after the last one.
fn dimms<P: Locate>(platform: P, location: &P::Location, region: usize) -> Result<(), Rule> {
    let number = |index| match platform.dimm(location, region, index) {
        Ok(Some(dimm)) => Ok(Some(platform.dimm_number(dimm))),
        Ok(None) | Err(Fail::Unsupported) => Ok(None),
        Err(fail) => Err(Rule::PlaceFails(fail)),
    };
    let mut index = 0;
    while let Some(dimm) = number(index)? {
        ensure(number(index)? == Some(dimm), Rule::DimmsAreStable)?;
        index = index.saturating_add(1);
    }
    ensure(number(index.saturating_add(1))?.is_none(), Rule::DimmsAreStable)
}

//! The one decision on durability: the table of all facts, and what follows it.

use pmem2::{
    Error, Granularity, Kind, Sharing, Source,
    persist::{Cpu, Means, PersistenceDomain, Route, Undurable, route},
    place::{Mode, Region},
    transfer::Writer,
};

use crate::{
    land::Land,
    script::{Call, Script},
};

const DOMAINS: [PersistenceDomain; 6] = [
    PersistenceDomain::CpuCache,
    PersistenceDomain::MemoryController,
    PersistenceDomain::Host,
    PersistenceDomain::Never,
    PersistenceDomain::Unstated,
    PersistenceDomain::Volatile,
];

const CPU: Cpu = Cpu::fence_only();

/// Every combination of facts.
fn all() -> impl Iterator<Item = Means> {
    DOMAINS.into_iter().flat_map(|domain| {
        (0..16_u8).map(move |bits| {
            let is = |bit: u8| bits & 1 << bit != 0;
            let mut means = Means::new(domain);
            means.armed = is(0);
            means.cpu = is(1).then_some(CPU);
            means.lacks_hints = is(2);
            means.call = is(3);
            means
        })
    })
}

/// The answers, by what is written in the documentation.
fn expected(means: Means) -> Result<Route, Undurable> {
    use PersistenceDomain::{CpuCache, Host, Never};
    match (means.domain, means.armed, means.cpu, means.lacks_hints, means.call) {
        (Never, ..) => Err(Undurable::Never),
        (_, false, ..) => Err(Undurable::Unarmed),
        (CpuCache, ..) => Ok(Route::Fence),
        (Host, .., false) => Err(Undurable::NoCall),
        (Host, .., true) => Ok(Route::Call),
        (_, _, None, ..) => Err(Undurable::NoInstruction),
        (_, _, Some(_), true, _) => Err(Undurable::NoHints),
        (_, _, Some(cpu), false, _) => Ok(Route::Flush(cpu)),
    }
}

#[test]
fn every_combination_of_facts() {
    assert_eq!(all().count(), 96);
    for means in all() {
        assert_eq!(route(&means), expected(means), "{means:?}");
    }
    assert_eq!(route(&Means::CALL), Ok(Route::Call));
}

/// A writer is refused where nothing would become durable, before anything is written; what is
/// read needs no decision.
#[test]
fn a_writer_is_refused_before_anything_is_written() {
    for means in all() {
        let mut script = Script::new();
        script.medium.means = means;
        let source = Source::new(script.object()).unwrap();
        script.calls();
        assert_eq!(source.read_at(0, &mut [0]), Ok(()));
        assert_eq!(script.medium.route.get(), None);
        script.calls();
        let why = expected(means).err();
        let written = source.write_at(0, &[1]).map_err(|error| (error.done(), error.error()));
        assert_eq!(written.err(), why.map(|why| (0, Error::NotDurable(why))), "{means:?}");
        let writes = script.calls().iter().any(|call| matches!(call, Call::Write(..)));
        assert_eq!((writes, script.medium.route.get()), (why.is_none(), expected(means).ok()));
        script.medium.route.set(None);
        let writer = Writer::new(source);
        assert_eq!(writer.as_ref().err().copied(), why.map(Error::NotDurable), "{means:?}");
        assert_eq!(script.medium.route.get(), expected(means).ok());
        // The channel that was made is given back.
        drop(writer);
        assert_eq!(script.medium.closed.borrow().len(), 3);
    }
    let codes = [
        Undurable::Never,
        Undurable::Unarmed,
        Undurable::NoInstruction,
        Undurable::NoHints,
        Undurable::NoCall,
    ];
    assert_eq!(codes.map(|why| Error::NotDurable(why).code()), [-100_001; 5]);
}

/// The expectation of a mapping is the way of a store, where all is given that it takes.
#[test]
fn the_expected_granularity_is_the_same_decision() {
    for domain in DOMAINS {
        for armed in [false, true] {
            let mut region = Region::new(0, 0, Mode::Whole);
            region.domain = domain;
            if !armed {
                region.state |= pmem2::place::DimmState::NOT_ARMED;
            }
            let land = Land::of([region]);
            let script = Script::at(Kind::Region, land);
            let source = Source::new(script.object()).unwrap();
            let granularity = source.expected_granularity(Sharing::Shared);
            let mut means = Means::new(domain);
            (means.armed, means.cpu, means.call) = (armed, Some(CPU), true);
            assert_eq!(
                granularity.map(|expected| expected.granularity),
                match route(&means) {
                    Ok(Route::Fence) => Ok(Granularity::Byte),
                    Ok(Route::Flush(_)) => Ok(Granularity::CacheLine),
                    Ok(Route::Call) => Ok(Granularity::Page),
                    Err(Undurable::Unarmed) => Err(Error::RegionUnarmed),
                    Err(_) => Err(Error::RegionNeverDurable),
                },
                "{domain:?}, armed: {armed}"
            );
        }
    }
}

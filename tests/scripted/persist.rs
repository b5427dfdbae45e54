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

/// The answers, by domain and whether it is armed. One word for each processor (none, one with a
/// fence only, one that flushes), and in it one letter each for: neither lacking hints nor a call,
/// lacking hints, a call, lacking hints with a call.
const ANSWERS: [(PersistenceDomain, bool, [&str; 3]); 12] = [
    (PersistenceDomain::CpuCache, true, ["FFFF", "FFFF", "FFFF"]),
    (PersistenceDomain::CpuCache, false, ["uuuu", "uuuu", "uuuu"]),
    (PersistenceDomain::MemoryController, true, ["iiii", "iiii", "LhLh"]),
    (PersistenceDomain::MemoryController, false, ["uuuu", "uuuu", "uuuu"]),
    (PersistenceDomain::Host, true, ["ccCC", "ccCC", "ccCC"]),
    (PersistenceDomain::Host, false, ["uuuu", "uuuu", "uuuu"]),
    (PersistenceDomain::Never, true, ["nnnn", "nnnn", "nnnn"]),
    (PersistenceDomain::Never, false, ["nnnn", "nnnn", "nnnn"]),
    (PersistenceDomain::Unstated, true, ["iiii", "iiii", "LhLh"]),
    (PersistenceDomain::Unstated, false, ["uuuu", "uuuu", "uuuu"]),
    (PersistenceDomain::Volatile, true, ["nnnn", "nnnn", "nnnn"]),
    (PersistenceDomain::Volatile, false, ["nnnn", "nnnn", "nnnn"]),
];

/// Every combination of facts, with its answer. Where the processor cannot be asked, none is known
/// here that flushes.
fn all() -> impl Iterator<Item = (Means, Result<Route, Undurable>)> {
    let flushes = Cpu::detect().ok();
    ANSWERS.into_iter().flat_map(move |(domain, armed, words)| {
        let cpus = [None, Some(Cpu::fence_only()), flushes];
        let known = if flushes.is_some() { 3 } else { 2 };
        cpus.into_iter().zip(words).take(known).flat_map(move |(cpu, word)| {
            (0..4_u8).zip(word.chars()).map(move |(bits, letter)| {
                let mut means = Means::new(domain);
                (means.armed, means.cpu) = (armed, cpu);
                (means.lacks_hints, means.call) = (bits & 1 != 0, bits & 2 != 0);
                let answer = match letter {
                    'F' => Ok(Route::Fence),
                    'L' => Ok(Route::Flush(flushes.expect("one that flushes"))),
                    'C' => Ok(Route::Call),
                    'n' => Err(Undurable::Never),
                    'u' => Err(Undurable::Unarmed),
                    'i' => Err(Undurable::NoInstruction),
                    'h' => Err(Undurable::NoHints),
                    'c' => Err(Undurable::NoCall),
                    letter => panic!("{letter}"),
                };
                (means, answer)
            })
        })
    })
}

#[test]
fn every_combination_of_facts() {
    assert_eq!(all().count(), if Cpu::detect().is_ok() { 144 } else { 96 });
    for (means, answer) in all() {
        assert_eq!(route(&means), answer, "{means:?}");
    }
    assert_eq!(route(&Means::CALL), Ok(Route::Call));
}

/// A writer is refused where nothing would become durable, before anything is written; what is
/// read needs no decision.
#[test]
fn a_writer_is_refused_before_anything_is_written() {
    for (means, answer) in all() {
        let mut script = Script::new();
        script.medium.means = means;
        let source = Source::new(script.object()).unwrap();
        script.calls();
        assert_eq!(source.read_at(0, &mut [0]), Ok(()));
        assert_eq!(script.medium.route.get(), None);
        script.calls();
        let why = answer.err();
        let written = source.write_at(0, &[1]).map_err(|error| (error.done(), error.error()));
        assert_eq!(written.err(), why.map(|why| (0, Error::NotDurable(why))), "{means:?}");
        let writes = script.calls().iter().any(|call| matches!(call, Call::Write(..)));
        assert_eq!((writes, script.medium.route.get()), (why.is_none(), answer.ok()));
        script.medium.route.set(None);
        let writer = Writer::new(source);
        assert_eq!(writer.as_ref().err().copied(), why.map(Error::NotDurable), "{means:?}");
        assert_eq!(script.medium.route.get(), answer.ok());
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
    for (domain, expected) in [
        (PersistenceDomain::CpuCache, Ok(Granularity::Byte)),
        (PersistenceDomain::MemoryController, Ok(Granularity::CacheLine)),
        (PersistenceDomain::Host, Ok(Granularity::Page)),
        (PersistenceDomain::Never, Err(Error::RegionNeverDurable)),
        (PersistenceDomain::Unstated, Ok(Granularity::CacheLine)),
        (PersistenceDomain::Volatile, Err(Error::RegionNeverDurable)),
    ] {
        for armed in [false, true] {
            let mut region = Region::new(0, 0, Mode::Whole);
            region.domain = domain;
            if !armed {
                region.state |= pmem2::place::DimmState::NOT_ARMED;
            }
            let script = Script::at(Kind::Region, Land::of([region]));
            let source = Source::new(script.object()).unwrap();
            let granularity = source.expected_granularity(Sharing::Shared);
            let expected = if armed { expected } else { expected.and(Err(Error::RegionUnarmed)) };
            assert_eq!(
                granularity.map(|expected| expected.granularity),
                expected,
                "{domain:?}, armed: {armed}"
            );
        }
    }
}

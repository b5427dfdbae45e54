//! Power cuts: after a method of a mapping has returned, every image that one may leave has what it
//! promised, on every machine that keeps memory of that granularity. Faults that are planted below
//! the mapping are found.

mod examples;
mod faults;
mod growth;
mod methods;
mod order;
mod record;
#[path = "../examples/structures/mod.rs"]
mod structures;
mod syncs;
mod ways;

use pmem2::{Error, Granularity, Source, map::MapConfig, map::Mapping};
use pmem2_crash::{Disk, Machine, Model, Trace};

type Map<'d> = Mapping<Disk<'d>>;

/// The bytes of the file: two pages, and a piece of a third.
const SIZE: usize = 2 * 4096 + 100;

const GRANULARITIES: [Granularity; 3] =
    [Granularity::Byte, Granularity::CacheLine, Granularity::Page];

/// Returns the bytes of the file before a run. No word is like its neighbours.
fn before() -> Vec<u8> {
    (0..SIZE).map(|at| (at * 5 + at / 256) as u8 | 1).collect()
}

/// Maps the whole disk.
fn map(disk: Disk<'_>, granularity: Granularity) -> Result<Map<'_>, Error> {
    let map = Source::new(disk)?.map(&MapConfig::new(granularity))?;
    assert_eq!(map.granularity(), granularity);
    Ok(map)
}

/// Calls `check` with each granularity, and each machine that keeps memory of it.
fn everywhere(mut check: impl FnMut(Granularity, Machine)) {
    for granularity in GRANULARITIES {
        for machine in Machine::ALL.into_iter().filter(|machine| machine.keeps(granularity)) {
            check(granularity, machine);
        }
    }
}

/// Explores the images of a trace, which all have to hold.
#[track_caller]
fn holds<P>(
    machine: Machine,
    trace: &Trace<P>,
    mut recover: impl FnMut(Disk<'_>, &[P]) -> Result<(), String>,
    what: &str,
) {
    let verdict = Model::new(machine).explore(trace, |disk, told| Ok(recover(disk, told)?));
    assert!(verdict.holds(), "{what}, {} on {machine:?}: {verdict}", trace.granularity());
}

/// Reads bytes from the disk.
fn read(disk: Disk<'_>, granularity: Granularity, at: usize, to: &mut [u8]) {
    map(disk, granularity).and_then(|map| map.read(at, to)).expect("recovery");
}

//! `cargo bench -p pmem2-crash`: the time for every image of a long run, of 1,000 appends to a log
//! by a commit word. Nothing is asserted of times.

use std::time::Instant;

use pmem2::{Error, Granularity, Mapping};
use pmem2_crash::{Disk, Machine, Model, Run, Tell};

const APPENDS: u64 = 1_000;
const RECORD: usize = 64;

fn record(number: u64) -> [u8; RECORD] {
    std::array::from_fn(|at| number.to_le_bytes()[at % 2] ^ at as u8 | 1)
}

/// Appends a record in 7 steps: stored, flushed, fenced; counted, flushed, fenced; told.
fn append(map: &Mapping<Disk<'_>>, tell: &Tell<'_, ()>) -> Result<(), Error> {
    for number in 0..APPENDS {
        map.write(RECORD * (number as usize + 1), &record(number))?;
        map.word(0)?.store(number + 1)?;
        tell.tell(());
    }
    Ok(())
}

/// Reads all records that are counted.
fn recover(map: &Mapping<Disk<'_>>, told: &[()]) -> Result<(), Error> {
    let count = map.word(0)?.load()?;
    assert!(count >= told.len() as u64, "a record is lost");
    for number in 0..count {
        let found: [u8; RECORD] = map.get(RECORD * (number as usize + 1))?;
        assert_eq!(found, record(number), "record {number}");
    }
    Ok(())
}

fn main() {
    let run = Run::new(vec![0; RECORD * (APPENDS as usize + 1)], Granularity::CacheLine);
    let start = Instant::now();
    let trace = run.record(|disk, tell| {
        append(&disk.map().expect("a mapping"), tell).expect("stores");
    });
    let events = trace.events().len();
    println!("{APPENDS} appends, {events} events: recorded in {:.2?}", start.elapsed());
    for machine in [Machine::X86, Machine::X86Eadr, Machine::Arm, Machine::Torn] {
        let start = Instant::now();
        let model = Model::new(machine).exactly().depth(0);
        let verdict = model.explore(&trace, |disk, told| Ok(recover(&disk.map()?, told)?));
        println!("{machine:?}: {verdict}, in {:.2?}", start.elapsed());
    }
}

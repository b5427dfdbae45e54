//! Programs that are right and programs with one mistake: each mistake is found, on every machine
//! that shows it, and soon; and what is right holds, in every image.

mod groups;
mod logs;
mod places;

use std::error::Error;

use pmem2::{Granularity, Mapping};
use pmem2_crash::{
    Disk,
    Machine::{self, Arm, Torn, X86, X86Eadr},
    Model, Run, Tell, Trace, Verdict,
};

type Map<'d> = Mapping<Disk<'d>>;
type Answer = Result<(), Box<dyn Error>>;

/// A program, and what is known of it.
#[derive(Clone, Copy)]
struct Program {
    name: &'static str,
    /// The machines on which a power cut shows a mistake.
    wrong: &'static [Machine],
    work: fn(&Map<'_>, &Tell<'_, u64>) -> Result<(), pmem2::Error>,
    recover: fn(&Map<'_>, &[u64]) -> Answer,
    /// The recoveries on x86 to the failure or to the last image: in the order that misses none,
    /// and in the order that finds most mistakes soon.
    recoveries: [usize; 2],
}

/// A mistake that no machine shows: there is none.
const NONE: &[Machine] = &[];
/// A mistake in the program: which machine it runs on makes no difference.
const ALL: &[Machine] = &[X86, X86Eadr, Arm, Torn];
/// A flush or a fence that caches which are durable do not need.
const ADR: &[Machine] = &[X86, Arm, Torn];

impl Program {
    fn record(&self) -> Trace<u64> {
        Run::new(vec![0; 8192], Granularity::CacheLine).record(|disk, tell| {
            (self.work)(&disk.map().expect("a mapping"), tell).expect("stores");
        })
    }

    /// Checks the verdicts on all machines, and how soon they are reached on x86.
    fn check(&self) {
        let Self { name, wrong, recover, recoveries: [exactly, quickly], .. } = self;
        let trace = self.record();
        let mut recover = |disk: Disk<'_>, told: &[u64]| recover(&disk.map()?, told);
        let each = Model::new(X86).on_each(&trace, &mut recover);
        assert_eq!(each.iter().map(|(machine, _)| *machine).collect::<Vec<_>>(), ALL);
        for (machine, verdict) in &each {
            let fails = verdict.failure().is_some();
            assert_eq!(fails, wrong.contains(machine), "{name} on {machine:?}: {verdict}");
        }
        let exact = Model::new(X86).exactly().explore(&trace, &mut recover);
        for (verdict, most) in [(&exact, *exactly), (&each[0].1, *quickly)] {
            let took = match verdict {
                Verdict::Fails(failure) => failure.recoveries,
                Verdict::Holds { recoveries, .. } => *recoveries,
                other => panic!("{name}: {other}"),
            };
            assert!(took <= most, "{name}: {took} recoveries, {most} before");
        }
    }
}

/// Returns bytes of which no word is like its neighbours, nor zero.
fn payload(number: u64, length: usize) -> Vec<u8> {
    let byte = |at: usize| (number as u8).wrapping_mul(37) ^ (at as u8).wrapping_mul(11) ^ 0xa5 | 1;
    (0..length).map(byte).collect()
}

/// Returns a checksum, never zero.
fn checksum(bytes: &[u8]) -> u64 {
    let add = |sum: u64, &byte: &u8| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, add) | 1
}

fn read(map: &Map<'_>, at: usize, length: usize) -> Result<Vec<u8>, pmem2::Error> {
    let mut bytes = vec![0; length];
    map.read(at, &mut bytes)?;
    Ok(bytes)
}

fn load(map: &Map<'_>, at: usize) -> Result<u64, pmem2::Error> {
    map.word(at)?.load()
}

fn store(map: &Map<'_>, at: usize, word: u64) -> Result<(), pmem2::Error> {
    map.unflushed().store(at, word)
}

fn write(map: &Map<'_>, at: usize, bytes: &[u8]) -> Result<(), pmem2::Error> {
    map.unflushed().write(at, bytes)
}

fn drain(map: &Map<'_>) -> Result<(), pmem2::Error> {
    map.drain();
    Ok(())
}

/// Stores a word and makes it durable, with no fence before it, unlike a commit.
fn set(map: &Map<'_>, at: usize, word: u64) -> Result<(), pmem2::Error> {
    map.word(at)?.store(word)
}

fn number(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes.try_into().expect("8 bytes"))
}

#[test]
fn logs() {
    logs::PROGRAMS.iter().for_each(Program::check);
}

#[test]
fn slots_pairs_and_lists() {
    places::PROGRAMS.iter().for_each(Program::check);
}

#[test]
fn groups_rings_mirrors_and_redo_logs() {
    groups::PROGRAMS.iter().for_each(Program::check);
}

/// No flush and no fence of the programs that are right can be left out, except those that
/// invalidate a slot that is not the newest one anyhow.
#[test]
fn steps_that_are_missed() {
    let (mut missed, mut others) = (0, vec![]);
    for program in [logs::PROGRAMS, places::PROGRAMS].concat() {
        if !program.wrong.contains(&X86) {
            let recover = |disk: Disk<'_>, told: &[u64]| (program.recover)(&disk.map()?, told);
            let needed = Model::new(X86).budget(3_000).needed(&program.record(), recover);
            missed += needed.missed;
            others.extend(needed.others.iter().map(|_| program.name));
        }
    }
    assert_eq!((missed, others), (66, vec!["two slots, the number last"; 6]));
}

#[test]
fn more_images_than_the_budget_are_no_pass() {
    let Program { recover, .. } = groups::LONG_RECORDS;
    let verdict = Model::new(X86)
        .budget(5_000)
        .explore(&groups::LONG_RECORDS.record(), |disk, told| recover(&disk.map()?, told));
    let Verdict::Incomplete(covered) = verdict else { panic!("{verdict}") };
    assert!(covered.single && covered.points < covered.of, "{verdict}");
    assert_eq!((covered.recoveries, covered.random), (5_000, 200));
}

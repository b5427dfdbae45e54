//! Faults that are planted below a mapping: each is found, and named. Without it the same program
//! holds.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use pmem2::{Error, Granularity};
use pmem2_crash::{Action, Disk, Failure, Machine, Model, PAGE, Run, Verdict, WORD, Why};

use crate::{Map, before, everywhere, map, read};

/// The commit word, and the data that it commits: three lines, the last one with one byte; on two
/// pages.
const COMMIT: usize = 0;
const DATA: std::ops::Range<usize> = PAGE - 127..PAGE + 1;
const COMMITTED: u64 = 2;

/// A program that promises what it has committed.
fn append(map: &Map<'_>) -> Result<(), Error> {
    map.write(DATA.start, &[4; DATA.end - DATA.start])?;
    map.commit(COMMIT, COMMITTED)
}

/// The recovery of that program.
fn recover(disk: Disk<'_>, granularity: Granularity, promised: &[()]) -> Result<(), String> {
    let map = map(disk, granularity).map_err(|error| error.to_string())?;
    let word = map.word(COMMIT).and_then(|word| word.load()).map_err(|error| error.to_string())?;
    let old = u64::from_ne_bytes(before()[..WORD].try_into().expect("a word"));
    if word == old && promised.is_empty() {
        return Ok(());
    }
    if word == old {
        return Err("the commit is lost".to_owned());
    }
    if word != COMMITTED {
        return Err(format!("the commit is torn: {word:#x}"));
    }
    let mut data = [0; DATA.end - DATA.start];
    map.read(DATA.start, &mut data).map_err(|error| error.to_string())?;
    if data == [4; DATA.end - DATA.start] {
        Ok(())
    } else {
        Err("the data is not there".to_owned())
    }
}

/// Runs a program over a fault; returns the verdict.
fn verdict(
    granularity: Granularity,
    machine: Machine,
    fault: impl FnMut(Action) -> Vec<Action> + Send + 'static,
) -> Verdict {
    let trace = Run::new(before(), granularity).tamper(fault).record(|disk, promises| {
        let map = map(disk, granularity).expect("a mapping");
        append(&map).expect("a program");
        promises.tell(());
    });
    Model::new(machine).explore(&trace, |disk, promised| Ok(recover(disk, granularity, promised)?))
}

/// Returns the failure that a fault has led to.
#[track_caller]
fn found(verdict: &Verdict) -> &Failure {
    verdict.failure().unwrap_or_else(|| panic!("the fault is not found: {verdict}"))
}

/// Leaves out the action number `number` of those that are meant.
fn without(number: usize, meant: fn(&Action) -> bool) -> impl FnMut(Action) -> Vec<Action> {
    let mut count = 0;
    move |action| {
        let this = meant(&action);
        count += usize::from(this);
        if this && count == number + 1 { vec![] } else { vec![action] }
    }
}

const LINES: [Machine; 3] = [Machine::X86, Machine::Arm, Machine::Torn];

#[test]
fn without_a_fault_the_program_holds() {
    everywhere(|granularity, machine| {
        let verdict = verdict(granularity, machine, |action| vec![action]);
        assert!(verdict.holds(), "{granularity} on {machine:?}: {verdict}");
    });
}

#[test]
fn a_flush_left_out_is_found() {
    let flush = |action: &Action| matches!(action, Action::Flush { .. });
    for machine in LINES {
        let data = verdict(Granularity::CacheLine, machine, without(0, flush));
        assert_eq!(found(&data).said, "the data is not there");
        assert!(found(&data).missing.iter().all(|missing| missing.why == Why::NotFlushed));
        assert!(!found(&data).missing.is_empty());
        let commit = verdict(Granularity::CacheLine, machine, without(1, flush));
        assert_eq!(found(&commit).said, "the commit is lost");
        assert_eq!(found(&commit).missing[0].line, COMMIT);
        assert_eq!(found(&commit).missing[0].why, Why::NotFlushed);
    }
}

/// The program makes a fence after the data, one before the commit word, and one after it. Either
/// of the first two is enough.
#[test]
fn a_fence_left_out_is_found() {
    let fence = |action: &Action| *action == Action::Fence;
    for machine in LINES {
        for one in [0, 1] {
            let verdict = verdict(Granularity::CacheLine, machine, without(one, fence));
            assert!(verdict.holds(), "{verdict}");
        }
        let mut before_commit = 2;
        let both = verdict(Granularity::CacheLine, machine, move |action| {
            let left_out = action == Action::Fence && before_commit > 0;
            before_commit -= usize::from(left_out);
            if left_out { vec![] } else { vec![action] }
        });
        assert_eq!(found(&both).said, "the data is not there");
        assert!(found(&both).missing.iter().all(|missing| missing.why == Why::NotFenced));
    }
    for (granularity, machine) in [
        (Granularity::Byte, Machine::X86Eadr),
        (Granularity::CacheLine, Machine::X86),
        (Granularity::CacheLine, Machine::Arm),
        (Granularity::CacheLine, Machine::Torn),
    ] {
        let last = verdict(granularity, machine, without(2, fence));
        assert_eq!(found(&last).said, "the commit is lost");
        assert_eq!(found(&last).missing[0].why, Why::NotFenced);
    }
}

#[test]
fn a_sync_left_out_is_found() {
    let sync = |action: &Action| matches!(action, Action::Sync { .. });
    // Each sync is followed by that of the file's length.
    for (number, said) in [(0, "the data is not there"), (2, "the commit is lost")] {
        let verdict = verdict(Granularity::Page, Machine::PageCache, without(number, sync));
        assert_eq!(found(&verdict).said, said);
        assert_eq!(found(&verdict).missing[0].why, Why::NotFlushed);
    }
}

#[test]
fn a_commit_before_its_data_is_found() {
    everywhere(|granularity, machine| {
        // Holds the data and all that makes it durable back until the commit word is durable.
        let mut held = vec![];
        let verdict = verdict(granularity, machine, move |action| match &action {
            Action::Promise => [std::mem::take(&mut held), vec![action]].concat(),
            Action::Store { at: COMMIT, .. } => vec![action],
            Action::Flush { at: COMMIT, .. } | Action::Sync { at: COMMIT, .. } => vec![action],
            Action::Fence => {
                held.push(action.clone());
                vec![action]
            }
            _ => {
                held.push(action);
                vec![]
            }
        });
        assert_eq!(found(&verdict).said, "the data is not there", "{granularity} {machine:?}");
    });
}

#[test]
fn a_flush_before_its_store_is_found() {
    for machine in LINES {
        let mut stores = vec![];
        let verdict = verdict(Granularity::CacheLine, machine, move |action| match action {
            Action::Store { at, .. } if at == DATA.start => {
                stores.push(action);
                vec![]
            }
            flush @ Action::Flush { .. } => [vec![flush], std::mem::take(&mut stores)].concat(),
            other => vec![other],
        });
        assert_eq!(found(&verdict).said, "the data is not there");
        let why = found(&verdict).missing[0].why;
        assert!(matches!(why, Why::FlushedBefore(_)), "{why:?}");
    }
}

/// The last byte of the data has a line and a page of its own.
#[test]
fn a_range_that_is_one_byte_short_is_found() {
    let short = |action| match action {
        Action::Flush { at, length } => vec![Action::Flush { at, length: length - 1 }],
        Action::Sync { at, length, failed } => {
            vec![Action::Sync { at, length: length - 1, failed }]
        }
        other => vec![other],
    };
    for (granularity, machine) in [
        (Granularity::CacheLine, Machine::X86),
        (Granularity::CacheLine, Machine::Arm),
        (Granularity::CacheLine, Machine::Torn),
        (Granularity::Page, Machine::PageCache),
    ] {
        let verdict = verdict(granularity, machine, short);
        assert_eq!(found(&verdict).said, "the data is not there");
        assert_eq!(found(&verdict).missing.len(), 1);
        assert_eq!(found(&verdict).missing[0].line, PAGE);
        assert_eq!(found(&verdict).missing[0].why, Why::NotFlushed);
    }
}

/// A commit word that is stored in two halves.
#[test]
fn a_commit_word_that_tears_is_found() {
    everywhere(|granularity, machine| {
        let halves = |action| match action {
            Action::Store { at: COMMIT, bytes, how } => {
                let half = |at: usize| Action::Store { at, bytes: bytes[at..at + 4].to_vec(), how };
                vec![half(0), half(4)]
            }
            other => vec![other],
        };
        let verdict = verdict(granularity, machine, halves);
        assert!(found(&verdict).said.starts_with("the commit is torn"), "{verdict}");
    });
}

/// A program whose batch unwinds, before it promises that the stores of the batch are there.
fn batch_that_unwinds(
    granularity: Granularity,
    machine: Machine,
    fault: impl FnMut(Action) -> Vec<Action> + Send + 'static,
) -> Verdict {
    let trace = Run::new(before(), granularity).tamper(fault).record(|disk, promises| {
        let map = map(disk, granularity).expect("a mapping");
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            map.batch(|batch| -> Result<(), Error> {
                batch.write(DATA.start, &[4; DATA.end - DATA.start])?;
                resume_unwind(Box::new("a panic of the program"))
            })
        }));
        assert!(unwound.is_err());
        promises.tell(());
    });
    Model::new(machine).explore(&trace, |disk, promised: &[()]| {
        let mut data = [0; DATA.end - DATA.start];
        // A byte of each line, and of each page.
        for at in [0, 64, 127] {
            read(disk, granularity, DATA.start + at, &mut data[..1]);
            if !promised.is_empty() && data[0] != 4 {
                return Err(format!("byte {at} is lost").into());
            }
        }
        Ok(())
    })
}

#[test]
fn a_drain_skipped_on_unwinding_is_found() {
    everywhere(|granularity, machine| {
        let verdict = batch_that_unwinds(granularity, machine, |action| vec![action]);
        assert!(verdict.holds(), "{granularity} on {machine:?}: {verdict}");
        let skip = |action| match action {
            Action::Fence | Action::Sync { .. } if std::thread::panicking() => vec![],
            other => vec![other],
        };
        let verdict = batch_that_unwinds(granularity, machine, skip);
        assert!(found(&verdict).said.ends_with("is lost"), "{granularity} on {machine:?}");
        let needs_no_flush = machine == Machine::X86Eadr || granularity != Granularity::Page;
        let why = if needs_no_flush { Why::NotFenced } else { Why::NotFlushed };
        assert_eq!(found(&verdict).missing[0].why, why, "{granularity} on {machine:?}");
    });
}

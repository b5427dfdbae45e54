//! Recoveries that store: the power is cut in them, too.

use pmem2::Granularity;
use pmem2_crash::{Disk, Machine, Model, Run, Tell, Trace};

use crate::{Answer, has, load, story};

/// Logs a new value of two words, says so, and changes them.
fn update(disk: Disk<'_>, tell: &Tell<'_, ()>) -> Answer {
    let map = disk.map()?;
    map.write(64, &[1; 8])?;
    map.commit(0, 1)?;
    tell.tell(());
    map.write(128, &[1; 8])?;
    map.write(192, &[1; 8])?;
    Ok(map.commit(0, 0)?)
}

/// Changes the words once more, and clears the log: after a fence, or too early.
fn redo(disk: Disk<'_>, told: &[()], waits: bool) -> Answer {
    let map = disk.map()?;
    if map.word(0)?.load()? == 1 {
        let value = map.word(64)?.load()?;
        for at in [128, 192] {
            map.unflushed().store(at, value)?;
            map.flush(at..at + 8)?;
        }
        if waits {
            map.drain();
        }
        map.unflushed().store(0, 0)?;
        map.persist(0..8)?;
    }
    disk.recovered();
    match (load(disk, 128)?, load(disk, 192)?) {
        (first, second) if first != second => Err("half an update".into()),
        (0, _) if !told.is_empty() => Err("the update is lost".into()),
        _ => Ok(()),
    }
}

fn trace() -> Trace<()> {
    let run = Run::new(vec![0; 4096], Granularity::CacheLine);
    run.record(|disk, tell| update(disk, tell).expect("stores"))
}

/// The recovery clears the log before what it has redone is durable: one cut does not show it.
#[test]
fn a_second_cut_within_the_recovery() {
    let (trace, model) = (trace(), Model::new(Machine::X86));
    let early = |disk: Disk<'_>, told: &[()]| redo(disk, told, false);
    let verdict = model.depth(0).explore(&trace, early);
    assert!(verdict.holds(), "{verdict}");
    let verdict = model.explore(&trace, early);
    let failure = verdict.failure().expect("a failure");
    assert_eq!(failure.cuts.len(), 2, "{failure}");
    assert_eq!(model.replay(&trace, &failure.replay, early), Err(failure.said.clone()));
    let again = failure.replay.to_string().parse().expect("a replay");
    assert_eq!(failure.replay, again);
    let waits = |disk: Disk<'_>, told: &[()]| redo(disk, told, true);
    assert!(model.depth(2).explore(&trace, waits).holds());
}

#[test]
fn the_story_of_two_cuts() {
    let model = Model::new(Machine::X86);
    let story = story(|| model.check(4096, update, |disk, told| redo(disk, told, false)));
    let parts = [
        "power cut after the fence of recoveries.rs:12, before recoveries.rs:12, 0 told\n",
        "and then in the recovery before any fence, before recoveries.rs:32\n",
        "  missing: 1 word of line 0xc0, stored recoveries.rs:25: no fence since\n",
        "  early: line 0x0, stored recoveries.rs:31, not durable yet\n",
        "  early: line 0x80, stored recoveries.rs:25, not durable yet\n",
        "  recovery: half an update\n",
        "  again: PMEM2_CRASH_REPLAY='s0;6:/6:c0=0'",
    ];
    has(&story, &parts);
}

/// After the recovery has ended comes a check, whose stores no cut follows.
#[test]
fn no_cut_after_the_recovery() {
    let model = Model::new(Machine::X86);
    let takes = |ends: bool| {
        model.explore(&trace(), move |disk, _| -> Answer {
            let map = disk.map()?;
            if ends {
                disk.recovered();
            }
            // A lock that a second check would find taken.
            let taken = map.word(1024)?.load()?;
            map.commit(1024, 1)?;
            if taken == 1 { Err("taken".into()) } else { Ok(()) }
        })
    };
    assert_eq!(takes(false).failure().map(|failure| failure.said.as_str()), Some("taken"));
    assert!(takes(true).holds());
}

//! Verdicts: a bound that was met is said, and what proves nothing is no pass.

use std::cell::Cell;

use pmem2::{Error, Granularity, MapConfig, Source, map::Mapping};
use pmem2_crash::{Action, Disk, How, Machine, Model, Run, Trace, Verdict, Why};

fn map(disk: Disk<'_>) -> Result<Mapping<Disk<'_>>, Error> {
    Source::new(disk)?.map(&MapConfig::new(Granularity::CacheLine))
}

fn load(disk: Disk<'_>, at: usize) -> u64 {
    map(disk).and_then(|map| map.word(at)?.load()).expect("a word")
}

/// Eight words that are stored and not flushed: each alone may be there.
fn unflushed() -> Trace<()> {
    let work = |map: Mapping<Disk<'_>>| map.unflushed().write(0, &[1; 64]);
    Run::new(vec![0; 4096], Granularity::CacheLine)
        .record(|disk, _| map(disk).and_then(work).expect("stores"))
}

fn read_all(disk: Disk<'_>) -> Result<(), String> {
    (0..8).for_each(|word| _ = load(disk, word * 8));
    Ok(())
}

#[test]
fn every_image_is_seen_once() {
    let verdict = Model::new(Machine::X86).explore(&unflushed(), |disk, _| Ok(read_all(disk)?));
    assert_eq!(verdict, Verdict::Holds { recoveries: 256, points: 1 });
    verdict.expect_holds();
    for depth in 0..3 {
        let model = Model::new(Machine::X86).exactly().depth(depth);
        assert_eq!(model.explore(&unflushed(), |disk, _| Ok(read_all(disk)?)), verdict);
    }
    let verdict = Model::new(Machine::X86)
        .budget(256)
        .exactly()
        .explore(&unflushed(), |d, _| Ok(read_all(d)?));
    assert!(verdict.holds(), "{verdict}");
}

#[test]
fn a_bound_that_was_met_is_no_pass() {
    let model = Model::new(Machine::X86).budget(255);
    let verdict = model.explore(&unflushed(), |disk, _| Ok(read_all(disk)?));
    let Verdict::Incomplete(covered) = &verdict else { panic!("{verdict}") };
    assert_eq!((covered.recoveries, covered.points, covered.of), (255, 0, 1));
    assert!(!verdict.holds());
    assert!(verdict.to_string().starts_with("NOT ALL: "), "{verdict}");
    assert!(std::panic::catch_unwind(|| verdict.expect_holds()).is_err());
}

#[test]
fn what_proves_nothing_is_no_pass() {
    let explore = |trace: &Trace<()>, recover: &mut dyn FnMut(Disk<'_>) -> Result<(), String>| {
        Model::new(Machine::X86).explore(trace, |disk, _| Ok(recover(disk)?))
    };
    let verdict = explore(&unflushed(), &mut |_| Ok(()));
    assert_eq!(verdict, Verdict::NotMeasured("the recovery reads nothing".into()));
    let empty = Trace::new(vec![0; 4096], 0, Granularity::CacheLine);
    let verdict = explore(&empty, &mut read_all);
    assert_eq!(verdict, Verdict::NotMeasured("the run stores nothing".into()));
    // One that does something else each time.
    let calls = Cell::new(0);
    let verdict = explore(&unflushed(), &mut |disk| {
        calls.set(calls.get() + 1);
        (0..calls.get() % 3 + 1).for_each(|word| _ = load(disk, word * 8));
        Ok(())
    });
    assert_eq!(verdict, Verdict::NotMeasured("the recovery does not do the same each time".into()));
    assert!(!verdict.holds());
}

/// A failure names the store that is missing, the reason, and where the power was cut.
#[test]
fn a_failure_says_what_and_where() {
    let (first, second) = (line!() + 3, line!() + 5);
    let trace = Run::new(vec![0; 4096], Granularity::CacheLine).record(|disk, promises| {
        let map = map(disk).expect("a mapping");
        map.unflushed().write(64, &[1; 16]).expect("a store");
        map.drain();
        map.commit(0, 1).expect("a commit");
        promises.tell(());
    });
    let verdict = Model::new(Machine::X86).explore(&trace, |disk, promised| {
        let committed = load(disk, 0);
        if committed == 0 && !promised.is_empty() {
            return Err("lost".into());
        }
        if committed == 1 && load(disk, 64) == 0 {
            return Err("committed, and not there".into());
        }
        Ok(())
    });
    let failure = verdict.failure().expect("a failure");
    assert_eq!(failure.said, "committed, and not there");
    assert_eq!(failure.missing.len(), 1);
    assert_eq!((failure.missing[0].line, failure.missing[0].words), (64, 1));
    assert_eq!(failure.missing[0].why, Why::NotFlushed);
    assert_eq!(failure.missing[0].stored.line(), first);
    assert_eq!(failure.cuts[0].before.expect("a step").line(), second);
    let story = verdict.to_string();
    for part in ["power cut ", "verdicts.rs:", "line 0x40", "never flushed", "committed, and not"] {
        assert!(story.contains(part), "{story}");
    }
}

/// The pieces of a word that is stored in part may arrive alone.
#[test]
fn a_part_of_a_word_may_tear() {
    let mut trace = Trace::<()>::new(vec![0; 4096], 0, Granularity::CacheLine);
    trace.push(Action::Store { at: 3, bytes: vec![1; 5], how: How::Plain });
    let mut seen = vec![];
    let verdict = Model::new(Machine::X86).explore(&trace, |disk, _| {
        seen.push(load(disk, 0).to_le_bytes());
        Ok(())
    });
    assert!(verdict.holds());
    let (none, byte) = ([0; 8], [0, 0, 0, 1, 0, 0, 0, 0]);
    assert_eq!(seen, [[0, 0, 0, 1, 1, 1, 1, 1], byte, none]);
}

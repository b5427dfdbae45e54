//! Threads with parts of a mapping, which take turns.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use pmem2::{Error, Granularity};
use pmem2_crash::{Disk, Machine, Model, Run, Tell, Verdict};

use crate::{Answer, has, load, story};

type Work<'s> = Box<dyn FnOnce() + Send + 's>;

/// Two threads log in their lines; the second one counts what it has seen the first one do, which
/// may not be durable yet.
fn counts(disk: Disk<'_>, _: &Tell<'_, ()>) -> Answer {
    let map = disk.map()?;
    let (first, second) = (map.part(..64)?, map.part(64..128)?);
    let stored = AtomicU64::new(0);
    let write = || -> Result<(), Error> {
        first.unflushed().store(0, 1)?;
        stored.store(1, Relaxed);
        first.unflushed().store(8, 2)?;
        first.persist(0..16)
    };
    let count = || second.word(0)?.store(stored.load(Relaxed));
    let works: [Work<'_>; 2] =
        [Box::new(|| write().expect("stores")), Box::new(|| count().expect("stores"))];
    disk.threads(works.into());
    Ok(())
}

fn counted(disk: Disk<'_>, _: &[()]) -> Answer {
    if load(disk, 64)? == 1 && load(disk, 0)? == 0 {
        Err("counted and lost".into())
    } else {
        Ok(())
    }
}

/// A mistake that some schedules show: the replay has the number of the schedule.
#[test]
fn a_mistake_that_some_schedules_show() {
    let record = |schedule| {
        let run = Run::new(vec![0; 4096], Granularity::CacheLine).schedule(schedule);
        run.record(|disk, tell| counts(disk, tell).expect("stores"))
    };
    let model = Model::new(Machine::X86);
    let fails = |&schedule: &u64| model.explore(&record(schedule), counted).failure().is_some();
    let wrong: Vec<u64> = (0..16).filter(fails).collect();
    assert!(!wrong.is_empty() && wrong.len() < 16, "{wrong:?}");
    let story = story(|| model.check(4096, counts, counted));
    let (_, replay) = story.split_once("PMEM2_CRASH_REPLAY='").expect("a replay");
    has(&story, &["counted and lost", &format!("'s{};", wrong[0])]);
    let replay = replay.trim_end_matches('\'').parse().expect("a replay");
    let again = model.replay(&record(wrong[0]), &replay, counted);
    assert_eq!(again, Err("counted and lost".into()));
    // By the first schedules alone nobody finds it.
    if wrong[0] > 0 {
        model.schedules(wrong[0]).check(4096, counts, counted);
    }
}

#[test]
fn a_schedule_is_the_same_each_time() {
    let record = |schedule| {
        let run = Run::new(vec![0; 4096], Granularity::CacheLine).schedule(schedule);
        let trace = run.record(|disk, tell| counts(disk, tell).expect("stores"));
        trace.events().iter().map(|event| (event.thread, event.action.clone())).collect::<Vec<_>>()
    };
    assert!((0..16).all(|schedule| record(schedule) == record(schedule)));
    assert!((1..16).any(|schedule| record(schedule) != record(0)));
}

/// A fence waits for what its own thread has flushed.
#[test]
fn a_fence_of_another_thread() {
    let work = |disk: Disk<'_>, tell: &Tell<'_, ()>| -> Answer {
        let map = disk.map()?;
        let (first, second) = (map.part(..64)?, map.part(64..128)?);
        let works: [Work<'_>; 2] = [
            Box::new(|| {
                first.unflushed().store(0, 1).and_then(|()| first.flush(0..8)).expect("a store");
            }),
            Box::new(|| second.commit(0, 1).expect("a commit")),
        ];
        disk.threads(works.into());
        tell.tell(());
        Ok(())
    };
    let story = story(|| {
        Model::new(Machine::X86).check(4096, work, |disk, told| {
            if told.is_empty() || load(disk, 0)? == 1 { Ok(()) } else { Err("lost".into()) }
        });
    });
    has(&story, &["missing: 1 word of line 0x0", "no fence since", "recovery: lost"]);
}

/// Nothing can be said of threads that store to the same line: their order is no order
/// of steps.
#[test]
fn threads_that_store_to_the_same_line() {
    let work = |disk: Disk<'_>, _: &Tell<'_, ()>| -> Answer {
        let map = disk.map()?;
        let (first, second) = (map.part(128..136)?, map.part(136..144)?);
        let works: [Work<'_>; 2] = [
            Box::new(|| first.commit(0, 1).expect("a commit")),
            Box::new(|| second.commit(0, 1).expect("a commit")),
        ];
        disk.threads(works.into());
        Ok(())
    };
    let story = story(|| {
        Model::new(Machine::X86).check(4096, work, |disk, _| {
            load(disk, 128)?;
            Ok(())
        })
    });
    has(&story, &["nothing was proved: threads ", " store to line 0x80 at the same time"]);
}

/// One after the other is not at the same time.
#[test]
fn threads_that_use_the_line_of_earlier_ones() {
    let run = Run::new(vec![0; 4096], Granularity::CacheLine);
    let trace = run.record(|disk, tell| {
        let map = disk.map().expect("a mapping");
        for word in 1..3 {
            let commit: Work<'_> = Box::new(|| map.commit(0, word).expect("a commit"));
            disk.threads(vec![Box::new(|| ()), commit]);
            tell.tell(word);
        }
    });
    let verdict = Model::new(Machine::X86).explore(&trace, |disk, told| -> Answer {
        let count = load(disk, 0)?;
        if told.last().is_some_and(|&told| count < told) { Err("lost".into()) } else { Ok(()) }
    });
    assert!(matches!(verdict, Verdict::Holds { .. }), "{verdict}");
}

/// A panic of a thread is the one of the workload.
#[test]
#[should_panic(expected = "the second thread gives up")]
fn a_thread_that_panics() {
    let work = |disk: Disk<'_>, _: &Tell<'_, ()>| {
        let map = disk.map()?;
        let works: [Work<'_>; 2] = [
            Box::new(|| map.commit(0, 1).expect("a commit")),
            Box::new(|| panic!("the second thread gives up")),
        ];
        disk.threads(works.into());
        Ok(())
    };
    Model::new(Machine::X86).check(4096, work, |_, _| ());
}

/// A thread that the kit has not started has no turns, and its flushes are not its own.
#[test]
fn threads_of_others() {
    let run = Run::new(vec![0; 4096], Granularity::CacheLine);
    let trace = run.record::<(), _>(|disk, _| {
        let map = disk.map().expect("a mapping");
        std::thread::scope(|threads| {
            threads.spawn(|| map.write(0, &[1]).expect("a store"));
        });
        map.drain();
    });
    let verdict = Model::new(Machine::X86).explore(&trace, |disk, _| {
        _ = disk.map().expect("a mapping").get::<u8>(0);
    });
    let said = verdict.to_string();
    has(&said, &["nothing was proved: a step of a thread that Disk::threads has not started"]);
}

/// Returns the words at 0 and 8 that recoveries find after everything was told.
fn words_at_the_end(
    machine: Machine,
    work: impl FnOnce(Disk<'_>) -> Answer,
) -> BTreeSet<(u64, u64)> {
    let run = Run::new(vec![0; 4096], Granularity::CacheLine);
    let trace = run.record(|disk, tell| {
        let done = work(disk);
        tell.tell(());
        done
    });
    let mut seen = BTreeSet::new();
    let verdict = Model::new(machine).explore(&trace, |disk, told| -> Answer {
        let map = disk.map()?;
        let words = (map.word(0)?.load()?, map.word(8)?.load()?);
        seen.extend((!told.is_empty()).then_some(words));
        Ok(())
    });
    assert!(verdict.holds(), "{verdict}");
    seen
}

/// A fence waits for what its thread has flushed, and for no more.
#[test]
fn a_fence_is_for_its_own_flushes() {
    let found = |flushed_before: bool| {
        words_at_the_end(Machine::X86, move |disk| {
            let map = disk.map()?;
            map.unflushed().store(0, 1)?;
            if flushed_before {
                map.flush(0..8)?;
            }
            let stores: Work<'_> = Box::new(|| {
                map.unflushed().store(0, 2).expect("a store");
                map.flush(0..8).expect("a flush");
            });
            disk.threads(vec![stores]);
            map.drain();
            Ok(())
        })
    };
    assert_eq!(found(false), BTreeSet::from([(0, 0), (1, 0), (2, 0)]));
    assert_eq!(found(true), BTreeSet::from([(1, 0), (2, 0)]));
}

/// The fences of one thread order no stores of another.
#[test]
fn fences_of_others_order_nothing() {
    for fences in 0..2 {
        let found = words_at_the_end(Machine::Arm, move |disk| {
            let map = disk.map()?;
            (0..fences).for_each(|_| map.drain());
            map.unflushed().store(0, 1)?;
            disk.threads(vec![Box::new(|| map.unflushed().store(8, 2).expect("a store"))]);
            Ok(())
        });
        assert_eq!(found, BTreeSet::from([(0, 0), (0, 2), (1, 0), (1, 2)]), "{fences}");
    }
}

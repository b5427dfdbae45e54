//! Stories of failures.

use pmem2_crash::{Disk, Machine, Model, Tell, model};

use crate::{Map, committed, has, load, story};

/// The line of the commit.
const COMMIT: u32 = 16;

/// Returns the story of a record that is stored by `record`, and committed after it.
fn of(record: impl Fn(&Map<'_>) -> Result<(), pmem2::Error>) -> String {
    story(|| {
        let work = |disk: Disk<'_>, _: &Tell<'_, ()>| {
            let map = disk.map()?;
            record(&map)?;
            map.unflushed().store(0, 1)?;
            map.persist(0..8)?;
            Ok(())
        };
        Model::new(Machine::X86).check(4096, work, committed);
    })
}

#[test]
fn a_store_that_is_never_flushed() {
    let line = line!();
    let story = story(|| {
        model(
            4096,
            |disk, tell| {
                let map = disk.map()?;
                map.unflushed().write(64, &[1; 16])?;
                map.commit(0, 1)?;
                tell.tell(());
                Ok(())
            },
            committed,
        );
    });
    let (stored, committed) = (line + 6, line + 7);
    let expected = format!(
        "power cut after the fence of stories.rs:{committed}, before stories.rs:{committed}, 0 told
  missing: 1 word of line 0x40, stored stories.rs:{stored}: never flushed before the cut
  early: line 0x0, stored stories.rs:{committed}, not durable yet
  recovery: the record is lost
  found in recovery 3, 4 more for these lines
  again: PMEM2_CRASH_REPLAY='s0;4:40=0'"
    );
    assert_eq!(story, expected);
}

#[test]
fn a_line_that_is_flushed_before_the_store() {
    let line = line!();
    let story = of(|map| {
        map.flush(64..72)?;
        map.unflushed().write(64, &[1; 8])?;
        map.drain();
        Ok(())
    });
    let (flushed, stored) = (line + 2, line + 3);
    let missing = format!("missing: 1 word of line 0x40, stored stories.rs:{stored}: ");
    let why = format!("flushed before the store (stories.rs:{flushed}), not after\n");
    has(&story, &["power cut ", &missing, &why, "recovery: the record is lost\n"]);
}

#[test]
fn a_line_that_is_flushed_and_not_fenced() {
    let line = line!();
    let story = of(|map| {
        map.unflushed().write(64, &[1; 8])?;
        map.flush(64..72)
    });
    let stored = line + 2;
    let missing =
        format!("missing: 1 word of line 0x40, stored stories.rs:{stored}: no fence since");
    let early = format!("early: line 0x0, stored stories.rs:{COMMIT}, not durable yet");
    has(&story, &["power cut before any fence, before stories.rs", &missing, &early]);
}

/// One of two lines is enough for the failure: the other one is not in the story.
#[test]
fn the_fewest_lines() {
    let story = of(|map| {
        map.unflushed().write(64, &[1; 128])?;
        map.drain();
        Ok(())
    });
    has(&story, &["missing: 1 word of line 0x40", "recovery"]);
    assert_eq!(story.matches("missing").count(), 1, "{story}");
}

#[test]
fn a_panic_of_the_recovery() {
    let line = line!();
    let story = story(|| {
        model(
            4096,
            |disk, tell| {
                disk.map()?.unflushed().write(64, &[1; 8])?;
                tell.tell(1_u64);
                Ok(())
            },
            |disk, told| {
                let there = load(disk, 64)?;
                assert!(there > 0 || told.is_empty(), "{} was told", told[0]);
                Ok(())
            },
        );
    });
    let panicked = line + 11;
    let said =
        format!("recovery: panicked at src/crash/tests/kit/stories.rs:{panicked}: 1 was told\n");
    has(&story, &["power cut before any fence, at the end, 1 told\n", "never flushed", &said]);
}

#[test]
fn a_recovery_that_never_returns() {
    let line = line!();
    let story = story(|| {
        Model::new(Machine::X86).loads(10_000).check(
            4096,
            |disk, _: &Tell<'_, ()>| {
                let map = disk.map()?;
                map.unflushed().store(64, 1)?;
                Ok(map.commit(0, 1)?)
            },
            |disk, _| {
                while load(disk, 0)? == 1 && load(disk, 64)? == 0 {}
                Ok(())
            },
        );
    });
    let missing = format!("missing: 1 word of line 0x40, stored stories.rs:{}: ", line + 6);
    has(&story, &["power cut", &missing, "recovery: it never returns\n"]);
}

#[test]
#[should_panic(expected = "the workload failed: the range ends at byte 4097")]
fn a_workload_that_fails() {
    model(4096, |disk, _: &Tell<'_, ()>| Ok(disk.map()?.write(4096, &[1])?), committed);
}

//! Bounds that are met, and tests that prove nothing.

use std::cell::Cell;

use pmem2_crash::{Disk, Machine, Model, Tell, model};

use crate::{Answer, has, load, story};

/// Stores a kilobyte that nobody flushes.
fn store(disk: Disk<'_>, _: &Tell<'_, ()>) -> Answer {
    Ok(disk.map()?.unflushed().write(0, &[1; 1024])?)
}

fn read(disk: Disk<'_>, _: &[()]) -> Answer {
    Ok(disk.map()?.read(0, &mut [0; 1024])?)
}

#[test]
fn a_bound_says_what_was_seen() {
    let model = Model::new(Machine::X86).budget(2_000);
    let story = story(|| model.check(4096, store, read));
    assert_eq!(
        story,
        "NOT ALL: each single word missing at each point; 200 at random; every image of 0 of 1 \
         points, about 0.0 % of the next; the budget of 2000 recoveries is used up"
    );
    model.accept_incomplete().check(4096, store, read);
}

/// A bound that is accepted is not a failure that is accepted.
#[test]
fn a_failure_within_the_bound() {
    let model = Model::new(Machine::X86).budget(2_000).accept_incomplete();
    let story = story(|| {
        model.check(4096, store, |disk, _| {
            read(disk, &[])?;
            if load(disk, 1016)? == 0 { Err("the last word is lost".into()) } else { Ok(()) }
        });
    });
    has(&story, &["missing: 8 words of line 0x3c0", "the last word is lost"]);
}

/// Maps the disk, and looks at nothing.
fn map(disk: Disk<'_>) -> Answer {
    disk.map()?;
    Ok(())
}

#[test]
fn nothing_is_stored() {
    let story = story(|| model(4096, |disk, _: &Tell<'_, ()>| map(disk), read));
    assert_eq!(story, "nothing was proved: the run stores nothing");
}

#[test]
fn nothing_is_read() {
    let expected = "nothing was proved: the recovery reads nothing";
    assert_eq!(story(|| model(4096, store, |_, _| ())), expected);
    assert_eq!(story(|| model(4096, store, |disk, _| map(disk))), expected);
}

#[test]
fn a_recovery_that_does_something_else_each_time() {
    let calls = Cell::new(0);
    let story = story(|| {
        model(4096, store, |disk, _| {
            calls.set(calls.get() + 1);
            (0..calls.get() % 3 + 1).try_for_each(|word| load(disk, word * 8).map(drop))?;
            Ok(())
        });
    });
    assert_eq!(story, "nothing was proved: the recovery does not do the same each time");
}

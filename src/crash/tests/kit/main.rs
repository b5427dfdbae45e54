//! The kit as a test meets it: stories, replays, bounds, threads, hints.

mod bounds;
mod hints;
mod past;
mod recoveries;
mod replays;
mod stories;
mod threads;

use std::panic::{AssertUnwindSafe, catch_unwind};

use pmem2::{Error, Mapping};
use pmem2_crash::Disk;

type Map<'d> = Mapping<Disk<'d>>;
type Answer = Result<(), Box<dyn std::error::Error>>;

/// Returns the story that a check panics with.
#[track_caller]
fn story(check: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(check)).expect_err("a check that fails");
    *panic.downcast().expect("a story")
}

/// Asserts that a text has these parts, in this order.
#[track_caller]
fn has(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let (_, after) = rest.split_once(part).unwrap_or_else(|| panic!("no {part:?} in: {text}"));
        rest = after;
    }
}

fn load(disk: Disk<'_>, at: usize) -> Result<u64, Error> {
    disk.map()?.word(at)?.load()
}

/// Checks that a record is there if its commit word is.
fn committed(disk: Disk<'_>, _: &[()]) -> Answer {
    if load(disk, 0)? == 1 && load(disk, 64)? == 0 {
        Err("the record is lost".into())
    } else {
        Ok(())
    }
}

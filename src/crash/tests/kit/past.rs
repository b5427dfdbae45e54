//! Stores and loads past the steps: at an address, in a slice, through a view.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use pmem2::Granularity;
use pmem2_crash::{Disk, Hint, Machine, Model, Run, Tell};

use crate::{Answer, Map, committed, has, story};

/// Commits a record that `store` stores past the steps, and checks the story and the hints: where
/// the store is found, which is in the line `found`.
#[track_caller]
fn is_found(found: u32, store: fn(&Map<'_>)) {
    let record = move |disk: Disk<'_>| -> Answer {
        let map = disk.map()?;
        store(&map);
        map.drain();
        Ok(map.commit(0, 1)?)
    };
    let story = story(|| {
        Model::new(Machine::X86).check(4096, |disk, _: &Tell<'_, ()>| record(disk), committed);
    });
    let stored = format!(
        "missing: 1 word of line 0x40, stored past the steps, found at past.rs:{found}: never"
    );
    has(&story, &[&stored, "the record is lost"]);
    let run = Run::new(vec![0; 4096], Granularity::CacheLine);
    let trace = run.record(|disk, _: &Tell<'_, ()>| record(disk).expect("stores"));
    let hints = trace.hints();
    let unordered: Vec<_> = hints.iter().filter(|(hint, ..)| *hint == Hint::Unordered).collect();
    let [(_, place, 1)] = unordered[..] else { panic!("{hints}") };
    assert_eq!(place.line(), found);
    let text = format!("a store past the steps, whose order is unknown (past.rs:{found}), 1 times");
    has(&hints.to_string(), &[&text]);
}

/// The line of the drain after the store, which is the next step.
const DRAIN: u32 = 17;

#[test]
fn at_an_address() {
    is_found(DRAIN, |map| {
        // SAFETY: the byte is mapped, and no reference to it exists.
        unsafe { map.as_ptr().add(64).write(1) };
    });
}

#[test]
fn in_a_slice() {
    is_found(DRAIN, |map| {
        // SAFETY: nobody else uses these bytes meanwhile.
        let slice = unsafe { map.memory().slice_mut(64..128) };
        slice.expect("64 bytes")[0] = 1;
    });
}

#[test]
fn through_a_view() {
    is_found(line!() + 1, |map| {
        map.view::<AtomicU64>(64).expect("a word").store(1, Relaxed);
    });
}

/// A recovery that looks at a slice has to see what a cut may leave, not what its memory happens to
/// have: then all that it maps is decided first.
#[test]
fn a_recovery_by_a_slice() {
    let work = |disk: Disk<'_>, _: &Tell<'_, ()>| -> Answer {
        let map = disk.map()?;
        map.unflushed().store(64, 1)?;
        Ok(map.commit(0, 1)?)
    };
    let by_slice = |disk: Disk<'_>, _: &[()]| -> Answer {
        let map = disk.map()?;
        // SAFETY: nobody changes these bytes meanwhile.
        let slice = unsafe { map.memory().slice(0..72).expect("72 bytes") };
        if slice[0] == 1 && slice[64] == 0 { Err("the record is lost".into()) } else { Ok(()) }
    };
    let model = Model::new(Machine::X86).exactly();
    let story_of_slice = story(|| model.whole().check(4096, work, by_slice));
    has(&story_of_slice, &["missing: 1 word of line 0x40", "the record is lost"]);
    // Else nothing is claimed.
    let nothing = story(|| model.check(4096, work, by_slice));
    assert_eq!(nothing, "nothing was proved: the recovery reads nothing");
}

/// A recovery may store through a view, too: what it redoes is there when the power is cut again.
#[test]
fn a_recovery_through_a_view() {
    let work = |disk: Disk<'_>, _: &Tell<'_, ()>| -> Answer { Ok(disk.map()?.commit(0, 1)?) };
    let recover = |disk: Disk<'_>, _: &[()]| -> Answer {
        let map = disk.map()?;
        let words = map.view::<[AtomicU64; 16]>(0)?;
        if words[8].load(Relaxed) == 1 && words[0].load(Relaxed) == 0 {
            return Err("done with what nobody began".into());
        }
        words[8].store(words[0].load(Relaxed), Relaxed);
        map.persist(0..128)?;
        Ok(())
    };
    Model::new(Machine::X86).check(4096, work, recover);
}

//! Hints: steps that are for nothing, or missing. And steps that a test would not miss.

use pmem2::Granularity;
use pmem2_crash::{Hint, Machine, Model, Run, Tell, Trace};

use crate::{Answer, Map, load};

fn record(
    granularity: Granularity,
    work: impl Fn(&Map<'_>) -> Result<(), pmem2::Error>,
) -> Trace<()> {
    Run::new(vec![0; 4096], granularity).record(|disk, _: &Tell<'_, ()>| {
        work(&disk.map().expect("a mapping")).expect("stores");
    })
}

/// Returns the hints, each with its line and the number of times.
fn hints(trace: &Trace<()>) -> Vec<(Hint, u32, usize)> {
    trace.hints().iter().map(|(hint, place, times)| (hint, place.line(), times)).collect()
}

#[test]
fn each_kind_with_its_place() {
    let line = line!();
    let trace = record(Granularity::CacheLine, |map| {
        for at in [64, 128] {
            map.flush(at..at + 8)?; // for nothing
            map.unflushed().store(at, 1)?;
            map.flush(at..at + 8)?;
            map.unflushed().store(at + 8, 1)?; // after the flush
            map.flush(at..at + 16)?;
            map.drain();
            map.drain(); // for nothing
        }
        map.unflushed().store(192, 1)?; // never flushed
        map.unflushed().store(256, 1)?;
        map.flush(256..264)?; // not fenced
        // SAFETY: the byte is mapped, and no reference to it exists.
        unsafe { map.as_ptr().add(320).write(1) };
        map.flush(320..321) // where the store is found
    });
    let found = hints(&trace);
    let expected = [
        (Hint::FlushedForNothing, line + 3, 2),
        (Hint::FencedForNothing, line + 9, 2),
        (Hint::StoredAfterFlush, line + 6, 2),
        (Hint::NotFlushed, line + 11, 1),
        (Hint::NotFenced, line + 13, 1),
        (Hint::NotFenced, line + 16, 1),
        (Hint::Unordered, line + 16, 1),
    ];
    assert_eq!(found, expected);
    let text = trace.hints().to_string();
    let first = format!(
        "hint: a flush of lines that nothing was stored to (hints.rs:{}), 2 times\n",
        line + 3
    );
    assert!(text.starts_with(&first), "{text}");
    assert_eq!(text.lines().count(), expected.len());
}

/// Nobody is told to flush where caches are durable, nor to fence where the system is called.
#[test]
fn nothing_to_say_of_what_is_right() {
    for granularity in [Granularity::Byte, Granularity::CacheLine, Granularity::Page] {
        let trace = record(granularity, |map| {
            map.write(64, &[1; 100])?;
            map.fill(256..512, 7)?;
            map.commit(0, 1)?;
            map.batch(|stores| {
                stores.write(1024, &[1; 8])?;
                stores.write(2048, &[1; 8])
            })
        });
        let hints = hints(&trace);
        assert!(hints.is_empty(), "{granularity}: {}", trace.hints());
    }
}

/// A flush whose line the recovery does not trust, and a test that never looks at what is told.
#[test]
fn steps_that_a_test_would_not_miss() {
    let line = line!();
    let trace = record(Granularity::CacheLine, |map| {
        map.unflushed().store(64, 1)?;
        map.flush(64..72)?;
        map.unflushed().store(128, 1)?;
        map.flush(128..136)?; // a line that nobody reads
        map.drain();
        map.unflushed().store(0, 1)?;
        map.persist(0..8) // nobody is told of it
    });
    let needed = Model::new(Machine::X86).needed(&trace, |disk, _| -> Answer {
        if load(disk, 0)? == 1 && load(disk, 64)? == 0 { Err("lost".into()) } else { Ok(()) }
    });
    let others: Vec<u32> = needed.others.iter().map(|event| event.place.line()).collect();
    assert_eq!(others, [line + 5, line + 8, line + 8]);
    assert_eq!(needed.missed, 2);
}

//! The structures of the examples: what they have told their users is there after a power cut, and
//! the rest as a whole or not at all.

use std::collections::BTreeSet;

use pmem2::{Error, Granularity, Handle, MapConfig, Mapping, Source, map::Map};
use pmem2_crash::{Action, Disk, Event, Machine, Model, Run, Trace};

use crate::{
    everywhere, holds,
    structures::{
        fault::Fault,
        log::{FIRST, Log},
        ring::Ring,
        slots::Slots,
    },
};

fn map(disk: Disk<'_>, granularity: Granularity) -> Mapping<Disk<'_>> {
    let config = MapConfig::new(granularity);
    Source::new(disk).and_then(|source| source.map(&config)).expect("a mapping")
}

/// Runs a structure in zeros, and checks all images. Of its flushes and fences as many are
/// `counted` as a check misses and does not miss.
fn survives<P: Clone>(
    name: &str,
    size: usize,
    work: impl Fn(Mapping<Disk<'_>>, &dyn Fn(P)) -> Result<(), Fault>,
    counted: (usize, usize),
    check: impl Fn(Disk<'_>, Mapping<Disk<'_>>, &[P]) -> Result<Result<(), String>, Fault>,
) {
    everywhere(|granularity, machine| {
        let trace: Trace<P> = Run::new(vec![0; size], granularity).record(|disk, promises| {
            work(map(disk, granularity), &|promise| promises.tell(promise)).expect("the work");
        });
        let recover = |disk: Disk<'_>, promised: &[P]| {
            check(disk, map(disk, granularity), promised).map_err(|fault| fault.to_string())?
        };
        holds(machine, &trace, recover, name);
        if (granularity, machine) == (Granularity::CacheLine, Machine::X86) {
            // Without cuts within the recovery, which would miss more of those of opening.
            let model = Model::new(machine).depth(0);
            let needed = model.needed(&trace, |disk, told| Ok(recover(disk, told)?));
            let places = needed.others.iter().map(|event| event.place.line());
            let places = places.collect::<BTreeSet<_>>();
            assert_eq!((needed.missed, needed.others.len()), counted, "{name}: {places:?}");
        }
    });
}

/// Records within a line, over two, and of no bytes.
const RECORDS: [&[u8]; 4] = [b"first", &[2; 100], &[], &[4; 50]];

fn records<H: Handle<P: Map>>(log: &Log<H>) -> Result<Vec<Vec<u8>>, Fault> {
    let (mut all, mut at, mut buffer) = (vec![], FIRST, [0; 128]);
    while let Some(record) = log.read(at, &mut buffer)? {
        all.push(buffer[..record.length].to_vec());
        at = record.next;
    }
    Ok(all)
}

/// Appends all records, as far as that goes, and promises each.
fn append(map: Mapping<Disk<'_>>, promise: &dyn Fn(usize)) -> Result<(), Fault> {
    let mut log = Log::open(map)?;
    for (count, record) in RECORDS.into_iter().enumerate() {
        log.append(record)?;
        promise(count + 1);
    }
    Ok(())
}

/// Checks that the log has the records that were appended, and perhaps the next one.
fn appended(map: Mapping<Disk<'_>>, promised: &[usize]) -> Result<Result<(), String>, Fault> {
    let found = records(&Log::open(map)?)?;
    let appended = promised.last().copied().unwrap_or(0);
    let whole = found.iter().zip(RECORDS).all(|(found, record)| found == record);
    if whole && (found.len() == appended || found.len() == appended + 1) {
        Ok(Ok(()))
    } else {
        Ok(Err(format!("{appended} were appended: {found:?}")))
    }
}

#[test]
fn a_log_loses_no_record_that_was_appended() {
    // Not missed are those of opening a log of zeros, of which nothing is told yet.
    survives("a log", 1024, append, (18, 7), |_, map, promised| appended(map, promised));
}

/// Whichever sync fails: a log that was told so appends nothing more, and what it has promised
/// stays true.
#[test]
fn a_log_whose_sync_fails_keeps_its_promises() {
    for fails in 0.. {
        let mut whole = false;
        let run = Run::new(vec![0; 1024], Granularity::Page).fail_sync(fails);
        let trace = run.record(|disk, promises| {
            let done = append(map(disk, Granularity::Page), &|promise| promises.tell(promise));
            assert!(matches!(done, Ok(()) | Err(Fault::Map(Error::NotSynced))), "{done:?}");
            whole = done.is_ok();
        });
        let recover = |disk: Disk<'_>, promised: &[usize]| {
            let found = appended(map(disk, Granularity::Page), promised);
            found.map_err(|fault| fault.to_string())?
        };
        holds(Machine::PageCache, &trace, recover, "a log whose sync fails");
        if whole {
            // Three for a new log, and two for each record.
            assert_eq!(fails, 3 + 2 * RECORDS.len());
            break;
        }
    }
}

/// A record that is stored in the place of one that failed.
const OTHER: &[u8] = &[7; 90];

/// Goes on after a failure with another record. Where that is refused, since the first one may be
/// durable, opening the structure again makes it so.
fn goes_on<S>(
    mut store: S,
    put: impl Fn(&mut S, &[u8]) -> Result<(), Fault>,
    open: impl Fn(S) -> Result<S, Fault>,
    promise: &dyn Fn(usize),
) -> Result<(), Fault> {
    for (count, record) in RECORDS.into_iter().enumerate() {
        let done = put(&mut store, record);
        match done.or_else(|fault| match fault {
            Fault::Map(Error::NotSynced) => put(&mut store, OTHER),
            fault => Err(fault),
        }) {
            Err(Fault::Unsettled) => store = open(store)?,
            done => done?,
        }
        promise(count + 1);
    }
    Ok(())
}

/// Checks that the records are those that were promised, and perhaps the next one.
fn stored(found: &[Vec<u8>], promised: &[usize]) -> Result<(), String> {
    let count = promised.last().copied().unwrap_or(0);
    let mut both = found.iter().zip(RECORDS);
    let whole = both.all(|(found, record)| found == record || found == OTHER);
    if whole && (found.len() == count || found.len() == count + 1) {
        Ok(())
    } else {
        Err(format!("{count} were stored: {found:?}"))
    }
}

/// Runs it with each sync failing in turn, until there are no more.
fn each_failure(
    name: &str,
    work: impl Fn(Mapping<Disk<'_>>, &dyn Fn(usize)) -> Result<(), Fault>,
    all: impl Fn(Disk<'_>, Mapping<Disk<'_>>) -> Result<Vec<Vec<u8>>, Fault>,
) {
    let mut ran = 0;
    for fails in 0.. {
        let run = Run::new(vec![0; 1024], Granularity::Page).fail_sync(fails);
        let trace = run.record(|disk, promises| {
            let done = work(map(disk, Granularity::Page), &|promise| promises.tell(promise));
            // Where opening fails, nothing more can be done.
            assert!(matches!(done, Ok(()) | Err(Fault::Map(Error::NotSynced))), "{done:?}");
        });
        let failed = |event: &Event| matches!(event.action, Action::Sync { failed: true, .. });
        let failed = trace.events().iter().any(failed);
        holds(
            Machine::PageCache,
            &trace,
            |disk, promised| {
                let found =
                    all(disk, map(disk, Granularity::Page)).map_err(|fault| fault.to_string())?;
                stored(&found, promised)
            },
            name,
        );
        if !failed {
            break;
        }
        ran += 1;
    }
    assert!(ran > 2 * RECORDS.len(), "{ran} syncs failed");
}

#[test]
fn after_a_sync_that_failed_nothing_is_stored_over_what_may_be_there() {
    each_failure(
        "a log that goes on",
        |map, promise| {
            goes_on(Log::open(map)?, Log::append, |log| Log::open(log.into_map()), promise)
        },
        |_, map| records(&Log::open(map)?),
    );
    each_failure(
        "a ring that goes on",
        |map, promise| {
            goes_on(Ring::open(map)?, Ring::push, |ring| Ring::open(ring.into_map()), promise)
        },
        |disk, map| {
            let (mut ring, mut all, mut buffer) = (Ring::open(map)?, vec![], [0; 128]);
            disk.recovered();
            while let Some(length) = ring.take(&mut buffer)? {
                all.push(buffer[..length].to_vec());
            }
            Ok(all)
        },
    );
}

/// Pushes of 17 bytes go over the end of a ring of 80.
#[test]
fn a_ring_loses_no_record_and_brings_none_twice() {
    let record = |number: u8| [number + 1; 17];
    survives(
        "a ring",
        192 + 80,
        |map, promise| {
            let mut ring = Ring::open(map)?;
            for number in 0..5 {
                ring.push(&record(number))?;
                promise((number + 1, number.saturating_sub(1)));
                if number > 0 {
                    ring.take(&mut [0; 17])?;
                    promise((number + 1, number));
                }
            }
            Ok(())
        },
        // Not missed: those of opening, and of a record that was taken before it was looked for.
        (29, 18),
        |disk, map, promised| {
            let (pushed, taken) = promised.last().copied().unwrap_or((0, 0));
            let mut ring = Ring::open(map)?;
            disk.recovered();
            let (mut found, mut buffer) = (vec![], [0; 17]);
            while let Some(length) = ring.take(&mut buffer)? {
                found.push(buffer[..length].to_vec());
            }
            // One may have been pushed or taken since.
            let possible = [(pushed, taken), (pushed + 1, taken), (pushed, taken + 1)];
            let fits = |&(pushed, taken): &(u8, u8)| {
                found == (taken..pushed).map(|number| record(number).to_vec()).collect::<Vec<_>>()
            };
            if possible.iter().any(fits) {
                Ok(Ok(()))
            } else {
                Ok(Err(format!("pushed {pushed}, taken {taken}: {found:?}")))
            }
        },
    );
}

#[test]
fn slots_have_the_last_value_or_the_next() {
    survives(
        "slots",
        512,
        |map, promise| {
            let mut slots = Slots::<_, 40>::open(map)?;
            for number in 1..=4 {
                slots.put(&[number; 40])?;
                promise(number);
            }
            Ok(())
        },
        // Not missed: a flush of a line that the next one flushes, too; and those of opening.
        (9, 6),
        |_, map, promised| {
            let last = promised.last().copied().unwrap_or(0);
            let found = Slots::<_, 40>::open(map)?.get()?;
            let is = |number: u8| found == (number > 0).then_some([number; 40]);
            if is(last) || is(last + 1) {
                Ok(Ok(()))
            } else {
                Ok(Err(format!("{last} was told: {found:?}")))
            }
        },
    );
}

//! Files that grow, shrink, and give storage back.

use pmem2::{Error, Granularity, MapConfig, Source, map::Map as _};
use pmem2_crash::{Disk, Machine, PAGE, Run, Trace};

use crate::{Map, SIZE, before, everywhere, holds};

const ROOM: usize = 5 * PAGE;

fn map(disk: Disk<'_>, granularity: Granularity) -> Result<Map<'_>, Error> {
    Source::new(disk)?.map(&MapConfig::new(granularity).room(ROOM as u64))
}

/// Records a run on a file with room, and what it promises.
fn run(
    granularity: Granularity,
    work: impl FnOnce(&mut Map<'_>, &dyn Fn(usize)) -> Result<(), Error>,
) -> Trace<usize> {
    Run::new(before(), granularity).room(ROOM).record(|disk, promises| {
        let mut map = map(disk, granularity).expect("a mapping");
        work(&mut map, &|promise| promises.tell(promise)).expect("the work");
    })
}

/// Checks all images: the length of the file, and the bytes of a piece that is in it.
fn check(
    trace: &Trace<usize>,
    machine: Machine,
    name: &str,
    at: usize,
    expected: impl Fn(usize, Option<&[u8]>, Option<usize>) -> bool,
) {
    let recover = |disk: Disk<'_>, promised: &[usize]| {
        let map = map(disk, trace.granularity()).map_err(|error| error.to_string())?;
        let mut bytes = [0; 8];
        let there = map.read(at, &mut bytes).is_ok().then_some(&bytes[..]);
        if expected(map.length(), there, promised.last().copied()) {
            Ok(())
        } else {
            Err(format!("{} bytes, {there:x?} at {at}, after {promised:?}", map.length()))
        }
    };
    holds(machine, trace, recover, name);
}

#[test]
fn what_is_stored_to_a_file_that_grew_is_there() {
    everywhere(|granularity, machine| {
        let trace = run(granularity, |map, promise| {
            map.grow(4 * PAGE)?;
            map.write(3 * PAGE, &[2; 8])?;
            promise(4 * PAGE);
            Ok(())
        });
        check(&trace, machine, "grow, write", 3 * PAGE, |length, bytes, promised| {
            match promised {
                Some(promised) => length == promised && bytes == Some(&[2; 8]),
                // No byte is there that nobody stored.
                None if length == SIZE => bytes.is_none(),
                None => length == 4 * PAGE && bytes.is_some_and(|b| b == [0; 8] || b == [2; 8]),
            }
        });
        check(&trace, machine, "grow, write", 64, |_, bytes, _| bytes == Some(&before()[64..72]));
    });
}

/// Growing is durable by itself, except where the granularity is the page: there the length comes
/// with the first sync, as the documentation says.
#[test]
fn growth_is_durable_as_far_as_it_says() {
    everywhere(|granularity, machine| {
        let trace = run(granularity, |map, promise| {
            map.grow(4 * PAGE)?;
            promise(4 * PAGE);
            map.write(64, &[2; 8])?;
            promise(4 * PAGE + 1);
            Ok(())
        });
        let sync = if granularity == Granularity::Page { 4 * PAGE + 1 } else { 4 * PAGE };
        check(&trace, machine, "grow", 2 * PAGE + 200, |length, bytes, promised| match promised {
            Some(promised) if promised >= sync => length == 4 * PAGE && bytes == Some(&[0; 8]),
            _ => length == SIZE && bytes.is_none() || length == 4 * PAGE && bytes == Some(&[0; 8]),
        });
    });
}

#[test]
fn shrinking_is_durable_and_growing_again_brings_zeros() {
    everywhere(|granularity, machine| {
        let trace = run(granularity, |map, promise| {
            map.shrink(PAGE)?;
            promise(PAGE);
            map.grow(2 * PAGE)?;
            map.persist(..8)?;
            promise(2 * PAGE);
            Ok(())
        });
        let old = &before()[PAGE + 64..][..8];
        check(
            &trace,
            machine,
            "shrink, grow",
            PAGE + 64,
            |length, bytes, promised| match promised {
                None => length == SIZE && bytes == Some(old) || length == PAGE && bytes.is_none(),
                Some(PAGE) if length == PAGE => bytes.is_none(),
                _ => length == 2 * PAGE && bytes == Some(&[0; 8]),
            },
        );
        check(&trace, machine, "shrink, grow", 64, |_, bytes, _| bytes == Some(&before()[64..72]));
    });
}

#[test]
fn deallocated_bytes_are_zeros_durably() {
    everywhere(|granularity, machine| {
        let trace = run(granularity, |map, promise| {
            map.deallocate(PAGE..2 * PAGE)?;
            promise(0);
            map.write(PAGE + 64, &[2; 8])?;
            promise(2);
            Ok(())
        });
        let old = &before()[PAGE + 64..][..8];
        check(&trace, machine, "deallocate", PAGE + 64, |length, bytes, promised| {
            length == SIZE
                && bytes.is_some_and(|bytes| match promised {
                    None => bytes == old || bytes == [0; 8],
                    Some(0) => bytes == [0; 8] || bytes == [2; 8],
                    Some(_) => bytes == [2; 8],
                })
        });
        check(&trace, machine, "deallocate", 64, |_, bytes, _| bytes == Some(&before()[64..72]));
    });
}

/// Another sets a length, and does not make it durable. A store to the new bytes needs no call, and
/// so nothing after it would: whoever shows them has to.
#[test]
fn a_length_of_others_is_durable_before_what_is_stored_there() {
    everywhere(|granularity, machine| {
        for catches_up in [true, false] {
            let trace = Run::new(before(), granularity).room(ROOM).record(|disk, promises| {
                let set = || {
                    let facts = *Source::new(disk).expect("a source").facts();
                    let range = SIZE as u64..4 * PAGE as u64;
                    let set = Disk::extend((&disk).into(), &facts, range, Some(SIZE as u64), false);
                    set.expect("space");
                };
                let map = if catches_up {
                    let map = map(disk, granularity).expect("a mapping");
                    set();
                    assert_eq!(map.catch_up().expect("a size"), 4 * PAGE);
                    map
                } else {
                    set();
                    let map = map(disk, granularity).expect("a mapping");
                    map.grow(map.length()).expect("a length");
                    map
                };
                map.write(3 * PAGE, &[2; 8]).expect("a store");
                promises.tell(4 * PAGE);
            });
            check(
                &trace,
                machine,
                "set, write",
                3 * PAGE,
                |length, bytes, promised| match promised {
                    Some(promised) => length == promised && bytes == Some(&[2; 8]),
                    None => length == SIZE || bytes.is_some(),
                },
            );
        }
    });
}

/// Who else has the file mapped sees what has grown, and its stores are as durable.
#[test]
fn a_mapping_that_catches_up_stores_durably() {
    everywhere(|granularity, machine| {
        let trace = Run::new(before(), granularity).room(ROOM).record(|disk, promises| {
            let (one, other) = (map(disk, granularity), map(disk, granularity));
            let (one, other) = (one.expect("a mapping"), other.expect("a mapping"));
            one.grow(4 * PAGE).expect("space");
            assert!(other.write(3 * PAGE, &[2; 8]).is_err());
            assert_eq!(other.catch_up().expect("a size"), 4 * PAGE);
            other.write(3 * PAGE, &[2; 8]).expect("a store");
            promises.tell(4 * PAGE);
        });
        check(&trace, machine, "catch_up", 3 * PAGE, |length, bytes, promised| match promised {
            Some(promised) => length == promised && bytes == Some(&[2; 8]),
            None => length == SIZE || bytes.is_some(),
        });
    });
}

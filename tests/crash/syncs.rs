//! Syncs that fail, and mappings that keep nothing.

use pmem2::{Error, Granularity, MapConfig, Sharing, Source};
use pmem2_crash::{Disk, Machine, Model, PAGE, Run, Trace, Verdict};

use crate::{Map, before, holds, map};

const PAGES: Granularity = Granularity::Page;

/// Records a run on a page cache, one of whose syncs fails.
fn run(fails: usize, work: impl FnOnce(&Map<'_>) -> Result<(), Error>) -> Trace<()> {
    Run::new(before(), PAGES).fail_sync(fails).record(|disk, promises| {
        let map = map(disk, PAGES).expect("a mapping");
        work(&map).expect("the work");
        promises.tell(());
    })
}

/// Checks that bytes are new where that was promised.
fn lost(disk: Disk<'_>, promised: &[()], at: usize, new: &[u8]) -> Result<(), String> {
    let mut bytes = vec![0; new.len()];
    crate::read(disk, PAGES, at, &mut bytes);
    match promised {
        [_, ..] if bytes != new => Err(format!("lost: {bytes:x?}")),
        _ => Ok(()),
    }
}

#[test]
fn every_method_says_that_a_sync_failed() {
    type Method = (&'static str, fn(&Map<'_>) -> Result<(), Error>);
    let methods: [Method; 14] = [
        ("write", |map| map.write(64, &[2; 8])),
        ("fill", |map| map.fill(64..72, 2)),
        ("move_within", |map| map.move_within(0..8, 64)),
        ("put", |map| map.put(64, &2_u64)),
        ("Word::store", |map| map.word(64)?.store(2)),
        ("commit", |map| map.commit(64, 2)),
        ("flush", |map| map.flush(64..72)),
        ("persist", |map| map.persist(64..72)),
        ("sync", |map| map.sync(64..72)),
        ("deep_flush", |map| map.deep_flush(64..72)),
        ("batch", |map| map.batch(|batch| batch.write(64, &[2; 8]))),
        ("commit in a batch", |map| {
            map.batch(|batch| {
                batch.write(64, &[2; 8])?;
                let failed = batch.commit(128, 2);
                assert!(matches!(failed, Err(Error::NotSynced)), "{failed:?}");
                assert_eq!(
                    map.word(128)?.load()?,
                    u64::from_ne_bytes(before()[128..136].try_into().unwrap())
                );
                failed
            })
        }),
        ("part", |map| map.part(64..)?.write(0, &[2; 8])),
        ("batch that does not tell of its commit", |map| {
            map.batch(|batch| {
                batch.write(64, &[2; 8])?;
                assert!(batch.commit(128, 2).is_err());
                Ok(())
            })
        }),
    ];
    for (name, method) in methods {
        run(0, |map| {
            let failed = method(map);
            assert!(matches!(failed, Err(Error::NotSynced)), "{name}: {failed:?}");
            Ok(())
        });
    }
}

/// Bytes that a failed sync was to store are not durable by another sync: the system takes their
/// page for clean. They are when they were stored again.
#[test]
fn what_a_failed_sync_was_to_store_has_to_be_stored_again() {
    let persisted = run(0, |map| {
        assert!(map.write(64, &[2; 8]).is_err());
        map.persist(64..72)
    });
    let recover = |disk: Disk<'_>, promised: &[()]| lost(disk, promised, 64, &[2; 8]);
    let verdict =
        Model::new(Machine::PageCache).explore(&persisted, |disk, told| Ok(recover(disk, told)?));
    assert!(matches!(verdict, Verdict::Fails(_)), "{verdict}");
    let stored = run(0, |map| {
        assert!(map.write(64, &[2; 8]).is_err());
        map.write(64, &[2; 8])
    });
    holds(Machine::PageCache, &stored, recover, "stored again");
}

/// A failed sync takes nothing from other pages, nor from what was durable before.
#[test]
fn a_failed_sync_takes_nothing_from_what_is_durable() {
    let trace = run(1, |map| {
        map.write(64, &[2; 8])?;
        assert!(map.write(128, &[4; 8]).is_err());
        map.write(PAGE, &[6; 8])
    });
    for (at, new) in [(64, [2; 8]), (PAGE, [6; 8])] {
        let recover = |disk: Disk<'_>, promised: &[()]| lost(disk, promised, at, &new);
        holds(Machine::PageCache, &trace, recover, "others");
    }
}

/// A batch whose sync fails says so, also where the work of the program failed: then it says that.
#[test]
fn a_batch_reports_the_error_of_the_work_first() {
    run(0, |map| {
        let failed = map.batch(|batch| {
            batch.write(64, &[2; 8])?;
            batch.write(usize::MAX, &[2])
        });
        assert!(matches!(failed, Err(Error::MapRange { .. })), "{failed:?}");
        Ok(())
    });
}

/// Stores to a private mapping reach nobody else, however they are flushed.
#[test]
fn a_private_mapping_keeps_nothing() {
    for granularity in crate::GRANULARITIES {
        let trace = Run::new(before(), granularity).record(|disk, promises| {
            let shared = map(disk, granularity).expect("a mapping");
            let config = MapConfig::new(Granularity::Byte).sharing(Sharing::Private);
            let private = Source::new(disk).and_then(|source| source.map(&config));
            let private = private.expect("a private mapping");
            private.write(64, &[2; 8]).expect("a store");
            private.commit(72, 2).expect("a store");
            private.sync(..).expect("nothing to do");
            private.deep_flush(..).expect("nothing to do");
            let mut both = [[0; 8]; 2];
            private.read(64, &mut both[0]).expect("a load");
            shared.read(64, &mut both[1]).expect("a load");
            assert_eq!((&both[0][..], &both[1][..]), (&[2; 8][..], &before()[64..72]));
            shared.write(128, &[4; 8]).expect("a store");
            promises.tell(());
        });
        let recover = |disk: Disk<'_>, _: &[()]| {
            let mut bytes = [0; 16];
            crate::read(disk, granularity, 64, &mut bytes);
            if bytes == before()[64..80] { Ok(()) } else { Err(format!("{bytes:x?}")) }
        };
        for machine in Machine::ALL.into_iter().filter(|machine| machine.keeps(granularity)) {
            holds(machine, &trace, recover, "private");
        }
    }
}

//! Mappings over a platform that is a script: what is done in which order, and what comes of each
//! failure.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
};

use pmem2::{
    Error, Granularity, Kind, MapConfig, Mapping, Source,
    error::{Errno, Subject},
    map::Stores,
    persist::{PersistenceDomain, Undurable},
    place::{MapSync, Mode},
    platform::Fail,
};

use crate::{
    land::some_fails,
    map::Addresses,
    script::{Call, Object, READ_WRITE, Script},
    world::World,
};

const ANY: MapConfig<'static> = MapConfig::new(Granularity::Page);

/// A file that is mapped with this granularity.
fn file(granularity: Granularity) -> Script {
    let mut world = World::BEST;
    let domain = PersistenceDomain::MemoryController;
    let synchronous = match granularity {
        Granularity::Byte => MapSync::Granted,
        Granularity::CacheLine => {
            world.regions[0] = Some((Mode::Fsdax, domain));
            MapSync::Granted
        }
        Granularity::Page => MapSync::Refused,
    };
    world.script(Kind::RegularFile, Ok(synchronous))
}

fn mapped(script: &Script) -> Mapping<Object<'_>> {
    let map = Source::new(script.object()).unwrap().map(&ANY.room(0x2_0000)).unwrap();
    script.calls();
    map
}

const ALL: [Granularity; 3] = [Granularity::Byte, Granularity::CacheLine, Granularity::Page];

/// Every way to fail of one question, in turn: what is done, the errors that it may be, and what
/// has to hold after it.
fn each_fail(
    subject: Subject,
    fail: fn(&Addresses) -> &Cell<Option<Fail>>,
    run: impl Fn(&Script, Fail),
) {
    let also = (subject == Subject::Sync).then_some(Fail::NotSynced);
    for failure in some_fails(subject).into_iter().chain(also) {
        for granularity in ALL {
            let script = file(granularity);
            fail(&script.addresses).set(Some(failure));
            run(&script, failure);
        }
    }
}

fn os(subject: Subject, errno: Errno) -> Fail {
    Fail::Os(subject, errno)
}

#[test]
fn a_source_that_is_not_mapped_is_given_back() {
    each_fail(
        Subject::Mapping,
        |answers| &answers.map,
        |script, _| {
            let source = Source::new(script.object()).unwrap();
            let (source, error) = source.try_map(&ANY).unwrap_err();
            assert_ne!(error, Error::SourceEmpty);
            assert!(!script.is_mapped());
            assert_eq!(script.dropped.get(), 0);
            // It is as good as before.
            script.addresses.map.set(None);
            let map = source.try_map(&ANY).map_err(|(_, error)| error).unwrap();
            assert!(script.is_mapped());
            drop(map);
            assert!(!script.is_mapped());
            assert_eq!((script.dropped.get(), script.addresses.unmapped.take()), (1, vec![0]));
        },
    );
    let script = file(Granularity::Byte);
    script.addresses.map.set(Some(os(Subject::Mapping, Errno::ENOMEM)));
    let error = Source::new(script.object()).unwrap().map(&ANY).unwrap_err();
    assert_eq!(error, Error::Os { subject: Subject::Mapping, errno: Errno::ENOMEM });
}

/// A mapping that is refused after it was made is unmapped.
#[test]
fn a_decision_that_refuses_unmaps() {
    let wanted = MapConfig::new(Granularity::Byte);
    for granularity in [Granularity::CacheLine, Granularity::Page] {
        let script = file(granularity);
        let source = Source::new(script.object()).unwrap();
        let (source, error) = source.try_map(&wanted).unwrap_err();
        assert!(
            matches!(error, Error::GranularityNotSupported { wanted: Granularity::Byte, expected }
                if expected.granularity == granularity),
            "{error:?}"
        );
        assert!(!script.is_mapped());
        assert_eq!((script.dropped.get(), script.addresses.unmapped.take()), (0, vec![0]));
        let calls = script.calls();
        let at = |call| calls.iter().position(|made| *made == call).expect("it was made");
        assert!(at(Call::Map(0, 0x1_0000, true)) < at(Call::Unmap(0x1_0000)));

        // Where even that fails the memory is lost, and the source is not.
        script.addresses.unmap.set(Some(os(Subject::Unmapping, Errno::ENOMEM)));
        let (source, again) = source.try_map(&wanted).unwrap_err();
        assert_eq!(again, error);
        assert!(script.is_mapped());
        assert_eq!(source.size(), Ok(0x1_0000));
        drop(source);
        let unmaps = script.calls().iter().filter(|call| matches!(call, Call::Unmap(_))).count();
        assert_eq!((unmaps, script.dropped.get()), (1, 1));
    }
}

/// So is memory for which the processor has no steps.
#[test]
fn without_steps_it_is_unmapped() {
    each_fail(
        Subject::Mapping,
        |answers| &answers.steps,
        |script, fail| {
            let (_, error) = Source::new(script.object()).unwrap().try_map(&ANY).unwrap_err();
            assert!(!script.is_mapped());
            assert_eq!(script.addresses.unmapped.take(), [0]);
            let flushes = script.calls().contains(&Call::Steps(true));
            let none = Error::NotDurable(Undurable::NoInstruction);
            assert_eq!(error == none, flushes && fail == Fail::Unsupported);
        },
    );
}

/// The kernel's answer to a question about the place comes when it is mapped already.
#[test]
fn a_place_that_cannot_be_found_unmaps() {
    for granularity in [Granularity::Byte, Granularity::CacheLine] {
        let mut script = file(granularity);
        script.land.locate = Err(Fail::Replaced);
        let answer = Source::new(script.object()).unwrap().try_map(&ANY);
        assert_eq!(script.is_mapped(), answer.is_ok());
        drop(answer);
        assert!(!script.is_mapped());
        assert_eq!(script.addresses.unmapped.take().len(), 1);
    }
}

#[test]
fn memory_that_is_not_unmapped_is_given_back() {
    each_fail(
        Subject::Unmapping,
        |answers| &answers.unmap,
        |script, fail| {
            let mut map = mapped(script);
            map.write(100, b"kept").unwrap();
            script.calls();
            for _ in 0..3 {
                let (back, error) = map.unmap().unwrap_err();
                if let Fail::Os(subject, errno) = fail {
                    assert_eq!(error, Error::Os { subject, errno });
                }
                assert_eq!(script.calls(), [Call::Unmap(0x2_0000)]);
                assert!(script.is_mapped());
                assert_eq!(back.get::<[u8; 4]>(100), Ok(*b"kept"));
                assert_eq!((back.length(), back.room()), (0x1_0000, 0x2_0000));
                script.calls();
                map = back;
            }
            script.addresses.unmap.set(None);
            let source = map.unmap().map_err(|(_, error)| error).unwrap();
            assert!(!script.is_mapped());
            assert_eq!(script.calls(), [Call::Unmap(0x2_0000)]);
            assert_eq!((script.dropped.get(), source.size()), (0, Ok(0x1_0000)));
            drop(source);
            assert_eq!((script.dropped.get(), script.addresses.unmapped.take()), (1, vec![0]));
        },
    );
}

/// It unmaps once, before the handle goes; where that fails, nobody is told, and the handle goes
/// all the same. What borrows it does not.
#[test]
fn drop_unmaps() {
    for granularity in ALL {
        let script = file(granularity);
        let map = mapped(&script);
        drop(map.part(10..20).unwrap());
        drop(map.split_at(0x8000).unwrap());
        let _ = map.batch(|stores| stores.write(0, &[1]));
        assert!(script.is_mapped());
        script.calls();
        drop(map);
        assert_eq!(script.calls(), [Call::Unmap(0x2_0000)]);
        assert_eq!((script.dropped.get(), script.addresses.unmapped.take()), (1, vec![0]));
        script.addresses.unmap.set(Some(os(Subject::Unmapping, Errno::ENOMEM)));
        drop(mapped(&script));
        assert_eq!((script.calls(), script.dropped.get()), (vec![Call::Unmap(0x2_0000)], 2));
    }
}

/// The steps of stores: each granularity takes what it needs, and no more.
#[test]
fn what_is_stored_becomes_durable() {
    use Call::{Fence, Flush, Msync, Store, Word};
    for granularity in ALL {
        let script = file(granularity);
        let map = mapped(&script);
        assert_eq!(map.granularity(), granularity);
        let of = |at, length| match granularity {
            Granularity::Byte => (vec![], vec![Fence]),
            Granularity::CacheLine => (vec![Flush(at, length)], vec![Fence]),
            Granularity::Page => (vec![], vec![Msync(at, length)]),
        };
        let stored = |at, length, flushed: (Vec<Call>, Vec<Call>)| {
            [vec![Store(at, length)], flushed.0, flushed.1].concat()
        };
        map.write(101, &[1; 7]).unwrap();
        assert_eq!(script.calls(), stored(101, 7, of(101, 7)));
        map.fill(5..105, 3).unwrap();
        assert_eq!(script.calls(), stored(5, 100, of(5, 100)));
        map.move_within(0..16, 4096).unwrap();
        assert_eq!(script.calls(), stored(4096, 16, of(4096, 16)));
        map.put(64, &7_u32).unwrap();
        assert_eq!(script.calls(), stored(64, 4, of(64, 4)));
        let word = |first: Vec<Call>| {
            let (flushed, end) = of(8, 8);
            [first, vec![Word(8)], flushed, end].concat()
        };
        map.word(8).unwrap().store(1).unwrap();
        assert_eq!(script.calls(), word(vec![]));
        // After everything before it.
        for commit in [
            |map: &Mapping<_>| map.commit(8, 2),
            |map: &Mapping<_>| map.word(8).unwrap().commit(2),
            |map: &Mapping<_>| map.batch(|stores| stores.commit(8, 2)),
        ] {
            commit(&map).unwrap();
            let calls = script.calls();
            let at = calls.iter().position(|call| *call == Word(8)).unwrap();
            assert_eq!(calls[at - 1], Fence);
            let rest = word(vec![]);
            assert_eq!(calls[at..][..rest.len()], rest);
        }
        map.persist(10..20).unwrap();
        assert_eq!(script.calls(), stored(0, 0, of(10, 10))[1..]);
        map.sync(10..20).unwrap();
        map.deep_flush(10..20).unwrap();
        assert_eq!(script.calls(), [Msync(10, 10), Msync(10, 10)], "of a file by the system");
        let unflushed = map.unflushed();
        unflushed.write(0, &[9]).unwrap();
        assert_eq!(script.calls(), [Store(0, 1)]);
    }
}

/// The stores of a batch, and how many times the system or the processor is waited for: once, at
/// its end.
fn two(stores: &Stores<'_, Object<'_>>) -> Result<(), Error> {
    stores.write(64, &[1; 64])?;
    stores.put(8192, &2_u64)
}

/// One drain, or one call for all from the first to the last, whether the work is done, fails or
/// unwinds.
#[test]
fn a_batch_is_drained_in_any_case() {
    use Call::{Fence, Flush, Msync, Store};
    for granularity in ALL {
        let script = file(granularity);
        let map = mapped(&script);
        let expected: &[Call] = match granularity {
            Granularity::Byte => &[Store(64, 64), Store(8192, 8), Fence],
            Granularity::CacheLine => {
                &[Store(64, 64), Flush(64, 64), Store(8192, 8), Flush(8192, 8), Fence]
            }
            Granularity::Page => &[Store(64, 64), Store(8192, 8), Msync(64, 8136)],
        };
        assert_eq!(map.batch(two), Ok(()));
        assert_eq!(script.calls(), expected, "done");

        #[derive(Debug, PartialEq)]
        enum Mine {
            Reason,
            Theirs(Error),
        }
        impl From<Error> for Mine {
            fn from(error: Error) -> Self {
                Self::Theirs(error)
            }
        }
        let failed = map.batch(|stores| {
            two(stores)?;
            Err::<(), _>(Mine::Reason)
        });
        assert_eq!(failed, Err(Mine::Reason));
        assert_eq!(script.calls(), expected, "failed");

        let unwound = catch_unwind(AssertUnwindSafe(|| {
            map.batch(|stores| -> Result<(), Error> {
                two(stores)?;
                panic!("on purpose")
            })
        }));
        assert!(unwound.is_err());
        assert_eq!(script.calls(), expected, "unwound");

        // The work's error comes before the system's, and that is not lost otherwise.
        script.addresses.sync.set(Some(Fail::NotSynced));
        let both = map.batch(|stores| {
            two(stores)?;
            Err::<(), _>(Mine::Reason)
        });
        assert_eq!(both, Err(Mine::Reason));
        let end = map.batch(|stores| two(stores).map_err(Mine::Theirs));
        let lost = if granularity == Granularity::Page {
            Err(Mine::Theirs(Error::NotSynced))
        } else {
            Ok(())
        };
        assert_eq!(end, lost);
    }
}

/// A commit that failed is told by its batch, whatever the work makes of it; and what was to be
/// durable before it still is to be.
#[test]
fn a_commit_that_failed_is_told_by_its_batch() {
    let script = file(Granularity::Page);
    let map = mapped(&script);
    for (at, error) in [
        (4, Error::OffsetUnaligned { offset: 4, alignment: 8 }),
        (1 << 20, Error::MapRange { end: (1 << 20) + 8, size: 0x1_0000 }),
    ] {
        let ended = map.batch(|stores| {
            stores.write(0, &[1])?;
            assert_eq!(stores.commit(at, 1), Err(error));
            Ok(())
        });
        assert_eq!(ended, Err(error));
    }
    let ended = map.batch(|stores| {
        script.addresses.sync.set(Some(Fail::NotSynced));
        assert_eq!(stores.commit(8, 1), Err(Error::NotSynced));
        script.addresses.sync.set(None);
        Ok::<_, Error>(())
    });
    assert_eq!(ended, Err(Error::NotSynced));

    // Another cuts the file, and gives it back.
    let stores = map.unflushed();
    stores.write(0, &[1]).unwrap();
    stores.write(0x8000, &[1]).unwrap();
    script.size_now.set(Some(0x4000));
    assert_eq!(map.catch_up(), Ok(0x4000));
    for _ in 0..2 {
        let cut = Error::MapRange { end: 0x8001, size: 0x4000 };
        assert_eq!(stores.commit(0x1000, 1), Err(cut));
    }
    script.size_now.set(None);
    assert_eq!(map.catch_up(), Ok(0x1_0000));
    script.calls();
    stores.commit(0x1000, 1).unwrap();
    assert_eq!(script.calls()[0], Call::Msync(0, 0x8001));
}

/// An msync(2) that fails with EIO has lost bytes, and whoever waits for them is told; by each
/// function that waits.
#[test]
fn what_is_not_synced_is_told() {
    type Wait = fn(&Mapping<Object<'_>>) -> Result<(), Error>;
    let of_page: [Wait; 9] = [
        |map| map.write(0, &[1]),
        |map| map.fill(0..10, 1),
        |map| map.move_within(0..10, 5),
        |map| map.put(0, &1_u8),
        |map| map.commit(0, 1),
        |map| map.word(0)?.store(1),
        |map| map.flush(..),
        |map| map.persist(..),
        |map| map.batch(two),
    ];
    let of_file: [Wait; 2] = [|map| map.sync(..), |map| map.deep_flush(0..1)];
    each_fail(
        Subject::Sync,
        |answers| &answers.sync,
        |script, fail| {
            let map = mapped(script);
            let page = map.granularity() == Granularity::Page;
            let expected = match fail {
                Fail::NotSynced => Some(Error::NotSynced),
                Fail::Os(subject, errno) => Some(Error::Os { subject, errno }),
                _ => None,
            };
            for wait in of_file.iter().chain(of_page.iter().filter(|_| page)) {
                let error = wait(&map).unwrap_err();
                assert!(expected.is_none_or(|expected| error == expected), "{fail:?}: {error:?}");
            }
            for wait in of_page.iter().filter(|_| !page) {
                assert_eq!(wait(&map), Ok(()), "no system is asked");
            }
        },
    );
}

/// A file that cannot grow leaves the mapping as it was.
#[test]
fn what_does_not_grow_stays() {
    each_fail(
        Subject::Allocation,
        |answers| &answers.extend,
        |script, fail| {
            let map = mapped(script);
            let told = |error| {
                if let Fail::Os(subject, errno) = fail {
                    assert_eq!(error, Error::Os { subject, errno });
                }
            };
            told(map.grow(0x1_2000).unwrap_err());
            let durable = map.granularity() != Granularity::Page;
            assert_eq!(script.calls(), [Call::Extend((0, 0x1_2000), Some(0x1_0000), durable)]);
            assert_eq!(map.length(), 0x1_0000);
            assert!(matches!(map.write(0x1_0000, &[1]), Err(Error::MapRange { .. })));
            told(map.populate(.., true).unwrap_err());
            assert_eq!(script.calls(), [Call::Size, Call::Extend((0, 0x1_0000), None, false)]);
            script.addresses.extend.set(None);
            assert_eq!(map.grow(0x1_2000), Ok(()));
            assert_eq!((map.length(), map.write(0x1_1fff, &[1])), (0x1_2000, Ok(())));
        },
    );
}

/// A file that may have been cut has no more than that, whatever the system says of it.
#[test]
fn what_is_cut_off_is_gone() {
    each_fail(
        Subject::Resize,
        |answers| &answers.truncate,
        |script, fail| {
            let mut map = mapped(script);
            let error = map.shrink(0x1000).unwrap_err();
            if let Fail::Os(subject, errno) = fail {
                assert_eq!(error, Error::Os { subject, errno });
            }
            assert_eq!(script.calls(), [Call::Truncate((0x1000, 0x1_0000))]);
            assert_eq!(map.length(), 0x1000);
            assert!(map.read(0x1000, &mut [0]).is_err());
        },
    );
}

/// A length that others made is shown after it has settled, and what no store makes durable is.
#[test]
fn what_has_not_settled_is_not_shown() {
    each_fail(
        Subject::Size,
        |answers| &answers.settle,
        |script, fail| {
            let map = mapped(script);
            map.grow(0).unwrap();
            assert_eq!(script.calls(), []);
            let durable = map.granularity() != Granularity::Page;
            script.size_now.set(Some(0x1_2000));
            let error = map.catch_up().unwrap_err();
            if let Fail::Os(subject, errno) = fail {
                assert_eq!(error, Error::Os { subject, errno });
            }
            assert_eq!(script.calls(), [Call::Size, Call::Settle(durable)]);
            assert_eq!(map.length(), 0x1_0000);
            script.addresses.settle.set(None);
            assert_eq!(map.catch_up(), Ok(0x1_2000));
            let _ = script.calls();
            assert_eq!(map.catch_up(), Ok(0x1_2000));
            assert_eq!(script.calls(), [Call::Size], "nothing is new");
            // The one that is there is made durable, too.
            assert_eq!(map.grow(0x1_0000), Ok(()));
            assert_eq!(script.calls(), [Call::Extend((0, 0x1_0000), Some(0x1_2000), durable)]);
        },
    );
}

#[test]
fn what_is_not_given_back_populated_or_flushed_is_told() {
    each_fail(
        Subject::Deallocation,
        |answers| &answers.deallocate,
        |script, fail| {
            let error = mapped(script).deallocate(0x1000..0x3000).unwrap_err();
            if let Fail::Os(subject, errno) = fail {
                assert_eq!(error, Error::Os { subject, errno });
            }
            assert_eq!(script.calls()[0], Call::Deallocate((0x1000, 0x3000)));
        },
    );
    each_fail(
        Subject::Populate,
        |answers| &answers.populate,
        |script, fail| {
            let error = mapped(script).populate(1..2, false).unwrap_err();
            if let Fail::Os(subject, errno) = fail {
                assert_eq!(error, Error::Os { subject, errno });
            }
            assert_eq!(script.calls()[0], Call::Populate(1, 1, false), "no file is made longer");
        },
    );
}

/// A device DAX: what was stored first, then the region.
#[test]
fn a_region_that_is_not_flushed_is_told() {
    let device = || {
        let mut world = World::BEST;
        world.regions[0] = Some((Mode::Devdax, PersistenceDomain::MemoryController));
        let mut script = world.script(Kind::DeviceDax, Ok(MapSync::Granted));
        script.facts = Script::with(Kind::DeviceDax, READ_WRITE).facts;
        script
    };
    fn map(script: &Script) -> Mapping<Object<'_>> {
        Source::new(script.object()).unwrap().map(&ANY).unwrap()
    }
    let script = device();
    let mapping = map(&script);
    script.calls();
    assert_eq!(mapping.deep_flush(1..2), Ok(()));
    assert_eq!(script.calls(), [Call::Flush(1, 1), Call::Fence, Call::DeepFlush]);
    drop(mapping);
    for fail in some_fails(Subject::DeepFlush) {
        let script = device();
        script.addresses.deep_flush.set(Some(fail));
        let error = map(&script).deep_flush(..).unwrap_err();
        if let Fail::Os(subject, errno) = fail {
            assert_eq!(error, Error::Os { subject, errno });
        }
    }
    let script = device();
    script.addresses.deep_flush.set(Some(Fail::Absent(Subject::Region)));
    let error = map(&script).deep_flush(..).unwrap_err();
    assert!(matches!(error, Error::DaxRegionNotFound(_)), "{error:?}");
}

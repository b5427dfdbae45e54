//! Each way in which a mapping is made: its stores are durable at their place in the file.

use std::{mem::MaybeUninit, ptr::NonNull};

use pmem2::{
    Error, Granularity, MapConfig, Mapping, Source,
    map::{Memory, Protection},
};
use pmem2_crash::{Disk, Machine, PAGE, Run, Verdict};

use crate::{Map, SIZE, before, everywhere, holds, read};

/// Stores through a mapping that begins at `offset` of the file.
fn store(map: &Map<'_>, offset: usize) -> Result<(), Error> {
    assert_eq!(map.offset(), offset as u64);
    map.write(64, &[2; 20])?;
    map.commit(128, 4)
}

type Way = fn(Disk<'_>, &MapConfig<'_>) -> Result<(), Error>;

const WAYS: [(&str, usize, Way); 7] = [
    ("map", 0, |disk, config| store(&Source::new(disk)?.map(config)?, 0)),
    ("offset", PAGE, |disk, config| {
        store(&Source::new(disk)?.map(&config.offset(PAGE as u64))?, PAGE)
    }),
    ("range", PAGE, |disk, config| {
        store(&Source::new(disk)?.map(&config.range(PAGE as u64..SIZE as u64))?, PAGE)
    }),
    ("map_in", 0, |disk, config| {
        let mut place = MaybeUninit::uninit();
        store(Source::new(disk)?.map_in(&mut place, config)?, 0)
    }),
    ("map_boxed", 0, |disk, config| store(&*Source::new(disk)?.map_boxed(config)?, 0)),
    ("a second mapping", 0, |disk, config| {
        let first = Source::new(disk)?.map(config)?;
        let second = Source::new(disk)?.map(config)?;
        store(&second, 0)?;
        assert_eq!(first.word(128)?.load()?, 4);
        first.unmap().map(drop).map_err(|(_, error)| error)
    }),
    ("from_memory", PAGE, |disk, config| {
        let whole = Source::new(disk)?.map(config)?;
        let at = NonNull::new(whole.as_ptr().wrapping_add(PAGE)).expect("an address");
        let protection = Protection::READ | Protection::WRITE;
        // SAFETY: the page is mapped for both as long as `whole` lives, of that disk.
        let memory = unsafe { Memory::from_raw(disk, at, PAGE, protection) };
        let map = Mapping::from_memory(memory, PAGE as u64, whole.granularity());
        store(&map.map_err(|(_, error)| error)?, PAGE)
    }),
];

#[test]
fn every_way_of_mapping_stores_at_its_place() {
    for (name, offset, way) in WAYS {
        everywhere(|granularity, machine| {
            let trace = Run::new(before(), granularity).record(|disk, promises| {
                way(disk, &MapConfig::new(granularity)).expect("a mapping");
                promises.tell(());
            });
            for at in [64, 72, 80] {
                let recover = |disk: Disk<'_>, promised: &[()]| {
                    let (mut word, mut data) = ([0; 8], [0; 4]);
                    read(disk, granularity, offset + 128, &mut word);
                    let committed = u64::from_ne_bytes(word) == 4;
                    if !committed {
                        let old = word == before()[offset + 128..][..8];
                        return if old && promised.is_empty() {
                            Ok(())
                        } else {
                            Err("lost".into())
                        };
                    }
                    read(disk, granularity, offset + at, &mut data);
                    if data == [2; 4] { Ok(()) } else { Err(format!("committed: {data:?}")) }
                };
                holds(machine, &trace, recover, name);
            }
        });
    }
}

/// A mapping whose stores are made durable by calls is as durable on memory that needs none.
#[test]
fn a_mapping_by_call_is_durable_on_every_machine() {
    for granularity in crate::GRANULARITIES {
        let trace = Run::new(before(), granularity).record(|disk, promises| {
            let config = MapConfig::new(Granularity::Page).by_call();
            let map = Source::new(disk).and_then(|source| source.map(&config)).expect("a mapping");
            assert_eq!(map.granularity(), Granularity::Page);
            store(&map, 0).expect("stores");
            promises.tell(());
        });
        let recover = |disk: Disk<'_>, promised: &[()]| {
            let mut word = [0; 8];
            read(disk, granularity, 128, &mut word);
            let there = u64::from_ne_bytes(word) == 4;
            if there || promised.is_empty() { Ok(()) } else { Err("lost".into()) }
        };
        for machine in Machine::ALL {
            holds(machine, &trace, recover, "by call");
        }
    }
}

/// Who forces a finer granularity than the memory has is told nothing, and loses what it stored:
/// the documentation says so.
#[test]
fn a_forced_granularity_keeps_less() {
    let trace = Run::new(before(), Granularity::Page).record(|disk, promises| {
        let config = MapConfig::new(Granularity::Page).forced(Some(Granularity::CacheLine));
        let map = Source::new(disk).and_then(|source| source.map(&config)).expect("a mapping");
        store(&map, 0).expect("stores");
        promises.tell(());
    });
    let verdict = pmem2_crash::Model::new(Machine::PageCache).explore(&trace, |disk, promised| {
        let mut word = [0; 8];
        read(disk, Granularity::Page, 128, &mut word);
        let there = u64::from_ne_bytes(word) == 4;
        if there || promised.is_empty() { Ok(()) } else { Err("lost".into()) }
    });
    assert!(matches!(verdict, Verdict::Fails(_)), "{verdict}");
}

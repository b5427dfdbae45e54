//! sequential-storage: a map and a queue in two pages, each item of which was told.

use std::error::Error;

use pmem2::Granularity;
use pmem2_crash::{Action, Disk, Machine, Model, Run, Trace, Verdict};
use sequential_storage::{
    cache::Cache,
    map::{MapConfig, MapStorage},
    queue::{QueueConfig, QueueStorage},
};

use crate::{
    fails, none_fails,
    nor::{Erase, Nor},
    ready,
};

type Answer = Result<(), Box<dyn Error>>;

const PAGE: usize = 128;
const SIZE: usize = 2 * PAGE;

fn record<P>(
    tamper: fn(Action) -> Vec<Action>,
    work: impl FnOnce(Disk<'_>, &dyn Fn(P)),
) -> Trace<P> {
    let run = Run::new(vec![0xff; SIZE], Granularity::CacheLine);
    run.tamper(tamper).record(|disk, tell| work(disk, &|promise| tell.tell(promise)))
}

/// Each item: three keys, by turns, so that pages are left and erased.
fn item(number: usize) -> (u8, u32) {
    ((number % 3) as u8, 0x0101_0101 * number as u32)
}

const ITEMS: usize = 12;

macro_rules! map {
    ($disk:expr, $erase:expr) => {
        MapStorage::<u8, Nor<'_, PAGE, false>, _>::new(
            Nor::new($disk, $erase),
            const { MapConfig::new(0..SIZE as u32) },
            Cache::new_uncached(),
        )
    };
}

fn map(erase: Erase, tamper: fn(Action) -> Vec<Action>) -> Verdict {
    let trace = record(tamper, |disk, told| {
        let mut map = map!(disk, erase);
        for number in 0..ITEMS {
            let (key, value) = item(number);
            ready(map.store_item(&mut [0; 32], &key, &value)).expect("an item is stored");
            told(number + 1);
        }
    });
    let values = |count: usize| {
        let of = |key| (0..count).map(item).rev().find(|item| item.0 == key).map(|item| item.1);
        [0, 1, 2].map(of)
    };
    let recover = |disk: Disk<'_>, told: &[usize]| -> Answer {
        let mut map = map!(disk, erase);
        let mut found = [None; 3];
        for key in 0..3 {
            let value = ready(map.fetch_item::<u32>(&mut [0; 32], &key));
            found[key as usize] = value.map_err(|error| format!("{error:?}"))?;
        }
        let told = told.last().copied().unwrap_or(0);
        if found != values(told) && found != values(told + 1) {
            return Err(format!("{told} were told: {found:x?}").into());
        }
        // It goes on.
        let stored = ready(map.store_item(&mut [0; 32], &3, &7_u32));
        stored.map_err(|error| format!("{error:?}"))?;
        let last = ready(map.fetch_item::<u32>(&mut [0; 32], &3));
        match last {
            Ok(Some(7)) => Ok(()),
            other => Err(format!("stored and not there: {other:?}").into()),
        }
    };
    Model::new(Machine::Torn).explore(&trace, recover)
}

macro_rules! queue {
    ($disk:expr, $erase:expr) => {
        QueueStorage::<Nor<'_, PAGE, true>, _>::new(
            Nor::new($disk, $erase),
            const { QueueConfig::new(0..SIZE as u32) },
            Cache::new_uncached(),
        )
    };
}

/// Items of 7 bytes, which end within a word.
fn bytes(number: usize) -> [u8; 7] {
    [number as u8 + 1; 7]
}

fn queue(erase: Erase) -> Verdict {
    let trace = record(
        |action| vec![action],
        |disk, told| {
            let mut queue = queue!(disk, erase);
            for number in 0..ITEMS {
                ready(queue.push(&bytes(number), false)).expect("an item is pushed");
                told((number + 1, number.saturating_sub(1)));
                if number > 0 {
                    let popped =
                        ready(queue.pop(&mut [0; 32])).expect("an item is popped").is_some();
                    assert!(popped);
                    told((number + 1, number));
                }
            }
        },
    );
    let recover = |disk: Disk<'_>, told: &[(usize, usize)]| -> Answer {
        let mut queue = queue!(disk, erase);
        let mut found = vec![];
        let mut buffer = [0; 32];
        let mut items = ready(queue.iter()).map_err(|error| format!("{error:?}"))?;
        while let Some(item) =
            ready(items.next(&mut buffer)).map_err(|error| format!("{error:?}"))?
        {
            found.push(item.to_vec());
        }
        // The recovery's own may be there, if it was cut off.
        while found.last().is_some_and(|item| *item == [0; 7]) {
            found.pop();
        }
        let (pushed, popped) = told.last().copied().unwrap_or((0, 0));
        // One may have been pushed or popped since.
        let possible = [(pushed, popped), (pushed + 1, popped), (pushed, popped + 1)];
        let fits = |&(pushed, popped): &(usize, usize)| {
            found == (popped..pushed).map(|number| bytes(number).to_vec()).collect::<Vec<_>>()
        };
        if !possible.iter().any(fits) {
            return Err(format!("pushed {pushed}, popped {popped}: {found:x?}").into());
        }
        Ok(ready(queue.push(&[0; 7], false)).map_err(|error| format!("{error:?}"))?)
    };
    Model::new(Machine::Torn).budget(10_000).explore(&trace, recover)
}

#[test]
fn a_map_has_the_last_values_or_the_next() {
    map(Erase::Upwards, |action| vec![action]).expect_holds();
}

/// A page has its state in its first and its last word. Where an erase ends with the first one
/// still there and the last one set, a page that was full is taken for the one that is written to:
/// its old values come back.
#[test]
fn a_map_has_old_values_after_an_erase_out_of_order() {
    let verdict = map(Erase::Any, |action| vec![action]);
    fails(&verdict, "7 were told: [Some(0), Some(1010101), Some(2020202)]");
    // The other way round nothing is read.
    fails(&map(Erase::Downwards, |action| vec![action]), "Corrupted");
}

#[test]
fn a_queue_loses_no_item_and_brings_none_twice() {
    queue(Erase::Upwards).expect_holds();
    queue(Erase::Downwards).expect_holds();
    none_fails(&queue(Erase::Any));
}

/// A flash whose writes are never durable is noticed.
#[test]
fn a_map_on_a_flash_that_forgets_fails() {
    let verdict = map(Erase::Upwards, |action| match action {
        Action::Flush { .. } => vec![],
        action => vec![action],
    });
    assert!(verdict.failure().is_some(), "{verdict}");
}

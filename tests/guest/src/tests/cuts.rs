//! Cuts of the power: records that are made durable in every way, one after another on all devices
//! at once, and given to the examples, each reported before the next; and those that are there
//! after the cut.
//!
//! QEMU is killed, and with it go the guest's page cache and what its file systems have in memory:
//! a page that was not synced, a block or a length that is in no journal. What was stored to the
//! memory itself is with the host at once: QEMU has no caches of a processor, so that no flush of
//! one is proved here. (`pmem2-crash` has a model for that.)

use std::{
    fs::File,
    io::{Write, stdout},
    os::unix::fs::FileExt,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use pmem2::{Error, Granularity, MapConfig, Mapping, Source};
use pmem2_guest::{
    machine::{Device, Machine},
    report::{DURABLE, FOUND, UNFLUSHED},
};

use crate::examples::{self, Examples};

/// The bytes of a record, of which each has a page of its own.
pub(crate) const RECORD: usize = 96;

const PAGE: usize = 4096;

/// More than there is time for, and less than the smallest device has room for.
const RECORDS: usize = 4000;

/// The ways in which a record is made durable, in turn.
const WAYS: usize = 16;

/// A value that is mapped in place.
type Words = [AtomicU64; RECORD / 8];

/// One boot: looks at what is there, and goes on, until the power is cut.
pub(crate) fn run(machine: &Machine, boot: usize) {
    // A thread that fails would be waited for for ever.
    let told = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        eprintln!("{panic}");
        std::process::exit(101);
    }));
    let found: Vec<_> = machine.devices.iter().map(|device| opened(device, boot)).collect();
    if boot + 1 < machine.boots() {
        // The last record before the cut of these boots is of a length in a page that had been
        // mapped before, and in a hole: what nothing but its own store could have made durable.
        let ends = [WAYS - 1, 1].get(boot.wrapping_sub(machine.cuts.len())).copied();
        thread::scope(|threads| {
            for (device, &from) in machine.devices.iter().zip(&found) {
                threads.spawn(move || write(device, from, ends));
            }
        });
        machine.devices.iter().filter(|device| device.is_file()).for_each(unflushed);
        say(&format!("{UNFLUSHED}\n"));
        loop {
            thread::park();
        }
    }
    std::panic::set_hook(told);
}

/// A whole line.
fn say(line: &str) {
    let mut port = stdout().lock();
    port.write_all(line.as_bytes()).and_then(|()| port.flush()).expect("the serial port");
}

/// Prepares the device for records at first, and later says how many are there.
fn opened(device: &Device, boot: usize) -> usize {
    if boot == 0 {
        if device.is_file() {
            let file = file(device);
            // A hole, and the first of all records.
            file.set_len(RECORD as u64).and_then(|()| file.sync_all()).expect("a file");
            let other = File::create_new(other(device)).expect("a file");
            other.set_len(2 * PAGE as u64).and_then(|()| other.sync_all()).expect("a file");
            by_call(device).write(0, STORE).expect("stored");
        }
        examples::make(device);
        return 0;
    }
    let found = count(device).min(Examples::open(device).count());
    say(&format!("{FOUND}{} {found}\n", device.name));
    found
}

fn file(device: &Device) -> File {
    File::options().read(true).write(true).open(device.path()).expect("opened")
}

fn map(device: &Device) -> Mapping<File> {
    // Other threads grow only what is their own.
    let room = if device.is_file() { RECORDS * PAGE } else { 0 };
    let config = MapConfig::new(Granularity::Page).room(room as u64);
    Source::new(file(device)).and_then(|source| source.map(&config)).expect("mapped")
}

/// The words of a record: none is 0, and none as in another record, except in those that were
/// moved or filled.
fn words(record: usize) -> [u64; RECORD / 8] {
    match record % WAYS {
        2 => [0x0101_0101_0101_0101 * (record as u64 / 16 % 255 + 1); RECORD / 8],
        7 => words(record - 1),
        _ => std::array::from_fn(|word| {
            ((record as u64) << 8 | word as u64 | 1 << 63).wrapping_mul(0x9E37_79B9_7F4A_7C15)
        }),
    }
}

pub(crate) fn bytes(record: usize) -> [u8; RECORD] {
    let words = words(record);
    std::array::from_fn(|byte| words[byte / 8].to_ne_bytes()[byte % 8])
}

/// Makes records durable, from this one on: until one in this way, or until the power is cut.
fn write(device: &Device, from: usize, ends: Option<usize>) {
    let (map, mut examples) = (map(device), Examples::open(device));
    for record in from..RECORDS {
        examples.take(record);
        let stored = room(device, &map, record).and_then(|()| store(&map, record));
        stored.unwrap_or_else(|error| panic!("{} {record}: {error}", device.name));
        say(&format!("{DURABLE}{} {}\n", device.name, record + 1));
        if record > from + WAYS && ends == Some(record % WAYS) {
            return;
        }
    }
    panic!("{} has no room for more records", device.name);
}

/// Gives the file room for a record: of four, one in blocks that were allocated, two in holes, one
/// in a page that the file grows into while it is mapped.
fn room(device: &Device, map: &Mapping<File>, record: usize) -> Result<(), Error> {
    let at = record * PAGE;
    if !device.is_file() || !record.is_multiple_of(4) && map.length() >= at + RECORD {
        return Ok(());
    }
    match record % 4 {
        3 => {
            map.grow(at + RECORD / 2)?;
            map.write(at, &bytes(record)[..RECORD / 2])?;
            map.grow(at + RECORD)
        }
        first => {
            map.grow(at + (3 - first) * PAGE)?;
            if first == 0 { map.deallocate(at + PAGE..at + 3 * PAGE) } else { Ok(()) }
        }
    }
}

/// Makes one durable.
fn store(map: &Mapping<File>, record: usize) -> Result<(), Error> {
    let (at, words, bytes) = (record * PAGE, words(record), bytes(record));
    let all = at..at + RECORD;
    let last = RECORD - 8;
    match record % WAYS {
        0 => map.write(at, &bytes),
        1 => map.put(at, &words),
        2 => map.fill(all, bytes[0]),
        3 => {
            let mut words = (at..).step_by(8).zip(words);
            words.try_for_each(|(at, word)| map.word(at)?.store(word))
        }
        4 => {
            map.unflushed().write(at, &bytes[..last])?;
            map.flush(at..at + last)?;
            map.commit(at + last, words[last / 8])
        }
        5 => map.batch(|stores| {
            stores.put(at + last, &words[last / 8])?;
            stores.write(at, &bytes[..20])?;
            stores.write(at + 20, &bytes[20..last])
        }),
        6 => map.batch(|stores| {
            stores.write(at, &bytes[..last])?;
            stores.commit(at + last, words[last / 8])
        }),
        7 => map.move_within(at - PAGE..at - PAGE + RECORD, at),
        8 => {
            let view = map.view::<Words>(at)?;
            view.iter().zip(words).for_each(|(to, word)| to.store(word, Ordering::Relaxed));
            map.persist(all)
        }
        9 => {
            map.unflushed().write(at, &bytes)?;
            map.persist(all)
        }
        10 => {
            // Nothing is flushed: the kernel knows which pages were stored to.
            map.unflushed().write(at, &bytes)?;
            map.sync(..)
        }
        11 => {
            map.unflushed().write(at, &bytes)?;
            map.deep_flush(all)
        }
        12 => {
            map.unflushed().write(at, &bytes)?;
            map.flush(all)?;
            map.drain();
            Ok(())
        }
        13 => map.part(all)?.write(0, &bytes),
        14 => {
            map.populate(all, true)?;
            map.write(at, &bytes)
        }
        _ => {
            let (left, right) = map.split_at(at + last)?;
            left.write(at, &bytes[..last])?;
            right.word(0)?.commit(words[last / 8])
        }
    }
}

/// How many whole records there are, from the first one on.
fn count(device: &Device) -> usize {
    let file = file(device);
    // A device DAX cannot be read.
    let map = device.is_device_dax().then(|| map(device));
    let read = |record: usize| {
        let mut found = [0; RECORD];
        match &map {
            Some(map) => map.read(record * PAGE, &mut found).expect("read"),
            None => drop(file.read_at(&mut found, (record * PAGE) as u64).expect("read")),
        }
        found
    };
    let found = (0..RECORDS).take_while(|&record| read(record) == bytes(record)).count();
    let (cut, whole) = (read(found), bytes(found));
    if [4, 6, WAYS - 1].contains(&(found % WAYS)) {
        assert_ne!(cut[RECORD - 8..], whole[RECORD - 8..], "committed before it was all there");
    }
    found
}

/// A file beside that of the records.
fn other(device: &Device) -> String {
    format!("{}/other", device.mount_point())
}

/// The bytes of a store that is made durable, and of one that nobody makes so.
const STORE: &[u8] = b"a store";

/// The other file, mapped without `MAP_SYNC`.
fn by_call(device: &Device) -> Mapping<File> {
    let other = File::options().read(true).write(true).open(other(device)).expect("opened");
    let config = MapConfig::new(Granularity::Page).by_call();
    Source::new(other).and_then(|source| source.map(&config)).expect("mapped")
}

/// Stores to a page that the file has no block for, and makes it durable in no way. Nor does
/// anything here make the file system write what it knows of other files.
fn unflushed(device: &Device) {
    let map = by_call(device);
    map.unflushed().write(PAGE, STORE).expect("stored");
    // Nor by what comes after it.
    std::mem::forget(map);
}

/// Checks that this store is gone, while one that was made durable is there.
pub(crate) fn lost(device: &Device) {
    let bytes = std::fs::read(other(device)).expect("read");
    assert_eq!(bytes.len(), 2 * PAGE);
    assert!(bytes.starts_with(STORE), "what was durable is not there");
    assert!(bytes[PAGE..].iter().all(|&byte| byte == 0), "what nobody made durable is there");
}

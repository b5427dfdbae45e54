//! The examples that are structures in a mapping, each of which takes every record.

use std::{fs::File, ops::Range};

use pmem2::{Granularity, MapConfig, Mapping, Source};
use pmem2_guest::machine::{Device, MIB};

use crate::{
    cuts::{RECORD, bytes},
    structures::{
        log::{FIRST, Log},
        ring::Ring,
        slots::Slots,
    },
};

/// Their names, and where they lie on a device DAX, behind the records.
const PLACES: [(&str, Range<u64>); 3] =
    [("log", 32 * MIB..34 * MIB), ("ring", 34 * MIB..36 * MIB), ("slots", 36 * MIB..38 * MIB)];

/// The records that the ring has at most.
const RING: usize = 8;

/// The number of a record, and the record.
const VALUE: usize = 8 + RECORD;

pub(crate) struct Examples {
    log: Log<File>,
    ring: Ring<File>,
    slots: Slots<File, VALUE>,
    /// The records that each has been given.
    counts: [usize; 3],
}

/// Makes the files, if they are files.
pub(crate) fn make(device: &Device) {
    for (name, range) in PLACES.iter().filter(|_| device.is_file()) {
        let file = File::create_new(path(device, name)).expect("a new file");
        file.set_len(range.end - range.start).and_then(|()| file.sync_all()).expect("its size");
    }
}

fn path(device: &Device, name: &str) -> String {
    if device.is_file() { format!("{}/{name}", device.mount_point()) } else { device.path() }
}

fn map(device: &Device, (name, range): &(&str, Range<u64>)) -> Mapping<File> {
    let file = File::options().read(true).write(true).open(path(device, name)).expect("opened");
    let config = MapConfig::new(Granularity::Page);
    let config = if device.is_file() { config } else { config.range(range.clone()) };
    Source::new(file).and_then(|source| source.map(&config)).expect("mapped")
}

/// The number of a record, and the record.
fn value(record: usize) -> [u8; VALUE] {
    let (number, bytes) = ((record as u64).to_ne_bytes(), bytes(record));
    std::array::from_fn(|at| if at < 8 { number[at] } else { bytes[at - 8] })
}

/// The record that such a value has.
fn record(found: &[u8]) -> usize {
    let number = found.first_chunk().expect("a number");
    let record = u64::from_ne_bytes(*number).try_into().expect("a number");
    assert_eq!(found, value(record));
    record
}

impl Examples {
    /// Opens them, and looks whether all that is in them was put in.
    pub(crate) fn open(device: &Device) -> Self {
        let [log, ring, slots] = PLACES.map(|place| map(device, &place));
        let log = Log::open(log).expect("a log");
        let mut ring = Ring::open(ring).expect("a ring");
        let slots = Slots::open(slots).expect("slots");
        let mut found = [0; VALUE];
        let (mut logged, mut at) = (0, FIRST);
        while let Some(read) = log.read(at, &mut found).expect("a whole record") {
            assert_eq!((read.length, record(&found)), (VALUE, logged), "in the log");
            (logged, at) = (logged + 1, read.next);
        }
        let mut taken = Vec::new();
        while let Some(length) = ring.take(&mut found).expect("a whole record") {
            taken.push(record(&found[..length]));
        }
        assert!(taken.windows(2).all(|two| two[0] + 1 == two[1]), "in the ring: {taken:?}");
        // No power is cut before they are back.
        taken.iter().for_each(|&record| ring.push(&value(record)).expect("pushed"));
        let slot = slots.get().expect("a whole value").map(|value| record(&value));
        let after = |record: Option<usize>| record.map_or(0, |record| record + 1);
        let counts = [logged, after(taken.last().copied()), after(slot)];
        Self { log, ring, slots, counts }
    }

    /// The records that all of them have.
    pub(crate) fn count(&self) -> usize {
        self.counts.into_iter().min().unwrap_or(0)
    }

    /// Gives a record to each of them that has not got it.
    pub(crate) fn take(&mut self, record: usize) {
        let value = value(record);
        let [logged, pushed, put] = self.counts.map(|count| count > record);
        if !logged {
            self.log.append(&value).expect("appended");
        }
        if !pushed {
            if record >= RING {
                self.ring.take(&mut [0; VALUE]).expect("taken");
            }
            self.ring.push(&value).expect("pushed");
        }
        if !put {
            self.slots.put(&value).expect("put");
        }
        self.counts = self.counts.map(|count| count.max(record + 1));
    }
}

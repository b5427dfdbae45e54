//! Programs whose mistakes hide: in the last line of a kilobyte, in one record of 32, after forty
//! appends, in two lines that have to tear at the same time.

use pmem2::Error;
use pmem2_crash::Tell;

use crate::{
    ADR, ALL, Answer, Map, NONE, Program, checksum, load, number, payload, read, set, store, write,
};

/// A program that is right, and has more images than anybody can look at.
pub(crate) const LONG_RECORDS: Program = Program {
    name: "a checksum of a kilobyte",
    wrong: NONE,
    work: append_long::<LONG>,
    recover: find_long::<LONG>,
    recoveries: [usize::MAX; 2],
};

pub(crate) const PROGRAMS: &[Program] = &[
    Program {
        name: "a checksum leaves out the last line of a kilobyte",
        wrong: ALL,
        work: append_long::<960>,
        recover: find_long::<960>,
        recoveries: [2, 2],
    },
    Program {
        name: "a commit of 16 records",
        wrong: NONE,
        work: |map, tell| commit_groups(map, tell, u64::MAX),
        recover: find_records,
        recoveries: [39, 39],
    },
    Program {
        name: "one of 32 records is not flushed",
        wrong: ADR,
        work: |map, tell| commit_groups(map, tell, 27),
        recover: find_records,
        recoveries: [22, 22],
    },
    Program {
        name: "a ring",
        wrong: NONE,
        work: |map, tell| append_ring(map, tell, true),
        recover: find_ring,
        recoveries: [161, 161],
    },
    Program {
        name: "a ring whose wrapped part is not flushed",
        wrong: ADR,
        work: |map, tell| append_ring(map, tell, false),
        recover: find_ring,
        recoveries: [43, 43],
    },
    Program {
        name: "two mirrors, one after the other",
        wrong: NONE,
        work: |map, tell| mirror(map, tell, |map| map.persist(0..64)),
        recover: find_mirror,
        recoveries: [772, 772],
    },
    Program {
        name: "two mirrors at the same time",
        wrong: ADR,
        work: |map, tell| mirror(map, tell, |_| Ok(())),
        recover: find_mirror,
        recoveries: [16_515, 1_102],
    },
    Program {
        name: "a redo log",
        wrong: NONE,
        work: update,
        recover: |map, told| redo(map, told, true),
        recoveries: [132, 132],
    },
    Program {
        name: "a redo log that is cleared before the redone is durable",
        wrong: ADR,
        work: update,
        recover: |map, told| redo(map, told, false),
        recoveries: [19, 19],
    },
];

const LONG: usize = 1024;

fn append_long<const SUMMED: usize>(map: &Map<'_>, tell: &Tell<'_, u64>) -> Result<(), Error> {
    for record in 0..4_u64 {
        let (at, bytes) = (record as usize * (LONG + 64), payload(record, LONG));
        let sum = checksum(&bytes[..SUMMED]);
        write(map, at, &[sum.to_le_bytes(), record.to_le_bytes()].concat())?;
        write(map, at + 64, &bytes)?;
        map.persist(at..at + 64 + LONG)?;
        tell.tell(record);
    }
    Ok(())
}

fn find_long<const SUMMED: usize>(map: &Map<'_>, told: &[u64]) -> Answer {
    let mut found = 0;
    while found < 4 {
        let at = found as usize * (LONG + 64);
        let sum = load(map, at)?;
        if sum == 0 || checksum(&read(map, at + 64, SUMMED)?) != sum {
            break;
        }
        if read(map, at + 64, LONG)? != payload(found, LONG) {
            return Err(format!("record {found} has a good checksum and is garbage").into());
        }
        found += 1;
    }
    not_lost(found, told)
}

fn not_lost(found: u64, told: &[u64]) -> Answer {
    if found >= told.len() as u64 {
        return Ok(());
    }
    Err(format!("record {found} was told and is not there").into())
}

/// Commits 16 records at once, twice. One of them is not flushed.
fn commit_groups(map: &Map<'_>, tell: &Tell<'_, u64>, forgotten: u64) -> Result<(), Error> {
    for group in [0..16_u64, 16..32] {
        for record in group.clone() {
            let at = 64 + record as usize * 64;
            write(map, at, &payload(record, 64))?;
            if record != forgotten {
                map.flush(at..at + 64)?;
            }
        }
        map.commit(0, group.end)?;
        group.for_each(|record| tell.tell(record));
    }
    Ok(())
}

fn find_records(map: &Map<'_>, told: &[u64]) -> Answer {
    let count = load(map, 0)?;
    not_lost(count, told)?;
    for record in 0..count {
        if read(map, 64 + record as usize * 64, 64)? != payload(record, 64) {
            return Err(format!("record {record} is garbage").into());
        }
    }
    Ok(())
}

/// The bytes of the ring, after two lines, and of a record in it.
const RING: usize = 960;
const RECORD: usize = 88;

/// Returns the ranges of a record: what wraps is in the second one.
fn ranges(record: u64) -> [std::ops::Range<usize>; 2] {
    let at = record as usize * RECORD % RING;
    let first = RECORD.min(RING - at);
    [128 + at..128 + at + first, 128..128 + RECORD - first]
}

fn append_ring(map: &Map<'_>, tell: &Tell<'_, u64>, wrapped: bool) -> Result<(), Error> {
    for record in 0..40 {
        let (bytes, [first, second]) = (payload(record, RECORD), ranges(record));
        write(map, first.start, &bytes[..first.len()])?;
        write(map, second.start, &bytes[first.len()..])?;
        map.flush(first)?;
        if wrapped && !second.is_empty() {
            map.flush(second)?;
        }
        map.commit(0, record + 1)?;
        tell.tell(record);
    }
    Ok(())
}

fn find_ring(map: &Map<'_>, told: &[u64]) -> Answer {
    let count = load(map, 0)?;
    not_lost(count, told)?;
    for record in count.saturating_sub(9)..count {
        let [first, second] = ranges(record);
        let bytes = [read(map, first.start, first.len())?, read(map, 128, second.len())?].concat();
        if bytes != payload(record, RECORD) {
            return Err(format!("record {record} is garbage").into());
        }
    }
    Ok(())
}

/// Writes a number, 5 words and a checksum to two lines.
fn mirror(
    map: &Map<'_>,
    tell: &Tell<'_, u64>,
    between: impl Fn(&Map<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    for number in 1..4_u64 {
        let mut bytes = [number.to_le_bytes().to_vec(), payload(number, 40)].concat();
        bytes.extend(checksum(&bytes).to_le_bytes());
        write(map, 0, &bytes)?;
        between(map)?;
        write(map, 64, &bytes)?;
        map.persist(0..128)?;
        tell.tell(number);
    }
    Ok(())
}

fn find_mirror(map: &Map<'_>, told: &[u64]) -> Answer {
    let mut newest = None;
    for at in [0, 64] {
        let bytes = read(map, at, 56)?;
        if number(&bytes[48..]) == checksum(&bytes[..48]) {
            newest = newest.max(Some(number(&bytes[..8])));
        }
    }
    match (newest, told.last()) {
        (None, Some(_)) => Err("both mirrors are bad".into()),
        (Some(newest), Some(told)) if newest < *told => {
            Err(format!("{newest} is there, and {told} was told").into())
        }
        _ => Ok(()),
    }
}

/// Logs the places of three words and their new values, and then changes them.
fn update(map: &Map<'_>, tell: &Tell<'_, u64>) -> Result<(), Error> {
    for number in 1..3_u64 {
        for word in 0..3_usize {
            let at = 256 + 64 * word;
            write(map, 64 + 16 * word, &[at.to_le_bytes(), number.to_le_bytes()].concat())?;
        }
        map.persist(64..128)?;
        set(map, 0, 3)?;
        tell.tell(number);
        for word in 0..3_usize {
            store(map, 256 + 64 * word, number)?;
            map.flush(256 + 64 * word..264 + 64 * word)?;
        }
        map.commit(0, 0)?;
    }
    Ok(())
}

/// Does what is in the log, and clears it.
fn redo(map: &Map<'_>, told: &[u64], waits: bool) -> Answer {
    let count = load(map, 0)? as usize;
    for entry in 0..count {
        let (at, value) = (load(map, 64 + 16 * entry)? as usize, load(map, 72 + 16 * entry)?);
        store(map, at, value)?;
        map.flush(at..at + 8)?;
    }
    if waits {
        map.drain();
    }
    if count > 0 {
        set(map, 0, 0)?;
    }
    let words = [load(map, 256)?, load(map, 320)?, load(map, 384)?];
    match told.last() {
        _ if words != [words[0]; 3] => Err(format!("{words:?} is half an update").into()),
        Some(&told) if words[0] < told => Err(format!("update {told} was told and is lost").into()),
        _ => Ok(()),
    }
}

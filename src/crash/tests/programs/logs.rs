//! Logs: by checksums, by a commit word, and with the commit word in the record's line.

use pmem2::Error;
use pmem2_crash::{
    Machine::{Arm, Torn},
    Tell,
};

use crate::{
    ADR, ALL, Answer, Map, NONE, Program, checksum, drain, load, payload, read, set, store, write,
};

pub(crate) const PROGRAMS: &[Program] = &[
    Program {
        name: "a log by checksums",
        wrong: NONE,
        work: append_sums,
        recover: find_sums,
        recoveries: [261, 261],
    },
    Program {
        name: "a log by a commit word",
        wrong: NONE,
        work: |map, tell| append(map, tell, 64, |at| map.persist(at..at + 64)),
        recover: find::<64>,
        recoveries: [17, 17],
    },
    Program {
        name: "data that is not flushed",
        wrong: ADR,
        work: |map, tell| append(map, tell, 64, |_| drain(map)),
        recover: find::<64>,
        recoveries: [3, 3],
    },
    Program {
        name: "data that is flushed before it is stored",
        wrong: ADR,
        work: flush_first,
        recover: find::<64>,
        recoveries: [3, 3],
    },
    Program {
        name: "no fence between data and commit",
        wrong: ADR,
        work: |map, tell| append(map, tell, 64, |at| map.flush(at..at + 64)),
        recover: find::<64>,
        recoveries: [2, 2],
    },
    Program {
        name: "the last of three lines is not flushed",
        wrong: ADR,
        work: |map, tell| append(map, tell, 192, |at| map.persist(at..at + 128)),
        recover: find::<192>,
        recoveries: [3, 3],
    },
    Program {
        name: "told before the fence",
        wrong: ALL,
        work: tell_early,
        recover: find::<64>,
        recoveries: [5, 5],
    },
    Program {
        name: "data and then its commit word in one line",
        wrong: &[Arm, Torn],
        work: append_in_line,
        recover: find_in_line,
        recoveries: [13, 13],
    },
    Program {
        name: "data and its commit word in one write",
        wrong: ALL,
        work: append_at_once,
        recover: find_in_line,
        recoveries: [2, 2],
    },
];

/// The bytes of a record that has its checksum after it, in one line.
const SUMMED: usize = 40;

fn append_sums(map: &Map<'_>, tell: &Tell<'_, u64>) -> Result<(), Error> {
    for record in 0..4 {
        let mut bytes = payload(record, SUMMED);
        bytes.extend(checksum(&bytes).to_le_bytes());
        map.write(record as usize * 64, &bytes)?;
        tell.tell(record);
    }
    Ok(())
}

fn find_sums(map: &Map<'_>, told: &[u64]) -> Answer {
    let mut found = 0;
    while found < 4 {
        let bytes = read(map, found as usize * 64, SUMMED + 8)?;
        if bytes[SUMMED..] != checksum(&bytes[..SUMMED]).to_le_bytes() {
            break;
        }
        if bytes[..SUMMED] != payload(found, SUMMED) {
            return Err(format!("record {found} is garbage").into());
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

/// Appends records that are made durable by `finish`, and counts them in the first word.
fn append(
    map: &Map<'_>,
    tell: &Tell<'_, u64>,
    length: usize,
    finish: impl Fn(usize) -> Result<(), Error>,
) -> Result<(), Error> {
    for record in 0..4 {
        let at = 64 + record as usize * length;
        write(map, at, &payload(record, length))?;
        finish(at)?;
        set(map, 0, record + 1)?;
        tell.tell(record);
    }
    Ok(())
}

fn flush_first(map: &Map<'_>, tell: &Tell<'_, u64>) -> Result<(), Error> {
    for record in 0..4 {
        let at = 64 + record as usize * 64;
        map.flush(at..at + 64)?;
        write(map, at, &payload(record, 64))?;
        map.drain();
        set(map, 0, record + 1)?;
        tell.tell(record);
    }
    Ok(())
}

fn tell_early(map: &Map<'_>, tell: &Tell<'_, u64>) -> Result<(), Error> {
    for record in 0..4 {
        map.write(64 + record as usize * 64, &payload(record, 64))?;
        store(map, 0, record + 1)?;
        map.flush(0..8)?;
        tell.tell(record);
        map.drain();
    }
    Ok(())
}

fn find<const LENGTH: usize>(map: &Map<'_>, told: &[u64]) -> Answer {
    let count = load(map, 0)?;
    not_lost(count, told)?;
    for record in 0..count {
        if read(map, 64 + record as usize * LENGTH, LENGTH)? != payload(record, LENGTH) {
            return Err(format!("record {record} is counted and garbage").into());
        }
    }
    Ok(())
}

fn append_in_line(map: &Map<'_>, tell: &Tell<'_, u64>) -> Result<(), Error> {
    for record in 0..4 {
        let at = record as usize * 64;
        write(map, at, &payload(record, 56))?;
        store(map, at + 56, 1)?;
        map.persist(at..at + 64)?;
        tell.tell(record);
    }
    Ok(())
}

fn append_at_once(map: &Map<'_>, tell: &Tell<'_, u64>) -> Result<(), Error> {
    for record in 0..4 {
        let bytes = [payload(record, 56), 1_u64.to_le_bytes().to_vec()].concat();
        map.write(record as usize * 64, &bytes)?;
        tell.tell(record);
    }
    Ok(())
}

fn find_in_line(map: &Map<'_>, told: &[u64]) -> Answer {
    for record in 0..4 {
        let at = record as usize * 64;
        if load(map, at + 56)? == 0 {
            return not_lost(record, told);
        }
        if read(map, at, 56)? != payload(record, 56) {
            return Err(format!("record {record} is committed and garbage").into());
        }
    }
    Ok(())
}

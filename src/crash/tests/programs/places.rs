//! A pair of words, two slots of which the newest good one counts, and a linked list.

use pmem2::Error;
use pmem2_crash::Tell;

use crate::{
    ADR, ALL, Answer, Map, NONE, Program, checksum, load, number, payload, read, set, store, write,
};

pub(crate) const PROGRAMS: &[Program] = &[
    Program {
        name: "an update of 16 bytes",
        wrong: ALL,
        work: update_pair,
        recover: find_pair,
        recoveries: [2, 2],
    },
    Program {
        name: "two slots by checksums",
        wrong: NONE,
        work: |map, tell| fill_slots(tell, |at, slot| map.write(at, &summed(slot))),
        recover: |map, told| find_slot(map, told, summed),
        recoveries: [98_308, 99_560],
    },
    Program {
        name: "two slots, the number last",
        wrong: NONE,
        work: fill_number_last,
        recover: |map, told| find_slot(map, told, plain),
        recoveries: [40_974, 42_232],
    },
    Program {
        name: "two slots, the number with the rest",
        wrong: ALL,
        work: |map, tell| fill_slots(tell, |at, slot| map.write(at, &plain(slot))),
        recover: |map, told| find_slot(map, told, plain),
        recoveries: [2, 2],
    },
    Program {
        name: "a list",
        wrong: NONE,
        work: |map, tell| push_front(map, tell, 72),
        recover: find_nodes,
        recoveries: [17, 17],
    },
    Program {
        name: "a list whose link is not flushed",
        wrong: ADR,
        work: |map, tell| push_front(map, tell, 64),
        recover: find_nodes,
        recoveries: [7, 7],
    },
];

fn update_pair(map: &Map<'_>, tell: &Tell<'_, u64>) -> Result<(), Error> {
    for number in 1..5_u64 {
        map.write(64, &[number.to_le_bytes(), (number * 3).to_le_bytes()].concat())?;
        tell.tell(number);
    }
    Ok(())
}

fn find_pair(map: &Map<'_>, told: &[u64]) -> Answer {
    let bytes = read(map, 64, 16)?;
    let (first, second) = (number(&bytes[..8]), number(&bytes[8..]));
    match told.last() {
        _ if second != first * 3 => Err(format!("({first}, {second}) was never stored").into()),
        Some(&told) if first < told => Err(format!("update {told} was told and is lost").into()),
        _ => Ok(()),
    }
}

/// The bytes of a slot: a number, 13 words, a checksum.
const SLOT: usize = 120;

fn summed(slot: u64) -> Vec<u8> {
    let mut bytes = [slot.to_le_bytes().to_vec(), payload(slot, SLOT - 16)].concat();
    bytes.extend(checksum(&bytes).to_le_bytes());
    bytes
}

fn plain(slot: u64) -> Vec<u8> {
    [slot.to_le_bytes().to_vec(), payload(slot, SLOT - 16), vec![7, 0, 0, 0, 0, 0, 0, 0]].concat()
}

fn fill_slots(
    tell: &Tell<'_, u64>,
    fill: impl Fn(usize, u64) -> Result<(), Error>,
) -> Result<(), Error> {
    for slot in 1..4 {
        fill((slot % 2) as usize * 128, slot)?;
        tell.tell(slot);
    }
    Ok(())
}

fn fill_number_last(map: &Map<'_>, tell: &Tell<'_, u64>) -> Result<(), Error> {
    fill_slots(tell, |at, slot| {
        set(map, at, 0)?;
        map.write(at + 8, &plain(slot)[8..])?;
        set(map, at, slot)
    })
}

/// Checks the newest slot: that with the highest number, among those with a good checksum where
/// they have one.
fn find_slot(map: &Map<'_>, told: &[u64], made: fn(u64) -> Vec<u8>) -> Answer {
    let mut newest = (0, vec![]);
    for at in [0, 128] {
        let bytes = read(map, at, SLOT)?;
        let this = number(&bytes[..8]);
        let good = made(0)[SLOT - 8..] == plain(0)[SLOT - 8..]
            || number(&bytes[SLOT - 8..]) == checksum(&bytes[..SLOT - 8]);
        if this > newest.0 && good {
            newest = (this, bytes);
        }
    }
    match told.last() {
        _ if newest.0 > 0 && newest.1 != made(newest.0) => {
            Err(format!("slot {} is garbage", newest.0).into())
        }
        Some(&told) if newest.0 < told => Err(format!("slot {told} was told and is lost").into()),
        _ => Ok(()),
    }
}

/// Links nodes of 64 bytes and the offset of the next one, of which `flushed` bytes are flushed.
fn push_front(map: &Map<'_>, tell: &Tell<'_, u64>, flushed: usize) -> Result<(), Error> {
    for node in 0..4 {
        let at = 128 + node as usize * 128;
        write(map, at, &payload(node, 64))?;
        store(map, at + 64, load(map, 0)?)?;
        map.persist(at..at + flushed)?;
        set(map, 0, at as u64)?;
        tell.tell(node);
    }
    Ok(())
}

fn find_nodes(map: &Map<'_>, told: &[u64]) -> Answer {
    let (mut seen, mut at) = (vec![], load(map, 0)? as usize);
    while at != 0 {
        let node = (at as u64 - 128) / 128;
        if read(map, at, 64)? != payload(node, 64) {
            return Err(format!("node {node} is linked and garbage").into());
        }
        seen.push(node);
        at = load(map, at + 64)? as usize;
    }
    match told.iter().find(|told| !seen.contains(told)) {
        Some(lost) => Err(format!("node {lost} was told and is not linked").into()),
        None => Ok(()),
    }
}

//! The record of the kernels without an operating system (tests/bare): one that was told is there,
//! and one that is torn is none.

use pmem2_bare_record::{LENGTH, Record, last, offset};
use pmem2_crash::{Disk, Run, Trace};

use crate::{everywhere, holds, map, read};

/// A checksum looks at all of its words: 2^13 images of each on the weakest machine.
#[test]
fn a_record_that_was_told_is_there() {
    everywhere(|granularity, machine| {
        let trace: Trace<u64> = Run::new(vec![0; 4096], granularity).record(|disk, tell| {
            let map = map(disk, granularity).expect("a mapping");
            for sequence in 1..=2 {
                let record = Record { sequence, boot: 1 };
                map.write(offset(sequence - 1) as usize, &record.encode()).expect("stores");
                tell.tell(sequence);
            }
        });
        let recover = |disk: Disk<'_>, told: &[u64]| {
            let found = last(|at| {
                let mut bytes = [0; LENGTH];
                read(disk, granularity, at as usize, &mut bytes);
                Some(bytes)
            });
            let (found, told) = (found.map_or(0, |last| last.sequence), told.len() as u64);
            if found == told || found == told + 1 {
                Ok(())
            } else {
                Err(format!("{told} were told: {found}"))
            }
        };
        holds(machine, &trace, recover, "a record");
    });
}

//! Mappings at aligned addresses, which other threads may take first.

use std::{format, vec, vec::Vec};

use rustix::mm::{MapFlags, ProtFlags};

use super::faults::{BOTH, SHARED, SYNC, file, mmap, os, request, run, unmapped};
use crate::linux::{
    sys::map::Mappings,
    tests::{
        inject::{ERRNOS, inject},
        world::{Call, World},
    },
};
use crate::{Alignment, Errno, Fail, MapSync, Request, Subject};

const HUGE: usize = 2 << 20;
const TAKEN: usize = 8192;
const EOPNOTSUPP: i32 = 95;

fn aligned(offset: u64, alignment: usize, synchronous: bool) -> Request {
    let alignment = Alignment::new(alignment as u64);
    Request { offset, alignment, ..request(BOTH, synchronous) }
}

/// The numbers of mappings with MAP_SYNC, and of all.
fn tries(calls: &[Call]) -> (usize, usize) {
    let flags = |call: &Call| match call {
        Call::Mmap { flags, offset: Some(_), .. } => Some(*flags),
        _ => None,
    };
    let all: Vec<u32> = calls.iter().filter_map(flags).collect();
    (all.iter().filter(|&&flags| flags == SYNC.bits()).count(), all.len())
}

#[test]
fn the_address_has_the_remainder_of_the_offset() {
    for alignment in [1, 4096, 8192, 65536, HUGE, 1 << 30] {
        for offset in [0, 4096, 8192, HUGE as u64 - 4096, HUGE as u64, 5 << 20] {
            for sync in [Ok(()), Err(EOPNOTSUPP)] {
                let request = aligned(offset, alignment, true);
                let (answer, calls) = run(&file(sync), &request);
                let (at, taken, synchronous) = answer.unwrap();
                let granted = if sync.is_ok() { MapSync::Granted } else { MapSync::Refused };
                assert_eq!((taken, synchronous), (TAKEN, granted));
                assert_eq!(at as u64 % alignment as u64, offset % alignment as u64);
                // Where it was refused it is not tried again.
                let (with, all) = tries(&calls);
                assert!(all <= 3 && with == if sync.is_ok() { all } else { 1 }, "{calls:?}");
                let (_, calls) = run(&file(sync), &aligned(offset, alignment, false));
                assert_eq!(tries(&calls).0, 0, "it was not asked for");
            }
        }
    }
}

/// The calls of one that has to be mapped again: the address that the kernel takes first, the
/// place that is looked for and given back, and the address in it.
fn again(request: &Request, flags: MapFlags) -> (usize, Vec<Call>) {
    const FIRST: usize = 0x7000_1000;
    const WIDE: usize = TAKEN + HUGE;
    let near = FIRST + TAKEN + 4096;
    let hint = near.next_multiple_of(HUGE) + request.offset as usize;
    let reserve = Call::Mmap {
        offset: None,
        hint: 0,
        length: WIDE,
        protection: ProtFlags::empty().bits(),
        flags: (MapFlags::PRIVATE | MapFlags::NORESERVE).bits(),
    };
    let calls = vec![
        Call::Munmap(FIRST, TAKEN),
        reserve,
        Call::Munmap(near, WIDE),
        mmap(request, flags, hint),
    ];
    (hint, calls)
}

#[test]
fn every_call_fails_in_turn() {
    for (sync, flags, synchronous) in
        [(Ok(()), SYNC, MapSync::Granted), (Err(EOPNOTSUPP), SHARED, MapSync::Refused)]
    {
        let request = aligned(8192, HUGE, true);
        let first = match sync {
            Ok(()) => vec![mmap(&request, SYNC, 0)],
            Err(_) => vec![mmap(&request, SYNC, 0), mmap(&request, SHARED, 0)],
        };
        let (at, more) = again(&request, flags);
        let calls = [first.clone(), more].concat();
        let world = file(sync);
        assert_eq!(run(&world.clone(), &request), (Ok((at, TAKEN, synchronous)), calls.clone()));
        let injected = inject(
            &format!("{sync:?}"),
            &world,
            &calls,
            // It sees that nothing is left but what could not be unmapped.
            |world| run(world, &request),
            |index, errno| {
                let refused = |synchronous| {
                    let mut calls = vec![mmap(&request, SHARED, 0)];
                    calls.extend(again(&request, SHARED).1);
                    (Ok((at, TAKEN, synchronous)), calls)
                };
                match (index, &calls[index]) {
                    (0, _) if errno == EOPNOTSUPP => refused(MapSync::Refused),
                    (0, _) if errno == 22 => refused(MapSync::Unknown),
                    (_, Call::Munmap(..)) => (Err(os(Subject::Unmapping, errno)), vec![]),
                    (_, Call::Mmap { offset: None, .. }) if errno != 9 => {
                        (Err(os(Subject::Mapping, errno)), vec![])
                    }
                    _ => (Err(unmapped(&request, errno)), vec![]),
                }
            },
        );
        assert_eq!(injected, calls.len() * ERRNOS.count());
    }
}

/// Other threads take the address that was found, some times or always.
#[test]
fn other_threads_keep_what_they_take() {
    let request = aligned(8192, HUGE, true);
    for thieves in (0..40).chain([usize::MAX]) {
        for sync in [Ok(()), Err(EOPNOTSUPP)] {
            let world = file(sync);
            world.addresses.thieves.set(thieves);
            let (answer, calls) = run(&world, &request);
            let taken = thieves.min(32);
            assert_eq!(world.addresses.others().len(), taken);
            if thieves < 32 {
                assert_eq!(answer.unwrap().0 % HUGE, 8192);
            } else {
                assert_eq!(answer, Err(Fail::Os(Subject::Mapping, Errno::ENOMEM)));
            }
            let first = if sync.is_ok() { 1 } else { 2 };
            let last = usize::from(thieves >= 32);
            assert_eq!(calls.len(), first + 4 * (taken + 1).min(32) + last, "bounded");
        }
    }
}

#[test]
fn an_alignment_that_no_address_has_is_refused() {
    let request = aligned(0, 1 << (usize::BITS - 1), true);
    let mut large = request;
    large.length = isize::MAX as usize;
    for request in [request, large] {
        let (answer, _) = run(&file(Ok(())), &request);
        // A script has addresses for what no kernel has.
        let far = Err(Fail::TooLarge(Subject::Mapping));
        assert!(answer == far || request.length < large.length, "{answer:?}");
    }
}

/// The script has what it is to tell: a mapping in the place of another.
#[test]
#[should_panic(expected = "it would leave a hole")]
fn map_sync_with_map_fixed() {
    let world = World::file();
    let flags = SYNC | MapFlags::FIXED;
    // SAFETY: the script's addresses are numbers.
    let _ = unsafe { world.sys().mmap(None, 4096, 4096, ProtFlags::empty(), flags) };
}

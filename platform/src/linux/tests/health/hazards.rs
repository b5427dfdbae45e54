//! What could make clearing lose good bytes, and is looked for before.

use core::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::{format, vec};

use super::{
    super::{
        disk::pattern,
        world::{Call, World},
    },
    clearing::{EIO, NOT_BAD, changes, clear, clear_by, poisoned},
};
use crate::{ClearBy, Errno, Fail, What, linux::health::turn::Turns};

/// What was written to it and is on its way: when it has come to the device, that is bad no more,
/// and what was written is good.
#[test]
fn what_is_bad_no_more_when_it_is_synced() {
    let mut world = World::eight_blocks("1010 1\n");
    let (list, _) =
        world.files.iter().find(|(name, _)| name.ends_with("badblocks")).unwrap().clone();
    world.then = Some((list, vec![]));
    assert_eq!(clear(&world, 5120..5632), Err(NOT_BAD));
    assert_eq!(*world.disk.bytes.borrow(), pattern(8 << 12));
    assert_eq!(changes(&world.calls()), []);
}

/// The blocks between the first and the last one have no good bytes; these two are looked at before
/// anything is done.
#[test]
fn all_or_nothing() {
    // Beside the first bad bytes, the last ones, both.
    for (unreadable, range) in
        [(1008..1016, 6144..12_288), (1024..1032, 8192..14_848), (1008..1032, 6144..14_848)]
    {
        let list = format!("{} {}\n", 1000 + range.start / 512, (range.end - range.start) / 512);
        let world = poisoned(World::eight_blocks(&list), core::slice::from_ref(&unreadable));
        assert_eq!(clear(&world, range.clone()), Err(EIO), "{range:?}");
        assert_eq!(changes(&world.calls()), [], "{range:?}");
        assert_eq!(clear_by(ClearBy::LossyAllocation, &world, range), Ok(()));
    }
}

#[test]
fn a_file_system_without_room() {
    let mut world = World::eight_blocks("1010 1\n");
    world.disk.available = 63;
    assert_eq!(clear(&world, 5120..5632), Err(Fail::Os(What::ClearBadBlock, Errno::ENOSPC)));
    assert_eq!(changes(&world.calls()), []);
    world.disk.available = 64;
    assert_eq!(clear(&world, 5120..5632), Ok(()));
}

/// What may not be written to is noticed before anything is lost, if there is anything good.
#[test]
fn a_limit() {
    let mut world = World::eight_blocks("1010 1\n");
    world.disk.limit = 7168;
    assert_eq!(clear(&world, 5120..5632), Err(Fail::Os(What::ClearBadBlock, Errno::EFBIG)));
    assert_eq!(*world.disk.bytes.borrow(), pattern(8 << 12));
    assert!(!world.calls().iter().any(|call| matches!(call, Call::Punch(..))));
    // Where it was met later, what is lost is named.
    let mut world = World::eight_blocks("1010 1\n");
    world.disk.limit_once_punched = true;
    assert_eq!(clear(&world, 5120..5632), Err(Fail::Os(What::WriteBack, Errno::EFBIG)));
    // Of a block that was all bad nothing is.
    let mut world = World::eight_blocks("1008 8\n");
    world.disk.limit_once_punched = true;
    assert_eq!(clear(&world, 4096..8192), Err(Fail::Os(What::ClearBadBlock, Errno::EFBIG)));
}

/// It is cut off, or another file has its number: at each call at which that can be seen for the
/// first time.
#[test]
fn what_happens_meanwhile() {
    const BUSY: Fail = Fail::Os(What::ClearBadBlock, Errno::EBUSY);
    let range = 5120..12_288;
    let world = || World::eight_blocks("1010 14\n");
    let calls = {
        let world = world();
        assert_eq!(clear(&world, range.clone()), Ok(()));
        world.calls()
    };
    let stats = calls.iter().filter(|call| matches!(call, Call::Fstat)).count();
    // (At the last two all is done, and has been looked at.)
    for number in 1..stats - 2 {
        // From the call with this number on, the file has this size.
        for size in [0_u64, 5000, 5632, 8192, 12_000] {
            let mut world = world();
            world.disk.cut = Some((number, size));
            let result = clear(&world, range.clone());
            assert!(matches!(result, Err(BUSY | NOT_BAD | EIO)), "{number} {size}: {result:?}");
            assert!(
                result != Err(NOT_BAD) || changes(&world.calls()).is_empty(),
                "{number} {size}: something was"
            );
            let bytes = world.disk.bytes.borrow();
            assert_eq!(bytes.len() as u64, size, "it does not grow: {number}");
            let end = bytes.len().min(5120);
            assert!(bytes[..end] == pattern(8 << 12)[..end], "{number} {size}");
        }
        let mut world = world();
        world.disk.replaced = Some(number);
        let result = clear(&world, range.clone());
        assert_eq!(result, Err(Fail::Replaced), "{number}");
        assert_eq!(
            world.disk.touched_after_replaced.get(),
            0,
            "{number}: the other file is left alone"
        );
    }
}

/// Two threads clear sectors of the same block: each would write back what the other one has
/// cleared.
#[test]
fn one_at_a_time() {
    let (turns, world) = (Turns::new(), World::eight_blocks(""));
    let turn = turns.take(world.sys());
    assert!(turn.is_some());
    let given_back = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let other = turns.take(World::eight_blocks("").sys());
            assert!(other.is_some() && given_back.load(SeqCst), "while it was another's");
        });
        std::thread::sleep(core::time::Duration::from_millis(20));
        given_back.store(true, SeqCst);
        drop(turn);
    });
    assert!(!turns.are_taken(), "it was given back");
    // A child of fork does not wait for what a thread of its parent's had.
    let turn = turns.take(world.sys());
    let mut child = World::eight_blocks("");
    child.disk.process += 1;
    assert!(turn.is_some() && turns.take(child.sys()).is_some());
}

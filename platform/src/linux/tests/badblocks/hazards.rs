//! Hazards to good bytes that clearing checks for first.

use std::{
    boxed::Box,
    cell::Cell,
    format,
    sync::{Barrier, Mutex},
    vec,
    vec::Vec,
};

use super::{
    super::{
        disk::{Reuse, extent, pattern},
        world::{Call, GROWN, World},
    },
    clearing::{EIO, NOT_BAD, changes, clear, clear_by, poisoned},
};
use crate::{
    ClearBy, Errno, Fail, Subject,
    linux::{badblocks::turn::Turn, sys::Linux},
};

/// A write to the bad bytes is under way: once it has come to the device, they are bad no more, and
/// their new content is good.
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

/// The spare file gets its blocks before anything is freed, and one at the offset of the block that
/// is cleared.
#[test]
fn a_file_system_without_room() {
    for short in [Errno::ENOSPC, Errno::EDQUOT] {
        for room in [0, 1, 61, 62] {
            for by in [ClearBy::Allocation, ClearBy::LossyAllocation] {
                let mut world = World::eight_blocks("1010 1\n");
                (world.disk.room, world.disk.short) = (Cell::new(room), short);
                let refused = Err(Fail::Os(Subject::ClearBadBlock, short));
                assert_eq!(clear_by(by, &world, 5120..5632), refused, "{room}");
                assert_eq!(changes(&world.calls()), []);
                assert_eq!(*world.disk.bytes.borrow(), pattern(8 << 12));
            }
        }
        // What the spare file has is given back if it is wanted, and after that is that of nobody.
        for room in [63, 64, 65, 1000] {
            let mut world = World::eight_blocks("1010 1\n");
            (world.disk.room, world.disk.short) = (Cell::new(room), short);
            assert_eq!(clear(&world, 5120..5632), Ok(()), "{room}");
            assert_eq!(world.disk.room.get(), room);
            // Somebody else was faster.
            let mut world = World::eight_blocks("1010 1\n");
            (world.disk.room, world.disk.short) = (Cell::new(room), short);
            world.disk.room_once_punched = Some(0);
            assert_eq!(clear(&world, 5120..5632), Ok(()), "{room}");
        }
    }
}

/// The quotas of whom the file belongs to are met, by whomever it is cleared.
#[test]
fn a_file_of_somebody_else() {
    let world = |not_given| {
        let mut world = World::eight_blocks("1010 1\n");
        (world.stat.owner, world.disk.not_given) = ((1000, 100), not_given);
        world
    };
    let theirs = world(None);
    assert_eq!(clear(&theirs, 5120..5632), Ok(()));
    let calls = theirs.calls();
    let given = calls.iter().position(|call| *call == Call::Give((1000, 100)));
    let taken = calls.iter().position(|call| matches!(call, Call::Take(..)));
    assert!(given.expect("given") < taken.expect("taken"));
    // Their quota is used up; or it cannot be told, since the caller may not give files away.
    for (errno, what) in [(Errno::EDQUOT, Subject::ClearBadBlock), (Errno::EPERM, Subject::Spare)] {
        let theirs = world(Some(errno));
        assert_eq!(clear(&theirs, 5120..5632), Err(Fail::Os(what, errno)));
        assert_eq!(changes(&theirs.calls()), []);
    }
    let own = World::eight_blocks("1010 1\n");
    assert_eq!(clear(&own, 5120..5632), Ok(()));
    assert!(!own.calls().iter().any(|call| matches!(call, Call::Give(_))));
}

/// A spare file cannot be made: nothing good is put at risk, and what is all bad needs none.
#[test]
fn no_spare_file() {
    let none = |errno| Err(Fail::Os(Subject::Spare, errno));
    let elsewhere = |mut world: World| {
        world.disk.spare_dev = Some(7);
        world
    };
    let nameless = |world: World| world.linked("/proc/self/fd/7", "memfd");
    let ways: [(&dyn Fn(World) -> World, Errno); 3] = [
        (&elsewhere, Errno::from_raw(18)),
        (&nameless, Errno::ENOENT),
        (&|world| world, Errno::EACCES),
    ];
    for (way, errno) in ways {
        let world = |list| {
            let mut world = way(World::eight_blocks(list));
            world.disk.no_spare = (errno == Errno::EACCES).then_some(errno);
            world
        };
        for by in [ClearBy::Allocation, ClearBy::LossyAllocation] {
            let some = world("1010 1\n");
            assert_eq!(clear_by(by, &some, 5120..5632), none(errno));
            assert_eq!(changes(&some.calls()), []);
            let all = world("1008 8\n");
            assert_eq!(clear_by(by, &all, 4096..8192), Ok(()));
        }
        // Nor is there anything good if the rest cannot be read, and may be given up.
        let dax = poisoned(world("1010 1\n"), &[1008..1016]);
        assert_eq!(clear_by(ClearBy::LossyAllocation, &dax, 5120..5632), Ok(()));
    }
}

/// The good bytes, if there are any, never come to memory that is bad while there is other; and
/// what was freed is given out again.
#[test]
fn memory_that_does_not_heal() {
    for reuse in [Reuse::AtOnce, Reuse::AfterCommit] {
        // Three files one after the other, each of which frees what the next one is offered: here
        // one file whose parts are cleared in turn.
        let mut world = poisoned(World::eight_blocks("1001 63\n"), &[1001..1064]);
        world.disk.reuse = Some(reuse);
        // What others have freed.
        world.disk.pool.borrow_mut().extend((1008..1064).step_by(8).map(|at| at * 512));
        for range in [512..4096, 4096..4608, 8192..20_480, 4608..8192, 20_480..32_768] {
            let result = clear(&world, range.clone());
            assert!(matches!(result, Ok(()) | Err(NOT_BAD)), "{reuse:?} {range:?}: {result:?}");
        }
        let mut expected = pattern(8 << 12);
        expected[512..].fill(0);
        assert_eq!(*world.disk.bytes.borrow(), expected);
        assert_eq!((world.walk(), world.disk.wasted.get()), ((vec![], None), 0), "{reuse:?}");
    }
    // Where there is no other but what the spare file has, it is written there in the end: a device
    // may make it good.
    let mut world = poisoned(World::eight_blocks("1010 1\n"), &[1008..1016]);
    world.disk.reuse = Some(Reuse::AtOnce);
    world.disk.room.set(63);
    assert_eq!(clear_by(ClearBy::LossyAllocation, &world, 5120..5632), Ok(()), "nothing is good");
    let mut world = World::eight_blocks("1010 1\n");
    world.disk.reuse = Some(Reuse::AtOnce);
    world.disk.room.set(63);
    assert_eq!(clear(&world, 5120..5632), Err(EIO));
    let mut expected = pattern(8 << 12);
    expected[5120..5632].fill(0);
    assert_eq!(*world.disk.bytes.borrow(), expected);
}

/// A block in the page cache is not written to where it is bad, which would have to be stored there
/// before it is punched out.
#[test]
fn a_page_in_the_cache() {
    for block in [512, 1024, 2048, 4096] {
        let mut world = poisoned(World::eight_blocks("1009 1\n"), &[1009..1010]);
        (world.disk.block, world.disk.cached) = (block, true);
        assert_eq!(clear(&world, 4608..5120), Ok(()), "{block}");
        let mut expected = pattern(8 << 12);
        expected[4608..5120].fill(0);
        assert_eq!(*world.disk.bytes.borrow(), expected, "{block}");
    }
}

/// ext4 can punch files that it cannot preallocate: what is not known to come back is not freed.
#[test]
fn a_file_that_cannot_be_preallocated() {
    let mut world = World::eight_blocks("1010 1\n");
    world.disk.preallocates = Err(Errno::ENOTSUP);
    assert_eq!(clear(&world, 5120..5632), Err(Fail::Unsupported));
    assert_eq!(changes(&world.calls()), []);
}

/// Where the first sync fails, nothing is changed. Where the last one fails, the error says whether
/// good bytes were written back.
#[test]
fn what_cannot_be_synced() {
    const EIO: Errno = Errno::EIO;
    for (list, range, what) in [
        ("1010 1\n", 5120..5632, Subject::WriteBack),
        ("1008 8\n", 4096..8192, Subject::ClearBadBlock),
    ] {
        let world = World::eight_blocks(list);
        assert_eq!(clear(&world, range.clone()), Ok(()));
        let calls: Vec<Call> =
            world.calls().into_iter().filter(|call| *call != Call::Close).collect();
        let syncs = (0..calls.len()).filter(|&at| calls[at] == Call::Fsync);
        let failed: Vec<_> = syncs
            .map(|at| {
                let world = World::eight_blocks(list).failing(at, EIO.raw());
                (clear(&world, range.clone()), changes(&world.calls()).is_empty())
            })
            .collect();
        assert_eq!(failed, [(Err(Fail::NotSynced), true), (Err(Fail::Os(what, EIO)), false)]);
    }
}

/// A file that may not be written to is noticed before anything good is lost.
#[test]
fn a_limit() {
    let mut world = World::eight_blocks("1010 1\n");
    world.disk.limit = 7168;
    assert_eq!(clear(&world, 5120..5632), Err(Fail::Os(Subject::ClearBadBlock, Errno::EFBIG)));
    assert_eq!(*world.disk.bytes.borrow(), pattern(8 << 12));
    assert!(!world.calls().iter().any(|call| matches!(call, Call::Punch(..))));
    // Where it was met later, what is lost is named.
    let mut world = World::eight_blocks("1010 1\n");
    world.disk.limit_once_punched = true;
    assert_eq!(clear(&world, 5120..5632), Err(Fail::Os(Subject::WriteBack, Errno::EFBIG)));
    // Of a block that was all bad nothing is.
    let mut world = World::eight_blocks("1008 8\n");
    world.disk.limit_once_punched = true;
    assert_eq!(clear(&world, 4096..8192), Err(Fail::Os(Subject::ClearBadBlock, Errno::EFBIG)));
}

/// It is cut off, or another file has its number: at each call at which that can be seen for the
/// first time.
#[test]
fn what_happens_meanwhile() {
    const BUSY: Fail = Fail::Os(Subject::ClearBadBlock, Errno::EBUSY);
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

/// Somebody appends to it, in the block that is cleared: at each call at which that can be seen for
/// the first time. What was appended is kept.
#[test]
fn a_file_that_grows_meanwhile() {
    const BUSY: Fail = Fail::Os(Subject::ClearBadBlock, Errno::EBUSY);
    let tail = [extent(0, 1000 * 512, 4096), extent(4096, 1008 * 512, 4096)];
    let world = || World::bad_file(pattern(4796), tail.to_vec(), "1008 1\n");
    let world_is_clear = world();
    assert_eq!(clear(&world_is_clear, 4096..4608), Ok(()));
    let calls = world_is_clear.calls();
    let stats = calls.iter().filter(|call| matches!(call, Call::Fstat)).count();
    let results: Vec<_> = (1..stats)
        .map(|number| {
            let mut world = world();
            world.disk.cut = Some((number, 6000));
            let result = clear(&world, 4096..4608);
            let bytes = world.disk.bytes.borrow();
            assert!(bytes[4796..].iter().all(|&byte| byte == GROWN), "{number}: {result:?}");
            assert_eq!((&bytes[..4096], bytes.len()), (&pattern(4096)[..], 6000), "{number}");
            assert_eq!(bytes[4608..4796], pattern(4796)[4608..], "{number}");
            let changed = world.calls().iter().any(|call| matches!(call, Call::Punch(..)));
            assert_eq!(changed, result == Ok(()), "{number}: {result:?}");
            result
        })
        .collect();
    assert!(results.contains(&Ok(())) && results.contains(&Err(BUSY)), "{results:?}");
}

/// Two threads clear sectors of the same block: each would write back what the other one has
/// cleared. They come in turn.
#[test]
fn one_at_a_time() {
    const THREADS: usize = 5;
    let world = World::eight_blocks("");
    let process = world.disk.process;
    let turn = |inode| {
        let mut world = World::eight_blocks("");
        (world.disk.process, world.stat.ino) = (process, inode);
        // A world for ever, since a turn is of its own.
        let world: &'static World = Box::leak(Box::new(world));
        let turn = Turn::take(world.sys(), world.facts().id).unwrap();
        (turn, world.disk.turns.get().unwrap())
    };
    let (first, turns) = turn(1);
    let order = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for number in 1..=THREADS {
            let order = &order;
            scope.spawn(move || {
                let (turn, _) = turn(1);
                order.lock().unwrap().push(number);
                drop(turn);
            });
            // When it has come.
            while turns.waiting() != number as u32 + 1 {
                std::thread::yield_now();
            }
        }
        assert_eq!(*order.lock().unwrap(), [0; 0], "while it was another's");
        // That of another file's is free all the time.
        drop(turn(2));
        drop(first);
    });
    assert_eq!(*order.lock().unwrap(), [1, 2, 3, 4, 5]);
    assert!(!turns.are_taken(), "it was given back");
}

/// One thread is in a punch as long as another one clears another file.
#[test]
fn unrelated_files_do_not_wait() {
    static MET: [Barrier; 2] = [Barrier::new(2), Barrier::new(2)];
    fn in_punch() {
        MET[0].wait();
        MET[1].wait();
    }
    let mut held = World::eight_blocks("1010 1\n");
    held.disk.in_punch = Some(in_punch);
    let mut other = World::eight_blocks("1010 1\n");
    other.disk.process = held.disk.process;
    other.stat.ino += 1;
    std::thread::scope(|scope| {
        let thread = scope.spawn(move || clear(&held, 5120..5632));
        MET[0].wait();
        assert_eq!(clear(&other, 5120..5632), Ok(()));
        MET[1].wait();
        assert_eq!(thread.join().unwrap(), Ok(()));
    });
}

/// A child of fork does not wait for what a thread of its parent's had, whatever its number is.
#[test]
fn a_child_of_fork() {
    let id = World::eight_blocks("").facts().id;
    let turn = Turn::take(Linux, id).unwrap();
    // SAFETY: the child takes a turn, which calls the system only, and ends.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // Otherwise it would wait for ever.
        // SAFETY: this ends the child after a minute, if it is still there.
        unsafe { libc::alarm(60) };
        let taken = Turn::take(Linux, id).is_ok();
        // SAFETY: it ends the process, and runs nothing else in it.
        unsafe { libc::_exit(i32::from(!taken)) };
    }
    let mut status = -1;
    // SAFETY: the status is written to an integer.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0, "it has one");
    drop(turn);
}

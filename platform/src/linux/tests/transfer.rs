//! Reading and writing: every error number in every call, and any file with any bad blocks, against
//! its bytes.

mod device;
mod pieces;

use core::ops::Range;
use std::{vec, vec::Vec};

use super::{
    inject::{ERRNOS, Outcome, inject},
    world::{Call, FD, READ_WRITE, World, object},
};
use crate::{
    Errno, Fail, Means, Partial, Subject,
    linux::transfer::{self, Channel},
};

const EINTR: i32 = 4;
const EBADF: i32 = 9;
const EFAULT: i32 = 14;
/// EIO, ENODATA, EHWPOISON.
const BAD: [i32; 3] = [5, 61, 133];

/// A file with these bytes.
fn file(length: usize) -> World {
    let world = World::file().opened(READ_WRITE);
    *world.medium.bytes.borrow_mut() = (0..length).map(|at| (at * 7 + at / 251) as u8).collect();
    world
}

fn channel(world: &World, range: Range<u64>, writable: bool) -> Result<Channel, Fail> {
    // Described before anything went wrong.
    let mut before = world.clone();
    before.fault = None;
    transfer::channel(object(world.sys(), FD, &before.facts()), None, range, writable)
}

/// The channel of a file, for which nothing is called.
fn of_file(world: &World) -> Channel {
    let channel = channel(world, 0..1, true).unwrap();
    assert_eq!((transfer::means(&channel), world.calls()), (Means::CALL, vec![]));
    channel
}

fn read(world: &World, offset: u64, length: usize) -> Outcome<Vec<u8>, Partial> {
    let mut buffer = vec![0xEE; length];
    let channel = of_file(world);
    let read = transfer::read(world.sys(), FD, &channel, offset, buffer.as_mut_slice().into());
    (read.map(|()| buffer), world.calls())
}

fn write(world: &World, offset: u64, bytes: &[u8]) -> Outcome<(), Partial> {
    let channel = of_file(world);
    (transfer::write(world.sys(), FD, &channel, offset, bytes.into()), world.calls())
}

const fn halted<A>(done: usize, fail: Fail) -> Result<A, Partial> {
    Err(Partial { done, fail })
}

/// One call where nothing keeps it from going on; more where the system makes a pause.
#[test]
fn short_transfers_go_on() {
    let world = file(5000);
    let bytes = world.medium.bytes.borrow().clone();
    assert_eq!(read(&world, 0, 5000), (Ok(bytes.clone()), vec![Call::Pread(0, 5000)]));
    assert_eq!(read(&world, 5000, 0), (Ok(vec![]), vec![]));
    assert_eq!(write(&world, 700, &[1, 2, 3]), (Ok(()), vec![Call::Pwrite(700, 3)]));
    assert_eq!(read(&world, 699, 5).0, Ok(vec![bytes[699], 1, 2, 3, bytes[703]]));
    assert_eq!(write(&world, 700, &[]), (Ok(()), vec![]));
    let mut slow = file(5000);
    slow.medium.most = 2000;
    let calls =
        |call: fn(u64, usize) -> Call| vec![call(0, 5000), call(2000, 3000), call(4000, 1000)];
    assert_eq!(read(&slow, 0, 5000), (Ok(bytes.clone()), calls(Call::Pread)));
    assert_eq!(write(&slow, 0, &bytes), (Ok(()), calls(Call::Pwrite)));
}

#[test]
fn a_file_that_ends_or_takes_nothing() {
    let world = file(1000);
    assert_eq!(
        read(&world, 900, 200),
        (halted(100, Fail::Ended), vec![Call::Pread(900, 200), Call::Pread(1000, 100)])
    );
    assert_eq!(read(&world, 1000, 1).0, halted(0, Fail::Ended));
    let mut idle = file(1000);
    idle.medium.idle = true;
    let expected = halted(0, Fail::Malformed(Subject::Write));
    assert_eq!(write(&idle, 0, &[1; 10]), (expected, vec![Call::Pwrite(0, 10)]));
}

/// The kernel's offsets have a sign.
#[test]
fn offsets_that_no_file_has_do_not_reach_the_kernel() {
    let world = file(1000);
    let too_large = Fail::Os(Subject::Write, Errno::EFBIG);
    for offset in [1 << 63, (1 << 63) + 1, u64::MAX - 1, u64::MAX] {
        assert_eq!(read(&world, offset, 10), (halted(0, Fail::Ended), vec![]));
        assert_eq!(write(&world, offset, &[0; 10]), (halted(0, too_large), vec![]));
    }
    let last = (1 << 63) - 4;
    assert_eq!(read(&world, last, 10), (halted(0, Fail::Ended), vec![Call::Pread(last, 3)]));
    let refused = world.failing(0, 28);
    let full = Fail::Os(Subject::Write, Errno::ENOSPC);
    assert_eq!(write(&refused, last, &[0; 10]), (halted(0, full), vec![Call::Pwrite(last, 3)]));
}

/// A fault that does not come again is none in the end, where the buffer or the medium may have
/// been the reason.
#[test]
fn every_errno_in_every_call_of_a_transfer() {
    let mut injected = 0;
    for write_it in [false, true] {
        let mut world = file(3000);
        world.medium.most = 2048;
        let (what, call): (_, fn(u64, usize) -> Call) =
            if write_it { (Subject::Write, Call::Pwrite) } else { (Subject::Read, Call::Pread) };
        let run = |world: &World| {
            let (answer, calls) = if write_it {
                write(world, 0, &[7; 3000])
            } else {
                let (read, calls) = read(world, 0, 3000);
                (read.map(drop), calls)
            };
            (answer, calls)
        };
        let calls = [call(0, 3000), call(2048, 952)];
        assert_eq!(run(&world), (Ok(()), calls.to_vec()));
        injected += inject("transfer", &world, &calls, run, |index, errno| match (index, errno) {
            (0, EINTR) => (Ok(()), calls.to_vec()),
            (_, EINTR) => (Ok(()), vec![call(2048, 952)]),
            // By half, and then at once again.
            (0, EFAULT) => (Ok(()), vec![call(0, 1500), call(1500, 1500)]),
            (_, EFAULT) => (Ok(()), vec![call(2048, 476), call(2524, 476)]),
            // Up to the end of a sector.
            (0, bad) if BAD.contains(&bad) => (Ok(()), vec![call(0, 1024), call(1024, 1976)]),
            (_, bad) if BAD.contains(&bad) => (Ok(()), vec![call(2048, 512), call(2560, 440)]),
            (_, EBADF) => (halted(index * 2048, Fail::Absent(Subject::Handle)), vec![]),
            _ => (halted(index * 2048, Fail::Os(what, Errno::from_raw(errno))), vec![]),
        });
    }
    assert_eq!(injected, 4 * ERRNOS.count());
}

#[test]
fn every_errno_in_every_call_of_sync() {
    let world = file(1000);
    let run = |world: &World| {
        let facts = file(1000).facts();
        (transfer::sync(object(world.sys(), FD, &facts)), world.calls())
    };
    let calls = [Call::Fstat, Call::Fdatasync];
    assert_eq!(run(&world), (Ok(()), calls.to_vec()));
    inject("sync", &world, &calls, run, |index, errno| match (index, errno) {
        (_, EBADF) => (Err(Fail::Absent(Subject::Handle)), vec![]),
        (0, _) => (Err(Fail::Os(Subject::Handle, Errno::from_raw(errno))), vec![]),
        (_, EINTR) => (Ok(()), vec![Call::Fdatasync]),
        _ => (Err(Fail::unsynced(Errno::from_raw(errno))), vec![]),
    });
    let facts = world.facts();
    let mut other = world;
    other.stat.ino += 1;
    assert_eq!(transfer::sync(object(other.sys(), FD, &facts)), Err(Fail::Replaced));
    assert_eq!(other.calls(), [Call::Fstat], "nothing is done to another file");
}

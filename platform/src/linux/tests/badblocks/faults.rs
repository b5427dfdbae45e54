//! Every error number in every call. The expected outcome comes from [`expected`], which knows the
//! documentation and not the code.

use core::ops::Range;
use std::{format, vec, vec::Vec};

use super::super::{
    disk::extent,
    inject::{ERRNOS, Outcome, inject},
    machine::{DM, ENTRY_OF_DISK, FSDAX},
    world::{Call, FD, World, object},
};
use super::{XFS, commands::bus, list_of_disk, places::device, volumes::table};
use crate::{
    ClearBy, Errno, Fail, Subject,
    linux::{BadSectors, badblocks},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    List,
    Next,
    Clear(ClearBy),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    Listed(Vec<Range<u64>>),
    Next(Option<Range<u64>>),
    Cleared,
}

struct Scenario {
    name: &'static str,
    world: World,
    question: Question,
    range: Range<u64>,
}

impl Scenario {
    fn run(&self, world: &World) -> Outcome<Answer> {
        // What the question is about was described and listed before anything went wrong.
        let clean = self.world.clone();
        let facts = clean.facts();
        let sys = world.sys();
        let shown = |list: BadSectors| Answer::Listed(list.within(0..u64::MAX).collect());
        let answer = match self.question {
            Question::List => badblocks::known::list(object(sys, FD, &facts)).map(shown),
            Question::Next => {
                let list = badblocks::known::list(object(clean.sys(), FD, &facts)).unwrap();
                badblocks::next(object(sys, FD, &facts), &list, self.range.start).map(Answer::Next)
            }
            Question::Clear(by) => {
                badblocks::clear(object(sys, FD, &facts), self.range.clone(), by)
                    .map(|()| Answer::Cleared)
            }
        };
        (answer, world.calls())
    }
}

fn scenarios() -> Vec<Scenario> {
    let row = |name, world: World, question, range| Scenario { name, world, question, range };
    let mut xfs = World::eight_blocks("1010 1\n");
    xfs.magic = XFS;
    let part = World::eight_blocks("")
        .linked(ENTRY_OF_DISK, format!("{FSDAX}/pmem1p1"))
        .without_file(&list_of_disk())
        .with_file(&format!("{ENTRY_OF_DISK}/start"), "8\n")
        .with_file(&format!("{ENTRY_OF_DISK}/../badblocks"), "1018 1\n");
    let mut volume = World::eight_blocks("")
        .linked(ENTRY_OF_DISK, DM)
        .without_file(&list_of_disk())
        .linked("/sys/dev/block/259:9", FSDAX)
        .with_file("/sys/dev/block/259:9/badblocks", "10 1\n")
        .with_file("/dev/mapper/control", "");
    volume
        .disk
        .tables
        .push(((259, 3), (1, 0, 312, table(&[(0, 100_000, "linear", "259:9 2048")]))));
    // More extents than fit into an answer.
    let many = (0..40).map(|n| extent(n * 512, (2000 - 2 * n) * 512, 512)).collect();
    let many = World::bad_file(vec![1; 40 * 512], many, "1922 1\n");
    vec![
        row("a file's list", World::eight_blocks("1010 1\n"), Question::List, 0..0),
        row("on XFS", xfs, Question::List, 0..0),
        row("on a partition", part, Question::List, 0..0),
        row("on a volume", volume, Question::List, 0..0),
        row("a device's list", device("101 1\n"), Question::List, 0..0),
        row("the next of a file", many, Question::Next, 0..0),
        row("the next of a device", device("101 1\n"), Question::Next, 0..0),
        row(
            "clear a file",
            World::eight_blocks("1010 1\n"),
            Question::Clear(ClearBy::Allocation),
            5120..5632,
        ),
        row(
            "clear a file in part",
            World::eight_blocks("1010 1\n"),
            Question::Clear(ClearBy::LossyAllocation),
            5120..5632,
        ),
        row(
            "clear a device",
            bus("101 1\n", ""),
            Question::Clear(ClearBy::DeviceCommand),
            512..1024,
        ),
    ]
}

const EBADF: i32 = 9;
const ENOENT: i32 = 2;
const NOT_THERE: [i32; 2] = [ENOENT, 20]; // ENOTDIR
const EINTR: i32 = 4;
const EIO: i32 = 5;
const EFAULT: i32 = 14;
const ENOSPC: i32 = 28;
const ENOSYS: i32 = 38;
const EDQUOT: i32 = 122;
const ENOTTY: i32 = 25;
const ENOTSUP: i32 = 95;

/// Returns the answer where the call with this index fails with `errno`, and the calls that follow.
/// `None`: the failure changes nothing, except that the call itself is made again or not.
fn expected(calls: &[Call], answer: &Answer, index: usize, errno: i32) -> Outcome<Answer> {
    let os = |what| (Err(Fail::Os(what, Errno::from_raw(errno))), vec![]);
    let unsupported = (Err(Fail::Unsupported), vec![]);
    let again = || (Ok(answer.clone()), calls[index..].to_vec());
    match &calls[index] {
        // Closed meanwhile.
        Call::Fstat | Call::Fstatfs if errno == EBADF => {
            (Err(Fail::Absent(Subject::Handle)), vec![])
        }
        Call::Fstat => os(Subject::Handle),
        Call::Fstatfs => os(Subject::FileSystem),
        Call::Xflags => os(Subject::Device),
        Call::Inode(_) => os(Subject::Device),
        Call::Getfl => os(Subject::ClearBadBlock),
        Call::Readlink(_) if errno == 22 => (Err(Fail::Malformed(Subject::Device)), vec![]),
        Call::Readlink(_) if NOT_THERE.contains(&errno) => {
            (Err(Fail::Absent(Subject::Device)), vec![Call::Access("/sys/dev".into())])
        }
        Call::Readlink(_) => os(Subject::Device),
        Call::Open(path) => of_file(path, errno),
        Call::Read => {
            let path = calls[..index].iter().rev().find_map(|call| match call {
                Call::Open(path) => Some(path),
                _ => None,
            });
            (of_file(path.unwrap(), errno).0, vec![Call::Close])
        }
        Call::Table(_) => (os(Subject::Volume).0, vec![Call::Close]),
        Call::Extents(_) if [ENOTSUP, ENOTTY].contains(&errno) => unsupported,
        // It is asked for as it is.
        Call::Extents(_) if errno == EIO => again(),
        Call::Extents(_) => os(Subject::Extents),
        Call::BlockSize | Call::Turns | Call::OpenWritable(_) => os(Subject::ClearBadBlock),
        Call::Spare(_) => os(Subject::Spare),
        // Interrupted: it is made again.
        Call::Pread(..)
        | Call::Pwrite(..)
        | Call::Rehearse(..)
        | Call::Punch(..)
        | Call::Allocate(..)
        | Call::Take(..)
        | Call::Fsync
            if errno == EINTR =>
        {
            again()
        }
        Call::Fsync if errno == Errno::EIO.raw() => (Err(Fail::NotSynced), vec![]),
        Call::Fsync => os(Subject::Sync),
        Call::Punch(..) | Call::Allocate(..) | Call::Take(..)
            if [ENOTSUP, ENOSYS].contains(&errno) =>
        {
            unsupported
        }
        Call::Pread(..)
        | Call::Pwrite(..)
        | Call::Rehearse(..)
        | Call::Punch(..)
        | Call::Allocate(..)
        | Call::Take(..) => os(Subject::ClearBadBlock),
        // The bus is closed.
        Call::ArsCap(..) | Call::ClearError(..) if [ENOTSUP, ENOTTY].contains(&errno) => {
            (unsupported.0, vec![Call::Close])
        }
        Call::ArsCap(..) | Call::ClearError(..) => {
            (os(Subject::ClearBadBlock).0, vec![Call::Close])
        }
        other => panic!("no scenario has such a call that can fail: {other:?}"),
    }
}

/// The same where a file's third sector of the second block is cleared.
fn of_a_file(
    calls: &[Call],
    answer: &Answer,
    index: usize,
    errno: i32,
    by: ClearBy,
) -> Outcome<Answer> {
    let at = |wanted: Call| calls.iter().position(|call| *call == wanted).unwrap();
    // Where the spare file is made, the block is tried in it, punched out, and written.
    let made = at(Call::Readlink("/proc/self/fd/7".into()));
    let (tried, punched, written) =
        (at(Call::Take(4096, 4096)), at(Call::Punch(4096, 4096)), at(Call::Pwrite(4096, 4096)));
    let os = |what| Err(Fail::Os(what, Errno::from_raw(errno)));
    let on = |more: &[&[Call]]| (Ok(answer.clone()), more.concat());
    let (fails, more) = expected(calls, answer, index, errno);
    // When it was begun, it is no answer that it cannot be done.
    let begun = || {
        if fails == Err(Fail::Unsupported) {
            Err(Fail::Os(Subject::ClearBadBlock, Errno::EIO))
        } else {
            fails.clone()
        }
    };
    // The spare file is closed.
    let closed = [&more[..], &[Call::Close]].concat();
    match &calls[index] {
        // There is no room for it.
        Call::Readlink(_) | Call::Spare(_) | Call::Fstat
            if (made..made + 3).contains(&index) && [ENOSPC, EDQUOT].contains(&errno) =>
        {
            let close = if index == made + 2 { &[Call::Close][..] } else { &[] };
            (os(Subject::ClearBadBlock), close.to_vec())
        }
        // It is made when it is needed.
        _ if (made..made + 3).contains(&index) => {
            let close = if index == made + 2 { &[Call::Close][..] } else { &[] };
            on(&[close, &calls[made + 4..tried], &calls[made..made + 4], &calls[tried..]])
        }
        // Good sectors that cannot be read, before anything is changed.
        Call::Pread(..) if index < punched && errno == EIO && by == ClearBy::LossyAllocation => {
            on(&[&calls[index + 1..]])
        }
        // The spare file may lie on bad memory.
        Call::Rehearse(..) if [EIO, EFAULT].contains(&errno) => on(&[&calls[index + 1..]]),
        // Where all that is asked for has a place: nothing is stored first.
        Call::Extents(_) if (made..punched).contains(&index) && errno == EIO => {
            (os(Subject::Extents), vec![Call::Close])
        }
        // Writing allocates too.
        Call::Allocate(..) if index > punched && errno != EINTR => on(&[&calls[index + 1..]]),
        // The place of the new block is unknown. The good bytes are written back nevertheless.
        Call::Extents(_) if (punched..written).contains(&index) => {
            let fails = if errno == EIO { os(Subject::Extents) } else { begun() };
            (fails, [&calls[written - 1..=written], &[Call::Close]].concat())
        }
        // The file's size, when the block is gone, and the writing.
        Call::Fstat | Call::Pwrite(..) if [written - 1, written].contains(&index) => {
            match (errno, &calls[index]) {
                // Another block is tried.
                (EIO | EFAULT | ENOSPC | EDQUOT, _) => on(&[
                    &calls[punched - 1..=punched],
                    &[Call::Take(8192 + (62 << 12), 4096)],
                    &calls[punched + 1..],
                ]),
                (EINTR, Call::Pwrite(..)) => (fails, more),
                (EBADF, Call::Fstat) => (fails, closed),
                _ => (os(Subject::WriteBack), vec![Call::Close]),
            }
        }
        Call::Fsync if index > written && errno != EINTR => (os(Subject::WriteBack), vec![]),
        _ if index > written => (begun(), more),
        _ if index > made && fails.is_err() => (fails, closed),
        _ => (fails, more),
    }
}

fn of_file(path: &str, errno: i32) -> Outcome<Answer> {
    let name = path.rsplit('/').next().unwrap();
    let what = match name {
        "size" => Subject::Size,
        "control" => Subject::Volume,
        "start" | "badblocks" | "resource" => Subject::BadBlocks,
        other => panic!("{other}"),
    };
    let fail = match name {
        // No list, or no place.
        "badblocks" | "resource" if errno == ENOENT => Fail::Unsupported,
        _ => Fail::Os(what, Errno::from_raw(errno)),
    };
    (Err(fail), vec![])
}

#[test]
fn every_errno_in_every_call() {
    let mut injected = Vec::new();
    for scenario in scenarios() {
        let (answer, calls) = scenario.run(&scenario.world.clone());
        let answer = answer.unwrap_or_else(|fail| panic!("{}: {fail:?}", scenario.name));
        let run = |world: &World| scenario.run(world);
        let expected = |index: usize, errno| {
            let before = |call: fn(&Call) -> bool| calls[..index].iter().any(call);
            if calls.iter().any(|call| matches!(call, Call::Punch(..))) {
                let Question::Clear(by) = scenario.question else {
                    panic!("a question changes nothing")
                };
                return of_a_file(&calls, &answer, index, errno, by);
            }
            let (answer, mut more) = expected(&calls, &answer, index, errno);
            // The bus is open when the device is confirmed for the last time.
            let is_open = before(|call| matches!(call, Call::OpenWritable(_)))
                && !before(|call| matches!(call, Call::ClearError(..)));
            if is_open && matches!(calls[index], Call::Inode(_)) {
                more.push(Call::Close);
            }
            (answer, more)
        };
        injected
            .push(inject(scenario.name, &scenario.world, &calls, run, expected) / ERRNOS.count());
    }
    assert_eq!(injected, [6, 7, 8, 9, 12, 3, 2, 48, 48, 39], "calls that can fail");
}

//! The suites about transfers and bad blocks, of a platform that keeps the contract, and of one
//! that breaks each rule of it.

use std::ops::Range;

use pmem2::{
    Kind,
    conformance::{
        Case, Expect, Rule, Violation, check_bad_blocks, check_bad_memory, check_transfers,
    },
    error::{Errno, Subject},
    platform::Fail,
    transfer::Partial,
};

use crate::script::{Call, Object, READ_WRITE, Script};

const SIZE: u64 = 0x1_0000;

fn case<'s>(script: &'s Script, kind: Kind, writable: bool) -> Case<'static, Object<'s>> {
    Case::new("it", script.object(), Expect::Source { kind, size: SIZE, alignment: 4096, writable })
}

fn rule(checked: Result<(), Violation<'_>>) -> Option<Rule> {
    checked.err().map(|violation| {
        assert_eq!(violation.case, "it");
        assert!(violation.to_string().starts_with("it (expected: "), "{violation}");
        violation.rule
    })
}

fn transfers(script: &Script, kind: Kind, writable: bool) -> Option<Rule> {
    rule(check_transfers(&[case(script, kind, writable)], Some(3)))
}

fn blocks(script: &Script, writable: bool) -> Option<Rule> {
    rule(check_bad_blocks(&[case(script, Kind::RegularFile, writable)]))
}

/// Everything is left as it was, and a channel is asked for once.
#[test]
fn what_keeps_the_contract() {
    for kind in [Kind::RegularFile, Kind::DeviceDax] {
        for writable in [false, true] {
            let script = Script::with(kind, READ_WRITE);
            assert_eq!(transfers(&script, kind, writable), None);
            assert_eq!(*script.medium.bytes.borrow(), *Script::new().medium.bytes.borrow());
            let calls = script.calls();
            let channels: Vec<_> =
                calls.iter().filter(|call| matches!(call, Call::Channel(..))).collect();
            assert_eq!(channels, [&Call::Channel(Some(3), (0, SIZE), writable)]);
            assert_eq!(calls.iter().any(|call| matches!(call, Call::Write(..))), writable);
            assert_eq!(calls.contains(&Call::Sync), writable);
            // Beyond the end of a file the platform is asked, beyond that of a device it is not.
            let beyond =
                calls.iter().any(|call| matches!(call, Call::Read(offset, _) if *offset >= SIZE));
            assert_eq!(beyond, kind == Kind::RegularFile);
        }
    }
    for size in [0, 1, 2, 3, 63, 64, 65] {
        let script = Script::new().sized(size);
        script.medium.bytes.borrow_mut().to_mut().truncate(size as usize);
        let source =
            Expect::Source { kind: Kind::RegularFile, size, alignment: 4096, writable: true };
        assert_eq!(
            rule(check_transfers(&[Case::new("it", script.object(), source)], None)),
            None,
            "{size} bytes"
        );
    }
    // What is no source is not asked, nor what transfers nothing.
    let script = Script::failing(Call::Channel(None, (0, 0), false), Fail::Unsupported);
    assert_eq!(transfers(&script, Kind::RegularFile, true), None);
    let refused = Case::new("it", script.object(), Expect::Refused(-1));
    script.calls();
    assert_eq!(rule(check_transfers(&[refused], None)), None);
    assert_eq!(script.calls(), []);
}

#[test]
fn transfers_that_fail() {
    let eio = Fail::Os(Subject::Read, Errno::EIO);
    let failed = Some(Rule::TransferFails(Partial { done: 0, fail: eio }));
    for call in [Call::Channel(None, (0, 0), false), Call::Sync] {
        assert_eq!(
            transfers(&Script::failing(call, eio), Kind::RegularFile, true),
            failed,
            "{call:?}"
        );
    }
    assert_eq!(
        transfers(&Script::failing(Call::Sync, Fail::Unsupported), Kind::RegularFile, true),
        None
    );
    let script = Script::new();
    let halted = Partial { done: 7, fail: Fail::bad_memory(512) };
    script.medium.halted.set(Some(halted));
    assert_eq!(transfers(&script, Kind::RegularFile, false), Some(Rule::TransferFails(halted)));
}

#[test]
fn other_bytes_than_those() {
    let mut script = Script::new();
    script.medium.garbles = true;
    assert_eq!(transfers(&script, Kind::RegularFile, false), Some(Rule::TransferMovesBytes));
    let mut script = Script::new();
    script.medium.spills = true;
    assert_eq!(transfers(&script, Kind::DeviceDax, true), Some(Rule::TransferMovesBytes));
    assert_eq!(transfers(&script, Kind::DeviceDax, false), None);
}

/// A file whose end is somewhere else than its size says.
#[test]
fn an_end_that_is_not_told() {
    let script = Script::new();
    script.medium.bytes.borrow_mut().to_mut().push(1);
    let ended = Rule::EndIsTold(Some(Partial { done: 1, fail: Fail::Ended }));
    assert_eq!(transfers(&script, Kind::RegularFile, false), Some(ended));
    script.medium.bytes.borrow_mut().to_mut().push(1);
    assert_eq!(transfers(&script, Kind::RegularFile, false), Some(Rule::EndIsTold(None)));
}

#[test]
fn bad_memory() {
    let read = |spoil: Range<u64>, first_bad: u64, lie: Option<Partial>| {
        let mut script = Script::new();
        script.medium.bad_halts = true;
        script.medium.bad.borrow_mut().extend(spoil);
        script.medium.halted.set(lie);
        rule(check_bad_memory(&case(&script, Kind::RegularFile, true), None, first_bad))
    };
    assert_eq!(read(4096..4608, 4096, None), None);
    assert_eq!(read(20..21, 20, None), None);
    // Too early, too late, never, something else.
    let inexact = |halted| Some(Rule::BadMemoryIsExact(halted));
    let medium = |done, unit| Some(Partial { done, fail: Fail::bad_memory(unit) });
    assert!(matches!(read(4095..4608, 4096, None), Some(Rule::BadMemoryIsExact(Some(_)))));
    assert_eq!(read(4097..4098, 4096, None), inexact(medium(1, 1)));
    assert_eq!(read(9000..9001, 4096, None), inexact(None));
    let ended = Some(Partial { done: 0, fail: Fail::Ended });
    assert_eq!(read(0..0, 4096, ended), inexact(ended));
    // A unit that does not have it, one that does.
    assert_eq!(read(0..0, 4160, medium(64, 512)), inexact(medium(64, 512)));
    assert!(matches!(read(4096..4608, 8192, None), Some(Rule::BadMemoryIsExact(None))));
}

fn spoilt(bytes: impl IntoIterator<Item = Range<u64>>) -> Script {
    let script = Script::new();
    script.medium.bad.borrow_mut().extend(bytes.into_iter().flatten());
    script
}

#[test]
fn lists_that_keep_the_contract() {
    let ranges =
        |ranges: &[(u64, u64)]| ranges.iter().map(|&(start, end)| start..end).collect::<Vec<_>>();
    for bad in [
        ranges(&[]),
        ranges(&[(0, 512)]),
        ranges(&[(512, 513), (514, 700)]),
        ranges(&[(0, 1), (SIZE - 1, SIZE)]),
        ranges(&[(0, SIZE)]),
    ] {
        for writable in [false, true] {
            let script = spoilt(bad.clone());
            assert_eq!(blocks(&script, writable), None, "{bad:?}");
            assert_eq!(
                script.medium.bad.borrow().len() as u64,
                bad.iter().map(|bad| bad.end - bad.start).sum()
            );
            let cleared =
                script.calls().iter().filter(|call| matches!(call, Call::ClearBad(..))).count();
            let whole = bad.first().is_some_and(|bad| bad.end - bad.start == SIZE);
            assert_eq!(cleared, if writable && !whole { 3 } else { 0 }, "by each way");
        }
    }
    assert_eq!(blocks(&Script::failing(Call::ListBad, Fail::Unsupported), true), None);
    // What is not known is not held against it.
    assert_eq!(
        blocks(&Script::failing(Call::NextBad(0), Fail::TooLarge(Subject::BadBlocks)), true),
        None
    );
}

#[test]
fn lists_that_break_it() {
    let eio = Fail::Os(Subject::BadBlocks, Errno::EIO);
    for call in [Call::ListBad, Call::NextBad(0)] {
        assert_eq!(blocks(&Script::failing(call, eio), true), Some(Rule::BadBlocksFail(eio)));
    }
    let told = |lies: &[(u64, u64)]| {
        let script = spoilt([]);
        let lies = lies.iter().map(|&(start, end)| Ok(Some(Range { start, end })));
        script.medium.next.borrow_mut().extend(lies);
        blocks(&script, false)
    };
    let otherwise = |start, end| Some(Rule::BadBlocksAreOrdered { start, end });
    assert_eq!(told(&[(0, 0)]), otherwise(0, 0));
    assert_eq!(told(&[(7, 5)]), otherwise(7, 5));
    assert_eq!(told(&[(0, SIZE + 1)]), otherwise(0, SIZE + 1));
    // From its last byte it is not told again, or from its first.
    assert_eq!(told(&[(0, 8)]), otherwise(0, 8));
    assert_eq!(told(&[(0, 8), (0, 8)]), otherwise(0, 8));
    // One that adjoins, one in front.
    assert_eq!(told(&[(0, 8), (7, 8), (8, 9)]), otherwise(8, 9));
    assert_eq!(told(&[(4, 8), (7, 8), (2, 3)]), otherwise(2, 3));
    // One at the end.
    assert_eq!(told(&[(0, SIZE), (SIZE - 1, SIZE)]), None);
    let script = spoilt([]);
    script.medium.next.borrow_mut().extend([Ok(None), Ok(Some(SIZE..SIZE + 1))]);
    assert_eq!(blocks(&script, false), otherwise(SIZE, SIZE));
}

#[test]
fn what_clears_good_bytes() {
    let mut script = Script::new();
    script.medium.clears_all = true;
    assert_eq!(blocks(&script, true), Some(Rule::GoodIsNotCleared));
    assert_eq!(blocks(&script, false), None, "what cannot be written to is not tried");
}

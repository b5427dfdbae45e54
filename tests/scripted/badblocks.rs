//! Bad blocks: the iterator, and what is cleared.

use std::{collections::BTreeSet, ops::Range};

use pmem2::{
    Access, Anonymous, Error, Kind, Source,
    badblocks::{BadBlocks, ClearBy},
    error::{Subject, WriteFault},
    platform::Fail,
};
use proptest::prelude::*;

use crate::{
    failures::expected,
    script::{Call, READ_WRITE, Script, fails},
};

const SIZE: u64 = 0x1_0000;

/// A range that stands alone, or backwards, where clippy takes one with dots for a mistake.
const fn span(start: u64, end: u64) -> Range<u64> {
    Range { start, end }
}

fn spoilt(ranges: &[Range<u64>]) -> Script {
    let script = Script::new();
    *script.medium.bad.borrow_mut() = ranges.iter().cloned().flatten().collect();
    script
}

fn found(script: &Script) -> Vec<Range<u64>> {
    let source = Source::new(script.object()).unwrap();
    source.bad_blocks().unwrap().map(Result::unwrap).collect()
}

#[test]
fn the_ranges_come_in_order_and_merged() {
    let [start, end] = [0..512, SIZE - 512..SIZE];
    for ranges in [
        vec![],
        vec![start.clone()],
        vec![end.clone()],
        vec![start.clone(), 513..514, 1024..4096, end.clone()],
        vec![span(0, SIZE)],
    ] {
        assert_eq!(found(&spoilt(&ranges)), ranges);
    }
    assert_eq!(found(&spoilt(&[512..1024, 0..512])), [span(0, 1024)], "what adjoins is one");
}

/// One list, and one step for each range and one for the end.
#[test]
fn what_the_platform_is_asked() {
    let script = spoilt(&[512..1024, 4096..8192]);
    let source = Source::new(script.object()).unwrap();
    script.calls();
    let mut blocks = source.bad_blocks().unwrap();
    assert_eq!(script.calls(), [Call::ListBad]);
    assert_eq!((blocks.next(), blocks.next()), (Some(Ok(512..1024)), Some(Ok(4096..8192))));
    assert_eq!(script.calls(), [Call::NextBad(0), Call::NextBad(1024)]);
    assert_eq!((blocks.next(), blocks.next(), blocks.next()), (None, None, None));
    assert_eq!(script.calls(), [Call::NextBad(8192)], "behind the end nothing is asked");
    // One that owns its source.
    let mut blocks = BadBlocks::new(source).unwrap();
    assert_eq!(blocks.by_ref().count(), 2);
    assert!(std::ptr::eq(blocks.source().handle().script(), &script));
    drop(blocks);
    assert_eq!(script.dropped.get(), 1);
}

#[test]
fn going_on_elsewhere() {
    let script = spoilt(&[512..1024, 4096..8192]);
    let source = Source::new(script.object()).unwrap();
    let mut blocks = source.bad_blocks().unwrap();
    for (from, first) in [
        (0, Some(512..1024)),
        (512, Some(512..1024)),
        (700, Some(700..1024)),
        (1024, Some(4096..8192)),
        (8191, Some(8191..8192)),
        (8192, None),
        (u64::MAX, None),
        (1, Some(512..1024)),
    ] {
        blocks.seek(from);
        assert_eq!(blocks.next(), first.map(Ok), "from {from}");
    }
    assert_eq!(blocks.by_ref().count(), 1, "and from there on");
    blocks.seek(0);
    assert_eq!(blocks.count(), 2);
}

/// A platform whose answers would never end, or make no sense, is an error once, and then there is
/// nothing.
#[test]
fn a_platform_that_goes_backwards() {
    let lies = [span(0, 1), 1023..2048, 1024..1024, 2000..2000, span(2000, 1500)];
    for lie in lies {
        let script = spoilt(&[span(4096, 8192)]);
        let source = Source::new(script.object()).unwrap();
        let mut blocks = source.bad_blocks().unwrap();
        script.medium.next.borrow_mut().extend([Ok(Some(512..1024)), Ok(Some(lie.clone()))]);
        assert_eq!(blocks.next(), Some(Ok(512..1024)));
        assert_eq!(blocks.next(), Some(Err(Error::Unknown(Subject::BadBlocks))), "{lie:?}");
        assert_eq!((blocks.next(), blocks.next()), (None, None));
        blocks.seek(1024);
        assert_eq!(blocks.next(), Some(Ok(4096..8192)), "unless the program goes on");
    }
    let script = spoilt(&[]);
    script.medium.next.borrow_mut().push_back(Ok(Some(0..0)));
    let source = Source::new(script.object()).unwrap();
    let all: Vec<_> = source.bad_blocks().unwrap().collect();
    assert_eq!(all, [Err(Error::Unknown(Subject::BadBlocks))]);
}

#[test]
fn every_failure_of_the_list() {
    for fail in fails() {
        let script = Script::failing(Call::ListBad, fail);
        let source = Source::new(script.object()).unwrap();
        assert_eq!(source.bad_blocks().err(), Some(expected(fail, Subject::BadBlocks)));
        assert_eq!(BadBlocks::new(source).err(), Some(expected(fail, Subject::BadBlocks)));
        assert_eq!(script.dropped.get(), 1);

        let script = Script::failing(Call::NextBad(0), fail);
        let source = Source::new(script.object()).unwrap();
        let all: Vec<_> = source.bad_blocks().unwrap().collect();
        assert_eq!(all, [Err(expected(fail, Subject::BadBlocks))], "and nothing after it");
    }
}

/// A list that was cut off is an error behind what is known of it, never "none".
#[test]
fn a_list_that_was_cut_off() {
    let script = spoilt(&[span(512, 1024)]);
    let cut = Fail::TooLarge(Subject::BadBlocks);
    script.medium.next.borrow_mut().extend([Ok(Some(512..1024)), Err(cut)]);
    let source = Source::new(script.object()).unwrap();
    let all: Vec<_> = source.bad_blocks().unwrap().collect();
    assert_eq!(all, [Ok(512..1024), Err(Error::TooLarge(Subject::BadBlocks))]);
}

#[test]
fn an_anonymous_source_is_on_no_list() {
    let script = Script::new();
    let refused = Some(Error::Unsupported(Subject::BadBlocks));
    let source = Source::new(Anonymous::on(&script, 4096)).unwrap();
    assert_eq!(source.bad_blocks().err(), refused);
    assert_eq!(source.clear_bad_blocks(0..512, ClearBy::Allocation).err(), refused);
    let script = Script::with(Kind::Anonymous, READ_WRITE);
    let source = Source::new(script.object()).unwrap();
    script.calls();
    assert_eq!(source.bad_blocks().err(), refused);
    assert_eq!(source.clear_bad_blocks(0..512, ClearBy::Allocation).err(), refused);
    assert_eq!(script.calls(), [], "nothing is asked");
}

#[test]
fn what_is_bad_is_cleared() {
    for by in [ClearBy::Allocation, ClearBy::LossyAllocation, ClearBy::DeviceCommand] {
        // Memory has no end to write at.
        for (kind, access) in
            [(Kind::RegularFile, READ_WRITE), (Kind::DeviceDax, READ_WRITE | Access::APPEND)]
        {
            for (range, left) in [
                (512..1024, vec![span(4096, 8192)]),
                (512..513, vec![513..1024, 4096..8192]),
                (5000..8192, vec![512..1024, 4096..5000]),
            ] {
                let mut script = Script::with(kind, access);
                script.medium = spoilt(&[512..1024, 4096..8192]).medium;
                let source = Source::new(script.object()).unwrap();
                script.calls();
                assert_eq!(source.clear_bad_blocks(range.clone(), by), Ok(()));
                assert_eq!(
                    script.calls(),
                    [Call::Size, Call::ClearBad((range.start, range.end), by)]
                );
                assert_eq!(found(&script), left);
            }
        }
    }
    let script = spoilt(&[span(SIZE - 1, SIZE)]);
    let source = Source::new(script.object()).unwrap();
    assert_eq!(
        source.clear_bad_blocks(SIZE - 1..SIZE, ClearBy::Allocation),
        Ok(()),
        "up to the end"
    );
}

/// libpmem2 zeroes whatever it is told to (its defect 17).
#[test]
fn what_is_refused_is_not_touched() {
    let beyond = |end| Error::LengthOutOfRange { end, size: SIZE };
    let far = |offset| Error::OffsetOutOfRange { offset };
    const TOP: u64 = i64::MAX as u64;
    let rows = [
        (span(0, 0), Error::NotBad),
        (span(700, 700), Error::NotBad),
        (span(700, 600), Error::NotBad),
        (span(SIZE, SIZE), Error::NotBad),
        (span(0, SIZE + 1), beyond(SIZE + 1)),
        (span(SIZE - 1, SIZE + 1), beyond(SIZE + 1)),
        (span(SIZE, SIZE + 1), beyond(SIZE + 1)),
        (span(0, u64::MAX), beyond(u64::MAX)),
        (span(TOP, TOP + 1), beyond(TOP + 1)),
        (span(TOP + 1, TOP + 2), far(TOP + 1)),
        (span(u64::MAX, u64::MAX), far(u64::MAX)),
        (span(u64::MAX, 0), far(u64::MAX)),
    ];
    for (range, error) in rows {
        let script = spoilt(&[span(0, SIZE)]);
        let source = Source::new(script.object()).unwrap();
        script.calls();
        assert_eq!(
            source.clear_bad_blocks(range.clone(), ClearBy::Allocation),
            Err(error),
            "{range:?}"
        );
        assert_eq!(script.calls(), [Call::Size], "{range:?}: the platform is not told to clear");
        assert_eq!(script.medium.bad.borrow().len() as u64, SIZE);
    }
    // The platform's own refusal.
    let script = spoilt(&[span(512, 1024)]);
    let source = Source::new(script.object()).unwrap();
    for range in [span(0, 512), 511..1024, 512..1025, 1024..1025] {
        assert_eq!(source.clear_bad_blocks(range, ClearBy::Allocation), Err(Error::NotBad));
    }
    assert_eq!(found(&script), [span(512, 1024)]);
    // The access, whatever the range.
    for access in [Access::READ, Access::READ | Access::APPEND] {
        for kind in [Kind::RegularFile, Kind::DeviceDax, Kind::Region] {
            let script = Script::with(kind, access);
            let source = Source::new(script.object()).unwrap();
            for range in [span(0, 512), span(u64::MAX, 0)] {
                let refused = source.clear_bad_blocks(range, ClearBy::DeviceCommand);
                assert_eq!(refused, Err(Error::NotWritable(WriteFault::ReadOnly)));
            }
            assert!(!script.calls().iter().any(|call| matches!(call, Call::ClearBad(..))));
        }
    }
    // What is good beside it would be written back to the end.
    let script = Script::with(Kind::RegularFile, READ_WRITE | Access::APPEND);
    let refused =
        Source::new(script.object()).unwrap().clear_bad_blocks(0..512, ClearBy::Allocation);
    assert_eq!(refused, Err(Error::NotWritable(WriteFault::Append)));
}

#[test]
fn every_failure_of_clearing() {
    for fail in fails() {
        let clear = |call| {
            let script = Script::failing(call, fail);
            let cleared =
                Source::new(script.object()).unwrap().clear_bad_blocks(0..512, ClearBy::Allocation);
            (cleared, script.calls().iter().any(|call| matches!(call, Call::ClearBad(..))))
        };
        assert_eq!(clear(Call::Size), (Err(expected(fail, Subject::Size)), false));
        let asked = clear(Call::ClearBad((0, 0), ClearBy::Allocation));
        assert_eq!(asked, (Err(expected(fail, Subject::ClearBadBlock)), true));
    }
}

#[test]
fn clearing_while_iterating() {
    let script = spoilt(&[0..512, 1024..2048, 4096..8192]);
    let source = Source::new(script.object()).unwrap();
    let mut blocks = source.bad_blocks().unwrap();
    let clear = |range: Range<u64>| source.clear_bad_blocks(range, ClearBy::Allocation);
    let first = blocks.next().unwrap().unwrap();
    assert_eq!(clear(first), Ok(()));
    // One that has not been told yet, and a part of another.
    assert_eq!((clear(1024..2048), clear(5000..6000)), (Ok(()), Ok(())));
    assert_eq!((blocks.next(), blocks.next()), (Some(Ok(4096..5000)), Some(Ok(6000..8192))));
    assert_eq!(blocks.next(), None);
    blocks.seek(0);
    assert_eq!(blocks.next(), Some(Ok(4096..5000)));
}

/// The event between two steps.
#[derive(Clone, Debug)]
enum Step {
    Next,
    ClearLast,
    Clear(u64, u64),
    Seek(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Next),
        2 => Just(Step::ClearLast),
        1 => (0_u64..260, 1_u64..20).prop_map(|(start, length)| Step::Clear(start, start + length)),
        1 => (0_u64..260).prop_map(Step::Seek),
    ];
    prop::collection::vec(step, 1..40)
}

proptest! {
    /// Against a map of the bytes: each step tells the first bytes at or behind the cursor that are
    /// bad then, all that adjoin, and no byte that was cleared; where the cursor goes on, nothing
    /// between is left out.
    #[test]
    fn iterating_against_a_map_of_bytes(bad in prop::collection::btree_set(0_u64..256, 0..60), steps in steps()) {
        let script = Script::new().sized(256);
        *script.medium.bad.borrow_mut() = bad.clone();
        let mut map: BTreeSet<u64> = bad;
        let source = Source::new(script.object()).unwrap();
        let mut blocks = source.bad_blocks().unwrap();
        let (mut cursor, mut last) = (Some(0), None::<Range<u64>>);
        for step in steps {
            match step {
                Step::Next => {
                    let told = blocks.next().map(|range| range.expect("no failure"));
                    let start = cursor.and_then(|from| map.range(from..).next().copied());
                    let model = start.map(|start| start..(start..).find(|byte| !map.contains(byte)).expect("an end"));
                    prop_assert_eq!(&told, &model);
                    cursor = model.as_ref().map(|range| range.end);
                    last = told;
                }
                Step::ClearLast => {
                    if let Some(range) = last.take() {
                        let whole = range.clone().all(|byte| map.contains(&byte));
                        let cleared = source.clear_bad_blocks(range.clone(), ClearBy::Allocation);
                        prop_assert_eq!(cleared, if whole { Ok(()) } else { Err(Error::NotBad) });
                        if whole {
                            map.retain(|byte| !range.contains(byte));
                        }
                    }
                }
                Step::Clear(start, end) => {
                    let model = match (start..end).all(|byte| map.contains(&byte)) {
                        _ if end > 256 => Err(Error::LengthOutOfRange { end, size: 256 }),
                        true => {
                            map.retain(|byte| !(start..end).contains(byte));
                            Ok(())
                        }
                        false => Err(Error::NotBad),
                    };
                    prop_assert_eq!(source.clear_bad_blocks(start..end, ClearBy::Allocation), model);
                }
                Step::Seek(offset) => {
                    blocks.seek(offset);
                    cursor = Some(offset);
                }
            }
        }
    }
}

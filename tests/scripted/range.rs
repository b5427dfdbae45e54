//! Ranges that can be mapped.

use std::ops::Range;

use pmem2::{Anonymous, Error, Source, platform::Alignment};
use proptest::prelude::*;

use crate::script::Script;

const TOP: u64 = i64::MAX as u64;

fn check(size: u64, alignment: u64, offset: u64, length: u64) -> Result<Range<u64>, Error> {
    let mut script = Script::new();
    (script.size, script.alignment) = (Ok(size), Ok(alignment));
    Source::new(script.object()).unwrap().check_range(offset, length)
}

#[test]
fn boundaries() {
    const K: u64 = 4096;
    let unaligned_offset = |offset| Err(Error::OffsetUnaligned { offset, alignment: K });
    let unaligned_length = |length| Err(Error::LengthUnaligned { length, alignment: K });
    let beyond = |end, size| Err(Error::MapRange { end, size });
    let begins_beyond = |offset, size| Err(Error::OffsetBeyondEnd { offset, size });
    let rows = [
        // size, offset, length, what comes of it
        (4 * K, 0, 0, Ok(0..4 * K)),
        (4 * K, 0, K, Ok(0..K)),
        (4 * K, 0, 4 * K, Ok(0..4 * K)),
        (4 * K, 0, 5 * K, beyond(5 * K, 4 * K)),
        (4 * K, K, 0, Ok(K..4 * K)),
        (4 * K, K, 3 * K, Ok(K..4 * K)),
        (4 * K, K, 4 * K, beyond(5 * K, 4 * K)),
        (4 * K, 3 * K, K, Ok(3 * K..4 * K)),
        (4 * K, 4 * K, 0, begins_beyond(4 * K, 4 * K)),
        (4 * K, 4 * K, K, begins_beyond(4 * K, 4 * K)),
        (4 * K, 5 * K, 0, begins_beyond(5 * K, 4 * K)),
        (4 * K, 5 * K, 2 * K, begins_beyond(5 * K, 4 * K)),
        (4 * K, 1, 0, unaligned_offset(1)),
        (4 * K, K - 1, K, unaligned_offset(K - 1)),
        (4 * K, K + 1, 1, unaligned_offset(K + 1)),
        (4 * K, 0, 1, unaligned_length(1)),
        (4 * K, 0, 4 * K - 1, unaligned_length(4 * K - 1)),
        (4 * K, 8 * K, 1, unaligned_length(1)),
        // A file that ends within a page: the rest of it can be shown, a whole page of it cannot.
        (4 * K + 1, 0, 0, Ok(0..4 * K + 1)),
        (4 * K + 1, 4 * K, 0, Ok(4 * K..4 * K + 1)),
        (4 * K + 1, 4 * K, K, beyond(5 * K, 4 * K + 1)),
        (1, 0, 0, Ok(0..1)),
        // So is a length that ends exactly there, though it is no whole page either.
        (4 * K + 1, 0, 4 * K + 1, Ok(0..4 * K + 1)),
        (4 * K + 1, 4 * K, 1, Ok(4 * K..4 * K + 1)),
        (4 * K + 1, 0, 4 * K, Ok(0..4 * K)),
        (4 * K + 1, 0, 4 * K + 2, unaligned_length(4 * K + 2)),
        (4 * K + 1, K, 4 * K + 1, unaligned_length(4 * K + 1)),
        (4 * K + 1, 4 * K, 2, unaligned_length(2)),
        (1, 0, 1, Ok(0..1)),
        (1, 0, 2, unaligned_length(2)),
        (1, 0, K, beyond(K, 1)),
        (0, 0, 0, Err(Error::SourceEmpty)),
        (0, K, K, Err(Error::SourceEmpty)),
        // The order of libpmem2: what is wrong with the offset itself, the empty source, the
        // length.
        (0, 1, 1, unaligned_offset(1)),
        (0, 0, 1, Err(Error::SourceEmpty)),
        // Both end beyond what 64 bits can count.
        (K, K, u64::MAX - K, unaligned_length(u64::MAX - K)),
    ];
    for (size, offset, length, expected) in rows {
        assert_eq!(
            check(size, K, offset, length),
            expected,
            "size {size}, offset {offset}, length {length}"
        );
    }
}

#[test]
fn extremes() {
    let overflow = |size| Err(Error::MapRange { end: u64::MAX, size });
    assert_eq!(check(u64::MAX, 1, 0, u64::MAX), Ok(0..u64::MAX));
    assert_eq!(check(u64::MAX, 1, 1, u64::MAX), overflow(u64::MAX));
    assert_eq!(check(u64::MAX, 1, TOP, 0), Ok(TOP..u64::MAX));
    assert_eq!(check(u64::MAX, 1, TOP, TOP + 1), Ok(TOP..u64::MAX));
    assert_eq!(check(u64::MAX, 1, TOP, TOP + 2), overflow(u64::MAX));
    assert_eq!(check(1, 1, TOP, u64::MAX), Err(Error::OffsetBeyondEnd { offset: TOP, size: 1 }));
    assert_eq!(check(TOP, 1, 1, u64::MAX), overflow(TOP));
    for offset in [TOP + 1, u64::MAX - 1, u64::MAX] {
        let error = Err(Error::OffsetOutOfRange { offset });
        for (size, length) in [(u64::MAX, 0), (u64::MAX, 1), (0, 0), (4096, u64::MAX)] {
            assert_eq!(
                check(size, 4096, offset, length),
                error,
                "no file has such an offset, whatever else is wrong"
            );
        }
    }
    // A sum that wraps to the end is no end.
    assert_eq!(
        check(4097, 4096, 8192, u64::MAX - 4094),
        Err(Error::LengthUnaligned { length: u64::MAX - 4094, alignment: 4096 })
    );
    // The largest alignment there is: one range only.
    let half = 1 << 63;
    assert_eq!(check(u64::MAX, half, 0, half), Ok(0..half));
    assert_eq!(check(u64::MAX, half, 0, 0), Ok(0..u64::MAX));
    assert_eq!(
        check(u64::MAX, half, 1, 0),
        Err(Error::OffsetUnaligned { offset: 1, alignment: half })
    );
    assert_eq!(
        check(u64::MAX, half, 0, 1),
        Err(Error::LengthUnaligned { length: 1, alignment: half })
    );
    // At the end of the largest file nothing is left.
    assert_eq!(check(TOP, 1, TOP, 0), Err(Error::OffsetBeyondEnd { offset: TOP, size: TOP }));
}

#[test]
fn an_anonymous_source_has_no_offsets() {
    let mut script = Script::new();
    script.page_size = Ok(Alignment::new(4096).unwrap());
    let source = |size| Source::new(Anonymous::on(&script, size)).unwrap();
    for offset in [0, 1, 4096, 1 << 40, TOP + 1, u64::MAX] {
        assert_eq!(source(8192).check_range(offset, 0), Ok(0..8192));
        assert_eq!(source(8192).check_range(offset, 4096), Ok(0..4096));
        assert_eq!(source(8192).check_range(offset, 8192), Ok(0..8192));
        assert_eq!(
            source(8192).check_range(offset, 12288),
            Err(Error::MapRange { end: 12288, size: 8192 })
        );
        let unaligned = Error::LengthUnaligned { length: 1, alignment: 4096 };
        assert_eq!(source(8192).check_range(offset, 1), Err(unaligned));
        assert_eq!(source(0).check_range(offset, 0), Err(Error::SourceEmpty));
    }
}

/// The rules in numbers that cannot overflow.
fn model(size: u128, alignment: u128, offset: u128, length: u128) -> Result<Range<u128>, i32> {
    if offset >= 1 << 63 {
        return Err(-100_010);
    }
    if !offset.is_multiple_of(alignment) {
        return Err(-100_011);
    }
    if size == 0 {
        return Err(-100_018);
    }
    // To the end of the source: all that is left, which may be no whole page.
    if !length.is_multiple_of(alignment) && offset + length != size {
        return Err(-100_015);
    }
    let end = if length == 0 { size } else { offset + length };
    if end > size || offset >= size { Err(-100_006) } else { Ok(offset..end) }
}

/// Numbers of all magnitudes, and those beside powers of two.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        any::<u64>(),
        0..100_u64,
        (0..64_u32, 0..3_u64)
            .prop_map(|(shift, beside)| (1_u64 << shift).wrapping_add(beside).wrapping_sub(1)),
        (0..64_u32, 0..9_u64).prop_map(|(shift, times)| (1_u64 << shift).wrapping_mul(times)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]
    #[test]
    fn every_range_is_judged_by_the_rules(size in number(), shift in 0..64_u32, offset in number(), length in number()) {
        let found = check(size, 1 << shift, offset, length);
        let expected = model(size.into(), 1 << shift, offset.into(), length.into());
        prop_assert_eq!(found.clone().map(|range| range.start.into()..range.end.into()).map_err(|error| error.code()), expected);
        if let Err(Error::MapRange { end, size: told }) = found {
            prop_assert_eq!(told, size);
            prop_assert!(end > size || end == u64::MAX, "the end lies beyond the source");
        }
    }
}

//! `check_range` against a model that is too simple to be wrong: numbers of 128 bits, and the
//! sentence of the documentation.

use std::{cell::Cell, fs::File, ops::Range};

use pmem2::{Error, Source};
use proptest::{
    prelude::*,
    test_runner::{RngSeed, TestRunner},
};

/// The largest number of bytes that a file can have.
const LARGEST: u64 = (1 << 63) - 1;
/// The alignment of offsets in an ordinary file.
const PAGE: u64 = if cfg!(windows) { 65_536 } else { 4096 };

fn model(offset: u64, length: u64, size: u64, alignment: u64) -> Result<Range<u64>, Error> {
    let (wide_offset, wide_length, wide_size) =
        (u128::from(offset), u128::from(length), u128::from(size));
    if offset > LARGEST {
        return Err(Error::OffsetOutOfRange { offset });
    }
    if !offset.is_multiple_of(alignment) {
        return Err(Error::OffsetUnaligned { offset, alignment });
    }
    if size == 0 {
        return Err(Error::SourceEmpty);
    }
    if !length.is_multiple_of(alignment) && wide_offset + wide_length != wide_size {
        return Err(Error::LengthUnaligned { length, alignment });
    }
    if offset >= size {
        return Err(Error::OffsetBeyondEnd { offset, size });
    }
    // No length stands for all that is left.
    let wide_length = if length == 0 { wide_size - wide_offset } else { wide_length };
    let end = wide_offset + wide_length;
    if end > wide_size {
        return Err(Error::MapRange { end: u64::try_from(end).unwrap_or(u64::MAX), size });
    }
    Ok(offset..u64::try_from(end).expect("not above the size"))
}

/// Numbers near `near`, near the ends of what 63 and 64 bits can hold, multiples of the alignment,
/// and any.
fn number(near: u64, alignment: u64) -> impl Strategy<Value = u64> {
    let around = move |middle: u64| {
        (0..3 * alignment).prop_map(move |by| middle.wrapping_add(by).wrapping_sub(alignment))
    };
    let multiples = (0..=u64::MAX / alignment).prop_map(move |n| n * alignment);
    let small_multiples = (0..8_u64).prop_map(move |n| n * alignment);
    let of_near = (0..8_u64).prop_map(move |n| {
        (near / alignment).wrapping_add(n).wrapping_sub(4).wrapping_mul(alignment)
    });
    prop_oneof![
        4 => small_multiples,
        4 => of_near,
        2 => multiples,
        1 => around(near),
        1 => around(LARGEST),
        1 => around(0),
        1 => any::<u64>(),
    ]
}

/// Runs `test` over the same cases each time; `test` says whether the range was granted.
fn run<S: Strategy>(questions: &S, test: impl Fn(S::Value) -> Result<bool, TestCaseError>) {
    let granted = Cell::new(0_u32);
    let config = ProptestConfig {
        cases: 4000,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(2),
        ..Default::default()
    };
    TestRunner::new(config)
        .run(questions, |question| {
            granted.set(granted.get() + u32::from(test(question)?));
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
    // A strategy that tests refusals alone would prove little.
    assert!(granted.get() > 100, "only {} ranges were granted", granted.get());
}

fn of_file(file: &File, alignment: u64, sizes: impl Strategy<Value = u64>) {
    let source = Source::new(file).expect("a source");
    assert_eq!(source.alignment(), Ok(alignment));
    let questions =
        sizes.prop_flat_map(|size| (Just(size), number(size, alignment), number(size, alignment)));
    run(&questions, |(size, offset, length)| {
        file.set_len(size).expect("the file's size");
        let answer = source.check_range(offset, length);
        // What is granted is never empty, never beyond the end, and as long as was asked for.
        if let Ok(range) = &answer {
            prop_assert!(!range.is_empty() && range.start == offset && range.end <= size);
            prop_assert!(length == 0 || range.end - range.start == length);
        }
        let granted = answer.is_ok();
        prop_assert_eq!(answer, model(offset, length, size, alignment));
        Ok(granted)
    });
}

/// Sizes of a file that may have as many bytes as this.
fn sizes(largest: u64) -> impl Strategy<Value = u64> {
    prop_oneof![
        1 => Just(0),
        4 => 0..16 * PAGE,
        2 => (0..16_u64).prop_map(|pages| pages * PAGE),
        1 => largest - 4 * PAGE..=largest,
        2 => 0..=largest,
    ]
}

#[cfg(target_os = "linux")]
#[test]
fn ranges_of_a_file() {
    use crate::common::made::memfd;
    use rustix::fs::MemfdFlags;
    of_file(&File::from(memfd(MemfdFlags::empty(), 0).expect("a memfd")), PAGE, sizes(LARGEST));
}

/// On a disk, which has no room for the largest of all. Nothing is written to it.
#[cfg(windows)]
#[test]
fn ranges_of_a_file() {
    use std::os::windows::fs::OpenOptionsExt;
    const DELETE_ON_CLOSE: u32 = 0x0400_0000;
    let path = std::env::temp_dir().join(format!("pmem2-ranges-{}", std::process::id()));
    let mut options = File::options();
    options.read(true).write(true).create_new(true).custom_flags(DELETE_ON_CLOSE);
    of_file(&options.open(path).expect("a file"), PAGE, sizes(1 << 36));
}

#[cfg(target_os = "linux")]
#[test]
fn ranges_in_huge_pages() {
    use crate::common::made::{HUGE_PAGE, memfd};
    use rustix::fs::MemfdFlags;
    let file = memfd(MemfdFlags::HUGETLB | MemfdFlags::HUGE_2MB, 0).expect("a memfd of huge pages");
    // The kernel gives such a file whole huge pages only.
    of_file(&File::from(file), HUGE_PAGE, (0..64_u64).prop_map(|pages| pages * HUGE_PAGE));
}

#[test]
fn ranges_of_anonymous_memory() {
    let sizes = prop_oneof![number(0, PAGE), number(16 * PAGE, PAGE)];
    run(&(any::<u64>(), number(0, PAGE), sizes), |(offset, length, size)| {
        let source = Source::from_anon(size).expect("an anonymous source");
        let answer = source.check_range(offset, length);
        let granted = answer.is_ok();
        // The offset is ignored.
        prop_assert_eq!(answer, model(0, length, size, PAGE));
        Ok(granted)
    });
}

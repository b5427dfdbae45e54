//! The contents of sysfs files, from good to absurd.

use std::{format, string::ToString, vec, vec::Vec};

use proptest::prelude::*;

use crate::linux::tests::world::{Call, FD, World, object};
use crate::{
    Fail, Subject,
    linux::{source, sysfs::decimal},
};

/// Texts that are no number of 32 bits without a sign.
pub(in crate::linux::tests) const GARBAGE: [&[u8]; 13] = [
    b"",
    b"\n",
    b"x\n",
    b"-2\n",
    b"4294967296\n",
    b"1 \n",
    b" 1\n",
    b"1\n\n",
    b"1\n2\n",
    b"0x1\n",
    b"+1\n",
    b"\xff\n",
    b"--1\n",
];

/// A text that fills a buffer for one number.
pub(in crate::linux::tests) fn long() -> Vec<u8> {
    vec![b'0'; 32]
}

/// Size and alignment of a device DAX whose files in sysfs have these contents.
fn answers(contents: &[u8]) -> [Result<u64, Fail>; 2] {
    let world = World::dax().with_contents(contents);
    let facts = source::describe(world.sys(), FD).unwrap();
    let answers = [
        source::size(object(world.sys(), FD, &facts)),
        source::alignment(object(world.sys(), FD, &facts)),
    ];
    let calls = world.calls();
    assert_eq!(calls.iter().filter(|call| **call == Call::Read).count(), 2, "one read each");
    assert_eq!(calls.iter().filter(|call| **call == Call::Close).count(), 2);
    answers
}

#[test]
fn numbers() {
    let good: [(&str, u64); 8] = [
        ("0", 0),
        ("0\n", 0),
        ("2097152\n", 2_097_152),
        ("1073741824", 1 << 30),
        ("007\n", 7),
        ("18446744073709551615\n", u64::MAX),
        ("0000000000018446744073709551615", u64::MAX),
        ("000000000000000000000000000001\n", 1),
    ];
    for (text, number) in good {
        assert_eq!(answers(text.as_bytes()), [Ok(number); 2], "{text:?}");
    }
}

#[test]
fn what_is_no_number() {
    let bad: [&[u8]; 20] = [
        b"",
        b"\n",
        b"\n1",
        b"x",
        b"1x\n",
        b"0x10\n",
        b"-1\n",
        b"+1\n",
        b" 1\n",
        b"1 \n",
        b"1\n\n",
        b"1\r\n",
        b"1\n2\n",
        b"1\0",
        b"1.5\n",
        b"1,000\n",
        b"\xd9\xa3\n",
        b"18446744073709551616\n",
        b"99999999999999999999999999999\n",
        b"/",
    ];
    let malformed = [Err(Fail::Malformed(Subject::Size)), Err(Fail::Malformed(Subject::Alignment))];
    for text in bad {
        assert_eq!(answers(text), malformed, "{text:?}");
    }
    // A text that fills the buffer may continue, whatever the part that was read would mean.
    for length in [32, 33, 4096, 100_000] {
        assert_eq!(answers(&std::vec![b'0'; length]), malformed, "{length} digits");
    }
}

proptest! {
    #[test]
    fn decimal_agrees_with_the_standard_library(digits in "[0-9]{1,30}") {
        prop_assert_eq!(decimal(digits.as_bytes()), digits.parse::<u64>().ok());
    }

    /// The end of a line belongs to the file, not to the number.
    #[test]
    fn a_file_may_end_its_line(digits in "[0-9]{1,30}", newline: bool) {
        let text = format!("{digits}{}", if newline { "\n" } else { "" });
        prop_assert_eq!(answers(text.as_bytes())[0].ok(), digits.parse::<u64>().ok());
    }

    #[test]
    fn decimal_reads_back_what_was_printed(number: u64) {
        prop_assert_eq!(decimal(number.to_string().as_bytes()), Some(number));
    }

    #[test]
    fn decimal_takes_nothing_but_digits(bytes: Vec<u8>) {
        let digits = !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit);
        let expected = if digits { core::str::from_utf8(&bytes).unwrap().parse().ok() } else { None };
        prop_assert_eq!(decimal(&bytes), expected);
    }

    #[test]
    fn decimal_takes_nothing_that_was_spoiled(number: u64, at in 0_usize..21, spoiler: u8) {
        prop_assume!(!spoiler.is_ascii_digit());
        let mut text = number.to_string().into_bytes();
        let at = at.min(text.len());
        text.insert(at, spoiler);
        prop_assert_eq!(decimal(&text), None);
    }
}

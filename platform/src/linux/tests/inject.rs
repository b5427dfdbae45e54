//! Makes each call fail with each error number.

use core::{fmt::Debug, ops::RangeInclusive};
use std::vec::Vec;

use super::world::{Call, World};
use crate::Fail;

/// All of errno(3) on Linux.
pub(super) const ERRNOS: RangeInclusive<i32> = 1..=133;

/// The answer to a question, and the calls that were made.
pub(super) type Outcome<A, E = Fail> = (Result<A, E>, Vec<Call>);

/// Runs a question that makes these calls in this world once for each of them and each error
/// number, and compares with `expected`: the answer where the call with this index fails so, and
/// the calls that come then. The number of faults.
pub(super) fn inject<A: PartialEq + Debug, E: PartialEq + Debug>(
    name: &str,
    world: &World,
    calls: &[Call],
    run: impl Fn(&World) -> Outcome<A, E>,
    expected: impl Fn(usize, i32) -> Outcome<A, E>,
) -> usize {
    // Close has no result that anyone could act on.
    let fallible = calls.iter().enumerate().filter(|(_, call)| **call != Call::Close);
    let mut injected = 0;
    for (number, (index, call)) in fallible.enumerate() {
        for errno in ERRNOS {
            let (answer, more) = expected(index, errno);
            let (result, made) = run(&world.failing(number, errno));
            assert_eq!(result, answer, "{name}, {call:?} with {errno}");
            assert_eq!(made, [&calls[..=index], &more].concat(), "{name}, {call:?} with {errno}");
            injected += 1;
        }
    }
    injected
}

//! The rules about bad blocks.

use core::ops::Range;

use pmem2_platform::{BadBlocks, ClearBy, Fail, Handle, Subject};

use super::{Case, Expect, Rule, Violation, ensure};
use crate::source::Source;

/// Checks all cases against the contract of [`BadBlocks`]. A platform that keeps no list of bad
/// blocks keeps the contract.
///
/// A good byte of an object that can be written to is to be cleared, which has to be refused: a
/// platform that breaks this rule loses it. Bad bytes stay as they are.
///
/// # Errors
///
/// The first rule that is broken.
pub fn check_bad_blocks<'c, H: Handle<P: BadBlocks>>(
    cases: &[Case<'c, H>],
) -> Result<(), Violation<'c>> {
    for case in cases {
        if let Expect::Source { size, writable, .. } = case.expect {
            let source = Source::new(&case.handle)
                .map_err(|error| case.violation(Rule::Outcome(Some(error))))?;
            of_source(&source, size, writable).map_err(|rule| case.violation(rule))?;
        }
    }
    Ok(())
}

fn of_source<H: Handle<P: BadBlocks>>(
    source: &Source<H>,
    size: u64,
    writable: bool,
) -> Result<(), Rule> {
    let (handle, facts) = (source.handle(), source.facts());
    let mut list = match H::P::list_bad(handle.into(), facts) {
        Ok(list) => list,
        Err(Fail::Unsupported) => return Ok(()),
        Err(fail) => return Err(Rule::BadBlocksFail(fail)),
    };
    let mut next = |from| match H::P::next_bad(handle.into(), facts, &mut list, from) {
        Err(Fail::TooLarge(Subject::BadBlocks)) => Ok(None),
        answer => answer.map_err(Rule::BadBlocksFail),
    };
    // A byte that is not bad, if there is one.
    let (mut good, mut from) = (None, 0);
    while let Some(range) = next(from)? {
        let Range { start, end } = range;
        // Only the first one may begin where the search did.
        let apart = from == 0 || start > from;
        ensure(
            apart && start >= from && start < end && end <= size,
            Rule::BadBlocksAreOrdered { start, end },
        )?;
        if start > from || (from == 0 && start > 0) {
            good = Some(from);
        }
        // From within it the rest of it is told.
        let within = end.saturating_sub(1);
        let rest = next(within)?;
        ensure(
            rest.as_ref().is_some_and(|rest| *rest == (within..end)),
            Rule::BadBlocksAreOrdered { start, end },
        )?;
        from = end;
    }
    if good.is_none() && from < size {
        good = Some(from);
    }
    ensure(next(size)?.is_none(), Rule::BadBlocksAreOrdered { start: size, end: size })?;
    match good {
        Some(byte) if writable => refused(source, byte),
        _ => Ok(()),
    }
}

fn refused<H: Handle<P: BadBlocks>>(source: &Source<H>, byte: u64) -> Result<(), Rule> {
    let handle = source.handle();
    let range = byte..byte.saturating_add(1);
    for by in [ClearBy::Allocation, ClearBy::LossyAllocation, ClearBy::DeviceCommand] {
        let cleared = H::P::clear_bad(handle.into(), source.facts(), range.clone(), by);
        let kept = matches!(cleared, Err(Fail::NotBad | Fail::Unsupported | Fail::Os(..)));
        ensure(kept, Rule::GoodIsNotCleared)?;
    }
    Ok(())
}

//! The rules about sources.

use core::mem::MaybeUninit;

use pmem2_platform::{Access, Facts, Fail, Handle, Platform};

use super::{Case, Expect, Rule, Violation, ensure};
#[cfg(any(target_has_atomic = "ptr", feature = "critical-section"))]
use crate::pool::Pool;
use crate::{error::Error, source::Source};

/// Checks all cases against the contract.
///
/// # Errors
///
/// The first rule that is broken.
pub fn check<'c, H: Handle>(cases: &[Case<'c, H>]) -> Result<(), Violation<'c>> {
    for case in cases {
        one(&case.handle, case.expect).map_err(|rule| case.violation(rule))?;
    }
    pairs(cases)
}

fn one<H: Handle>(handle: &H, expect: Expect) -> Result<(), Rule> {
    let describe = || H::P::describe(handle.into());
    ensure(describe() == describe(), Rule::DescribeIsStable)?;
    let (source, expect) = match (Source::new(handle), expect) {
        (Ok(source), Expect::Source { kind, size, alignment, writable }) => {
            (source, (kind, size, alignment, writable))
        }
        (Ok(_), Expect::Refused(_)) => return Err(Rule::Outcome(None)),
        (Err(error), Expect::Refused(code)) => {
            return ensure(error.code() == code, Rule::Outcome(Some(error)));
        }
        (Err(error), Expect::Source { .. }) => return Err(Rule::Outcome(Some(error))),
    };
    let (kind, size, alignment, writable) = expect;
    let (kind_now, access) = (source.kind(), source.access());
    let as_expected = kind_now == kind && access.contains(Access::WRITE) == writable;
    ensure(as_expected, Rule::KindAndAccess(kind_now, access))?;
    for _ in 0..2 {
        let (size_now, alignment_now) = (source.size(), source.alignment());
        ensure(size_now == Ok(size), Rule::Size(size_now))?;
        ensure(alignment_now == Ok(alignment), Rule::Alignment(alignment_now))?;
    }
    optional(source.allocated())?;
    optional(source.file_system())?;
    ranges(&source, size, alignment)?;
    storage(handle, &source)
}

fn optional<T>(answer: Result<T, Error>) -> Result<(), Rule> {
    match answer {
        Ok(_) | Err(Error::Unsupported(_)) => Ok(()),
        Err(error) => Err(Rule::OptionalAnswer(error)),
    }
}

fn ranges<H: Handle>(source: &Source<H>, size: u64, alignment: u64) -> Result<(), Rule> {
    if size == 0 {
        return ensure(source.check_range(0, 0) == Err(Error::SourceEmpty), Rule::Range);
    }
    ensure(source.check_range(0, 0) == Ok(0..size), Rule::Range)?;
    let beyond =
        size.checked_next_multiple_of(alignment).and_then(|end| end.checked_add(alignment));
    ensure(beyond.is_none_or(|beyond| source.check_range(0, beyond).is_err()), Rule::Range)?;
    ensure(alignment == 1 || source.check_range(0, 1).is_err(), Rule::Range)
}

fn storage<H: Handle>(handle: &H, source: &Source<&H>) -> Result<(), Rule> {
    let mut place = MaybeUninit::uninit();
    let placed = Source::new_in(&mut place, handle).map_err(|_| Rule::Storage)?;
    ensure(placed.facts() == source.facts(), Rule::Storage)?;
    #[cfg(any(target_has_atomic = "ptr", feature = "critical-section"))]
    {
        let pool = Pool::<H::P, 1>::new();
        let slot = pool.source(handle).map_err(|_| Rule::Storage)?;
        ensure(slot.facts() == source.facts() && slot.size() == source.size(), Rule::Storage)?;
        ensure(matches!(pool.source(handle), Err(Error::OutOfMemory(_))), Rule::Storage)?;
        drop(slot);
        ensure(pool.is_empty() && pool.source(handle).is_ok(), Rule::Storage)?;
    }
    Ok(())
}

/// Rules about two handles.
fn pairs<'c, H: Handle>(cases: &[Case<'c, H>]) -> Result<(), Violation<'c>> {
    let described = || cases.iter().filter_map(|case| Some((case, facts(case)?)));
    if size_of::<<H::P as Platform>::Id>() == 0 {
        return Ok(());
    }
    for (index, (case, facts)) in described().enumerate() {
        let violation = |rule| case.violation(rule);
        for (other, of_other) in described().skip(index.saturating_add(1)) {
            ensure(facts.id != of_other.id, Rule::IdsDiffer).map_err(violation)?;
            let answer = H::P::size((&other.handle).into(), &facts);
            ensure(answer == Err(Fail::Replaced), Rule::ReplacedIsNoticed).map_err(violation)?;
        }
    }
    Ok(())
}

/// The facts of a case that is a source; of a refused one nothing further is asked.
fn facts<H: Handle>(case: &Case<'_, H>) -> Option<Facts<<H::P as Platform>::Id>> {
    match case.expect {
        Expect::Source { .. } => H::P::describe((&case.handle).into()).ok(),
        Expect::Refused(_) => None,
    }
}

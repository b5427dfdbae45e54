//! The rules about reading and writing.

use pmem2_platform::{Cause, Facts, Fail, Handle, Kind, Partial, Platform, Transfer};

use super::{Case, Expect, Rule, Violation, ensure};
use crate::source::Source;

/// As many bytes as are compared at once: the suite needs no more memory.
const ROOM: usize = 64;

/// Checks all cases against the contract of [`Transfer`]. A platform that transfers nothing keeps it.
/// `via` is what transfers go through, where the program provides it
/// ([`Reader::with_guard`](crate::transfer::Reader::with_guard)).
///
/// What can be written is: some bytes become others, and then what they were. Nobody else may use
/// the objects meanwhile. What no object that is sound can show, that a transfer ends exactly where
/// memory is bad, is for [`check_halt`].
///
/// # Errors
///
/// The first rule that is broken.
pub fn check_transfers<'c, H: Handle<P: Transfer>>(
    cases: &[Case<'c, H>],
    via: Option<<H::P as Transfer>::Guard>,
) -> Result<(), Violation<'c>> {
    for case in cases {
        if let Expect::Source { size, writable, .. } = case.expect {
            let source = Source::new(&case.handle)
                .map_err(|error| case.violation(Rule::Outcome(Some(error))))?;
            of_source(&source, via, size, writable).map_err(|rule| case.violation(rule))?;
        }
    }
    Ok(())
}

/// Checks that a transfer from a handle of which the bytes from `first_bad` on, and as many as
/// there are in a sector of 512, cannot be read ends there: all before them is read, and what the
/// platform tells is a naturally aligned block that one of them is in.
///
/// # Errors
///
/// [`Rule::HaltIsExact`], with what there was.
pub fn check_halt<'c, H: Handle<P: Transfer>>(
    case: &Case<'c, H>,
    via: Option<<H::P as Transfer>::Guard>,
    first_bad: u64,
) -> Result<(), Violation<'c>> {
    let violation = |rule| case.violation(rule);
    let source =
        Source::new(&case.handle).map_err(|error| violation(Rule::Outcome(Some(error))))?;
    let size = source.size().map_err(|error| violation(Rule::Size(Err(error))))?;
    let lane = Lane::open(&source, via, size, false)
        .map_err(|fail| violation(Rule::TransferFails(failed(fail))))?;
    for before in [0, 1, 40, 63] {
        let Some(offset) = first_bad.checked_sub(before) else { continue };
        let mut room = [0; ROOM];
        let halted = lane.read(offset, &mut room);
        let Err(Partial { done, why: Cause::Medium { unit } }) = halted else {
            return Err(violation(Rule::HaltIsExact(halted.err())));
        };
        let at = offset.saturating_add(u64::try_from(done).unwrap_or(u64::MAX));
        let block = at & !unit.saturating_sub(1);
        let near =
            block < first_bad.saturating_add(SECTOR) && first_bad < block.saturating_add(unit);
        ensure(unit.is_power_of_two() && at <= first_bad && near, Rule::HaltIsExact(halted.err()))
            .map_err(violation)?;
        // What is said to be there is.
        pieces(&lane, offset, room.get(..done).unwrap_or_default()).map_err(violation)?;
    }
    Ok(())
}

const SECTOR: u64 = 512;

const fn failed(fail: Fail) -> Partial {
    Partial { done: 0, why: Cause::Fail(fail) }
}

/// A source and its channel.
struct Lane<'s, H: Handle<P: Transfer>> {
    source: &'s Source<H>,
    channel: <H::P as Transfer>::Channel,
}

impl<'s, H: Handle<P: Transfer>> Lane<'s, H> {
    fn open(
        source: &'s Source<H>,
        via: Option<<H::P as Transfer>::Guard>,
        size: u64,
        writable: bool,
    ) -> Result<Self, Fail> {
        let (handle, facts): (_, &Facts<<H::P as Platform>::Id>) =
            (source.handle(), source.facts());
        let channel = H::P::channel(handle.into(), facts, via, 0..size, writable)?;
        Ok(Self { source, channel })
    }

    fn read(&self, offset: u64, bytes: &mut [u8]) -> Result<(), Partial> {
        let handle = self.source.handle();
        H::P::read_at(handle.into(), &self.channel, offset, bytes.into())
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> Result<(), Partial> {
        let handle = self.source.handle();
        H::P::write_at(handle.into(), &self.channel, offset, bytes.into())
    }
}

fn of_source<H: Handle<P: Transfer>>(
    source: &Source<H>,
    via: Option<<H::P as Transfer>::Guard>,
    size: u64,
    writable: bool,
) -> Result<(), Rule> {
    let lane = match Lane::open(source, via, size, writable) {
        Ok(lane) => lane,
        Err(Fail::Unsupported) => return Ok(()),
        Err(fail) => return Err(Rule::TransferFails(failed(fail))),
    };
    for offset in
        [0, 1, size / 2, size.saturating_sub(ROOM.try_into().unwrap_or(0)), size.saturating_sub(1)]
    {
        let most = usize::try_from(size.saturating_sub(offset)).unwrap_or(ROOM).min(ROOM);
        let mut room = [0; ROOM];
        let Some(bytes) = room.get_mut(..most).filter(|bytes| !bytes.is_empty()) else { continue };
        lane.read(offset, bytes).map_err(Rule::TransferFails)?;
        pieces(&lane, offset, bytes)?;
        if writable {
            overwritten(&lane, offset, bytes)?;
        }
    }
    if source.kind() == Kind::RegularFile {
        ends(&lane, size)?;
    }
    // Of what cannot be written to, some systems (Windows) make nothing durable.
    if !writable {
        return Ok(());
    }
    let handle = source.handle();
    match H::P::sync(handle.into(), source.facts()) {
        Ok(()) | Err(Fail::Unsupported) => Ok(()),
        Err(fail) => Err(Rule::TransferFails(failed(fail))),
    }
}

/// One byte at a time it is the same bytes.
fn pieces<H: Handle<P: Transfer>>(
    lane: &Lane<'_, H>,
    offset: u64,
    bytes: &[u8],
) -> Result<(), Rule> {
    for (at, byte) in (offset..).zip(bytes) {
        let mut again = [!byte];
        lane.read(at, &mut again).map_err(Rule::TransferFails)?;
        ensure(again == [*byte], Rule::TransferMovesBytes)?;
    }
    Ok(())
}

/// What is written is read, and nothing beside it is changed.
fn overwritten<H: Handle<P: Transfer>>(
    lane: &Lane<'_, H>,
    offset: u64,
    bytes: &[u8],
) -> Result<(), Rule> {
    let inner = match bytes.len() {
        0..3 => 0..bytes.len(),
        more => 1..more.saturating_sub(1),
    };
    let mut room = [0; ROOM];
    let others = room.get_mut(..bytes.len()).ok_or(Rule::TransferMovesBytes)?;
    others.copy_from_slice(bytes);
    let changed = others.get_mut(inner.clone()).unwrap_or_default();
    changed.iter_mut().for_each(|byte| *byte = !*byte);
    let at = offset.saturating_add(u64::try_from(inner.start).unwrap_or(0));
    let written = lane.write(at, changed);
    let kept = pieces(lane, offset, others);
    // Whatever came of it, it is put back.
    let restored = lane.write(offset, bytes);
    written.and(restored).map_err(Rule::TransferFails)?;
    kept?;
    pieces(lane, offset, bytes)
}

/// A file that is shorter than it was when the core looked: the platform says so, with what there
/// was.
fn ends<H: Handle<P: Transfer>>(lane: &Lane<'_, H>, size: u64) -> Result<(), Rule> {
    for (offset, done) in
        [(Some(size), 0), (size.checked_sub(1), 1), (size.checked_add(1 << 20), 0)]
    {
        let Some(offset) = offset else { continue };
        let halted = lane.read(offset, &mut [0; 2]);
        ensure(halted == Err(Partial { done, why: Cause::End }), Rule::EndIsTold(halted.err()))?;
    }
    Ok(())
}

//! The rules about reading and writing.

use pmem2_platform::{Alignment, Errno, Fail, Handle, Kind, Partial, Subject, Transfer};

use super::{Case, Expect, Rule, Violation, ensure};
use crate::{persist::decide::route, source::Source};

/// As many bytes as are compared at once: the suite needs no more memory.
const ROOM: usize = 64;

/// Checks all cases against the contract of [`Transfer`]. A platform that transfers nothing keeps
/// it. `guard` is what the program provides for transfers, where the platform needs it
/// ([`Reader::with_guard`](crate::transfer::Reader::with_guard)).
///
/// An object that can be written to is: some bytes become others, and then what they were. Nobody
/// else may use the objects meanwhile. No sound object can show that a transfer ends exactly where
/// memory is bad: see [`check_bad_memory`].
///
/// # Errors
///
/// The first rule that is broken.
pub fn check_transfers<'c, H: Handle<P: Transfer>>(
    cases: &[Case<'c, H>],
    guard: Option<<H::P as Transfer>::Guard>,
) -> Result<(), Violation<'c>> {
    for case in cases {
        if let Expect::Source { size, writable, .. } = case.expect {
            let source = Source::new(&case.handle)
                .map_err(|error| case.violation(Rule::Outcome(Some(error))))?;
            of_source(&source, guard, size, writable).map_err(|rule| case.violation(rule))?;
        }
    }
    Ok(())
}

/// Checks that a transfer ends at memory that is bad. The handle's bytes from `first_bad` on, and
/// as many as there are in a sector of 512, cannot be read: all before them have to be read, and
/// the platform has to tell a naturally aligned block that one of them is in.
///
/// # Errors
///
/// [`Rule::BadMemoryIsExact`], with the partial transfer that there was.
pub fn check_bad_memory<'c, H: Handle<P: Transfer>>(
    case: &Case<'c, H>,
    guard: Option<<H::P as Transfer>::Guard>,
    first_bad: u64,
) -> Result<(), Violation<'c>> {
    let exact = || {
        let source = Source::new(&case.handle).map_err(|error| Rule::Outcome(Some(error)))?;
        let size = source.size().map_err(|error| Rule::Size(Err(error)))?;
        let channel = open(&source, guard, size, false).map_err(failed)?;
        let broken = |read: Result<(), Partial>| Rule::BadMemoryIsExact(read.err());
        for before in [0, 1, 40, 63] {
            let Some(offset) = first_bad.checked_sub(before) else { continue };
            let mut room = [0; ROOM];
            let halted = read(&source, &channel, offset, &mut room);
            let Err(partial @ Partial { done, fail: Fail::BadMemory(unit) }) = halted else {
                return Err(broken(halted));
            };
            let at = partial.reached(offset);
            ensure(at <= first_bad && is_near(unit, at, first_bad), broken(halted))?;
            // The bytes that are said to be there are.
            pieces(&source, &channel, offset, room.get(..done).unwrap_or_default())?;
        }
        Ok(())
    };
    exact().map_err(|rule| case.violation(rule))
}

/// Whether the block of this size around `at` has a byte of the sector that begins at `first_bad`.
fn is_near(unit: Alignment, at: u64, first_bad: u64) -> bool {
    let block = unit.floor(at);
    block < first_bad.saturating_add(SECTOR) && first_bad < block.saturating_add(unit.bytes())
}

const SECTOR: u64 = 512;

fn failed(fail: Fail) -> Rule {
    Rule::TransferFails(fail.into())
}

type Channel<H> = <<H as Handle>::P as Transfer>::Channel;

fn open<H: Handle<P: Transfer>>(
    source: &Source<H>,
    guard: Option<<H::P as Transfer>::Guard>,
    size: u64,
    writable: bool,
) -> Result<Channel<H>, Fail> {
    let (handle, facts) = (source.handle(), source.facts());
    let mut channel = H::P::channel(handle.into(), facts, guard, 0..size, writable)?;
    if writable {
        let undurable = |_| Fail::Os(Subject::Sync, Errno::ENOTSUP);
        let route = route(&H::P::means(&channel)).map_err(undurable)?;
        H::P::set_route(&mut channel, route);
    }
    Ok(channel)
}

fn read<H: Handle<P: Transfer>>(
    source: &Source<H>,
    channel: &Channel<H>,
    offset: u64,
    bytes: &mut [u8],
) -> Result<(), Partial> {
    H::P::read_at(source.handle().into(), channel, offset, bytes.into())
}

fn write<H: Handle<P: Transfer>>(
    source: &Source<H>,
    channel: &Channel<H>,
    offset: u64,
    bytes: &[u8],
) -> Result<(), Partial> {
    H::P::write_at(source.handle().into(), channel, offset, bytes.into())
}

fn of_source<H: Handle<P: Transfer>>(
    source: &Source<H>,
    guard: Option<<H::P as Transfer>::Guard>,
    size: u64,
    writable: bool,
) -> Result<(), Rule> {
    let channel = match open(source, guard, size, writable) {
        Ok(channel) => channel,
        Err(Fail::Unsupported) => return Ok(()),
        Err(fail) => return Err(failed(fail)),
    };
    for offset in
        [0, 1, size / 2, size.saturating_sub(ROOM.try_into().unwrap_or(0)), size.saturating_sub(1)]
    {
        let most = usize::try_from(size.saturating_sub(offset)).unwrap_or(ROOM).min(ROOM);
        let mut room = [0; ROOM];
        let Some(bytes) = room.get_mut(..most).filter(|bytes| !bytes.is_empty()) else { continue };
        read(source, &channel, offset, bytes).map_err(Rule::TransferFails)?;
        pieces(source, &channel, offset, bytes)?;
        if writable {
            overwritten(source, &channel, offset, bytes)?;
        }
    }
    if source.kind() == Kind::RegularFile {
        ends(source, &channel, size)?;
    }
    // Some systems (Windows) sync nothing that cannot be written to.
    if !writable {
        return Ok(());
    }
    match H::P::sync(source.handle().into(), source.facts()) {
        Ok(()) | Err(Fail::Unsupported) => Ok(()),
        Err(fail) => Err(failed(fail)),
    }
}

/// Reads the same bytes one at a time.
fn pieces<H: Handle<P: Transfer>>(
    source: &Source<H>,
    channel: &Channel<H>,
    offset: u64,
    bytes: &[u8],
) -> Result<(), Rule> {
    for (at, byte) in (offset..).zip(bytes) {
        let mut again = [!byte];
        read(source, channel, at, &mut again).map_err(Rule::TransferFails)?;
        ensure(again == [*byte], Rule::TransferMovesBytes)?;
    }
    Ok(())
}

/// Writes other bytes and reads them, with those beside them, which are not to be changed.
fn overwritten<H: Handle<P: Transfer>>(
    source: &Source<H>,
    channel: &Channel<H>,
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
    let written = write(source, channel, at, changed);
    let kept = pieces(source, channel, offset, others);
    // Whatever came of it, it is put back.
    let restored = write(source, channel, offset, bytes);
    written.and(restored).map_err(Rule::TransferFails)?;
    kept?;
    pieces(source, channel, offset, bytes)
}

/// Reads a file that is shorter than it was when the core looked: the platform says so, with what
/// there was.
fn ends<H: Handle<P: Transfer>>(
    source: &Source<H>,
    channel: &Channel<H>,
    size: u64,
) -> Result<(), Rule> {
    for (offset, done) in
        [(Some(size), 0), (size.checked_sub(1), 1), (size.checked_add(1 << 20), 0)]
    {
        let Some(offset) = offset else { continue };
        let halted = read(source, channel, offset, &mut [0; 2]);
        ensure(halted == Err(Partial { done, fail: Fail::Ended }), Rule::EndIsTold(halted.err()))?;
    }
    Ok(())
}

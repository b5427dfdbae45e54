//! The rules about mapping.

use pmem2_platform::{Handle, Locate, Map, Protection};

use super::{Case, Expect, Rule, Violation, ensure};
use crate::{
    error::Error,
    map::{config::MapConfig, mapping::Mapping},
    place::granularity::expected::{Granularity, Sharing},
    source::Source,
};

/// As many bytes as are compared at either end of a mapping.
const ROOM: usize = 32;

/// Checks all cases against the contract of [`Map`]. A platform that maps nothing keeps it.
///
/// An object that can be written to is: some bytes become others, and then what they were. Nobody
/// else may use the objects meanwhile. That a store is durable, nothing but a power cut can show.
///
/// # Errors
///
/// The first rule that is broken.
pub fn check_mappings<'c, H: Handle<P: Map + Locate>>(
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

fn of_source<H: Handle<P: Map + Locate>>(
    source: &Source<H>,
    size: u64,
    writable: bool,
) -> Result<(), Rule> {
    let (read, both) = (Protection::READ, Protection::READ | Protection::WRITE);
    let config = MapConfig::new(Granularity::Page);
    let mapped = config.protection(if writable { both } else { read });
    let map = match source.by_reference().map(&mapped) {
        Ok(map) => map,
        Err(Error::Unsupported(_) | Error::SourceEmpty) => return Ok(()),
        Err(error) => return Err(Rule::MappingFails(error)),
    };
    ensure(u64::try_from(map.length()) == Ok(size), Rule::MappingShowsBytes)?;
    let beyond = map.read(map.length(), &mut [0]);
    ensure(matches!(beyond, Err(Error::MapRange { .. })), Rule::MappingShowsBytes)?;
    let most = map.length().min(ROOM);
    for offset in [0, map.length().saturating_sub(most)] {
        let mut room = [0; ROOM];
        let Some(bytes) = room.get_mut(..most) else { continue };
        map.read(offset, bytes).map_err(Rule::MappingFails)?;
        shows(&source.by_reference(), &config.protection(read), offset, bytes)?;
        if writable {
            overwritten(source, &map, offset, bytes)?;
        }
    }
    match map.unmap() {
        Ok(_) => Ok(()),
        Err((_, error)) => Err(Rule::MappingFails(error)),
    }
}

/// Makes another mapping, which shows the same bytes, or is not to be had.
fn shows<H: Handle<P: Map + Locate>>(
    source: &Source<&H>,
    config: &MapConfig<'_>,
    offset: usize,
    bytes: &[u8],
) -> Result<(), Rule> {
    let Ok(other) = source.by_reference().map(config) else { return Ok(()) };
    let same = bytes
        .iter()
        .enumerate()
        .all(|(at, byte)| other.get::<u8>(offset.saturating_add(at)) == Ok(*byte));
    // Anonymous memory is another one each time.
    ensure(same || source.kind() == pmem2_platform::Kind::Anonymous, Rule::MappingShowsBytes)
}

/// Changes bytes through the mapping, and through a private one, whose stores stay in it.
fn overwritten<H: Handle<P: Map + Locate>>(
    source: &Source<H>,
    map: &Mapping<&H>,
    offset: usize,
    bytes: &[u8],
) -> Result<(), Rule> {
    let mut room = [0; ROOM];
    let others = room.get_mut(..bytes.len()).ok_or(Rule::MappingShowsBytes)?;
    others.iter_mut().zip(bytes).for_each(|(other, byte)| *other = !byte);
    let written = map.write(offset, others);
    let shared = MapConfig::new(Granularity::Page).protection(Protection::READ);
    let kept = shows(&source.by_reference(), &shared, offset, others);
    // Whatever came of it, it is put back.
    let restored = map.write(offset, bytes);
    written.and(restored).map_err(Rule::MappingFails)?;
    kept?;
    let private = MapConfig::new(Granularity::Page).sharing(Sharing::Private);
    if let Ok(private) = source.by_reference().map(&private) {
        private.write(offset, others).map_err(Rule::MappingFails)?;
    }
    shows(&source.by_reference(), &shared, offset, bytes)
}

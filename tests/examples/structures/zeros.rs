//! A look at bytes before a structure begins there.

use core::ops::Range;

use pmem2::{Handle, Mapping, map::Map};

use super::fault::Fault;

/// Refuses bytes that are not zeros: somebody else has stored them, and they would be lost.
pub(crate) fn check<H: Handle<P: Map>>(map: &Mapping<H>, range: Range<usize>) -> Result<(), Fault> {
    let (mut at, mut buffer) = (range.start, [0; 256]);
    while at < range.end {
        let count = buffer.len().min(range.end - at);
        let piece = &mut buffer[..count];
        map.read(at, piece)?;
        if piece.iter().any(|&byte| byte != 0) {
            return Err(Fault::Foreign);
        }
        at += count;
    }
    Ok(())
}

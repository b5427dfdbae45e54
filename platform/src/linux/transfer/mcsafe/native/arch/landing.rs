//! The place where a routine continues after a fault.

use super::{
    native::{CAREFUL, ENTRY, EXIT, FLUSH_EXIT, copy, flush},
    routine::{address_of_copy, address_of_flush},
};

/// The place where a routine continues after a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Landing {
    /// The part of the copy that goes byte by byte, after a block has failed.
    Careful(usize),
    Exit(usize),
}

impl Landing {
    /// Returns the landing after a fault at this instruction, if it belongs to a routine.
    pub(in super::super) fn after_fault(counter: usize) -> Option<Self> {
        let (copy, flush) = (first_byte(), first_byte_of_flush());
        let from = |start: usize| counter.wrapping_sub(start);
        if (ENTRY..CAREFUL).contains(&from(copy)) {
            Some(Self::Careful(copy.wrapping_add(CAREFUL)))
        } else if (CAREFUL..EXIT).contains(&from(copy)) {
            Some(Self::Exit(copy.wrapping_add(EXIT)))
        } else {
            (from(flush) < FLUSH_EXIT).then(|| Self::Exit(flush.wrapping_add(FLUSH_EXIT)))
        }
    }
}

/// The largest block of a copy, in bytes.
pub(in super::super) const BLOCK: usize = 64;

/// Returns the address of the copy's first byte.
pub(in super::super) fn first_byte() -> usize {
    address_of_copy(copy)
}

/// Returns the address of the flush's first byte.
pub(in super::super) fn first_byte_of_flush() -> usize {
    address_of_flush(flush)
}

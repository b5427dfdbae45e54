//! Processors whose instructions this library does not know: only fences.

use super::instruction::Instruction;

pub(super) const fn detect() -> Option<(Instruction, usize)> {
    None
}

pub(super) const fn has(_: Instruction) -> bool {
    false
}

/// # Safety
///
/// None: it does nothing.
pub(super) const unsafe fn flush_line(_: Instruction, _: *const u8) {}

#[inline]
pub(super) fn fence(_: Instruction) {
    core::sync::atomic::fence(core::sync::atomic::Ordering::SeqCst);
}

//! What differs by processor: the copy, the signal frame and the system calls, each from the
//! kernel's own headers (asm/ucontext.h, asm/sigcontext.h, asm/unistd.h).

#[cfg_attr(target_arch = "x86_64", path = "x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
#[cfg_attr(target_arch = "riscv64", path = "riscv64.rs")]
mod native;

pub(super) use native::*;

/// The copy of each processor. It returns two registers: the low half is how many bytes are left,
/// the high half 0, or what the handler put there.
///
/// `target` or `source` lies in the guarded mapping, from `start` up to `end`, which the copy does
/// not touch otherwise: they are in registers so that a handler finds them there. `left` is the
/// number of bytes.
///
/// # Safety
///
/// What is mapped of both ranges may be read and written, and nobody holds a reference to what is
/// written. What is not raises a signal, which a handler either takes to the exit or does not
/// return from.
pub(super) type Copy = unsafe extern "C" fn(
    target: *mut u8,
    source: *const u8,
    start: usize,
    left: usize,
    end: usize,
) -> u128;

/// The flush of each processor, of whole lines from the one on that `target` is in the beginning
/// of.
///
/// `target` is in the guarded mapping, and `source` is the same: the registers mean what they do in
/// a [`Copy`], for the handler. `left` is not 0. It is finished at the next fence.
///
/// # Safety
///
/// The processor has the instruction that [`numbered`] gives this number, and its lines have `line`
/// bytes.
pub(super) type Flush = unsafe extern "C" fn(
    target: *const u8,
    source: *const u8,
    start: usize,
    left: usize,
    end: usize,
    line: usize,
    instruction: usize,
) -> u128;

/// What a routine was at when a signal interrupted the program. Only the counter means anything
/// unless one was running.
#[derive(Clone, Copy, Debug)]
pub(super) struct Registers {
    /// The address of the instruction.
    pub(super) counter: usize,
    /// The next byte to write, or one in the block of it.
    pub(super) target: usize,
    pub(super) source: usize,
    pub(super) left: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// `stack_t`.
#[repr(C)]
struct Stack {
    pointer: *mut u8,
    flags: i32,
    size: usize,
}

/// Where a routine goes on after a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Landing {
    /// At the part of the copy that goes byte by byte, since a block failed.
    Careful(usize),
    Exit(usize),
}

impl Landing {
    /// After a fault at this instruction, if that is one of a routine.
    pub(super) fn of(counter: usize) -> Option<Self> {
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

/// The bytes of a copy's block, at most.
pub(super) const BLOCK: usize = 64;

/// The address of the copy's first byte.
#[expect(clippy::as_conversions, reason = "a function's address is had in no other way")]
pub(super) fn first_byte() -> usize {
    let copy: Copy = copy;
    copy as usize
}

/// The address of the flush's first byte.
#[expect(clippy::as_conversions, reason = "a function's address is had in no other way")]
pub(super) fn first_byte_of_flush() -> usize {
    let flush: Flush = flush;
    flush as usize
}

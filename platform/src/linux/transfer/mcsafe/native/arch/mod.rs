//! The copy and the signal frame of each processor, by the kernel's own headers (asm/ucontext.h,
//! asm/sigcontext.h).

#[cfg_attr(target_arch = "x86_64", path = "x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
#[cfg_attr(target_arch = "riscv64", path = "riscv64.rs")]
mod native;

pub(super) use native::*;

/// The copy of a processor. It returns two registers: the low half is the number of bytes left, the
/// high half 0 or the handler's report.
///
/// `target` or `source` lies in the guarded mapping, from `start` up to `end`. The copy does not
/// use these two: they are in registers so that a handler finds them there. `left` is the number of
/// bytes.
///
/// # Safety
///
/// The mapped bytes of both ranges may be read and written, and nobody holds a reference to the
/// bytes that are written. Other bytes raise a signal, whose handler either moves the copy to its
/// exit or does not return.
pub(super) type Copy = unsafe extern "C" fn(
    target: *mut u8,
    source: *const u8,
    start: usize,
    left: usize,
    end: usize,
) -> u128;

/// The flush of a processor: of whole lines, of which `target` begins the first.
///
/// `target` is in the guarded mapping, and `source` is the same, so that the registers mean to the
/// handler what they do in a [`Copy`]. `left` is not 0. The flush is finished at the next fence.
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

/// The registers when a signal interrupted the program. Unless a routine was running, only the
/// counter has a meaning.
#[derive(Clone, Copy, Debug)]
pub(super) struct Registers {
    /// The address of the instruction.
    pub(super) counter: usize,
    /// The next byte to write, or one in its block.
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

/// The place where a routine continues after a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Landing {
    /// The part of the copy that goes byte by byte, after a block has failed.
    Careful(usize),
    Exit(usize),
}

impl Landing {
    /// Returns the landing after a fault at this instruction, if it belongs to a routine.
    pub(super) fn after_fault(counter: usize) -> Option<Self> {
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
pub(super) const BLOCK: usize = 64;

/// Returns the address of the copy's first byte.
#[expect(clippy::as_conversions, reason = "only a cast gives a function's address")]
pub(super) fn first_byte() -> usize {
    let copy: Copy = copy;
    copy as usize
}

/// Returns the address of the flush's first byte.
#[expect(clippy::as_conversions, reason = "only a cast gives a function's address")]
pub(super) fn first_byte_of_flush() -> usize {
    let flush: Flush = flush;
    flush as usize
}

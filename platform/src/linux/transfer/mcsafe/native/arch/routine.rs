//! The form of every processor's routines, and the registers that they keep their work in.

/// The result of a routine, in two registers. (The halves of a u128 would change places on a
/// big-endian AArch64.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub(in super::super) struct Outcome {
    /// The number of bytes left.
    pub(in super::super) left: usize,
    /// 0, or the handler's report.
    pub(in super::super) report: usize,
}

/// The copy of a processor.
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
pub(in super::super) type Copy = unsafe extern "C" fn(
    target: *mut u8,
    source: *const u8,
    start: usize,
    left: usize,
    end: usize,
) -> Outcome;

/// The flush of a processor: of whole lines, of which `target` begins the first.
///
/// `target` is in the guarded mapping, and `source` is the same, so that the registers mean to the
/// handler what they do in a [`Copy`]. `left` is not 0. The flush is finished at the next fence.
///
/// # Safety
///
/// The processor has the instruction that `numbered` gives this number, and its lines have `line`
/// bytes.
pub(in super::super) type Flush = unsafe extern "C" fn(
    target: *const u8,
    source: *const u8,
    start: usize,
    left: usize,
    end: usize,
    line: usize,
    instruction: usize,
) -> Outcome;

/// The registers when a signal interrupted the program. Unless a routine was running, only the
/// counter has a meaning.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Registers {
    /// The address of the instruction.
    pub(in super::super) counter: usize,
    /// The next byte to write, or one in its block.
    pub(in super::super) target: usize,
    pub(in super::super) source: usize,
    pub(in super::super) left: usize,
    pub(in super::super) start: usize,
    pub(in super::super) end: usize,
}

/// `stack_t`.
#[repr(C)]
pub(super) struct Stack {
    pub(super) pointer: *mut u8,
    pub(super) flags: i32,
    pub(super) size: usize,
}

/// Returns the address of a copy's first byte.
#[expect(clippy::as_conversions, reason = "only a cast gives a function's address")]
pub(super) fn address_of_copy(copy: Copy) -> usize {
    copy as usize
}

/// Returns the address of a flush's first byte.
#[expect(clippy::as_conversions, reason = "only a cast gives a function's address")]
pub(super) fn address_of_flush(flush: Flush) -> usize {
    flush as usize
}

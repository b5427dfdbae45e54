//! x86-64: the copy, and the signal frame (asm/ucontext.h, asm/sigcontext.h).

use core::arch::naked_asm;

use super::routine::{Outcome, Registers, Stack, address_of_copy};
use crate::cpu::instruction::Instruction;

/// The offsets in [`copy`] of the part that copies, of its careful part and of its exit.
pub(in super::super) const ENTRY: usize = 32;
pub(in super::super) const CAREFUL: usize = 288;
pub(in super::super) const EXIT: usize = CAREFUL + 32;

/// The distance in bytes at which lines of the target are prefetched: a multiple of a line.
const AHEAD: i32 = 256;

/// Copies `left` bytes from `source` to `target`, and returns how many are left.
///
/// It goes by the lines of the source. Some processors (those of the first DIMMs of persistent
/// memory, for which Linux has copy_mc_fragile) must not meet bad memory in a string instruction
/// (`rep movsb`) or in a load that crosses a line: that machine check is not recoverable, and ends
/// the system, not the program. Here no load does so, on any processor.
///
/// From the entry on, rsi and rdi are the ends of both ranges, and rcx is the number of bytes left,
/// negated. Only rcx changes when a line, or a piece of one, has been copied, so that the handler
/// finds a state before or after it. The careful part copies the good bytes of a line that failed.
///
/// `start` and `end` are for the handler. To move the copy to the exit, it puts a report into r9;
/// to the careful part, also the number of bytes that stay uncopied into r10.
///
/// # Safety
///
/// Those of [`Copy`](super::routine::Copy).
#[unsafe(naked)]
pub(in super::super) unsafe extern "C" fn copy(
    target: *mut u8,
    source: *const u8,
    start: usize,
    left: usize,
    end: usize,
) -> Outcome {
    // The arguments are rdi, rsi, rdx, rcx and r8, the result is rax and rdx.
    naked_asm!(
        "2:",
        "xor r9d, r9d",
        // The bytes up to the end of the line.
        "mov eax, esi",
        "neg eax",
        "and eax, 63",
        "cmp rcx, rax",
        "cmovb eax, ecx",
        "add rsi, rcx",
        "add rdi, rcx",
        "neg rcx",
        // No-ops fill the gap.
        ".org 2b + {entry}, 0x90",
        "test eax, eax",
        "jz 4f",
        // A part of a line: the bits of eax are its pieces.
        "3:",
        "test al, 32",
        "jz 32f",
        "movups xmm0, [rsi + rcx]",
        "movups xmm1, [rsi + rcx + 16]",
        "movups [rdi + rcx], xmm0",
        "movups [rdi + rcx + 16], xmm1",
        "add rcx, 32",
        "32:",
        "test al, 16",
        "jz 33f",
        "movups xmm0, [rsi + rcx]",
        "movups [rdi + rcx], xmm0",
        "add rcx, 16",
        "33:",
        "test al, 8",
        "jz 34f",
        "mov r11, [rsi + rcx]",
        "mov [rdi + rcx], r11",
        "add rcx, 8",
        "34:",
        "test al, 4",
        "jz 35f",
        "mov r11d, [rsi + rcx]",
        "mov [rdi + rcx], r11d",
        "add rcx, 4",
        "35:",
        "test al, 2",
        "jz 36f",
        "movzx r11d, word ptr [rsi + rcx]",
        "mov [rdi + rcx], r11w",
        "add rcx, 2",
        "36:",
        "test al, 1",
        "jz 4f",
        "movzx r11d, byte ptr [rsi + rcx]",
        "mov [rdi + rcx], r11b",
        "inc rcx",
        // Whole lines.
        "4:",
        "cmp rcx, -64",
        "jg 6f",
        "5:",
        "cmp rcx, -({ahead} + 64)",
        "jg 7f",
        "prefetcht0 [rdi + rcx + {ahead}]",
        "7:",
        "movaps xmm0, [rsi + rcx]",
        "movaps xmm1, [rsi + rcx + 16]",
        "movaps xmm2, [rsi + rcx + 32]",
        "movaps xmm3, [rsi + rcx + 48]",
        "movups [rdi + rcx], xmm0",
        "movups [rdi + rcx + 16], xmm1",
        "movups [rdi + rcx + 32], xmm2",
        "movups [rdi + rcx + 48], xmm3",
        "add rcx, 64",
        "cmp rcx, -64",
        "jle 5b",
        "6:",
        "mov eax, ecx",
        "neg eax",
        "jnz 3b",
        "jmp 9f",
        ".org 2b + {careful}",
        "8:",
        "lea rax, [rcx + r10]",
        "test rax, rax",
        "jz 9f",
        "mov al, [rsi + rcx]",
        "mov [rdi + rcx], al",
        "inc rcx",
        "jmp 8b",
        ".org 2b + {exit}",
        "9:",
        "mov rax, rcx",
        "neg rax",
        "mov rdx, r9",
        "ret",
        ahead = const AHEAD,
        entry = const ENTRY,
        careful = const CAREFUL,
        exit = const EXIT,
    )
}

/// The offset of the exit in [`flush`].
pub(in super::super) const FLUSH_EXIT: usize = 64;

/// Flushes the cache lines of `left` bytes from `target` on, and returns how many are left.
///
/// # Safety
///
/// Those of [`Flush`](super::routine::Flush).
#[unsafe(naked)]
pub(in super::super) unsafe extern "C" fn flush(
    target: *const u8,
    source: *const u8,
    start: usize,
    left: usize,
    end: usize,
    line: usize,
    instruction: usize,
) -> Outcome {
    // The arguments as above, then r9 and the stack.
    naked_asm!(
        "2:",
        "mov rax, r9",
        "mov r10, [rsp + 8]",
        "xor r9d, r9d",
        "3:",
        "cmp r10d, 1",
        "je 4f",
        "ja 5f",
        "clwb [rdi]",
        "jmp 6f",
        "4:",
        "clflushopt [rdi]",
        "jmp 6f",
        "5:",
        "clflush [rdi]",
        "6:",
        "add rdi, rax",
        "mov rsi, rdi",
        "sub rcx, rax",
        "ja 3b",
        "xor ecx, ecx",
        "jmp 7f",
        ".org 2b + {exit}",
        "7:",
        "mov rax, rcx",
        "mov rdx, r9",
        "ret",
        exit = const FLUSH_EXIT,
    )
}

/// Returns the number of an instruction for [`flush`].
pub(in super::super) const fn numbered(instruction: Instruction) -> Option<usize> {
    match instruction {
        Instruction::Clwb => Some(0),
        Instruction::ClflushOpt => Some(1),
        Instruction::Clflush => Some(2),
        _ => None,
    }
}

/// Ends a signal handler, by the bytes that debuggers and unwinders know.
#[unsafe(naked)]
unsafe extern "C" fn restorer() {
    naked_asm!("mov rax, 15", "syscall");
}

/// The flag for the restorer, which the kernel requires.
pub(in super::super) const RESTORER_FLAG: usize = 0x0400_0000;

#[expect(clippy::as_conversions, reason = "only a cast gives a function's address")]
pub(in super::super) fn restorer_address() -> *const () {
    restorer as *const ()
}

/// `struct ucontext`, up to the last field in use.
#[repr(C)]
pub(in super::super) struct Context {
    flags: usize,
    link: *mut Context,
    stack: Stack,
    machine: Machine,
    mask: u64,
}

/// `struct sigcontext`.
#[repr(C)]
struct Machine {
    r8: usize,
    r9: usize,
    r10: usize,
    r11: usize,
    r12: usize,
    r13: usize,
    r14: usize,
    r15: usize,
    rdi: usize,
    rsi: usize,
    rbp: usize,
    rbx: usize,
    rdx: usize,
    rax: usize,
    rcx: usize,
    rsp: usize,
    rip: usize,
    /// The flags, the segments, the processor's description of the fault, the address of its other
    /// registers.
    others: [u64; 15],
}

impl Context {
    /// Returns the signals that were blocked before this one.
    pub(in super::super) const fn mask(&self) -> u64 {
        self.mask
    }

    /// Returns the link, which the kernel sets to null in each frame and does not read.
    pub(in super::super) const fn link(&mut self) -> &mut *mut Self {
        &mut self.link
    }

    pub(in super::super) fn registers(&self) -> Registers {
        let Machine { rip, rdi, rsi, rdx, rcx, r8, .. } = self.machine;
        let (target, source, left) = if rip.wrapping_sub(address_of_copy(copy)) < EXIT {
            (rdi.wrapping_add(rcx), rsi.wrapping_add(rcx), rcx.wrapping_neg())
        } else {
            (rdi, rsi, rcx)
        };
        Registers { counter: rip, target, source, start: rdx, left, end: r8 }
    }

    /// Continues at `counter`, with `report` in the exit's register.
    pub(in super::super) const fn resume(&mut self, counter: usize, report: usize) {
        self.machine.rip = counter;
        self.machine.r9 = report;
    }

    /// Divides the bytes that are left: `now` are copied, and `never` are not.
    pub(in super::super) const fn divide(&mut self, _now: usize, never: usize) {
        self.machine.r10 = never;
    }
}

#[cfg(test)]
mod tests {
    use core::mem::offset_of;

    use super::{Context, Machine};

    /// Compares the layout with libc's, which numbers the registers.
    #[test]
    fn the_context_is_laid_out_like_libcs() {
        assert_eq!(offset_of!(Context, machine), offset_of!(libc::ucontext_t, uc_mcontext));
        let at = |register: libc::c_int| {
            offset_of!(libc::mcontext_t, gregs) + 8 * usize::try_from(register).unwrap()
        };
        assert_eq!(offset_of!(Machine, r8), at(libc::REG_R8));
        assert_eq!(offset_of!(Machine, r9), at(libc::REG_R9));
        assert_eq!(offset_of!(Machine, rdi), at(libc::REG_RDI));
        assert_eq!(offset_of!(Machine, rsi), at(libc::REG_RSI));
        assert_eq!(offset_of!(Machine, rdx), at(libc::REG_RDX));
        assert_eq!(offset_of!(Machine, rcx), at(libc::REG_RCX));
        assert_eq!(offset_of!(Machine, rip), at(libc::REG_RIP));
        assert_eq!(offset_of!(Context, mask), offset_of!(libc::ucontext_t, uc_sigmask));
    }
}

//! x86-64: the copy, the signal frame (asm/ucontext.h, asm/sigcontext.h) and the system calls
//! (asm/unistd_64.h).

use core::arch::naked_asm;

use super::{Registers, Stack, first_byte};
use crate::cpu::instruction::Instruction;

/// Where the part of [`copy`] that copies begins, from its first byte, its careful part, and its
/// exit.
pub(in super::super) const ENTRY: usize = 32;
pub(in super::super) const CAREFUL: usize = 288;
pub(in super::super) const EXIT: usize = CAREFUL + 32;

/// So far before they are written, lines of the target are asked for: a multiple of a line.
const AHEAD: i32 = 256;

/// Copies `left` bytes from `source` to `target`, and says how many are left.
///
/// It goes by the lines of the source. Where Linux has to be careful with bad memory
/// (copy_mc_fragile, for the processors of the first DIMMs of persistent memory), these must not
/// meet it in a string instruction (`rep movsb`) or in a load that crosses a line: their machine
/// check cannot be recovered from, and ends not the program but the system. Here no load does so,
/// on any processor.
///
/// From the entry on, rsi and rdi are the ends of both ranges, and rcx is how many bytes are left,
/// negated: one register changes when a line, or the part of one that is copied at once, has been
/// copied, so that the handler finds no other state than before or after it. The careful part
/// copies what is good of one that failed, byte by byte.
///
/// `start` and `end` are for the handler. Whoever sets the program counter to the exit puts a
/// report into r9; to the careful part, also how many bytes are to be left into r10.
///
/// # Safety
///
/// As of [`Copy`](super::Copy).
#[unsafe(naked)]
pub(in super::super) unsafe extern "C" fn copy(
    target: *mut u8,
    source: *const u8,
    start: usize,
    left: usize,
    end: usize,
) -> u128 {
    // They are rdi, rsi, rdx, rcx and r8, the result is rax and rdx.
    naked_asm!(
        "2:",
        "xor r9d, r9d",
        // As many as there are to the end of the line.
        "mov eax, esi",
        "neg eax",
        "and eax, 63",
        "cmp rcx, rax",
        "cmovb eax, ecx",
        "add rsi, rcx",
        "add rdi, rcx",
        "neg rcx",
        // What is between is no-ops.
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

/// Where the exit of [`flush`] lies.
pub(in super::super) const FLUSH_EXIT: usize = 64;

/// Flushes the cache lines of `left` bytes from `target` on, and says how many are left.
///
/// # Safety
///
/// As of [`Flush`](super::Flush).
#[unsafe(naked)]
pub(in super::super) unsafe extern "C" fn flush(
    target: *const u8,
    source: *const u8,
    start: usize,
    left: usize,
    end: usize,
    line: usize,
    instruction: usize,
) -> u128 {
    // As above; then r9 and the stack.
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

/// The number of an instruction for [`flush`].
pub(in super::super) const fn numbered(instruction: Instruction) -> Option<usize> {
    match instruction {
        Instruction::Clwb => Some(0),
        Instruction::ClflushOpt => Some(1),
        Instruction::Clflush => Some(2),
        _ => None,
    }
}

/// Ends a signal handler: the bytes that debuggers and unwinders know it by.
#[unsafe(naked)]
unsafe extern "C" fn restorer() {
    naked_asm!("mov rax, 15", "syscall");
}

/// The kernel wants a restorer, and this flag with it.
pub(in super::super) const RESTORER_FLAG: usize = 0x0400_0000;

#[expect(clippy::as_conversions, reason = "a function's address is had in no other way")]
pub(in super::super) fn restorer_address() -> *const () {
    restorer as *const ()
}

/// `struct ucontext`, up to what is of use here.
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
    /// The flags, the segments, what the processor said of the fault, the place of its other
    /// registers.
    others: [u64; 15],
}

impl Context {
    /// What was blocked before the signal.
    pub(in super::super) const fn mask(&self) -> u64 {
        self.mask
    }

    /// The kernel sets it to null in each frame that it makes, and does not read it.
    pub(in super::super) const fn link(&mut self) -> &mut *mut Self {
        &mut self.link
    }

    pub(in super::super) fn registers(&self) -> Registers {
        let Machine { rip, rdi, rsi, rdx, rcx, r8, .. } = self.machine;
        let (target, source, left) = if rip.wrapping_sub(first_byte()) < EXIT {
            (rdi.wrapping_add(rcx), rsi.wrapping_add(rcx), rcx.wrapping_neg())
        } else {
            (rdi, rsi, rcx)
        };
        Registers { counter: rip, target, source, start: rdx, left, end: r8 }
    }

    /// Goes on at `counter`, with `report` in the register that the exit takes it from.
    pub(in super::super) const fn resume(&mut self, counter: usize, report: usize) {
        self.machine.rip = counter;
        self.machine.r9 = report;
    }

    /// Of the bytes that are left, these are copied now, and those not at all.
    pub(in super::super) const fn divide(&mut self, _now: usize, never: usize) {
        self.machine.r10 = never;
    }
}

#[cfg(test)]
mod tests {
    use core::mem::offset_of;

    use super::{Context, Machine};

    /// Against libc's, which numbers the registers.
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

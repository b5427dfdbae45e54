//! x86-64: the copy, the signal frame (asm/ucontext.h, asm/sigcontext.h) and the system calls (asm/unistd_64.h).

use core::arch::{asm, naked_asm};

use super::{Outcome, Registers, Stack};
use crate::Instruction;

/// Where the careful part of [`copy`] lies, from its first byte, and its exit.
pub(in super::super) const CAREFUL: usize = 176;
pub(in super::super) const EXIT: usize = CAREFUL + 16;

/// Up to so many bytes blocks of registers are as fast as `rep movsb`, which takes thirty cycles to begin.
const SHORT: usize = 512;

/// Copies `left` bytes from `source` to `target`, and says how many are left.
///
/// `rep movsb` is what Linux itself reads persistent memory with (copy_mc_enhanced_fast_string), and as fast as a memcpy; when it
/// is interrupted, its registers say which byte was next. A few bytes go by blocks, and the registers mean the block then: the careful part
/// copies what is good of one that failed.
///
/// `start` and `end` are for the handler. Whoever sets the program counter to the exit puts a report into r9; to the careful part, also how
/// many bytes it is to copy into rcx, and into r10 how many more are left.
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
) -> Outcome {
    // They are rdi, rsi, rdx, rcx and r8, the result is rax and rdx.
    naked_asm!(
        "2:",
        "xor r9d, r9d",
        "xor r10d, r10d",
        "cmp rcx, {short}",
        "ja 8f",
        "3:",
        "cmp rcx, 64",
        "jb 4f",
        "movups xmm0, [rsi]",
        "movups xmm1, [rsi + 16]",
        "movups xmm2, [rsi + 32]",
        "movups xmm3, [rsi + 48]",
        "movups [rdi], xmm0",
        "movups [rdi + 16], xmm1",
        "movups [rdi + 32], xmm2",
        "movups [rdi + 48], xmm3",
        "add rsi, 64",
        "add rdi, 64",
        "sub rcx, 64",
        "jmp 3b",
        "4:",
        "cmp rcx, 16",
        "jb 5f",
        "movups xmm0, [rsi]",
        "movups [rdi], xmm0",
        "add rsi, 16",
        "add rdi, 16",
        "sub rcx, 16",
        "jmp 4b",
        "5:",
        "cmp ecx, 8",
        "jb 6f",
        "mov rax, [rsi]",
        "mov [rdi], rax",
        "add rsi, 8",
        "add rdi, 8",
        "sub ecx, 8",
        "6:",
        "jecxz 9f",
        "mov al, [rsi]",
        "mov [rdi], al",
        "inc rsi",
        "inc rdi",
        "dec ecx",
        "jmp 6b",
        ".org 2b + {careful}",
        "8:",
        "rep movsb",
        "jmp 9f",
        ".org 2b + {exit}",
        "9:",
        "lea rax, [rcx + r10]",
        "mov rdx, r9",
        "ret",
        short = const SHORT,
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
) -> Outcome {
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
    /// The flags, the segments, what the processor said of the fault, the place of its other registers.
    others: [u64; 15],
}

impl Context {
    /// What was blocked before the signal.
    pub(in super::super) const fn mask(&self) -> u64 {
        self.mask
    }

    pub(in super::super) const fn registers(&self) -> Registers {
        let Machine { rip, rdi, rsi, rdx, rcx, r8, .. } = self.machine;
        Registers { counter: rip, target: rdi, source: rsi, start: rdx, left: rcx, end: r8 }
    }

    /// Goes on at `counter`, with `report` in the register that the exit takes it from.
    pub(in super::super) const fn resume(&mut self, counter: usize, report: usize) {
        self.machine.rip = counter;
        self.machine.r9 = report;
    }

    /// Of the bytes that are left, these are copied now, and those not at all.
    pub(in super::super) const fn divide(&mut self, now: usize, never: usize) {
        self.machine.rcx = now;
        self.machine.r10 = never;
    }
}

/// The numbers of the calls.
pub(in super::super) const PREAD64: usize = 17;
pub(in super::super) const PWRITE64: usize = 18;
pub(in super::super) const RT_SIGACTION: usize = 13;
pub(in super::super) const RT_SIGPROCMASK: usize = 14;
pub(in super::super) const GETPID: usize = 39;
pub(in super::super) const GETTID: usize = 186;
pub(in super::super) const FUTEX: usize = 202;
pub(in super::super) const RT_TGSIGQUEUEINFO: usize = 297;

/// A system call.
///
/// # Safety
///
/// The kernel does with these numbers nothing that breaks what the program relies on.
pub(in super::super) unsafe fn call(number: usize, [a, b, c, d]: [usize; 4]) -> isize {
    let result;
    // SAFETY: the kernel changes rax, rcx, r11 and the memory that it is told to, which the caller answers for; no `nomem`.
    unsafe {
        asm!("syscall", inlateout("rax") number.cast_signed() => result, in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d,
            lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    result
}

#[cfg(test)]
mod tests {
    use core::mem::offset_of;

    use super::{Context, Machine};

    /// Against libc's, which numbers the registers.
    #[test]
    fn the_context_is_laid_out_like_libcs() {
        assert_eq!(offset_of!(Context, machine), offset_of!(libc::ucontext_t, uc_mcontext));
        let at = |register: libc::c_int| offset_of!(libc::mcontext_t, gregs) + 8 * usize::try_from(register).unwrap();
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

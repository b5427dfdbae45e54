//! What becomes of the cache lines of a mapping, instruction by instruction (PTRACE_SINGLESTEP of ptrace(2)): which are written to, which
//! are flushed, and where the fences are. x86-64's trap flag and instructions; qemu-user has no ptrace.
//!
//! Instructions: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io,
    ops::Range,
    os::unix::fs::FileExt,
    ptr::null_mut,
};

use super::trace::{MARK, entered, start, wait};

/// The bytes of a cache line.
pub(crate) const LINE: usize = 64;

/// What an instruction does to a line, by its number in the mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Stored(usize),
    Flushed(usize),
    /// SFENCE: what waits for every flush and every store before it.
    Fenced,
}

/// Why stores might not be durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// This line was not flushed, or was written to after that.
    Line(usize),
    /// No fence came after the last flush.
    Fence,
}

/// The lines that were written to, each of which was flushed after the last store to it, with a fence after all of them.
pub(crate) fn durable(steps: &[Step]) -> Result<BTreeSet<usize>, Lost> {
    let (mut stored, mut flushed) = (BTreeMap::new(), BTreeMap::new());
    let (mut last_flush, mut last_fence) = (None, None);
    for (index, &step) in steps.iter().enumerate() {
        match step {
            Step::Stored(line) => _ = stored.insert(line, index),
            Step::Flushed(line) => {
                flushed.insert(line, index);
                last_flush = Some(index);
            }
            Step::Fenced => last_fence = Some(index),
        }
    }
    for (line, store) in &stored {
        if flushed.get(line).is_none_or(|flush| flush < store) {
            return Err(Lost::Line(*line));
        }
    }
    if last_fence < last_flush { Err(Lost::Fence) } else { Ok(stored.into_keys().collect()) }
}

/// The lines that were flushed.
pub(crate) fn flushed(steps: &[Step]) -> BTreeSet<usize> {
    let line = |step: &Step| if let Step::Flushed(line) = step { Some(*line) } else { None };
    steps.iter().filter_map(line).collect()
}

/// Runs `body`, which maps something once, in a forked child, from then on one instruction after the other: it must not allocate or lock.
/// What it does to these bytes of the mapping, until it unmaps them or returns.
///
/// A store is whatever changes one of them: what is written has to differ from what was there. Flushes of all lines of the mapping are
/// told.
pub(crate) fn stepped(watched: Range<usize>, body: impl FnOnce()) -> Vec<Step> {
    let pid = start(body);
    let memory = File::open(format!("/proc/{pid}/mem")).expect("the child's memory");
    let (at, length) = mapped(pid);
    let mut mapping = Mapping::new(&memory, at, length, watched);
    let (mut steps, mut delivered) = (Vec::new(), 0);
    loop {
        let instruction = Instruction::at(&memory, &registers(pid));
        if matches!(instruction, Instruction::Call(MARK | libc::SYS_munmap)) {
            break;
        }
        let status = resume(pid, libc::PTRACE_SINGLESTEP, delivered);
        assert!(libc::WIFSTOPPED(status), "{status:#x}");
        let stopped = libc::WSTOPSIG(status);
        // A fault stops the child before its instruction has done anything, and its delivery at the handler's first one.
        if delivered == 0 && stopped == libc::SIGTRAP {
            mapping.executed(&instruction, &memory, &mut steps);
        }
        delivered = if stopped == libc::SIGTRAP { 0 } else { stopped };
    }
    assert_eq!(delivered, 0, "no signal comes with a call");
    finish(pid);
    steps
}

/// Lets the child go on to its end: it has not panicked on its way to the second mark.
fn finish(pid: libc::pid_t) {
    let mut marks = 0;
    loop {
        let status = resume(pid, libc::PTRACE_SYSCALL, 0);
        if libc::WIFEXITED(status) {
            assert_eq!((libc::WEXITSTATUS(status), marks), (0, 1), "the child ended too early");
            return;
        }
        assert!(libc::WIFSTOPPED(status) && libc::WSTOPSIG(status) == libc::SIGTRAP | 0x80, "{status:#x}");
        marks += usize::from(entered(pid).map(u64::cast_signed) == Some(MARK));
    }
}

/// Lets a child that is stopped go on, with a signal or none, and says how it stopped.
fn resume(pid: libc::pid_t, how: libc::c_uint, signal: i32) -> i32 {
    // SAFETY: each of these ways takes a child that is stopped, and the signal to deliver.
    let resumed = unsafe { libc::ptrace(how, pid, null_mut::<u8>(), i64::from(signal)) };
    assert_eq!(resumed, 0, "ptrace: {}", io::Error::last_os_error());
    wait(pid)
}

/// Lets the child go on until it has mapped something; the address and the length of that.
fn mapped(pid: libc::pid_t) -> (usize, usize) {
    let mut marked = false;
    loop {
        let status = resume(pid, libc::PTRACE_SYSCALL, 0);
        assert!(libc::WIFSTOPPED(status) && libc::WSTOPSIG(status) == libc::SIGTRAP | 0x80, "{status:#x}: no mapping");
        match entered(pid).map(u64::cast_signed) {
            Some(MARK) => {
                assert!(!marked, "it maps something");
                marked = true;
            }
            Some(libc::SYS_mmap) if marked => break,
            _ => {}
        }
    }
    let length = registers(pid).rsi;
    assert!(libc::WIFSTOPPED(resume(pid, libc::PTRACE_SYSCALL, 0)), "mmap returns");
    let number = |number: u64| usize::try_from(number).expect("64 bits");
    (number(registers(pid).rax), number(length))
}

/// What the child has mapped.
struct Mapping {
    at: usize,
    length: usize,
    watched: Range<usize>,
    /// What was there before the instruction.
    bytes: Vec<u8>,
}

impl Mapping {
    fn new(memory: &File, at: usize, length: usize, watched: Range<usize>) -> Self {
        assert!(watched.end <= length, "what is watched is mapped");
        let mut mapping = Self { at, length, bytes: vec![0; watched.len()], watched };
        mapping.bytes = mapping.read(memory);
        mapping
    }

    fn read(&self, memory: &File) -> Vec<u8> {
        let mut bytes = vec![0; self.watched.len()];
        memory.read_exact_at(&mut bytes, (self.at + self.watched.start) as u64).expect("what is watched is there");
        bytes
    }

    /// What an instruction has done to the lines.
    fn executed(&mut self, instruction: &Instruction, memory: &File, steps: &mut Vec<Step>) {
        match *instruction {
            Instruction::Fence => steps.push(Step::Fenced),
            Instruction::Flush(address) if (self.at..self.at + self.length).contains(&address) => {
                steps.push(Step::Flushed((address - self.at) / LINE));
            }
            _ => {}
        }
        let bytes = self.read(memory);
        if bytes == self.bytes {
            return;
        }
        let changed = self.bytes.iter().zip(&bytes).enumerate().filter(|(_, (old, new))| old != new);
        let lines: BTreeSet<_> = changed.map(|(index, _)| (self.watched.start + index) / LINE).collect();
        steps.extend(lines.into_iter().map(Step::Stored));
        self.bytes = bytes;
    }
}

/// The instructions that matter.
enum Instruction {
    /// CLWB, CLFLUSHOPT or CLFLUSH, of this address.
    Flush(usize),
    Fence,
    /// SYSCALL, with this number.
    Call(libc::c_long),
    Other,
}

impl Instruction {
    fn at(memory: &File, registers: &libc::user_regs_struct) -> Self {
        // The longest of them: a prefix, REX, two bytes, ModRM, SIB and a displacement.
        let mut code = [0; 10];
        // Where the code ends sooner, there are fewer.
        assert_ne!(memory.read_at(&mut code, registers.rip).expect("the child's instruction"), 0);
        match code {
            [0x0F, 0x05, ..] => Self::Call(registers.rax.cast_signed()),
            [0x0F, 0xAE, 0xF8, ..] => Self::Fence,
            _ => operand_of_flush(&code, registers).map_or(Self::Other, Self::Flush),
        }
    }
}

/// The address in a flush, if it is one: 66 0F AE /6 (CLWB), 66 0F AE /7 (CLFLUSHOPT), 0F AE /7 (CLFLUSH).
fn operand_of_flush(code: &[u8], registers: &libc::user_regs_struct) -> Option<usize> {
    let (prefixed, code) = code.strip_prefix(&[0x66]).map_or((false, code), |rest| (true, rest));
    let (rex, code) = match code {
        [rex @ 0x40..=0x4F, rest @ ..] => (*rex, rest),
        _ => (0, code),
    };
    let [modrm, rest @ ..] = code.strip_prefix(&[0x0F, 0xAE])? else { return None };
    let (mode, kind, base) = (modrm >> 6, (modrm >> 3) & 7, modrm & 7);
    if mode == 3 || kind != 7 && (kind, prefixed) != (6, true) {
        return None;
    }
    let register = |number: u8, high: bool| numbered(registers)[usize::from(number) + if high { 8 } else { 0 }];
    let (extended, extended_index) = (rex & 1 != 0, rex & 2 != 0);
    assert!(!(mode == 0 && base == 5), "a flush relative to the instruction: to be learnt");
    let (address, rest) = if base == 4 {
        let (sib, rest) = rest.split_first()?;
        assert!(!(mode == 0 && sib & 7 == 5), "a flush without a base: to be learnt");
        let index = (sib >> 3) & 7;
        let index = if index == 4 && !extended_index { 0 } else { register(index, extended_index) };
        (register(sib & 7, extended).wrapping_add(index << (sib >> 6)), rest)
    } else {
        (register(base, extended), rest)
    };
    let displacement = match (mode, rest) {
        (1, [byte, ..]) => i64::from(byte.cast_signed()),
        (2, &[a, b, c, d, ..]) => i64::from(i32::from_le_bytes([a, b, c, d])),
        _ => 0,
    };
    usize::try_from(address.wrapping_add_signed(displacement)).ok()
}

/// The registers in the order in which instructions number them.
fn numbered(of: &libc::user_regs_struct) -> [u64; 16] {
    [
        of.rax, of.rcx, of.rdx, of.rbx, of.rsp, of.rbp, of.rsi, of.rdi, of.r8, of.r9, of.r10, of.r11, of.r12, of.r13,
        of.r14, of.r15,
    ]
}

fn registers(pid: libc::pid_t) -> libc::user_regs_struct {
    // SAFETY: the structure is numbers, for which zeros are values.
    let mut registers: libc::user_regs_struct = unsafe { std::mem::zeroed() };
    // SAFETY: PTRACE_GETREGS takes a child that is stopped, and a place for them.
    let got = unsafe { libc::ptrace(libc::PTRACE_GETREGS, pid, null_mut::<u8>(), &raw mut registers) };
    assert_eq!(got, 0, "PTRACE_GETREGS: {}", io::Error::last_os_error());
    registers
}

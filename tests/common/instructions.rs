//! The cache lines of a mapping, instruction by instruction (PTRACE_SINGLESTEP of
//! ptrace(2)): which are read and written to, which are flushed, and where the fences are. x86-64's
//! trap flag and instructions; qemu-user has no ptrace.
#![allow(dead_code, reason = "each test program uses a part of this")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io,
    ops::Range,
    os::unix::fs::FileExt,
    ptr::null_mut,
};

use iced_x86::{
    Decoder, DecoderOptions, Instruction, InstructionInfoFactory, Mnemonic, OpAccess, Register,
};

use crate::common::trace::{MARK, entered, start, wait};

/// The bytes of a cache line.
pub(crate) const LINE: usize = 64;

/// The effect of an instruction on a line, by its number in the mapping.
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

/// The lines that were written to, each of which was flushed after the last store to it, with a
/// fence after all of them.
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

/// The bytes that an instruction reads of a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Load {
    /// The number of the instruction, among all.
    pub(crate) step: usize,
    /// The bytes of the mapping.
    pub(crate) bytes: Range<usize>,
    /// A string instruction (MOVS and its kin), which the processor may execute in any way.
    pub(crate) string: bool,
}

/// Runs `body`, which maps something once, in a forked child, from then on one instruction after
/// the other: it must not allocate or lock. What it does to these bytes of the mapping, until it
/// unmaps them or returns.
///
/// A store is whatever changes one of them: what is written has to differ from what was there.
/// Flushes of all lines of the mapping are told.
pub(crate) fn stepped(watched: Range<usize>, body: impl FnOnce()) -> Vec<Step> {
    let (mut steps, mut mapping) = (Vec::new(), None);
    each_step(body, |at, instruction, memory| {
        let mapping =
            mapping.get_or_insert_with(|| Mapping::new(memory, at.clone(), watched.clone()));
        if let Some(instruction) = instruction {
            mapping.executed(instruction, memory, &mut steps);
        }
    });
    steps
}

/// Runs `body` in the same way; what it loads of the mapping, and asks to be fetched (PREFETCHT0
/// and its kin).
pub(crate) fn loads(body: impl FnOnce()) -> (Vec<Load>, Vec<Load>) {
    let (mut loads, mut fetches, mut step) = (Vec::new(), Vec::new(), 0);
    each_step(body, |at, instruction, _| {
        step += 1;
        let Some(next) = instruction else { return };
        for operand in &next.operands {
            let into = |address: usize| address.wrapping_sub(at.start);
            let bytes = into(operand.bytes.start)..into(operand.bytes.end);
            if bytes.start >= at.len() {
                continue;
            }
            let load = Load { step, bytes, string: next.instruction.is_string_instruction() };
            match operand.access {
                OpAccess::Read
                | OpAccess::CondRead
                | OpAccess::ReadWrite
                | OpAccess::ReadCondWrite => loads.push(load),
                OpAccess::NoMemAccess => fetches.push(load),
                _ => {}
            }
        }
    });
    (loads, fetches)
}

/// An access of an instruction to a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    /// Whether it stores, else it loads.
    pub(crate) stores: bool,
    /// The bytes of the mapping.
    pub(crate) bytes: Range<usize>,
}

/// Runs `body` in the same way; every access to the mapping, in order.
pub(crate) fn accesses(body: impl FnOnce()) -> Vec<Access> {
    let mut accesses = Vec::new();
    each_step(body, |at, instruction, _| {
        let operands = instruction.map_or(&[][..], |next| &next.operands);
        for operand in operands.iter().filter(|operand| at.contains(&operand.bytes.start)) {
            let stores = match operand.access {
                OpAccess::Read => false,
                OpAccess::Write => true,
                // A flush or a prefetch.
                OpAccess::NoMemAccess => continue,
                other => panic!("{:?}: an access that is {other:?}", operand.bytes),
            };
            let bytes = operand.bytes.start - at.start..operand.bytes.end - at.start;
            accesses.push(Access { stores, bytes });
        }
    });
    accesses
}

fn fetches_only(mnemonic: Mnemonic) -> bool {
    matches!(
        mnemonic,
        Mnemonic::Prefetcht0
            | Mnemonic::Prefetcht1
            | Mnemonic::Prefetcht2
            | Mnemonic::Prefetchnta
            | Mnemonic::Prefetchw
    )
}

/// Runs `body` as [`stepped`] does. What is called with the addresses of what it has mapped is
/// called before the first instruction, without one, and after each that was executed.
fn each_step(body: impl FnOnce(), mut then: impl FnMut(&Range<usize>, Option<&Next>, &File)) {
    let pid = start(body);
    let memory = File::open(format!("/proc/{pid}/mem")).expect("the child's memory");
    let at = mapped(pid);
    let mut factory = InstructionInfoFactory::new();
    let mut delivered = 0;
    then(&at, None, &memory);
    loop {
        let next = Next::at(&memory, &registers(pid), &mut factory);
        if matches!(next.call, Some(MARK | libc::SYS_munmap)) {
            break;
        }
        let status = resume(pid, libc::PTRACE_SINGLESTEP, delivered);
        assert!(libc::WIFSTOPPED(status), "{status:#x}");
        let stopped = libc::WSTOPSIG(status);
        // A fault stops the child before its instruction has done anything, and its delivery at the
        // handler's first one.
        if delivered == 0 && stopped == libc::SIGTRAP {
            then(&at, Some(&next), &memory);
        }
        delivered = if stopped == libc::SIGTRAP { 0 } else { stopped };
    }
    assert_eq!(delivered, 0, "no signal comes with a call");
    finish(pid);
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
        assert!(
            libc::WIFSTOPPED(status) && libc::WSTOPSIG(status) == libc::SIGTRAP | 0x80,
            "{status:#x}"
        );
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

/// Lets the child go on until it has mapped something; the addresses of that.
fn mapped(pid: libc::pid_t) -> Range<usize> {
    let mut marked = false;
    loop {
        let status = resume(pid, libc::PTRACE_SYSCALL, 0);
        assert!(
            libc::WIFSTOPPED(status) && libc::WSTOPSIG(status) == libc::SIGTRAP | 0x80,
            "{status:#x}: no mapping"
        );
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
    let at = number(registers(pid).rax);
    at..at + number(length)
}

/// A mapping of the child.
struct Mapping {
    at: Range<usize>,
    watched: Range<usize>,
    /// The bytes before the instruction.
    bytes: Vec<u8>,
}

impl Mapping {
    fn new(memory: &File, at: Range<usize>, watched: Range<usize>) -> Self {
        assert!(watched.end <= at.len(), "what is watched is mapped");
        let mut mapping = Self { at, bytes: vec![0; watched.len()], watched };
        mapping.bytes = mapping.read(memory);
        mapping
    }

    fn read(&self, memory: &File) -> Vec<u8> {
        let mut bytes = vec![0; self.watched.len()];
        memory
            .read_exact_at(&mut bytes, (self.at.start + self.watched.start) as u64)
            .expect("what is watched is there");
        bytes
    }

    /// Records the effect of an instruction on the lines.
    fn executed(&mut self, next: &Next, memory: &File, steps: &mut Vec<Step>) {
        match next.instruction.mnemonic() {
            Mnemonic::Sfence => steps.push(Step::Fenced),
            Mnemonic::Clwb | Mnemonic::Clflushopt | Mnemonic::Clflush => {
                let lines = next.operands.iter().map(|operand| operand.bytes.start);
                steps.extend(
                    lines
                        .filter(|at| self.at.contains(at))
                        .map(|at| Step::Flushed((at - self.at.start) / LINE)),
                );
            }
            _ => {}
        }
        let bytes = self.read(memory);
        if bytes == self.bytes {
            return;
        }
        let changed =
            self.bytes.iter().zip(&bytes).enumerate().filter(|(_, (old, new))| old != new);
        let lines: BTreeSet<_> =
            changed.map(|(index, _)| (self.watched.start + index) / LINE).collect();
        steps.extend(lines.into_iter().map(Step::Stored));
        self.bytes = bytes;
    }
}

/// An instruction that is about to be executed.
struct Next {
    instruction: Instruction,
    operands: Vec<Operand>,
    /// The number of the call, where it is SYSCALL.
    call: Option<libc::c_long>,
}

/// A memory operand: its addresses.
struct Operand {
    bytes: Range<usize>,
    access: OpAccess,
}

impl Next {
    fn at(
        memory: &File,
        registers: &libc::user_regs_struct,
        factory: &mut InstructionInfoFactory,
    ) -> Self {
        // The longest instruction there is. Where the code ends sooner, there are fewer bytes.
        let mut code = [0; 15];
        let length = memory.read_at(&mut code, registers.rip).expect("the child's instruction");
        let instruction =
            Decoder::with_ip(64, &code[..length], registers.rip, DecoderOptions::NONE).decode();
        assert!(!instruction.is_invalid(), "{code:x?}");
        let operand = |used: &iced_x86::UsedMemory| {
            let at = used.virtual_address(0, |register, _, _| Some(value(registers, register)))?;
            let at = usize::try_from(at).ok()?;
            Some(Operand {
                bytes: at..at.checked_add(used.memory_size().size().max(1))?,
                access: used.access(),
            })
        };
        let mut operands: Vec<_> =
            factory.info(&instruction).used_memory().iter().filter_map(operand).collect();
        if fetches_only(instruction.mnemonic()) {
            // What is only asked for is not used.
            let at = instruction
                .virtual_address(0, 0, |register, _, _| Some(value(registers, register)));
            let at = at.and_then(|at| usize::try_from(at).ok()).expect("an address");
            operands.push(Operand { bytes: at..at + 1, access: OpAccess::NoMemAccess });
        }
        let call =
            (instruction.mnemonic() == Mnemonic::Syscall).then_some(registers.rax.cast_signed());
        Self { instruction, operands, call }
    }
}

/// The value of a register of an address; an instruction that has others is not of these programs.
fn value(of: &libc::user_regs_struct, register: Register) -> u64 {
    let whole = match register.full_register() {
        Register::RAX => of.rax,
        Register::RCX => of.rcx,
        Register::RDX => of.rdx,
        Register::RBX => of.rbx,
        Register::RSP => of.rsp,
        Register::RBP => of.rbp,
        Register::RSI => of.rsi,
        Register::RDI => of.rdi,
        Register::R8 => of.r8,
        Register::R9 => of.r9,
        Register::R10 => of.r10,
        Register::R11 => of.r11,
        Register::R12 => of.r12,
        Register::R13 => of.r13,
        Register::R14 => of.r14,
        Register::R15 => of.r15,
        Register::FS => of.fs_base,
        Register::GS => of.gs_base,
        // Of the others the base is 0.
        register if register.is_segment_register() => 0,
        register => panic!("an address with {register:?}"),
    };
    if register.size() == 4 { whole & u64::from(u32::MAX) } else { whole }
}

fn registers(pid: libc::pid_t) -> libc::user_regs_struct {
    // SAFETY: the structure is numbers, for which zeros are values.
    let mut registers: libc::user_regs_struct = unsafe { std::mem::zeroed() };
    // SAFETY: PTRACE_GETREGS takes a child that is stopped, and a place for them.
    let got =
        unsafe { libc::ptrace(libc::PTRACE_GETREGS, pid, null_mut::<u8>(), &raw mut registers) };
    assert_eq!(got, 0, "PTRACE_GETREGS: {}", io::Error::last_os_error());
    registers
}

//! Everything that can be seen from outside: the lines that are flushed, and the instructions of
//! this processor. That a line reached the medium cannot be seen here.

mod access;

use std::vec::Vec;

use super::{
    arch, dccmvac,
    instruction::Instruction,
    processor::{Cpu, lines},
};
use crate::Fail;

/// Every instruction that flushes, with a line of its own; without those of this processor that it
/// may not have.
pub(crate) fn processors() -> Vec<Cpu> {
    let found = Cpu::detect().ok();
    let all = [
        (Instruction::Clwb, 64),
        (Instruction::ClflushOpt, 128),
        (Instruction::Clflush, 32),
        (Instruction::DcCvadp, 64),
        (Instruction::DcCvap, 16),
        (Instruction::DcCvac, 4),
        (Instruction::CboClean, 64),
        (Instruction::CortexMClean, 32),
    ];
    let foreign = all.into_iter().filter(|(instruction, _)| !arch::has(*instruction));
    let all: Vec<_> =
        foreign.map(|(instruction, line)| Cpu { instruction, line }).chain(found).collect();
    assert!(all.len() > 4);
    all
}

/// A Cortex-M without a data cache, which only a program for one can have.
pub(crate) const CORTEX_M: Cpu = Cpu { instruction: Instruction::CortexM, line: 1 };

#[test]
fn every_line_that_has_a_byte_once() {
    let of = |start, length, line| lines(start, length, line).collect::<Vec<_>>();
    assert_eq!(of(0, 0, 64), []);
    assert_eq!(of(63, 0, 64), []);
    assert_eq!(of(0, 1, 64), [0]);
    assert_eq!(of(63, 1, 64), [0]);
    assert_eq!(of(63, 2, 64), [0, 64]);
    assert_eq!(of(64, 64, 64), [64]);
    assert_eq!(of(65, 64, 64), [64, 128]);
    assert_eq!(of(4095, 2, 64), [4032, 4096], "over the end of a page");
    assert_eq!(of(10, 3, 1), [10, 11, 12]);
    // Up to the last address, and not around it.
    assert_eq!(of(usize::MAX - 64, 65, 64), [usize::MAX - 127, usize::MAX - 63]);
    assert_eq!(of(usize::MAX, usize::MAX, 64), [usize::MAX - 63]);
}

proptest::proptest! {
    #[test]
    fn lines_cover_the_bytes_and_no_more(
        start in 0..10_000_usize,
        length in 0..10_000_usize,
        shift in 0..10_u32,
    ) {
        let line = 1_usize << shift;
        let all: Vec<_> = lines(start, length, line).collect();
        let count = if length == 0 { 0 } else { (start + length - 1) / line - start / line + 1 };
        assert_eq!(all, (0..count).map(|n| (start / line + n) * line).collect::<Vec<_>>());
    }
}

#[test]
fn a_fence_can_be_had_everywhere() {
    let cpu = Cpu::fence_only();
    assert_eq!((cpu.instruction(), cpu.line()), (Instruction::None, 1));
    cpu.fence();
    // SAFETY: no byte is at that address, and none is asked for.
    unsafe { cpu.flush(core::ptr::null(), 0) };
    // SAFETY: this needs no instruction.
    assert_eq!(unsafe { Cpu::with_instruction(Instruction::None, 1) }, Ok(cpu));
}

#[test]
fn instructions_of_other_processors_are_refused() {
    let x86 = cfg!(any(target_arch = "x86", target_arch = "x86_64"));
    let aarch64 = cfg!(target_arch = "aarch64");
    for (instruction, here) in [
        (Instruction::Clwb, x86),
        (Instruction::ClflushOpt, x86),
        (Instruction::Clflush, x86),
        (Instruction::DcCvadp, aarch64),
        (Instruction::DcCvap, aarch64),
        (Instruction::DcCvac, aarch64),
        (Instruction::CboClean, cfg!(any(target_arch = "riscv32", target_arch = "riscv64"))),
        (Instruction::CortexM, cfg!(target_arch = "arm")),
        (Instruction::CortexMClean, cfg!(target_arch = "arm")),
    ] {
        // SAFETY: nothing is flushed with it.
        let cpu = unsafe { Cpu::with_instruction(instruction, 64) };
        assert_eq!(cpu.is_ok(), here, "{instruction:?}");
        for line in [0, 3, 65] {
            // SAFETY: as above.
            assert_eq!(unsafe { Cpu::with_instruction(instruction, line) }, Err(Fail::Unsupported));
        }
    }
}

/// Compares with /proc/cpuinfo.
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "x86")))]
#[test]
fn detection_finds_what_the_kernel_found() {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap();
    let flags = info.lines().find_map(|line| line.strip_prefix("flags")).unwrap();
    let has = |flag| flags.split_whitespace().any(|word| word == flag);
    let expected = if has("clwb") {
        Instruction::Clwb
    } else if has("clflushopt") {
        Instruction::ClflushOpt
    } else {
        assert!(has("clflush"));
        Instruction::Clflush
    };
    let cpu = Cpu::detect().unwrap();
    assert_eq!(cpu.instruction(), expected);
    let line = info.lines().find_map(|line| line.strip_prefix("clflush size\t: ")).unwrap();
    assert_eq!(cpu.line(), line.parse::<usize>().unwrap());
}

#[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
#[test]
fn the_best_instruction_is_chosen() {
    use super::arch::choose;
    let (line, clflush, clflushopt, clwb) = (8 << 8, 1 << 19, 1 << 23, 1 << 24);
    assert_eq!(choose(line, clflush, 0), Some((Instruction::Clflush, 64)));
    assert_eq!(choose(line, clflush, clflushopt), Some((Instruction::ClflushOpt, 64)));
    assert_eq!(choose(line, clflush, clwb), Some((Instruction::Clwb, 64)));
    assert_eq!(choose(line * 2, clflush, clflushopt | clwb), Some((Instruction::Clwb, 128)));
    assert_eq!(choose(line, !clflush, !(clflushopt | clwb)), None);
    assert_eq!(
        choose(!(0xff << 8), clflush, 0),
        Some((Instruction::Clflush, 0)),
        "refused afterwards"
    );
    assert_eq!(Cpu::checked(Instruction::Clflush, 0), Err(Fail::Unsupported));
}

#[cfg(target_arch = "aarch64")]
#[test]
fn the_best_instruction_is_chosen() {
    use super::arch::choose;
    // The other fields of both registers are full of something else.
    let (features, cache) = (0x1234_5678_9abc_def0, 0x8444_c004);
    let instructions = [0, 1, 2, 3].map(|dpb| choose(features | dpb, cache).unwrap());
    let all =
        [Instruction::DcCvac, Instruction::DcCvap, Instruction::DcCvadp, Instruction::DcCvadp];
    assert_eq!(instructions, all.map(|instruction| (instruction, 64)));
    assert_eq!(choose(0, 0xfff0_ffff), Some((Instruction::DcCvac, 4)));
    let cpu = Cpu::detect().unwrap();
    let bytes = [7_u8; 5000];
    // SAFETY: the bytes are there.
    unsafe { cpu.flush(bytes.as_ptr(), bytes.len()) };
    cpu.fence();
}

/// Every instruction of this processor over every alignment, at the end of memory that is followed
/// by none.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn flushing_touches_mapped_lines_only() {
    use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
    let found = Cpu::detect().unwrap();
    let all = [Instruction::Clflush, Instruction::ClflushOpt, Instruction::Clwb];
    let until = all.iter().position(|&instruction| instruction == found.instruction()).unwrap();
    // SAFETY: the kernel takes free addresses.
    let pages = unsafe {
        mmap_anonymous(
            core::ptr::null_mut(),
            4 * 4096,
            ProtFlags::READ | ProtFlags::WRITE,
            MapFlags::PRIVATE,
        )
    };
    let pages = pages.unwrap().cast::<u8>();
    for guard in [0, 3] {
        // SAFETY: these pages were made here, and nobody uses them.
        unsafe { mprotect(pages.add(guard * 4096).cast(), 4096, MprotectFlags::empty()) }.unwrap();
    }
    // SAFETY: the two pages between the guards are within the mapping.
    let memory = unsafe { core::slice::from_raw_parts_mut(pages.add(4096), 2 * 4096) };
    for &instruction in &all[..=until] {
        // SAFETY: processors with a later one of these have the earlier ones.
        let cpu = unsafe { Cpu::with_instruction(instruction, found.line()) }.unwrap();
        for (at, byte) in memory.iter_mut().enumerate() {
            *byte = at.to_le_bytes()[0] ^ 0x5a;
        }
        for (start, length) in
            [(0, 8192), (0, 1), (8191, 1), (4095, 2), (1, 8191), (4000, 200), (8192, 0), (63, 130)]
        {
            // SAFETY: the bytes are in `memory`.
            unsafe { cpu.flush(memory.as_ptr().add(start), length) };
            cpu.fence();
        }
        assert!(
            memory.iter().enumerate().all(|(at, &byte)| byte == at.to_le_bytes()[0] ^ 0x5a),
            "{instruction:?}"
        );
    }
    // SAFETY: nobody uses the pages any more.
    unsafe { munmap(pages.cast(), 4 * 4096) }.unwrap();
}

/// A Cortex-M cleans a line by a write of its address.
#[test]
fn the_address_of_the_line_is_written_to_the_register() {
    let (mut register, line) = (0_usize, 0x2000_0040);
    // SAFETY: the register is a variable here.
    unsafe { dccmvac::clean(&raw mut register, core::ptr::without_provenance(line)) };
    assert_eq!(register, line);
}

//! The flush of what was written, which may meet bad memory as well.

use pmem2_platform::{Cpu, Fail, Instruction};

use super::{
    gone, handler,
    shrunk::{Shrunk, page},
};

/// The processors that this one can be: its own, and the older ones that it still knows.
pub(crate) fn processors() -> Vec<Cpu> {
    let Ok(best) = Cpu::detect() else {
        assert_eq!(Cpu::detect(), Err(Fail::Unsupported));
        return vec![];
    };
    let known = [
        Instruction::Clwb,
        Instruction::ClflushOpt,
        Instruction::Clflush,
        Instruction::DcCvadp,
        Instruction::DcCvap,
        Instruction::DcCvac,
    ];
    // Each is in the list behind those that are better.
    let own = known.iter().skip_while(|&&instruction| instruction != best.instruction());
    // SAFETY: a processor that has an instruction has those that came before it.
    let older = own
        .filter_map(|&instruction| unsafe { Cpu::with_instruction(instruction, best.line()) }.ok());
    older.collect()
}

#[test]
fn what_is_there_is_flushed() {
    let file = Shrunk::new(4 * page());
    let mapping = file.mapping(handler(), true);
    for cpu in processors().into_iter().chain([Cpu::fence_only()]) {
        for (offset, length) in
            [(0, 4 * page()), (0, 0), (1, 1), (63, 2), (page() - 1, 2), (4 * page() - 1, 1)]
        {
            assert_eq!(
                mapping.persist(cpu, offset as u64, length),
                Ok(()),
                "{cpu:?}: {length} at {offset}"
            );
        }
        assert_eq!(mapping.persist(cpu, 4 * page() as u64, 0), Ok(()));
        assert_eq!(mapping.persist(cpu, 4 * page() as u64, 1), Err(Fail::Ended.into()));
        assert_eq!(mapping.persist(cpu, u64::MAX, 2), Err(Fail::Ended.into()));
    }
}

/// Memory that vanished after it was written to.
#[test]
fn what_is_not_there_any_more_is_not_durable() {
    let file = Shrunk::new(8 * page());
    let mapping = file.mapping(handler(), true);
    let processors = processors();
    for &cpu in &processors {
        for left in [0, 1, 5] {
            file.restore();
            assert_eq!(mapping.write(0, &vec![7; 8 * page()]), Ok(()));
            file.cut(left * page());
            for offset in [0, 1, 100] {
                let there = (left * page()).saturating_sub(offset);
                let found = mapping.persist(cpu, offset as u64, 8 * page() - offset);
                assert_eq!(found, Err(gone(there)), "{cpu:?}: from {offset}, {left} pages left");
            }
            assert_eq!(mapping.persist(cpu, 0, left * page()), Ok(()), "{cpu:?}");
            // Less than a line, and in two of them.
            if left > 0 {
                let found = mapping.persist(cpu, (left * page() - 1) as u64, 2);
                assert_eq!(found, Err(gone(1)), "{cpu:?}: {left} pages left");
            }
            assert_eq!(
                mapping.persist(Cpu::fence_only(), 0, 8 * page()),
                Ok(()),
                "nothing is touched"
            );
        }
    }
    let expected = if cfg!(target_arch = "riscv64") { 0 } else { 1 };
    assert!(processors.len() >= expected);
}

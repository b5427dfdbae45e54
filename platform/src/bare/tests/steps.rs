//! The steps of a window in order: every line once, with fences before and after.

use core::ptr::NonNull;
use std::{format, vec, vec::Vec};

use super::mapped::{BASE, LENGTH, on, persist, region};
use crate::{
    Cpu, Errno, Extent, Instruction, PersistenceDomain, Route, Window, WindowFault,
    cpu::{
        steps::written::{Step, down, during},
        tests::{CORTEX_M, processors},
    },
};

/// The lines of these bytes, each once, in their order, and before them what the processor needs.
fn flushed(cpu: Cpu, start: usize, length: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    if length > 0 && cpu.instruction() == Instruction::CortexMClean {
        steps.push(Step::Fence(cpu.instruction()));
    }
    // Counted otherwise than where they are flushed: by every byte of the range.
    for at in start..start + length {
        let line = Step::Line(cpu.instruction(), at / cpu.line() * cpu.line());
        if steps.last() != Some(&line) {
            steps.push(line);
        }
    }
    steps
}

/// `work` with a window on a region of this kind, and the address of its first byte.
fn of(domain: PersistenceDomain, work: impl FnOnce(Window<'_>, usize)) {
    let region = region(domain);
    on(Extent::new(&region), 0, |window| {
        let at = window.bytes.at.as_ptr().addr();
        work(window, at);
    });
}

/// No byte, the first and the last one, one line, over lines and pages, all.
const RANGES: [(usize, usize); 12] = [
    (0, 0),
    (0, 1),
    (63, 1),
    (63, 2),
    (0, 64),
    (1, 64),
    (0, 65),
    (4000, 200),
    (4096, 8192),
    (LENGTH - 1, 1),
    (LENGTH, 0),
    (0, LENGTH),
];

#[test]
fn each_line_of_the_range_once_and_then_a_fence() {
    for cpu in processors() {
        of(PersistenceDomain::MemoryController, |window, at| {
            let window = window.flushed_by(cpu);
            for (offset, length) in RANGES {
                let what = format!("{cpu:?} {offset} {length}");
                let lines = flushed(cpu, at + offset, length);
                assert_eq!(
                    during(|| window.flush_by(Route::Flush(cpu), offset, length).unwrap()),
                    lines,
                    "{what}"
                );
                assert_eq!(during(|| window.drain()), [Step::Fence(cpu.instruction())], "{what}");
                let both = [lines.as_slice(), &[Step::Fence(cpu.instruction())]].concat();
                assert_eq!(
                    during(|| persist(&window, Route::Flush(cpu), offset, length).unwrap()),
                    both,
                    "{what}"
                );
            }
            // Nothing is done of what is refused.
            assert_eq!(
                during(|| assert_eq!(
                    persist(&window, Route::Flush(cpu), LENGTH, 1),
                    Err(WindowFault::Outside)
                )),
                []
            );
        });
    }
}

#[test]
fn lines_then_a_fence_then_hints_then_a_fence() {
    let mut registers = [0_u64; 3];
    let at = NonNull::new(registers.as_mut_ptr()).unwrap();
    // SAFETY: the third of three.
    let hints = [unsafe { at.add(2) }, at];
    for cpu in processors() {
        of(PersistenceDomain::MemoryController, |window, at| {
            // SAFETY: ordinary memory, aligned, in the place of registers.
            let window = unsafe { window.flushed_by(cpu).with_hints(&hints) };
            let fence = Step::Fence(cpu.instruction());
            let [first, second] = hints.map(|hint| Step::Hint(hint.as_ptr().addr()));
            assert_eq!(during(|| window.drain()), [fence, first, second, fence]);
            let persisted =
                [flushed(cpu, at + 100, 300), vec![fence, first, second, fence]].concat();
            assert_eq!(
                during(|| persist(&window, Route::Flush(cpu), 100, 300).unwrap()),
                persisted
            );
        });
    }
    assert_eq!(registers, [1, 0, 1]);
}

/// Where a fence is enough, it is all there is.
#[test]
fn a_fence_alone() {
    for cpu in [Cpu::fence_only(), CORTEX_M] {
        of(PersistenceDomain::CpuCache, |window, _| {
            let window = window.flushed_by(cpu);
            assert_eq!(during(|| window.flush_by(Route::Fence, 0, LENGTH).unwrap()), []);
            assert_eq!(
                during(|| persist(&window, Route::Fence, 0, LENGTH).unwrap()),
                [Step::Fence(cpu.instruction())]
            );
        });
    }
    // A part without a cache has nothing to flush either.
    let cpu = CORTEX_M;
    of(PersistenceDomain::MemoryController, |window, _| {
        let window = window.flushed_by(cpu);
        let persisted = during(|| persist(&window, Route::Flush(cpu), 0, LENGTH).unwrap());
        assert_eq!(persisted, [Step::Fence(Instruction::CortexM)]);
    });
}

/// The host sees what was stored, since a fence comes before its call.
#[test]
fn a_fence_before_the_hosts_call() {
    let host = |address, length| {
        down(Step::Host(address, length));
        if length == 13 { Err(Errno::EIO) } else { Ok(()) }
    };
    of(PersistenceDomain::Host, |window, _| {
        let window = window.flushed_by_host(&host);
        let fence = Step::Fence(Instruction::None);
        assert_eq!(
            during(|| window.flush_by(Route::Call, 0x10, 0x20).unwrap()),
            [fence, Step::Host(BASE + 0x10, 0x20)]
        );
        assert_eq!(
            during(|| persist(&window, Route::Call, 1, 2).unwrap()),
            [fence, Step::Host(BASE + 1, 2), fence]
        );
        assert_eq!(during(|| window.flush_by(Route::Call, 1, 0).unwrap()), []);
        let failed = during(|| {
            assert_eq!(persist(&window, Route::Call, 0, 13), Err(WindowFault::Host(Errno::EIO)))
        });
        assert_eq!(failed, [fence, Step::Host(BASE, 13)]);
    });
}

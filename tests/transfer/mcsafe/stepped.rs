//! The copy and the flush of what was written, seen by single steps: what each instruction reads;
//! each line flushed by each instruction, and a fence at the end. It needs ptrace(2), and knows the
//! instructions of x86-64 only.
#![cfg(target_arch = "x86_64")]

use std::{collections::BTreeSet, ptr};

use pmem2_platform::{GuardedCopy, Instruction};

use crate::instructions::{LINE, Load, Lost, Step, durable, flushed, loads, stepped};

use super::{
    durable::processors,
    gone, handler,
    shrunk::{Shrunk, byte, page},
};

/// A buffer whose place in its first line is known.
#[repr(align(64))]
struct Lines([u8; 2112]);

/// There are processors that bring the whole system down when a string instruction, or a load that
/// crosses a line, meets bad memory.
#[test]
fn what_is_read_is_read_by_lines() {
    let (handler, file) = (handler(), Shrunk::new(2 * page()));
    let mapping =
        || GuardedCopy::new(handler, &file.file, 0, file.length, true).expect("a mapping");
    let mut buffer = Lines([0; 2112]);
    for length in [1, 7, 16, 33, 63, 64, 65, 127, 300, 512, 1500] {
        for (from, to) in [(0, 0), (1, 0), (7, 9), (31, 3), (48, 0), (63, 62)] {
            let what = format!("{length} from {from} to {to}");
            let (read, fetched) = loads(|| {
                assert_eq!(mapping().read(from as u64, &mut buffer.0[to..to + length]), Ok(()))
            });
            by_lines(&read, &what);
            assert_eq!(fetched, [], "{what}: nothing is asked for that might be bad");
            let mut bytes: Vec<_> = read.into_iter().flat_map(|load| load.bytes).collect();
            bytes.sort_unstable();
            assert_eq!(
                bytes,
                (from..from + length).collect::<Vec<_>>(),
                "{what}: each byte once, and no other"
            );
            // What is asked for is what will be written.
            let (read, fetched) = loads(|| {
                assert_eq!(mapping().write(from as u64, &buffer.0[to..to + length]), Ok(()))
            });
            assert_eq!(read, [], "{what}");
            let inside = |load: &Load| (from..from + length).contains(&load.bytes.start);
            assert_eq!(fetched.iter().find(|load| !inside(load)), None, "{what}");
            assert_eq!(fetched.is_empty(), length < 512, "{what}");
            file.restore();
        }
    }
}

/// So is what is good of a line that failed; nothing of what failed is read once more.
#[test]
fn what_comes_before_a_fault_is_read_by_lines() {
    let (handler, file) = (handler(), Shrunk::new(2 * page()));
    let end = page();
    file.cut(end);
    let mapping =
        || GuardedCopy::new(handler, &file.file, 0, file.length, true).expect("a mapping");
    let mut buffer = Lines([0; 2112]);
    for (there, to) in [(0, 0), (1, 0), (50, 7), (64, 63), (100, 1)] {
        let from = end - there;
        let (read, _) = loads(|| {
            assert_eq!(mapping().read(from as u64, &mut buffer.0[to..to + 300]), Err(gone(there)))
        });
        by_lines(&read, &format!("{there} to {to}"));
        let bytes: BTreeSet<_> = read.into_iter().flat_map(|load| load.bytes).collect();
        assert_eq!(bytes, (from..end).collect(), "what failed has read nothing");
    }
    // The mapping is what is written to.
    for (there, from) in [(1, 0), (10, 1), (50, 7), (90, 63)] {
        let at = (end - there) as u64;
        let (read, _) = loads(|| {
            assert_eq!(mapping().write(at, &buffer.0[from..from + 300]), Err(gone(there)))
        });
        assert_eq!(read, [], "{there} from {from}");
    }
}

/// Each load is of one line, by no string instruction; of several in a row, which fail as one, all
/// are of the same line: where the next one is bad, this one has been copied.
fn by_lines(read: &[Load], what: &str) {
    let of_one_line =
        |load: &Load| load.bytes.start / LINE == (load.bytes.end - 1) / LINE && !load.string;
    assert_eq!(read.iter().find(|load| !of_one_line(load)), None, "{what}");
    let of_two = |pair: &&[Load]| {
        pair[0].step + 1 == pair[1].step && pair[0].bytes.start / LINE != pair[1].bytes.start / LINE
    };
    assert_eq!(read.windows(2).find(of_two), None, "{what}");
}

/// Such loads are noticed.
#[test]
fn what_crosses_a_line_is_noticed() {
    let file = Shrunk::new(page());
    let read = |body: fn(*const u8)| {
        let (read, _) = loads(|| body(file.memory().at.cast_const()));
        read.into_iter().map(|load| (load.bytes, load.string)).collect::<Vec<_>>()
    };
    let across = read(|at| {
        // SAFETY: they are bytes of the mapping, which nobody changes.
        std::hint::black_box(unsafe { at.add(60).cast::<u64>().read_unaligned() });
    });
    assert_eq!(across, [(60..68, false)]);
    let string = read(|at| {
        let mut byte = 0_u8;
        // SAFETY: a byte of the mapping goes into one that is there; the direction flag is clear.
        unsafe {
            core::arch::asm!("movsb", inout("rsi") at.add(5) => _, inout("rdi") &raw mut byte => _)
        };
        std::hint::black_box(byte);
    });
    assert_eq!(string, [(5..6, true)]);
}

#[test]
fn by_each_instruction() {
    let (handler, file) = (handler(), Shrunk::new(2 * page()));
    let processors = processors();
    assert!(
        processors.iter().any(|cpu| cpu.instruction() == Instruction::Clflush),
        "every x86-64 has this one"
    );
    for cpu in processors {
        assert_eq!(cpu.line(), LINE);
        for (offset, length) in
            [(0, 1), (0, 64), (0, 65), (1, 64), (63, 2), (200, 1000), (page() - 1, 2), (7, 0)]
        {
            let mapping =
                || GuardedCopy::new(handler, &file.file, 0, file.length, true).expect("a mapping");
            let lines: BTreeSet<_> = (offset..offset + length).map(|at| at / LINE).collect();
            let steps = stepped(0..file.length, || {
                assert_eq!(mapping().persist(cpu, offset as u64, length), Ok(()))
            });
            let expected: Vec<_> =
                lines.iter().copied().map(Step::Flushed).chain([Step::Fenced]).collect();
            assert_eq!(steps, expected, "{cpu:?}: {length} at {offset}");
            // Other bytes each time.
            let new: Vec<_> = (0..length).map(|at| !byte(offset + at)).collect();
            let steps = stepped(0..file.length, || {
                let mapping = mapping();
                assert_eq!(mapping.write(offset as u64, &new), Ok(()));
                assert_eq!(mapping.persist(cpu, offset as u64, length), Ok(()));
            });
            file.restore();
            assert_eq!(durable(&steps), Ok(lines.clone()), "{cpu:?}: {length} at {offset}");
            assert_eq!(flushed(&steps), lines, "{cpu:?}: {length} at {offset}");
        }
    }
}

/// The fence comes, too, where the flush meets a page that has vanished: what was flushed before is
/// durable.
#[test]
fn as_far_as_there_is_memory() {
    let (handler, file) = (handler(), Shrunk::new(2 * page()));
    let end = page();
    file.cut(end);
    for cpu in processors() {
        let steps = stepped(0..end, || {
            let mapping =
                GuardedCopy::new(handler, &file.file, 0, file.length, true).expect("a mapping");
            assert_eq!(mapping.persist(cpu, (end - 100) as u64, 300), Err(gone(100)));
        });
        let expected = [Step::Flushed(end / LINE - 2), Step::Flushed(end / LINE - 1), Step::Fenced];
        assert_eq!(steps, expected, "{cpu:?}");
    }
}

/// Without a flush, with it too early, and without a fence: these steps see what is not durable.
#[test]
fn what_is_lost_is_noticed() {
    let (handler, file) = (handler(), Shrunk::new(page()));
    let new = [0; 100].map(|_: u8| 0xA5);
    let mapping =
        || GuardedCopy::new(handler, &file.file, 0, file.length, true).expect("a mapping");
    for cpu in processors() {
        let of = |body: &dyn Fn()| {
            let steps = stepped(0..file.length, body);
            file.restore();
            durable(&steps)
        };
        let written = of(&|| assert_eq!(mapping().write(70, &new), Ok(())));
        assert_eq!(written, Err(Lost::Line(1)), "{cpu:?}");
        let early = of(&|| {
            let mapping = mapping();
            assert_eq!((mapping.persist(cpu, 70, 100), mapping.write(70, &new)), (Ok(()), Ok(())));
        });
        assert_eq!(early, Err(Lost::Line(1)), "{cpu:?}");
        let too_few = of(&|| {
            let mapping = mapping();
            assert_eq!((mapping.write(70, &new), mapping.persist(cpu, 70, 50)), (Ok(()), Ok(())));
        });
        assert_eq!(too_few, Err(Lost::Line(2)), "{cpu:?}");
        for fence in [false, true] {
            let by_hand = of(&|| {
                let memory = file.memory();
                // SAFETY: they are mapped, are nobody else's, and are as many as there are.
                unsafe {
                    ptr::copy_nonoverlapping(new.as_ptr(), memory.at, new.len());
                    cpu.flush(memory.at, new.len());
                }
                if fence {
                    cpu.fence();
                }
            });
            let expected = if fence { Ok(BTreeSet::from([0, 1])) } else { Err(Lost::Fence) };
            assert_eq!(by_hand, expected, "{cpu:?}");
        }
    }
}

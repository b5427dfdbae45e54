//! Made-up faults.

use proptest::prelude::*;

use crate::{
    Fail, Partial,
    linux::transfer::mcsafe::native::{
        arch::{self, Landing, Outcome, Registers},
        ended,
        fault::{Report, Side, good_bytes, judge},
        signal::{BUS_ADRERR, BUS_MCEERR_AO, BUS_MCEERR_AR, BUS_OBJERR, Info, SIGBUS},
    },
};

const START: usize = 0x7000_0000_0000;
const END: usize = START + 0x10_0000;
const BUFFER: usize = 0x1000_0000;
const LEFT: usize = 0x800;

/// Registers in the middle of a copy from the mapping.
fn reading() -> Registers {
    let counter = arch::first_byte() + arch::ENTRY;
    Registers {
        counter,
        target: BUFFER,
        source: START + 0x5678,
        left: LEFT,
        start: START,
        end: END,
    }
}

fn writing() -> Registers {
    Registers { target: START + 0x5678, source: BUFFER, ..reading() }
}

fn info(code: i32, address: usize) -> Info {
    Info::made(SIGBUS, code, address, 0)
}

fn side(registers: &Registers, code: i32, address: usize) -> Option<Side> {
    judge(registers, &info(code, address)).map(|report| report.side)
}

#[test]
fn the_address_tells_the_side() {
    for registers in [reading(), writing()] {
        for code in [BUS_ADRERR, BUS_OBJERR, BUS_MCEERR_AR] {
            for (address, expected) in [
                (START, Some(Side::Medium)),
                (START + 0x5678, Some(Side::Medium)),
                (END - 1, Some(Side::Medium)),
                (START - 1, None),
                (END, None),
                (BUFFER - 1, None),
                (BUFFER, Some(Side::Buffer)),
                (BUFFER + LEFT - 1, Some(Side::Buffer)),
                (BUFFER + LEFT, None),
                (arch::first_byte() + arch::ENTRY, None),
                // None is known.
                (0, Some(Side::Medium)),
            ] {
                assert_eq!(side(&registers, code, address), expected, "{code} {address:#x}");
            }
        }
    }
}

/// Without a known address, the routine must be at the mapping.
#[test]
fn without_an_address() {
    for code in [BUS_ADRERR, BUS_OBJERR, BUS_MCEERR_AR] {
        for (source, target, expected) in [
            (START, BUFFER, Some(Side::Medium)),
            (BUFFER, END - 1, Some(Side::Medium)),
            (START - 1, END, None),
            (BUFFER, BUFFER, None),
        ] {
            let registers = Registers { source, target, ..reading() };
            assert_eq!(side(&registers, code, 0), expected, "{code} {source:#x} {target:#x}");
        }
    }
}

#[test]
fn what_the_registers_mean() {
    let of = |side| ended(Outcome { left: 3, report: Report { side, low_bits: 6 }.packed() }, 10);
    assert_eq!(of(Side::Medium), Err(Partial { done: 7, fail: Fail::bad_memory(64) }));
    assert_eq!(of(Side::Buffer), Err(Partial { done: 7, fail: Fail::BUFFER }));
    assert_eq!(ended(Outcome { left: 0, report: 0 }, 10), Ok(()));
    let short = ended(Outcome { left: 3, report: 0 }, 10);
    assert_eq!(short, Err(Partial { done: 7, fail: Fail::bad_memory(1) }));
}

#[test]
fn only_what_is_raised_by_the_access_itself() {
    // SI_ASYNCNL to SI_KERNEL.
    for code in (-60..=128).chain([i32::MIN, i32::MAX]) {
        let ours = [BUS_ADRERR, BUS_OBJERR, BUS_MCEERR_AR].contains(&code);
        assert_eq!(side(&reading(), code, START).is_some(), ours, "{code}");
    }
    assert_eq!(side(&reading(), BUS_MCEERR_AO, START), None);
    for signal in [0, 4, 5, 8, 11] {
        assert_eq!(
            judge(&reading(), &Info::made(signal, BUS_ADRERR, START, 0)),
            None,
            "signal {signal}"
        );
    }
}

/// The number of bytes of a block that are copied byte by byte before it ends.
#[test]
fn what_is_good_of_a_block_that_failed() {
    let of = |registers: &Registers, address, low_bits| good_bytes(registers, address, low_bits);
    for (registers, at) in
        [(reading(), START + 0x5678), (writing(), START + 0x5678), (reading(), BUFFER)]
    {
        for (address, low_bits, expected) in [
            (at, 0, 0),
            (at + 1, 0, 1),
            (at + 63, 0, 63),
            (at + 64, 0, 0),
            (at - 1, 0, 0),
            (at + 40, 4, ((at + 40) & !15) - at),
            (at + 40, 12, 0),
            (0, 0, 0),
            (0, 12, 0),
        ] {
            assert_eq!(
                of(&registers, address, low_bits),
                expected,
                "{address:#x}, {low_bits} bits of {registers:x?}"
            );
        }
    }
    // No more than is left, and the first of two.
    assert_eq!(of(&Registers { left: 20, ..reading() }, START + 0x5678 + 40, 0), 20);
    let both = Registers { target: START + 0x5678 + 10, ..reading() };
    assert_eq!(of(&both, START + 0x5678 + 40, 0), 30);
}

#[test]
fn only_where_a_routine_is() {
    let first = arch::first_byte();
    let at = |counter| side(&Registers { counter, ..reading() }, BUS_ADRERR, START);
    let flush = arch::first_byte_of_flush();
    for counter in [
        first + arch::ENTRY,
        first + arch::ENTRY + 1,
        first + arch::EXIT - 1,
        flush,
        flush + arch::FLUSH_EXIT - 1,
    ] {
        assert_eq!(at(counter), Some(Side::Medium));
    }
    for counter in [
        0,
        first,
        first + arch::ENTRY - 1,
        first + arch::EXIT,
        first + arch::EXIT + 1,
        flush + arch::FLUSH_EXIT,
        usize::MAX,
    ] {
        assert_eq!(at(counter), None);
    }
    for (counter, landing) in [
        (first, None),
        (first + arch::ENTRY - 1, None),
        (first + arch::ENTRY, Some(Landing::Careful(first + arch::CAREFUL))),
        (first + arch::CAREFUL - 1, Some(Landing::Careful(first + arch::CAREFUL))),
        (first + arch::CAREFUL, Some(Landing::Exit(first + arch::EXIT))),
        (first + arch::EXIT - 1, Some(Landing::Exit(first + arch::EXIT))),
        (first + arch::EXIT, None),
        (flush, Some(Landing::Exit(flush + arch::FLUSH_EXIT))),
        (flush + arch::FLUSH_EXIT - 1, Some(Landing::Exit(flush + arch::FLUSH_EXIT))),
        (flush + arch::FLUSH_EXIT, None),
    ] {
        assert_eq!(Landing::after_fault(counter), landing);
    }
}

/// The location of a memory error is a page, a huge page or a cache line.
#[test]
fn an_address_is_as_exact_as_its_low_bits() {
    let judged = |address, low_bits| {
        judge(&reading(), &Info::made(SIGBUS, BUS_MCEERR_AR, address, low_bits))
    };
    let report = |side, low_bits| Some(Report { side, low_bits });
    assert_eq!(judged(START + 0x40, 6), report(Side::Medium, 6));
    assert_eq!(judged(START + 0x5000, 12), report(Side::Medium, 12));
    // The mapping begins in the middle of a huge page.
    let inner = Registers { start: START + 0x1000, ..reading() };
    assert_eq!(
        judge(&inner, &Info::made(SIGBUS, BUS_MCEERR_AR, START, 21)),
        report(Side::Medium, 21)
    );
    assert_eq!(judge(&inner, &Info::made(SIGBUS, BUS_MCEERR_AR, START, 12)), None);
    assert_eq!(judged(BUFFER & !0xFFFF, 16), report(Side::Buffer, 16));
    // Other codes have no low bits, whatever the field says. No number of low bits is too large.
    assert_eq!(judge(&reading(), &Info::made(SIGBUS, BUS_ADRERR, END, 21)), None);
    for bits in [-1, 64, i16::MIN, i16::MAX] {
        assert_eq!(judged(START, bits), report(Side::Medium, 0));
    }
}

/// AArch64 lets a program keep eight bits in a pointer.
#[test]
fn tags_of_pointers_do_not_matter() {
    let tag = 0xB5 << 56;
    let tagged = Registers { target: BUFFER | tag, ..reading() };
    for address in [BUFFER, BUFFER | tag, BUFFER + LEFT - 1] {
        assert_eq!(side(&tagged, BUS_ADRERR, address), Some(Side::Buffer));
    }
    assert_eq!(side(&tagged, BUS_ADRERR, BUFFER + LEFT), None);
    assert_eq!(side(&reading(), BUS_ADRERR, START | tag), Some(Side::Medium));
}

proptest! {
    /// Nothing overflows, and no fault is in both ranges.
    #[test]
    fn any_registers(
        counter in 0..arch::EXIT,
        target: usize,
        source: usize,
        left: usize,
        start: usize,
        end: usize,
        address: usize,
        low_bits: i16,
    ) {
        let counter = arch::first_byte() + counter;
        let registers = Registers { counter, target, source, left, start, end };
        let info = Info::made(SIGBUS, BUS_MCEERR_AR, address, low_bits);
        if let Some(report) = judge(&registers, &info) {
            prop_assert_eq!(Report::unpacked(report.packed()), Some(report));
        }
    }

    #[test]
    fn a_report_fits_a_register(buffer: bool, low_bits in 0..64_u32) {
        let side = if buffer { Side::Buffer } else { Side::Medium };
        let report = Report { side, low_bits };
        prop_assert_eq!(Report::unpacked(report.packed()), Some(report));
        prop_assert_eq!(Report::unpacked(0), None);
    }
}

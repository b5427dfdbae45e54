//! The table of machines.

use crate::machine::{Board, LABELS, MIB, Machine, machine, memory};

/// The address of a PC's first NVDIMM.
const FIRST: u64 = 4 << 30;

/// The persistent parts of main memory on the other boards, away from the kernel and the
/// devicetree.
const ARM: u64 = 0x4800_0000;
const RISCV: u64 = 0x8800_0000;

pub(crate) fn machines() -> Vec<Machine> {
    let pc = |name, cpu| machine(name, Board::Pc, cpu);
    let uefi = |name, cpu| machine(name, Board::Uefi, cpu);
    let c = |name, cpu| pc(name, cpu).in_c();
    let arm = |name, cpu| machine(name, Board::Arm, cpu);
    let riscv = |name| machine(name, Board::Riscv, "rv64");
    let one = [memory(FIRST, 32 * MIB)];
    // After the label area the second one begins inside a page of 2 MiB.
    let labelled =
        [memory(FIRST, 64 * MIB - LABELS).labels(), memory(FIRST + 64 * MIB - LABELS, 64 * MIB)];
    let unarmed = [memory(FIRST, 64 * MIB).unarmed(), memory(FIRST + 64 * MIB, 64 * MIB)];
    let two = [memory(FIRST, 64 * MIB), memory(FIRST + (3 << 30), 32 * MIB).node(1)];
    vec![
        pc("pc-nothing", "max"),
        pc("pc-one", "max").with(one).flushes(&["clwb", "sfence"]),
        pc("pc-two", "max").nodes(2).persistence("mem-ctrl").with(two).flushes(&["clwb", "sfence"]),
        pc("pc-labelled", "max").with(labelled).flushes(&["clwb", "sfence"]),
        pc("pc-unarmed", "max").with(unarmed).flushes(&["clwb", "sfence"]),
        pc("pc-mem-ctrl", "max")
            .persistence("mem-ctrl")
            .with(one)
            .flushes(&["clwb", "sfence"])
            .cut(),
        pc("pc-cpu", "max").persistence("cpu").with(one).flushes(&["sfence"]).cut(),
        pc("pc-qemu64", "qemu64").with(one).flushes(&["clflush", "sfence"]).cut(),
        pc("pc-clflushopt", "max,clwb=off").with(one).flushes(&["clflushopt", "sfence"]),
        pc("pc-qemu64-cpu", "qemu64").persistence("cpu").with(one).flushes(&["sfence"]),
        uefi("uefi-one", "qemu64").with(one),
        uefi("uefi-two", "max").nodes(2).persistence("mem-ctrl").with(two),
        c("c-nothing", "max"),
        c("c-two", "max")
            .nodes(2)
            .persistence("mem-ctrl")
            .with(two)
            .flushes(&["clflush", "sfence"]),
        c("c-labelled", "max").with(labelled).flushes(&["clflush", "sfence"]),
        c("c-unarmed", "max").with(unarmed).flushes(&["clflush", "sfence"]),
        c("c-one", "qemu64").with(one).flushes(&["clflush", "sfence"]).cut(),
        c("c-cpu", "max").persistence("cpu").with(one).flushes(&["sfence"]).cut(),
        arm("arm-nothing", "max"),
        // The point of deep persistence, of persistence, and of coherency.
        arm("arm-max", "max").with([memory(ARM, 32 * MIB)]).flushes(&["dc cvadp,", "dsb"]).cut(),
        arm("arm-neoverse-n1", "neoverse-n1")
            .with([memory(ARM, 32 * MIB)])
            .flushes(&["dc cvap,", "dsb"])
            .cut(),
        arm("arm-cortex-a53", "cortex-a53")
            .with([memory(ARM, 32 * MIB), memory(ARM + 48 * MIB, MIB).node(1)])
            .flushes(&["dc cvac,", "dsb"]),
        riscv("riscv-nothing"),
        riscv("riscv-one").with([memory(RISCV, 32 * MIB)]).flushes(&["fence"]).cut(),
        riscv("riscv-two")
            .with([memory(RISCV, 32 * MIB), memory(RISCV + 48 * MIB, MIB).node(1)])
            .flushes(&["fence"]),
        riscv("riscv-volatile")
            .with([memory(RISCV, MIB).volatile(), memory(RISCV + MIB, MIB)])
            .flushes(&["fence"]),
    ]
}

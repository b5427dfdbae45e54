//! The way from the root pointer to a table.

use std::{cell::RefCell, vec::Vec};

use super::tables::{self, Range, sum_to_zero, table};
use crate::{TableFault, TableWarning, acpi_root_warning, find_acpi_table};

/// Pieces of physical memory, by address, and what was asked of them.
#[derive(Default)]
struct Memory {
    pieces: Vec<(u64, Vec<u8>)>,
    asked: RefCell<Vec<(u64, usize)>>,
}

impl Memory {
    fn with(mut self, at: u64, bytes: Vec<u8>) -> Self {
        self.pieces.push((at, bytes));
        self
    }

    fn find(&self, rsdp: u64, signature: &[u8; 4]) -> Result<Option<&[u8]>, TableFault> {
        find_acpi_table(rsdp, *signature, |at, length| {
            self.asked.borrow_mut().push((at, length));
            let (_, bytes) = self.pieces.iter().find(|(start, _)| *start == at)?;
            // More than was asked for is no harm.
            (bytes.len() >= length).then_some(bytes.as_slice())
        })
    }
}

const RSDP: u64 = 0xf_5a00;
const RSDT: u64 = 0x7ff_0000;
const XSDT: u64 = 0x12_3456_7890;

/// A root pointer of this revision. 0 has only the first 20 bytes.
fn pointer(revision: u8, rsdt: u64, xsdt: u64) -> Vec<u8> {
    long_pointer(revision, rsdt, xsdt, 36)
}

/// One whose checksum is over as many bytes as it says it has.
fn long_pointer(revision: u8, rsdt: u64, xsdt: u64, length: u32) -> Vec<u8> {
    let mut pointer = b"RSD PTR \0QEMU  ".to_vec();
    pointer.push(revision);
    pointer.extend(u32::try_from(rsdt).unwrap().to_le_bytes());
    sum_to_zero(&mut pointer, 8);
    if revision > 0 {
        pointer.extend(length.to_le_bytes());
        pointer.extend(xsdt.to_le_bytes());
        pointer.extend([0; 4]);
        pointer.resize(usize::try_from(length).unwrap().max(36), 0x5a);
        sum_to_zero(&mut pointer, 32);
    }
    pointer
}

fn rsdt(tables: &[u64]) -> Vec<u8> {
    let entries: Vec<u8> =
        tables.iter().flat_map(|&at| u32::try_from(at).unwrap().to_le_bytes()).collect();
    table(b"RSDT", &entries)
}

fn xsdt(tables: &[u64]) -> Vec<u8> {
    table(b"XSDT", &tables.iter().flat_map(|at| at.to_le_bytes()).collect::<Vec<_>>())
}

fn nfit() -> Vec<u8> {
    tables::nfit(&[Range::persistent(1, 0, 4096).structure()])
}

/// Other tables and the NFIT, below and above 4 GiB.
fn machine(pointer: Vec<u8>) -> Memory {
    let other = table(b"FACP", &[0; 200]);
    Memory::default()
        .with(RSDP, pointer)
        .with(RSDT, rsdt(&[0x1000, 0, 0x2000]))
        .with(XSDT, xsdt(&[0, 0x1000, 0x88_0000_0000]))
        .with(0x1000, other)
        .with(0x2000, nfit())
        .with(0x88_0000_0000, nfit())
}

#[test]
fn revision_0_leads_through_the_rsdt() {
    let memory = machine(pointer(0, RSDT, 0));
    assert_eq!(memory.find(RSDP, b"NFIT"), Ok(Some(nfit().as_slice())));
    let asked = memory.asked.take();
    // Of a table that is not looked for no more than its signature.
    assert_eq!(
        asked,
        [
            (RSDP, 20),
            (RSDT, 8),
            (RSDT, 48),
            (0x1000, 4),
            (0x2000, 4),
            (0x2000, 8),
            (0x2000, 100 - 4)
        ]
    );
}

#[test]
fn revision_2_leads_through_the_xsdt() {
    for revision in [2, 3, 255] {
        let memory = machine(pointer(revision, RSDT, XSDT));
        assert_eq!(memory.find(RSDP, b"NFIT"), Ok(Some(nfit().as_slice())));
        assert_eq!(memory.asked.take().last(), Some(&(0x88_0000_0000, 96)));
    }
    // Revision 1 was never defined to have one. An XSDT at 0 is none.
    for (revision, xsdt) in [(1, XSDT), (2, 0)] {
        let memory = machine(pointer(revision, RSDT, xsdt));
        assert_eq!(memory.find(RSDP, b"NFIT").unwrap().map(<[u8]>::len), Some(96));
        assert_eq!(memory.asked.take().last(), Some(&(0x2000, 96)));
    }
}

#[test]
fn a_table_that_is_not_there() {
    let memory = machine(pointer(2, RSDT, XSDT));
    assert_eq!(memory.find(RSDP, b"HPET"), Ok(None));
    for root in [Vec::new(), [0_u64; 3].to_vec()] {
        let memory = Memory::default().with(RSDP, pointer(0, RSDT, 0)).with(RSDT, rsdt(&root));
        assert_eq!(memory.find(RSDP, b"NFIT"), Ok(None));
    }
    // Half an entry at the end is none.
    let memory =
        Memory::default().with(RSDP, pointer(0, RSDT, 0)).with(RSDT, table(b"RSDT", &[1, 2, 3]));
    assert_eq!(memory.find(RSDP, b"NFIT"), Ok(None));
}

/// Each piece of memory that is not there, or too short.
#[test]
fn unreachable_memory() {
    for (at, shorter) in
        [(RSDP, 35), (XSDT, 7), (XSDT, 59), (0x88_0000_0000, 3), (0x88_0000_0000, 95)]
    {
        for length in [None, Some(shorter)] {
            let mut memory = machine(pointer(2, RSDT, XSDT));
            match length {
                None => memory.pieces.retain(|(start, _)| *start != at),
                Some(length) => memory
                    .pieces
                    .iter_mut()
                    .find(|(start, _)| *start == at)
                    .unwrap()
                    .1
                    .truncate(length),
            }
            assert_eq!(
                memory.find(RSDP, b"NFIT"),
                Err(TableFault::Unreachable(at)),
                "{at:#x} {length:?}"
            );
        }
    }
    let memory = machine(pointer(0, 0, 0));
    assert_eq!(memory.find(RSDP, b"NFIT"), Err(TableFault::Unreachable(0)));
    // A function that gives less than it was asked for.
    let short = [0; 8];
    assert_eq!(find_acpi_table(9, *b"NFIT", |_, _| Some(&short)), Err(TableFault::Unreachable(9)));
}

#[test]
fn bad_pointers_and_root_tables() {
    let good = pointer(2, RSDT, XSDT);
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x40;
        let expected = match at {
            0..8 => TableFault::Signature,
            // 36 becomes 100, of which there are not so many; the others make it longer than it can
            // be.
            20 => TableFault::Unreachable(RSDP),
            21..24 => TableFault::Length,
            _ => TableFault::Checksum,
        };
        // A revision below 2 hides the second checksum, but is part of the first.
        assert_eq!(machine(bad).find(RSDP, b"NFIT"), Err(expected), "byte {at}");
    }
    let with_root = |root| Memory::default().with(RSDP, pointer(0, RSDT, 0)).with(RSDT, root);
    let good = rsdt(&[0]);
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x08;
        let expected = match at {
            0..4 => TableFault::Signature,
            // 40 becomes 32; the others lengthen it.
            4 => TableFault::Length,
            5..7 => TableFault::Unreachable(RSDT),
            // 128 MiB.
            7 => TableFault::TooMany,
            // The entry becomes an address that there is not.
            36..40 => TableFault::Unreachable(8 << (8 * (at - 36))),
            // Whatever the sum: Linux warns, and reads the table.
            _ => {
                assert_eq!(with_root(bad).find(RSDP, b"NFIT"), Ok(None), "byte {at}");
                continue;
            }
        };
        assert_eq!(with_root(bad).find(RSDP, b"NFIT"), Err(expected), "byte {at}");
    }
    // One where the other is meant.
    assert_eq!(with_root(xsdt(&[0])).find(RSDP, b"NFIT"), Err(TableFault::Signature));
    // A table that says it is shorter than its header.
    let mut short = nfit();
    short[4..8].copy_from_slice(&35_u32.to_le_bytes());
    assert_eq!(
        with_root(rsdt(&[0x2000])).with(0x2000, short).find(RSDP, b"NFIT"),
        Err(TableFault::Length)
    );
}

/// The table that is looked for is checked like those on the way to it; its checksum is for the
/// reader of the table.
#[test]
fn a_table_that_is_wrong() {
    let good = nfit();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x40;
        let found = bad.clone();
        let memory = Memory::default().with(RSDP, pointer(0, RSDT, 0)).with(RSDT, rsdt(&[0x2000]));
        let expected = match at {
            // Another table.
            0..4 => Ok(None),
            // 96 becomes 32; the others lengthen it, to 4 MiB and more at last.
            4 => Err(TableFault::Length),
            5 => Err(TableFault::Unreachable(0x2000)),
            6 | 7 => Err(TableFault::TooMany),
            _ => Ok(Some(found.as_slice())),
        };
        assert_eq!(memory.with(0x2000, bad).find(RSDP, b"NFIT"), expected, "byte {at}");
    }
    // Memory that is another table when it is looked at again.
    let (root, other) = (
        Memory::default().with(RSDP, pointer(0, RSDT, 0)).with(RSDT, rsdt(&[0x2000])),
        table(b"FACP", &[]),
    );
    let found = find_acpi_table(RSDP, *b"NFIT", |at, length| match (at, length) {
        (0x2000, 4) => Some(good.as_slice()),
        (0x2000, _) => Some(other.as_slice()),
        _ => root.pieces.iter().find(|(start, _)| *start == at).map(|(_, bytes)| bytes.as_slice()),
    });
    assert_eq!(found, Err(TableFault::Signature));
}

/// The second checksum runs over as many bytes as the pointer says it has.
#[test]
fn the_length_of_the_root_pointer() {
    for length in [36, 37, 40, 255, 256] {
        let good = long_pointer(2, RSDT, XSDT, length);
        assert_eq!(
            machine(good.clone()).find(RSDP, b"NFIT"),
            Ok(Some(nfit().as_slice())),
            "{length}"
        );
        let mut bad = good;
        *bad.last_mut().unwrap() ^= 1;
        assert_eq!(machine(bad).find(RSDP, b"NFIT"), Err(TableFault::Checksum), "{length}");
    }
    for length in [0, 19, 21, 24, 33, 35, 257, 0x7fff] {
        let bad = long_pointer(2, RSDT, XSDT, length);
        assert_eq!(machine(bad).find(RSDP, b"NFIT"), Err(TableFault::Length), "{length}");
    }
    // One that ends where the old one does has no XSDT.
    let memory = machine(long_pointer(2, RSDT, XSDT, 20));
    assert!(memory.find(RSDP, b"NFIT").unwrap().is_some());
    assert_eq!(memory.asked.take().last(), Some(&(0x2000, 96)));
}

/// Entries of the XSDT have all of their 64 bits, and its own address too.
#[test]
fn addresses_of_64_bits() {
    let (root, at) = (0x8765_4321_0000_0010, 0xfedc_ba98_7654_3210);
    let with = |other: u64| {
        let memory =
            Memory::default().with(RSDP, pointer(2, 0, root)).with(root, xsdt(&[other, at]));
        memory.with(other, table(b"FACP", &[])).with(at, nfit())
    };
    for bit in 0..64 {
        let memory = with(at ^ 1 << bit);
        assert_eq!(memory.find(RSDP, b"NFIT"), Ok(Some(nfit().as_slice())), "bit {bit}");
        assert_eq!(memory.asked.take().last(), Some(&(at, 96)));
    }
}

/// An entry that cannot be reached may be the one that is looked for, unless that is another.
#[test]
fn an_unreachable_entry_beside_others() {
    let (first, second) = (0x9000, 0xa000);
    let memory = |entries: &[u64]| {
        let memory = Memory::default().with(RSDP, pointer(0, RSDT, 0)).with(RSDT, rsdt(entries));
        memory.with(0x1000, table(b"FACP", &[])).with(0x2000, nfit())
    };
    for entries in [
        [first, 0x1000, 0x2000],
        [0x1000, first, 0x2000],
        [0x2000, first, 0x1000],
        [first, second, 0x2000],
    ] {
        assert_eq!(
            memory(&entries).find(RSDP, b"NFIT"),
            Ok(Some(nfit().as_slice())),
            "{entries:x?}"
        );
    }
    for entries in [[first, second, 0x1000], [0x1000, first, second], [0, 0x1000, first]] {
        assert_eq!(
            memory(&entries).find(RSDP, b"NFIT"),
            Err(TableFault::Unreachable(first)),
            "{entries:x?}"
        );
    }
    // What is wrong with the one that was found is not hidden by that.
    let mut short = nfit();
    short[4..8].copy_from_slice(&35_u32.to_le_bytes());
    let memory = memory(&[first, 0x3000]).with(0x3000, short);
    assert_eq!(memory.find(RSDP, b"NFIT"), Err(TableFault::Length));
}

/// Not even asked for: no table is so long.
#[test]
fn the_length_of_a_table_is_limited() {
    let limit = 4 << 20;
    for (length, expected) in
        [(limit, Err(TableFault::Unreachable(0x3000))), (limit + 1, Err(TableFault::TooMany))]
    {
        let mut long = nfit();
        long[4..8].copy_from_slice(&u32::to_le_bytes(length));
        let memory = Memory::default()
            .with(RSDP, pointer(0, RSDT, 0))
            .with(RSDT, rsdt(&[0x3000]))
            .with(0x3000, long);
        assert_eq!(memory.find(RSDP, b"NFIT"), expected);
        let asked = memory.asked.take().iter().map(|(_, length)| *length).max();
        assert_eq!(asked == Some(limit as usize), length == limit);
    }
}

/// A root table that names itself, and nothing else, for ever.
#[test]
fn a_circle_ends() {
    let memory = Memory::default().with(RSDP, pointer(0, RSDT, 0)).with(RSDT, rsdt(&[RSDT; 1000]));
    assert_eq!(memory.find(RSDP, b"NFIT"), Ok(None));
    assert_eq!(memory.asked.take().len(), 1003);
}

/// A root table with a checksum mismatch is read, as in Linux, and not in silence.
#[test]
fn the_checksum_of_the_root_table() {
    let warning = |memory: &Memory| {
        acpi_root_warning(RSDP, |at, length| {
            let (_, bytes) = memory.pieces.iter().find(|(start, _)| *start == at)?;
            (bytes.len() >= length).then_some(bytes.as_slice())
        })
    };
    for revision in [0, 2] {
        assert_eq!(warning(&machine(pointer(revision, RSDT, XSDT))), Ok(None));
        let mut roots = [(RSDT, rsdt(&[0x2000])), (XSDT, xsdt(&[0x2000]))];
        let used = usize::from(revision == 2);
        let expected = roots[used].1[9];
        roots.iter_mut().for_each(|(_, root)| root[9] ^= 0x40);
        let found = roots[used].1[9];
        let mut memory = Memory::default().with(RSDP, pointer(revision, RSDT, XSDT));
        for (at, root) in roots {
            memory = memory.with(at, root);
        }
        let memory = memory.with(0x2000, nfit());
        assert_eq!(warning(&memory), Ok(Some(TableWarning::Checksum { found, expected })));
        assert_eq!(memory.find(RSDP, b"NFIT"), Ok(Some(nfit().as_slice())));
    }
    assert_eq!(warning(&Memory::default()), Err(TableFault::Unreachable(RSDP)));
}

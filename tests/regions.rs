//! Sources of regions of physical memory: the core over `Bare`, which is compiled on every target.

use std::ptr::NonNull;

#[cfg(any(target_arch = "x86_64", target_arch = "x86", target_arch = "aarch64"))]
use pmem2::bare::Nfit;
use pmem2::{
    Code, Error, Granularity, Kind, Pool, Sharing, Source,
    bare::{BoardDimm, Extent, PhysicalRegion, RegionFault, RegionKind, Window, WindowFault},
    conformance::{Case, Expect, check, check_places},
    error::Subject,
    persist::{Cpu, Persist, PersistenceDomain, Undurable},
    place::Reason,
    report::Report,
    transfer::{Reader, Writer},
};

static CHIPS: [BoardDimm<'_>; 2] = [
    BoardDimm { id: "FM25V10-00c2a1", dirty_shutdowns: Some(3) },
    BoardDimm { id: "FM25V10-00c2a2", dirty_shutdowns: Some(4) },
];

const KEPT: RegionKind = RegionKind::Persistent;

/// Five that can be sources, and then those that cannot.
static BOARD: [PhysicalRegion<'_>; 11] = [
    PhysicalRegion::new(0x1_0000, 0x8000, KEPT)
        .in_domain(PersistenceDomain::CpuCache)
        .numbered(7, "spi")
        .aligned_to(32)
        .on_node(2)
        .made_of(&CHIPS),
    PhysicalRegion::new(0x2_0000, 0x8000, KEPT)
        .in_domain(PersistenceDomain::MemoryController)
        .aligned_to(4096)
        .read_only(),
    PhysicalRegion::new(0x3_0000, 0x8000, KEPT).in_domain(PersistenceDomain::Host).aligned_to(4096),
    PhysicalRegion::new(0x4_0000, 0x8000, KEPT)
        .in_domain(PersistenceDomain::Never)
        .aligned_to(4096),
    PhysicalRegion::new(0x5_0000, 0x8000, KEPT).aligned_to(4096).unarmed(),
    PhysicalRegion::new(0x6_0000, 0, KEPT),
    PhysicalRegion::new(u64::MAX, 2, KEPT),
    PhysicalRegion::new(0x7_0000, 0x1000, RegionKind::Volatile),
    PhysicalRegion::new(0x8_0000, 0x1000, RegionKind::VirtualDisk),
    PhysicalRegion::new(0x9_0000, 0x1000, KEPT),
    PhysicalRegion::new(0x9_0fff, 0x1000, KEPT),
];

fn extent(index: usize) -> Extent<'static> {
    Extent::in_table(&BOARD, index).expect("a region")
}

#[test]
fn the_contract_is_kept() {
    let source = |alignment, writable| Expect::Source {
        kind: Kind::Region,
        size: 0x8000,
        alignment,
        writable,
    };
    let refused = |code: Code| Expect::Refused(code.raw());
    let cases = [
        Case::new("fence", extent(0), source(32, true)),
        Case::new("read-only", extent(1), source(4096, false)),
        Case::new("call", extent(2), source(4096, true)),
        Case::new("never", extent(3), source(4096, true)),
        Case::new("unarmed", extent(4), source(4096, true)),
        Case::new(
            "a part",
            extent(4).part(0x1000, 0x2000),
            Expect::Source { kind: Kind::Region, size: 0x2000, alignment: 4096, writable: true },
        ),
        Case::new("empty", extent(5), refused(Code::SourceEmpty)),
        Case::new("wraps", extent(6), refused(Code::InvalidRegionFormat)),
        Case::new("volatile", extent(7), refused(Code::InvalidFileType)),
        Case::new("disk", extent(8), refused(Code::InvalidFileType)),
        Case::new("overlaps", extent(9), refused(Code::InvalidRegionFormat)),
        Case::new("overlaps too", extent(10), refused(Code::InvalidRegionFormat)),
        Case::new("outside", extent(0).part(1, 0x8000), refused(Code::InvalidRegionFormat)),
    ];
    check(&cases).expect("the contract");
    check_places(&cases).expect("the contract of places");
}

#[test]
fn identity_and_granularity() {
    let source = |index| Source::from_region(extent(index)).expect("a source");
    assert_eq!(source(0).device_id().as_deref(), Ok("FM25V10-00c2a1FM25V10-00c2a2"));
    assert_eq!(source(0).device_id_as::<28>().as_deref(), Ok("FM25V10-00c2a1FM25V10-00c2a2"));
    assert_eq!(source(0).device_id_as::<27>().map(|_| ()), Err(Error::TooLarge(Subject::DeviceId)));
    assert_eq!(
        (source(0).device_usc(), source(0).numa_node(), source(1).numa_node()),
        (Ok(7), Ok(Some(2)), Ok(None))
    );
    assert_eq!(
        (source(1).device_id().as_deref(), source(1).device_usc()),
        (Ok(""), Ok(0)),
        "no chips"
    );

    let expected = |index| {
        let source = source(index);
        assert_eq!(
            source.expected_granularity(Sharing::Private).map(|it| it.reason),
            Ok(Reason::Private)
        );
        let place = source.place().expect("a place");
        let expected = source.expected_granularity(Sharing::Shared);
        assert_eq!(source.expected_granularity_at(&place, Sharing::Shared), expected);
        expected.map(|expected| (expected.granularity, expected.reason))
    };
    assert_eq!(expected(0), Ok((Granularity::Byte, Reason::CpuCache)));
    assert_eq!(expected(1), Ok((Granularity::CacheLine, Reason::MemoryController)));
    assert_eq!(expected(2), Ok((Granularity::Page, Reason::Call)));
    assert_eq!(expected(3), Err(Error::RegionNeverDurable));
    assert_eq!(Error::RegionNeverDurable.code(), Code::GranularityNotSupported.raw());
    assert_eq!(expected(4), Err(Error::RegionUnarmed));
    assert_eq!(Error::RegionUnarmed.code(), Code::GranularityNotSupported.raw());
}

/// Nobody has said what makes a store to it durable: what a board without caches has to state.
#[test]
fn a_table_that_does_not_say_what_makes_a_store_durable() {
    let mut region = PhysicalRegion::new(0, 64, KEPT);
    let expected = |region: &PhysicalRegion<'_>| {
        let source = Source::from_region(Extent::new(region)).expect("a source");
        source.expected_granularity(Sharing::Shared).expect("an answer")
    };
    let unstated = expected(&region);
    assert_eq!(
        (unstated.granularity, unstated.reason),
        (Granularity::CacheLine, Reason::TableUnstated)
    );
    let sentence = unstated.to_string();
    assert!(
        sentence.ends_with("(PhysicalRegion::in_domain(PersistenceDomain::CpuCache))"),
        "{sentence}"
    );
    region = region.in_domain(PersistenceDomain::CpuCache);
    assert_eq!(expected(&region).granularity, Granularity::Byte);
}

/// The expectation of a region that is not armed, and the result of a store to it, are one answer,
/// whatever would make its stores durable.
#[test]
fn nothing_is_promised_of_what_is_not_armed() {
    let mut bytes = [0_u64; 8];
    let at = NonNull::from(&mut bytes).cast::<u8>();
    for (domain, expected, why) in [
        (PersistenceDomain::CpuCache, Error::RegionUnarmed, Undurable::Unarmed),
        (PersistenceDomain::MemoryController, Error::RegionUnarmed, Undurable::Unarmed),
        (PersistenceDomain::Host, Error::RegionUnarmed, Undurable::Unarmed),
        (PersistenceDomain::Never, Error::RegionNeverDurable, Undurable::Never),
        (PersistenceDomain::Volatile, Error::RegionNeverDurable, Undurable::Never),
    ] {
        let region = PhysicalRegion::new(0, 64, KEPT).in_domain(domain).unarmed();
        let extent = Extent::new(&region);
        let source = Source::from_region(extent).expect("a source");
        let answer = source.expected_granularity(Sharing::Shared);
        assert_eq!(answer, Err(expected), "{domain:?}");
        // SAFETY: these 64 bytes are the region's, and nobody else uses them meanwhile.
        let window = unsafe { extent.mapped(at) }.flushed_by(Cpu::fence_only());
        assert_eq!(window.persist(0, 8), Err(WindowFault::NotDurable(why)), "{domain:?}");
    }
}

#[test]
fn a_region_by_its_index() {
    let source = Source::from_region(extent(0)).expect("a source");
    let region = source.region(0).expect("an answer").expect("a region");
    assert_eq!((region.number, &*region.provider, region.numa_node), (7, "spi", Some(2)));
    assert_eq!(source.place().expect("a place").regions().copied().collect::<Vec<_>>(), [region]);
    assert_eq!(source.region(1), Ok(None));
    let file = tempfile::tempfile().expect("a file");
    let error = Source::new(&file).expect("a source").region(0).expect_err("a disk, or memory");
    // Windows tells of no volume's regions.
    let code = if cfg!(windows) { Code::NoSupp } else { Code::DaxRegionNotFound };
    assert_eq!(error.code(), code.raw());
}

/// Refused where the source is made, as any program sees it that makes one.
#[test]
fn an_alignment_that_is_no_power_of_two() {
    let region = PhysicalRegion::new(0x1000, 0x3000, KEPT).aligned_to(3);
    let whole = Extent::new(&region);
    for extent in [whole, whole.part(0, 3)] {
        let error = Source::from_region(extent).map(drop).expect_err("refused");
        assert_eq!(
            (error, error.code()),
            (Error::InvalidRegion(RegionFault::Alignment), Code::InvalidAlignmentValue.raw())
        );
    }
    let report = Report::new(&whole).to_string();
    assert!(
        report.starts_with(
            "refused: the region's alignment is not a power of two: its table is wrong\n"
        ),
        "{report}"
    );
    assert!(report.contains("\ncode             PMEM2_E_INVALID_ALIGNMENT_VALUE\n"), "{report}");
}

#[test]
fn a_pool_of_regions() {
    static SOURCES: Pool<pmem2::bare::Bare<'static>, 2> = Pool::new();
    let (first, part) = (extent(0), extent(1).part(4096, 4096));
    let kept = [SOURCES.source(&first), SOURCES.source(&part)].map(|it| it.expect("a source"));
    assert_eq!(kept.each_ref().map(|source| source.size()), [Ok(0x8000), Ok(4096)]);
    assert_eq!(kept[1].check_range(0, 0), Ok(0..4096));
    assert!(matches!(SOURCES.source(&first), Err(Error::OutOfMemory(_))));
    drop(kept);
    assert!(SOURCES.is_empty());
}

fn report(index: usize) -> String {
    Report::new(&extent(index)).to_string()
}

#[test]
fn a_report_says_what_a_person_asks() {
    assert_eq!(
        report(0),
        "\
persistent: yes, BYTE (eADR: caches are saved)
reason           the platform saves the processor's caches when the power fails (eADR), or there are no caches
kind             region of persistent memory
access           read and write
identity         physical address 0x10000, 0x8000 bytes
size             32768 bytes
alignment        32 bytes
place            region7 (spi)
persistence      cpu_cache
numa node        2
device id        FM25V10-00c2a1FM25V10-00c2a2
unsafe shutdowns 7
granularity      BYTE"
    );
    for (index, verdict) in [
        (1, "yes, CACHE_LINE (ADR: caches are not saved); see the warnings"),
        (2, "yes, PAGE (by a call of its driver)"),
        (4, "not as it is: it is not armed"),
    ] {
        assert!(
            report(index).starts_with(&format!("persistent: {verdict}\n")),
            "{}",
            report(index)
        );
    }
    let unstated = PhysicalRegion::new(0x1000, 0x1000, KEPT);
    assert_eq!(
        Report::new(&Extent::new(&unstated)).persistent().to_string(),
        "yes, CACHE_LINE (not stated by its table)"
    );
    assert!(report(3).starts_with(
        "persistent: no: nothing makes a store durable\n\
         reason           nothing makes a store to this region durable: its table says so\n"
    ));
    let unarmed = "\nwarning          region0 (board) is not armed: stores will be lost when the power fails\n";
    assert!(report(4).contains(unarmed), "{}", report(4));
    assert!(report(6).starts_with("refused: the region ends beyond the last physical address"));
    assert!(report(7).starts_with("refused: volatile memory does not keep its contents"));
    assert!(report(10).starts_with("refused: the region has bytes in common with another one"));
}

/// The region of a slot is mapped like that of any source, and what it is mapped by may live less
/// long than the pool.
#[test]
fn the_region_of_a_slot_is_mapped() {
    static SOURCES: Pool<pmem2::bare::Bare<'static>, 1> = Pool::new();
    let mut memory = vec![0_u8; 0x100];
    let part = extent(0).part(0x80, 0x100);
    let slot = SOURCES.source(&part).unwrap();
    assert_eq!((slot.extent().base(), slot.extent().length()), (Some(0x1_0080), 0x100));
    let at = NonNull::new(memory.as_mut_ptr()).unwrap();
    // SAFETY: the memory is as long as the part, and nobody else has it while it is mapped.
    let window = unsafe { slot.extent().mapped(at) };
    let writer = Writer::with_guard(Source::from_region(slot.extent()).unwrap(), &window).unwrap();
    writer.write_at(1, b"kept").unwrap();
    assert_eq!(writer.sync(), Ok(()));
    let mut bytes = [0; 5];
    let reader = Reader::with_guard(writer.into_source(), &window).unwrap();
    reader.read_at(0, &mut bytes).unwrap();
    assert_eq!((&bytes, reader.into_source().extent().length()), (b"\0kept", 0x100));
    assert_eq!(memory[..5], bytes);
}

/// Calls `work` with a window on memory that stands for the region's.
fn on<T>(region: &PhysicalRegion<'_>, work: impl FnOnce(Window<'_>) -> T) -> T {
    let mut bytes = [0_u64; 8];
    // SAFETY: no region here has more than these 64 bytes, and nobody else uses them meanwhile.
    work(unsafe { Extent::new(region).mapped(NonNull::from(&mut bytes).cast()) })
}

fn in_domain(domain: PersistenceDomain) -> PhysicalRegion<'static> {
    PhysicalRegion::new(0x1000, 64, KEPT).in_domain(domain)
}

/// The window with everything that a store may need.
#[cfg(any(target_arch = "x86_64", target_arch = "x86", target_arch = "aarch64"))]
fn given(window: Window<'_>) -> Window<'_> {
    window.flushed_by(Cpu::detect().expect("a processor that can")).flushed_by_host(&|_, _| Ok(()))
}

/// Without the means that make a store durable, nothing is said to be durable.
#[cfg(any(target_arch = "x86_64", target_arch = "x86", target_arch = "aarch64"))]
#[test]
fn each_domain_needs_its_own_means() {
    let undurable = |why| Err(WindowFault::NotDurable(why));
    for (domain, without, with) in [
        (PersistenceDomain::MemoryController, undurable(Undurable::NoInstruction), Ok(())),
        (PersistenceDomain::Unstated, undurable(Undurable::NoInstruction), Ok(())),
        (PersistenceDomain::CpuCache, Ok(()), Ok(())),
        (PersistenceDomain::Host, undurable(Undurable::NoCall), Ok(())),
        (PersistenceDomain::Never, undurable(Undurable::Never), undurable(Undurable::Never)),
        (PersistenceDomain::Volatile, undurable(Undurable::Never), undurable(Undurable::Never)),
    ] {
        let region = in_domain(domain);
        let persisted = [
            on(&region, |window| window.persist(0, 1)),
            on(&region, |window| given(window).persist(0, 1)),
        ];
        assert_eq!(persisted, [without, with], "{domain:?}");
        // The expectation of a mapping is the same answer: none of what never becomes durable.
        let source = Source::from_region(Extent::new(&region)).expect("a source");
        let expected = source.expected_granularity(Sharing::Shared).map(drop);
        assert_eq!(expected, with.map_err(|_| Error::RegionNeverDurable), "{domain:?}");
        // Nothing has to be given for no bytes, where anything is kept at all.
        let none = on(&region, |window| [window.flush(0, 0), window.persist(64, 0)]);
        assert_eq!(none, [with; 2], "{domain:?}");
        assert_eq!(on(&region, |window| window.flush(64, 1)), Err(WindowFault::Outside));
        // A writer is refused for the same, before it writes.
        let writer = on(&region, |window| {
            let source = Source::from_region(*window.extent()).expect("a source");
            Writer::with_guard(source, &window).map(drop)
        });
        let refused = without.map_err(|fault| match fault {
            WindowFault::NotDurable(why) => Error::NotDurable(why),
            other => panic!("{other}"),
        });
        assert_eq!(writer, refused, "{domain:?}");
    }
    // Other memory keeps nothing, whatever is said of it: its window has no bytes.
    for kind in [RegionKind::Volatile, RegionKind::VirtualDisk, RegionKind::Other] {
        let other = PhysicalRegion::new(0, 64, kind).in_domain(PersistenceDomain::CpuCache);
        on(&other, |mut window| {
            assert_eq!((window.length(), window.flush(0, 0)), (0, undurable(Undurable::Never)));
            let outside = Err(WindowFault::Outside);
            assert_eq!((window.read(0, &mut [0]), window.write(0, &[0])), (outside, outside));
        });
    }
}

/// A table of a region of 64 bytes, whose DIMM has one flush hint.
#[cfg(any(target_arch = "x86_64", target_arch = "x86", target_arch = "aarch64"))]
fn with_a_hint() -> Vec<u8> {
    /// A structure of 32-bit words: its type and length, and what else is not 0.
    fn structure(kind: u32, length: u32, words: &[(usize, u32)]) -> Vec<u8> {
        let mut all = vec![0; length as usize / 4];
        all[0] = kind | length << 16;
        words.iter().for_each(|&(at, word)| all[at / 4] = word);
        all.iter().flat_map(|word: &u32| word.to_le_bytes()).collect()
    }
    // The type of a range of persistent memory.
    let guid = [(16, 0x66f0_d379), (20, 0x4074_b4f3), (24, 0x330d_43ac), (28, 0xdb8c_b718)];
    let range = [[(4, 1), (32, 0x1000), (40, 64), (48, 0x8008)], guid].concat();
    let structures = [
        structure(0, 56, &range),
        structure(1, 48, &[(4, 7), (12, 1)]),
        structure(6, 24, &[(4, 7), (8, 1), (16, 0x2000)]),
    ]
    .concat();
    let length = u32::try_from(40 + structures.len()).expect("a length").to_le_bytes();
    let mut table = [b"NFIT".as_slice(), &length, &[0; 32], &structures].concat();
    table[9] = table.iter().fold(0, |sum: u8, &byte| sum.wrapping_sub(byte));
    table
}

/// A region that needs flush hints: without them nothing is written by a writer or called durable,
/// and with them every store writes to them.
#[cfg(any(target_arch = "x86_64", target_arch = "x86", target_arch = "aarch64"))]
#[test]
fn flush_hints() {
    let table = with_a_hint();
    let region = Nfit::parse(&table).expect("a table").regions().next().expect("a region");
    assert_eq!(region.flush_hints().collect::<Vec<_>>(), [0x2000]);
    let mut register = 0_u64;
    let hints = [NonNull::from(&mut register)];
    // Whether it was written to since the last time.
    // SAFETY: it lives longer than this, and only this thread has it.
    let written = || unsafe { hints[0].as_ptr().replace(0) } != 0;
    let refused = Undurable::NoHints;
    on(&region, |window| {
        let mut window = given(window);
        assert_eq!(window.write(0, &[5]), Ok(()));
        assert_eq!(window.persist(0, 1), Err(WindowFault::NotDurable(refused)));
        assert_eq!(window.persist(0, 0), Ok(()), "no bytes need none");
        let source = Source::from_region(*window.extent()).expect("a source");
        let writer = Writer::with_guard(source, &window).map(drop);
        assert_eq!((writer, written()), (Err(Error::NotDurable(refused)), false));
    });
    on(&region, |window| {
        // SAFETY: it stands for the register, and is aligned.
        let mut window = unsafe { given(window).with_hints(&hints) };
        assert_eq!((window.write(0, &[5]), window.flush(0, 1), written()), (Ok(()), Ok(()), false));
        assert_eq!((window.persist(0, 1), written()), (Ok(()), true));
        let source = Source::from_region(*window.extent()).expect("a source");
        let writer = Writer::with_guard(source, &window).expect("a writer");
        assert_eq!((writer.write_at(3, b"kept").is_ok(), written()), (true, true));
        let mut bytes = [0; 7];
        assert_eq!((window.read(0, &mut bytes), &bytes), (Ok(()), b"\x05\0\0kept"));
    });
}

/// Lost all the same, whatever was given: it may be written to, and nothing of it is called
/// durable.
#[cfg(any(target_arch = "x86_64", target_arch = "x86", target_arch = "aarch64"))]
#[test]
fn a_region_that_is_not_armed() {
    let unarmed = Err(WindowFault::NotDurable(Undurable::Unarmed));
    for domain in
        [PersistenceDomain::MemoryController, PersistenceDomain::CpuCache, PersistenceDomain::Host]
    {
        let region = in_domain(domain).unarmed();
        on(&region, |window| {
            let mut window = given(window);
            assert_eq!(window.write(0, &[5]), Ok(()));
            for (offset, length) in [(0, 1), (0, 0), (64, 0)] {
                assert_eq!(window.flush(offset, length), unarmed, "{domain:?}");
                assert_eq!(window.persist(offset, length), unarmed, "{domain:?}");
            }
            assert_eq!(window.flush(64, 1), Err(WindowFault::Outside));
            let mut byte = [0];
            assert_eq!((window.read(0, &mut byte), byte), (Ok(()), [5]));
        });
        on(&region.read_only(), |mut window| {
            assert_eq!(window.write(0, &[5]), Err(WindowFault::ReadOnly));
        });
    }
    on(&in_domain(PersistenceDomain::Never).unarmed(), |window| {
        assert_eq!(window.flush(0, 1), Err(WindowFault::NotDurable(Undurable::Never)));
    });
}

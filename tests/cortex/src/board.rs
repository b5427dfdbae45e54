//! An invented board's declaration of its memory: a constant table in flash. No program accesses
//! the memory.

use pmem2::{
    Native, Pool,
    bare::{BoardDimm, Extent, PhysicalRegion, RegionKind},
    persist::PersistenceDomain,
};

/// The most sources that a program has open at once.
pub const SLOTS: usize = 4;

/// The bytes for a device id. The stack has them about twice.
pub const ID: usize = 48;

/// A pool in memory that is zero at the start.
pub static SOURCES: Pool<Native, SLOTS> = Pool::new();

const KIB: u64 = 1024;

static FRAM_CHIPS: [BoardDimm<'_>; 2] = [
    BoardDimm { id: "FM25V10-00c2a1", dirty_shutdowns: Some(3) },
    BoardDimm { id: "FM25V10-00c2a2", dirty_shutdowns: Some(4) },
];
static MRAM_CHIPS: [BoardDimm<'_>; 1] = [BoardDimm { id: "MR5A16A-7731", dirty_shutdowns: None }];
static NAMELESS_CHIPS: [BoardDimm<'_>; 1] = [BoardDimm { id: "", dirty_shutdowns: Some(1) }];
static WORDY_CHIPS: [BoardDimm<'_>; 1] = [BoardDimm {
    id: "an id that nobody has room for, since it is too long",
    dirty_shutdowns: Some(1),
}];
static MANY_CHIPS: [BoardDimm<'_>; 3] = [
    BoardDimm { id: "a-serial-number-of-31-bytes-001", dirty_shutdowns: Some(u64::MAX) },
    BoardDimm { id: "a-serial-number-of-31-bytes-002", dirty_shutdowns: Some(1) },
    BoardDimm { id: "a-serial-number-of-31-bytes-003", dirty_shutdowns: Some(1) },
];

const fn persistent(base: u64, length: u64) -> PhysicalRegion<'static> {
    PhysicalRegion::new(base, length, RegionKind::Persistent)
}

/// The names that the programs print, and the regions.
pub const NAMES: [&str; 18] = [
    "fram",
    "mram",
    "psram",
    "flat",
    "host",
    "lost",
    "nameless",
    "wordy",
    "many",
    "crooked",
    "last",
    "empty",
    "left",
    "right",
    "dram",
    "disk",
    "registers",
    "plain",
];

pub static TABLE: [PhysicalRegion<'_>; NAMES.len()] = [
    // fram: ferroelectric memory of two chips, on the one node of the board.
    persistent(0x6000_0000, 256 * KIB)
        .numbered(3, "spi-bridge")
        .in_domain(PersistenceDomain::CpuCache)
        .on_node(0)
        .made_of(&FRAM_CHIPS),
    // mram: with write protection, in lines of 32 bytes, without a count of unsafe shutdowns.
    persistent(0x6100_0000, 1024 * KIB)
        .numbered(4, "memory-bus")
        .in_domain(PersistenceDomain::MemoryController)
        .aligned_to(32)
        .read_only()
        .made_of(&MRAM_CHIPS),
    // psram: with a battery and a cache; nothing else is known.
    persistent(0x6200_0000, 8192 * KIB).in_domain(PersistenceDomain::MemoryController).on_node(1),
    // flat: the same with a flat battery.
    persistent(0x6300_0000, 8192 * KIB).in_domain(PersistenceDomain::MemoryController).unarmed(),
    // host: another processor makes stores durable, on request.
    persistent(0x6400_0000, 64 * KIB).in_domain(PersistenceDomain::Host),
    // lost: nothing makes it durable.
    persistent(0x6500_0000, 64 * KIB).in_domain(PersistenceDomain::Never),
    persistent(0x6600_0000, 64 * KIB)
        .in_domain(PersistenceDomain::CpuCache)
        .made_of(&NAMELESS_CHIPS),
    persistent(0x6700_0000, 64 * KIB).in_domain(PersistenceDomain::CpuCache).made_of(&WORDY_CHIPS),
    persistent(0x6800_0000, 64 * KIB).in_domain(PersistenceDomain::CpuCache).made_of(&MANY_CHIPS),
    // crooked: an invalid alignment.
    persistent(0x6900_0000, 48 * KIB).aligned_to(48),
    // last: up to the last byte of 64 bits.
    persistent(u64::MAX - 4095, 4096),
    persistent(0x6a00_0000, 0),
    // left and right have one byte in common.
    persistent(0x6b00_0000, 4097),
    persistent(0x6b00_1000, 4096),
    PhysicalRegion::new(0x6c00_0000, 64 * KIB, RegionKind::Volatile),
    PhysicalRegion::new(0x6d00_0000, 64 * KIB, RegionKind::VirtualDisk),
    PhysicalRegion::new(0x4000_0000, 64 * KIB, RegionKind::Other),
    // plain: only an address and a length.
    persistent(0x6e00_0000, 1),
];

/// Not in the table, where it would overlap `last`.
pub static WRAPPING: PhysicalRegion<'_> = persistent(u64::MAX - 4095, 4097);

/// Returns the regions as handles.
pub fn extents() -> impl Iterator<Item = (&'static str, Extent<'static>)> {
    let extent = |(index, name)| Extent::in_table(&TABLE, index).map(|extent| (name, extent));
    NAMES.into_iter().enumerate().filter_map(extent).chain([("wrapping", Extent::new(&WRAPPING))])
}

/// Returns the region `fram`.
pub fn fram() -> Extent<'static> {
    let [fram, ..] = &TABLE;
    Extent::new(fram)
}

//! Prints the stack that each call uses: the name and the bytes, a line each. The stack is painted
//! before the call; after it, the bytes without paint were used. The result and the few words of
//! the calls around count, too.
#![no_std]
#![no_main]

use core::{hint::black_box, mem::MaybeUninit, ptr::NonNull};

use pmem2::{
    Handle, Sharing, Source,
    bare::{Extent, PhysicalRegion, RegionKind, Window},
    persist::{Cpu, Instruction, Persist, PersistenceDomain},
    platform::Fail,
    transfer::{Reader, Writer},
};
use pmem2_cortex::{
    End,
    board::{ID, SOURCES, TABLE, extents, fram},
    host, run, say, stack,
};

run!(main);

const PAINT: u32 = 0xA5A5_A5A5;
/// The gap in bytes between the painter's own frame and the paint.
const GAP: usize = 64;

/// Returns the bytes of stack that `call` reaches below this frame.
#[inline(never)]
fn high_water(call: &mut dyn FnMut()) -> usize {
    let here = 0_u32;
    let here = (&raw const here).expose_provenance() & !3;
    let (bottom, _) = stack();
    let words = (here - GAP - bottom) / 4;
    let word = |index: usize| core::ptr::with_exposed_provenance_mut::<u32>(bottom + 4 * index);
    for index in 0..words {
        // SAFETY: RAM between what the linker placed and the stack's present end, which nothing
        // uses; aligned.
        unsafe { word(index).write_volatile(PAINT) };
    }
    call();
    // SAFETY: as above.
    let clean =
        (0..words).take_while(|&index| unsafe { word(index).read_volatile() } == PAINT).count();
    here - (bottom + 4 * clean)
}

fn row(name: &str, mut call: impl FnMut()) {
    say!("{name} | {}", high_water(&mut call));
}

/// Makes the value in memory, and drops it.
#[inline(always)]
fn keep<T>(value: T) {
    // By reference: the value would be a copy.
    black_box(&value);
}

/// Uses `BYTES` of stack, and writes to them.
#[inline(never)]
fn array<const BYTES: usize>() {
    let mut memory = MaybeUninit::<[u8; BYTES]>::uninit();
    let bytes = black_box(memory.as_mut_ptr()).cast::<u8>();
    for index in 0..BYTES {
        // SAFETY: the array has that many bytes.
        unsafe { bytes.add(index).write_volatile(0) };
    }
}

/// A sink for text that needs no room.
struct Nowhere;

impl core::fmt::Write for Nowhere {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        black_box(text);
        Ok(())
    }
}

fn main() -> End {
    row("self: nothing", || ());
    row("self: an array of 1024 bytes", array::<1024>);
    row("self: an array of 2048 bytes", array::<2048>);
    regions();
    for (name, source) in
        extents().filter_map(|(name, extent)| Some((name, Source::from_region(extent).ok()?)))
    {
        // Every region that is a source: the one that takes most counts.
        answers(name, &source);
    }
    windows();
    large();
    End::Done
}

/// Measures how sources are made and dropped.
fn regions() {
    row("Extent::new", || keep(Extent::new(black_box(&TABLE[0]))));
    row("Extent::in_table", || keep(Extent::in_table(black_box(&TABLE), 12)));
    row("Extent::part", || keep(black_box(fram()).part(4096, 8192)));
    for (name, extent) in extents() {
        let row = |call: &str, measured: &mut dyn FnMut()| {
            say!("{call}, {name} | {}", high_water(measured))
        };
        row("Source::from_region", &mut || keep(Source::from_region(black_box(extent))));
        row("Source::new", &mut || keep(Source::new(black_box(extent))));
        row("Source::try_from_handle", &mut || keep(Source::try_from_handle(black_box(extent))));
        row("Source::new_in", &mut || {
            let mut place = MaybeUninit::uninit();
            black_box(Source::new_in(&mut place, black_box(extent)).is_ok());
        });
        row("Pool::source, and the slot's drop", &mut || keep(SOURCES.source(black_box(&extent))));
        if let Err(error) = Source::from_region(extent) {
            row("Error::code", &mut || keep(black_box(error).code()));
            row("Error::symbol", &mut || keep(black_box(error).symbol()));
            row("Display of Error", &mut || {
                keep(core::fmt::write(&mut Nowhere, format_args!("{}", black_box(&error))))
            });
        }
    }
    let fram = fram();
    let taken = [(); pmem2_cortex::board::SLOTS].map(|()| SOURCES.source(&fram).ok());
    row("Pool::source, full", || keep(SOURCES.source(black_box(&fram))));
    drop(taken);
    row("Pool::len", || keep(SOURCES.len()));
}

/// Measures a source's answers.
fn answers(name: &str, source: &Source<Extent<'static>>) {
    let row =
        |call: &str, measured: &mut dyn FnMut()| say!("{call}, {name} | {}", high_water(measured));
    row("Source::kind, access, id", &mut || keep((source.kind(), source.access(), source.id())));
    row("Source::size", &mut || keep(black_box(source).size()));
    row("Source::alignment", &mut || keep(black_box(source).alignment()));
    row("Source::check_range", &mut || keep(black_box(source).check_range(0, 0)));
    row("Source::region", &mut || keep(black_box(source).region(0)));
    row("Source::numa_node", &mut || keep(black_box(source).numa_node()));
    row("Source::device_id_as::<48>", &mut || keep(black_box(source).device_id_as::<ID>()));
    row("Source::device_usc", &mut || keep(black_box(source).device_usc()));
    row("Source::dimms, Dimm::id, Dimm::dirty_shutdowns", &mut || {
        let Ok(dimms) = black_box(source).dimms() else { return };
        dimms.flatten().for_each(|dimm| {
            keep(dimm.id());
            keep(dimm.dirty_shutdowns());
        });
    });
    for sharing in [Sharing::Shared, Sharing::Private] {
        row("Source::expected_granularity", &mut || {
            keep(black_box(source).expected_granularity(sharing))
        });
    }
    row("Handle::raw", &mut || keep(black_box(source).handle().raw()));
}

/// Memory to write to.
static mut BYTES: [u8; 256] = [0; 256];

/// Measures a window.
fn windows() {
    let at = NonNull::new((&raw mut BYTES).cast::<u8>());
    let region = PhysicalRegion::new(0x6000_0000, 256, RegionKind::Persistent)
        .in_domain(PersistenceDomain::MemoryController);
    // SAFETY: this is a Cortex-M without a data cache, in privileged mode.
    let cpu: Result<Cpu, Fail> = unsafe { Cpu::with_instruction(Instruction::CortexM, 1) };
    let (Some(at), Ok(cpu)) = (at, cpu) else {
        say!("there is no window");
        host::exit(End::Wrong)
    };
    // SAFETY: 256 bytes that only this window accesses stand for the region's.
    let make =
        || -> Window<'_> { unsafe { Extent::new(black_box(&region)).mapped(at) }.flushed_by(cpu) };
    row("Extent::mapped, Window::flushed_by", || keep(make()));
    let mut window = make();
    row("Window::write", || keep(black_box(&mut window).write(7, black_box(&[1; 32]))));
    row("Window::read", || keep(black_box(&window).read(7, black_box(&mut [0; 32]))));
    row("Window::flush", || keep(black_box(&window).flush(7, 32)));
    row("Window::persist", || keep(black_box(&window).persist(7, 32)));
    transfers(&region, &window);
}

/// Measures reading and writing through a window.
fn transfers<'t>(region: &'t PhysicalRegion<'t>, window: &'t Window<'t>) {
    let Ok(source) = Source::from_region(Extent::new(region)) else { host::exit(End::Wrong) };
    row("Reader::with_guard", || keep(Reader::with_guard(black_box(source), window)));
    row("Writer::with_guard", || keep(Writer::with_guard(black_box(source), window)));
    row("Source::read_at, refused", || {
        keep(black_box(&source).read_at(7, black_box(&mut [0; 32])))
    });
    row("Source::sync", || keep(black_box(&source).sync()));
    row("Source::bad_blocks, refused", || keep(black_box(&source).bad_blocks().map(drop)));
    let Ok(writer) = Writer::with_guard(source, window) else { host::exit(End::Wrong) };
    row("Writer::write_at", || keep(black_box(&writer).write_at(7, black_box(&[2; 32]))));
    let mut bytes = [0; 32];
    row("Writer::read_at", || keep(black_box(&writer).read_at(7, black_box(&mut bytes))));
    if bytes != [2; 32] {
        say!("it was not written: {bytes:?}");
        host::exit(End::Wrong)
    }
}

/// Measures calls whose results are too large for a small machine, and the calls to use instead.
fn large() {
    let Ok(source) = Source::from_region(fram()) else { host::exit(End::Wrong) };
    row("large: Source::place (Source::region)", || keep(black_box(&source).place()));
    row("large: Source::device_id (Source::device_id_as)", || keep(black_box(&source).device_id()));
    row("large: Source::report", || keep(black_box(&source).report()));
}

//! Counts its boots in memory that keeps its contents: writes, makes durable, resets the processor,
//! and reads back. Cargo.toml says how to run it.
#![no_std]
#![no_main]

use core::{fmt, panic::PanicInfo, ptr::NonNull};

use cortex_m::peripheral::SCB;
use cortex_m_rt::entry;
use cortex_m_semihosting::{debug, hprintln};
use pmem2::{
    Error, Native, Pool,
    bare::{Extent, PhysicalRegion, RegionKind, Window, WindowFault},
    persist::{Cpu, Instruction, Persist, PersistenceDomain},
    platform::Fail,
};

/// The board's memory that keeps its contents, as the board's manual describes it: where it is, how
/// long, and what makes a store durable. This one is behind a cache, if the processor has one.
static KEPT: PhysicalRegion<'_> =
    PhysicalRegion::new(0x2100_0000, 16 * 1024 * 1024, RegionKind::Persistent)
        .in_domain(PersistenceDomain::MemoryController);

/// Room for sources that outlive a function. There is no heap.
static SOURCES: Pool<Native, 4> = Pool::new();

#[entry]
fn main() -> ! {
    match boot() {
        // Every second boot ends the program, so that each run shows one reset.
        Ok(boot) if boot % 2 == 1 => SCB::sys_reset(),
        Ok(_) => end(debug::EXIT_SUCCESS),
        Err(fault) => {
            hprintln!("{}", fault);
            end(debug::EXIT_FAILURE)
        }
    }
}

/// Reads the number of the last boot, and makes the next one durable.
fn boot() -> Result<u64, Fault> {
    // A source: the first page of the region, checked. It says whether it could be used at all.
    let extent = Extent::new(&KEPT).part(0, 4096);
    let source = SOURCES.source(&extent).map_err(Fault::Source)?;
    hprintln!("{} bytes, {}", source.size().map_err(Fault::Source)?, source.id());

    // A window: the same bytes where this processor reaches them, and how it makes them durable.
    let at = NonNull::new(core::ptr::with_exposed_provenance_mut(0x2100_0000));
    let at = at.ok_or(Fault::Address)?;
    // SAFETY: this is a Cortex-M4, which has no data cache, in privileged mode.
    let cpu = unsafe { Cpu::with_instruction(Instruction::CortexM, 1) }.map_err(Fault::Cpu)?;
    // SAFETY: physical addresses are those of the processor, the memory is there, memory.x links
    // nothing to it, and nobody else goes there.
    let mut window = unsafe { extent.mapped(at) }.flushed_by(cpu);

    // Two records: the power may fail while one is written, and the other is whole then.
    let last = match (Record::read(&window, 0)?, Record::read(&window, 1)?) {
        (Some(a), Some(b)) => Some(a.max(b)),
        (a, b) => a.or(b),
    };
    let next = last.map_or(1, |last| last.saturating_add(1));
    Record::write(&mut window, (next % 2) as usize, next)?;
    match last {
        Some(last) => hprintln!("boot {}: found what boot {} wrote", next, last),
        None => hprintln!("boot {}: found nothing", next),
    }
    Ok(next)
}

/// A number and its complement, which tell a whole record from a torn or missing one.
struct Record;

impl Record {
    const LENGTH: usize = 16;

    fn read(window: &Window<'_>, index: usize) -> Result<Option<u64>, Fault> {
        let mut bytes = [0; Self::LENGTH];
        window.read(index * Self::LENGTH, &mut bytes).map_err(Fault::Window)?;
        let (words, _) = bytes.as_chunks::<8>();
        Ok(match *words {
            [number, check] if number == check.map(|byte| !byte) => {
                Some(u64::from_le_bytes(number))
            }
            _ => None,
        })
    }

    fn write(window: &mut Window<'_>, index: usize, number: u64) -> Result<(), Fault> {
        let mut bytes = [0; Self::LENGTH];
        let (words, _) = bytes.as_chunks_mut::<8>();
        for (word, value) in words.iter_mut().zip([number, !number]) {
            *word = value.to_le_bytes();
        }
        window.write(index * Self::LENGTH, &bytes).map_err(Fault::Window)?;
        // Refused where the store would not become durable.
        window.persist(index * Self::LENGTH, Self::LENGTH).map_err(Fault::Window)
    }
}

/// A failure, each with a sentence of its own.
enum Fault {
    Source(Error),
    Cpu(Fail),
    Window(WindowFault),
    Address,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(error) => error.fmt(f),
            Self::Cpu(fail) => fail.fmt(f),
            Self::Window(fault) => fault.fmt(f),
            Self::Address => f.write_str("the address is 0"),
        }
    }
}

/// Ends QEMU. (On a board without a debugger: wait for ever.)
fn end(status: debug::ExitStatus) -> ! {
    loop {
        debug::exit(status);
    }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    hprintln!("{}", info);
    end(debug::EXIT_FAILURE)
}

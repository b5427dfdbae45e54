//! A region of physical memory, as on a machine without an operating system: declared, checked,
//! written, made durable, read back.
//!
//! ```sh
//! cargo run --example region
//! ```
//!
//! On a board the region is where the board's manual says. Here 64 KiB of this program stand for
//! it, so that it runs anywhere. tests/cortex/example is a whole project for a Cortex-M.

use std::{error::Error, ptr::NonNull};

use pmem2::{
    Granularity, Sharing, Source,
    bare::{Extent, PhysicalRegion, RegionKind, Window},
    persist::{Cpu, Persist, PersistenceDomain},
};

const LENGTH: usize = 64 * 1024;

/// The region that the board's code declares: 64 KiB that a flush of the processor's cache makes
/// durable. A kernel finds such regions in ACPI's NFIT (`Nfit`) or in a devicetree (`Devicetree`).
static NVRAM: PhysicalRegion<'_> =
    PhysicalRegion::new(0x6000_0000, LENGTH as u64, RegionKind::Persistent)
        .in_domain(PersistenceDomain::MemoryController);

fn main() -> Result<(), Box<dyn Error>> {
    // A source is an answer: could this range be used, how large is it, what makes it durable?
    let extent = Extent::new(&NVRAM).part(0, 4096);
    let source = Source::from_region(extent)?;
    println!("{}: {} bytes", source.id(), source.size()?);
    let expected = source.expected_granularity(Sharing::Shared)?;
    println!("{expected}");
    if expected.granularity != Granularity::CacheLine {
        return Err("a region that cache lines have to be flushed of is CACHE_LINE".into());
    }

    // A window is the same bytes where the program has them mapped. On a board without virtual
    // memory that is the physical address itself.
    let mut memory = vec![0_u8; LENGTH];
    let at = NonNull::from(memory.as_mut_slice()).cast();
    // SAFETY: there are more than the extent's 4096 bytes at `at`, they live as long as this
    // function, and nobody else uses them.
    let mut window = unsafe { extent.mapped(at) };
    // How this processor flushes: clwb, clflushopt, DC CVAP, ... Without it `persist` is refused,
    // so that nothing is called durable that is not.
    match Cpu::detect() {
        Ok(cpu) => window = window.flushed_by(cpu),
        Err(fail) => println!("no instruction is known that flushes a cache line: {fail}"),
    }
    match keep(&mut window, b"kept over a power cut") {
        Ok(()) => println!("durable"),
        Err(error) => println!("not durable: {error}"),
    }

    let mut back = [0; 21];
    window.read(0, &mut back)?;
    println!("read back: {}", String::from_utf8_lossy(&back));
    Ok(())
}

/// Writes these bytes to the beginning, and makes them durable.
fn keep(window: &mut Window<'_>, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    window.write(0, bytes)?;
    window.persist(0, bytes.len())?;
    Ok(())
}

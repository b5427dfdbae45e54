//! A kernel without an operating system, a C library or an allocator. It finds its persistent
//! memory, makes a source of each range, prints the facts, and keeps a log in each: a record for
//! each boot, and those that the command line (`append=N`) asks for.
//!
//! It prints one fact a line over a serial port: the base address of the range, the name and the
//! value. tests/bare/run starts it and compares the lines.
#![no_std]
#![no_main]

mod arch;
mod log;
/// Targets without a system have these functions in compiler_builtins.
#[cfg(target_os = "linux")]
#[path = "../../../freestanding/src/mem.rs"]
mod mem;
mod ranges;

use core::{
    convert::Infallible,
    fmt::{self, Write},
    panic::PanicInfo,
};

use log::Log;
use pmem2::{
    Error, Handle, Pool, Sharing, Source,
    bare::{Bare, Extent, PhysicalRegion},
};

/// QEMU's exit status when the kernel has come to its end, and when it has not.
const DONE: u8 = 33;
const PANICKED: u8 = 35;

/// The arguments of the boot.
pub(crate) struct Boot {
    command_line: &'static str,
    tables: Tables,
}

/// The description of the machine.
#[allow(dead_code, reason = "a machine has one or the other")]
pub(crate) enum Tables {
    /// The physical address of ACPI's root pointer.
    Acpi(u64),
    /// The physical address of the devicetree.
    Devicetree(u64),
}

/// The serial port.
struct Serial;

impl Write for Serial {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().for_each(arch::put);
        Ok(())
    }
}

/// Prints a line. (The serial port never fails.)
macro_rules! say {
    ($($what:tt)*) => {
        match ::core::fmt::Write::write_fmt(&mut $crate::Serial, format_args!($($what)*)) {
            Ok(()) | Err(_) => $crate::arch::put(b'\n'),
        }
    };
}

pub(crate) use say;

pub(crate) fn start(boot: Boot) -> ! {
    let mut found = 0_u32;
    let result = ranges::each(&boot.tables, |region| {
        found += 1;
        range(region, boot.command_line);
    });
    match result {
        Ok(()) => say!("ranges {found}"),
        Err(fault) => say!("the tables are wrong: {fault:?}"),
    }
    arch::exit(DONE)
}

/// Prints everything about one range of memory.
fn range(region: &PhysicalRegion<'_>, command_line: &str) {
    let (base, extent) = (region.base(), Extent::new(region));
    let pool = Pool::<Bare<'_>, 1>::new();
    let slot = match pool.source(&extent) {
        Ok(slot) => slot,
        Err(error) => return say!("{base:#x} refused {error}"),
    };
    say!(
        "{base:#x} pool {}",
        if let Err(Error::OutOfMemory(_)) = pool.source(&extent) { "full" } else { "not full" }
    );
    if let Some(domain) = region.proximity_domain() {
        say!("{base:#x} proximity_domain {domain}");
    }
    if let Err(error) = describe(base, &slot) {
        say!("{base:#x} error {error}");
    }
    // Printing does not fail.
    let Ok(()) = slot.report().facts(|fact| {
        say!("{base:#x} report {fact}");
        Ok::<(), Infallible>(())
    });
    if let Err(error) = keep(base, extent, command_line) {
        say!("{base:#x} log {error}");
    }
}

/// Prints the answers of the source.
fn describe<'t>(base: u64, source: &Source<impl Handle<P = Bare<'t>>>) -> Result<(), Error> {
    say!("{base:#x} size {}", source.size()?);
    say!("{base:#x} alignment {}", source.alignment()?);
    say!("{base:#x} device_id {}", source.device_id()?);
    match source.numa_node()? {
        Some(node) => say!("{base:#x} numa_node {node}"),
        None => say!("{base:#x} numa_node none"),
    }
    for region in source.place()?.regions() {
        say!("{base:#x} provider {}", region.provider);
        say!("{base:#x} persistence {}", region.domain);
        say!("{base:#x} read_only {}", region.read_only);
        say!("{base:#x} unarmed {}", region.is_unarmed());
    }
    for dimm in source.dimms()? {
        let dimm = dimm?;
        say!("{base:#x} dimm {} {}", dimm.number()?, dimm.id()?);
    }
    say!("{base:#x} whole {:?}", source.check_range(0, 0)?);
    match source.expected_granularity(Sharing::Shared) {
        Ok(expected) => {
            say!("{base:#x} granularity {}", expected.granularity);
            say!("{base:#x} reason {}", expected.reason.name());
        }
        // The memory keeps nothing, however it is flushed.
        Err(Error::RegionUnarmed) => say!("{base:#x} granularity none"),
        Err(error) => return Err(error),
    }
    Ok(())
}

/// Continues the log in the source: a record for this boot, and those that the command line asks
/// for.
fn keep(base: u64, extent: Extent<'_>, command_line: &str) -> Result<(), log::Fault> {
    let source = Source::from_region(extent).map_err(log::Fault::Refused)?;
    let window = log::mapped(&source)?;
    let (mut log, before) = Log::open(source, &window)?;
    say!("{base:#x} recovered {}", before.map_or(0, |record| record.sequence));
    let record = log.append()?;
    say!("{base:#x} boot {}", record.boot);
    for _ in 0..option(command_line, "append").unwrap_or(0) {
        // Printed only when it is durable.
        let record = log.append()?;
        say!("{base:#x} durable {}", record.sequence);
    }
    if option(command_line, "lie").is_some() {
        // For the test of the judge.
        say!("{base:#x} durable {}", log.next());
    }
    Ok(())
}

/// Returns the number of `name=number` in the command line.
fn option(command_line: &str, name: &str) -> Option<u64> {
    let mut words = command_line.split_ascii_whitespace();
    words.find_map(|word| word.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    say!("panicked");
    arch::exit(PANICKED)
}

/// A symbol for core's unwinding tables, where the linker keeps them. Nothing unwinds here
/// (panic = "abort").
#[cfg(debug_assertions)]
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

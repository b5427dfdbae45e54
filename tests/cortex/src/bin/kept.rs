//! A log in memory that a battery keeps: every boot finds the records of the boots before, and adds
//! its own.
//!
//! The command line has the options: `memory=0` (the last 4 KiB of RAM) or `memory=1` (what
//! the emulator has in a file), `restarts=N` boots in all, `append=N` further records.
#![no_std]
#![no_main]

use core::{fmt, ptr::NonNull};

use pmem2::{
    Error,
    bare::{Extent, PhysicalRegion, RegionKind, Window, WindowFault},
    persist::{Cpu, Instruction, Persist, PersistenceDomain},
    platform::Fail,
};
use pmem2_bare_record::{LENGTH, Record, last, offset};
use pmem2_cortex::{End, board::SOURCES, host::command_line, restart, run, say};

run!(main);

/// The RAM after the sections of board.ld, and the RAM that `-machine memory-backend` gives an
/// MPS2.
static MEMORIES: [PhysicalRegion<'_>; 2] = [
    PhysicalRegion::new(0x2000_3000, 0x1000, RegionKind::Persistent)
        .in_domain(PersistenceDomain::MemoryController),
    PhysicalRegion::new(0x2100_0000, 0x100_0000, RegionKind::Persistent)
        .in_domain(PersistenceDomain::MemoryController),
];

fn main() -> End {
    let mut buffer = [0; 64];
    let line = command_line(&mut buffer);
    let option = |name: &str| {
        let mut words = line.split_ascii_whitespace();
        words.find_map(|word| word.strip_prefix(name)?.strip_prefix('=')?.parse::<usize>().ok())
    };
    let Some(extent) = option("memory").and_then(|index| Extent::in_table(&MEMORIES, index)) else {
        say!("no such memory: {line}");
        return End::Wrong;
    };
    match keep(extent, option("append").unwrap_or(0)) {
        Ok(boot) if option("restarts").is_some_and(|all| boot < all as u64) => restart(),
        Ok(_) => End::Done,
        Err(fault) => {
            say!("{fault}");
            End::Wrong
        }
    }
}

/// Continues the log, and returns the number of this boot.
fn keep(extent: Extent<'static>, append: usize) -> Result<u64, Fault> {
    let source = SOURCES.source(&extent).map_err(Fault::Source)?;
    let size = source.size().map_err(Fault::Source)?;
    let at = extent.base().and_then(|base| usize::try_from(base).ok()).ok_or(Fault::Unreachable)?;
    let at = NonNull::new(core::ptr::with_exposed_provenance_mut(at)).ok_or(Fault::Unreachable)?;
    // SAFETY: this is a Cortex-M without a data cache, in privileged mode.
    let cpu = unsafe { Cpu::with_instruction(Instruction::CortexM, 1) }.map_err(Fault::Cpu)?;
    // SAFETY: both memories are RAM at their physical addresses, where nothing is linked and
    // nothing else goes.
    let mut window = unsafe { extent.mapped(at) }.flushed_by(cpu);
    let mut log = last(|offset| read(&window, offset));
    say!("recovered {}", log.map_or(0, |record| record.sequence));
    let boot = log.map_or(1, |record| record.boot + 1);
    for index in 0..=append {
        let record = Record { sequence: log.map_or(0, |record| record.sequence) + 1, boot };
        let at = offset(record.sequence - 1);
        if at + LENGTH as u64 > size {
            return Err(Fault::Full);
        }
        window.write(at as usize, &record.encode()).map_err(Fault::Window)?;
        window.persist(at as usize, LENGTH).map_err(Fault::Window)?;
        log = Some(record);
        match index {
            0 => say!("boot {boot}"),
            _ => say!("durable {}", record.sequence),
        }
    }
    Ok(boot)
}

fn read(window: &Window<'_>, offset: u64) -> Option<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    window.read(usize::try_from(offset).ok()?, &mut bytes).ok()?;
    Some(bytes)
}

enum Fault {
    Source(Error),
    Cpu(Fail),
    Window(WindowFault),
    Unreachable,
    Full,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(error) => error.fmt(f),
            Self::Cpu(fail) => write!(f, "the processor: {fail:?}"),
            Self::Window(fault) => fault.fmt(f),
            Self::Unreachable => f.write_str("no address of this processor"),
            Self::Full => f.write_str("the log is full"),
        }
    }
}

//! The work of the programs whose sizes ci/cortex compares: ask for every answer of a source, and
//! read and write. Each answer is kept in memory, so that none is optimized away.

use core::{hint::black_box, ptr::NonNull};

use pmem2::{
    Error, Sharing, Source,
    persist::{Cpu, Instruction},
    transfer::Writer,
};

use crate::board::{ID, SOURCES, extents, fram};

/// Asks every region everything, and calls `failed` with each error.
pub fn ask_everything(mut failed: impl FnMut(&Error)) {
    for (_, extent) in extents() {
        let extent = black_box(extent);
        let source = match SOURCES.source(&extent) {
            Ok(source) => source,
            Err(error) => {
                failed(&error);
                continue;
            }
        };
        black_box((source.kind(), source.access(), source.id()));
        asked(source.size(), &mut failed);
        asked(source.alignment(), &mut failed);
        asked(source.device_id_as::<ID>(), &mut failed);
        asked(source.device_usc(), &mut failed);
        asked(source.numa_node(), &mut failed);
        asked(source.region(0), &mut failed);
        asked(source.expected_granularity(Sharing::Shared), &mut failed);
        asked(source.check_range(black_box(4096), 0), &mut failed);
    }
}

/// Memory in place of a region's, which this program has not.
static mut ROOM: [u8; 64] = [0; 64];

/// Reads a region and writes to it.
pub fn transfer(mut failed: impl FnMut(&Error)) {
    let part = black_box(fram()).part(0, 64);
    let (Some(at), Ok(source)) =
        (NonNull::new((&raw mut ROOM).cast::<u8>()), Source::from_region(part))
    else {
        return;
    };
    // SAFETY: this is a Cortex-M without a data cache, in privileged mode.
    let cpu =
        unsafe { Cpu::with_instruction(Instruction::CortexM, 1) }.unwrap_or(Cpu::fence_only());
    // SAFETY: the part has 64 bytes, and so has the memory, which nobody else accesses.
    let window = unsafe { part.mapped(at) }.flushed_by(cpu);
    let mut bytes = [0; 32];
    let moved = Writer::with_guard(source, &window).and_then(|writer| {
        writer.read_at(black_box(3), &mut bytes)?;
        writer.write_at(black_box(5), black_box(&bytes))?;
        writer.source().sync()
    });
    asked(moved, &mut failed);
}

fn asked<T>(answer: Result<T, Error>, failed: &mut impl FnMut(&Error)) {
    match black_box(&answer) {
        Ok(_) => {}
        Err(error) => failed(error),
    }
}

//! What the programs ask whose links ci/cortex compares: every answer of a source, each wanted in memory, so that none is left out.

use core::hint::black_box;

use pmem2::{Error, Sharing};

use crate::board::{ID, SOURCES, extents};

/// Asks every region everything; of an error the code.
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

fn asked<T>(answer: Result<T, Error>, failed: &mut impl FnMut(&Error)) {
    match black_box(&answer) {
        Ok(_) => {}
        Err(error) => failed(error),
    }
}

//! A platform for systems without a backend.

use core::convert::Infallible;

use crate::{
    badblocks::BadBlocks,
    cpu::processor::Cpu,
    facts::{Facts, NoId},
    fail::Fail,
    map::Map,
    place::{Locate, Nowhere},
    source::{Borrowed, Platform},
    transfer::Transfer,
};

/// A system without a backend, so that programs for several systems compile on all.
///
/// Every call fails with [`Fail::Unsupported`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Unsupported;

impl Platform for Unsupported {
    type Raw = i32;
    type Id = NoId;

    #[inline]
    fn describe(_: Borrowed<'_, Self>) -> Result<Facts<NoId>, Fail> {
        Err(Fail::Unsupported)
    }

    #[inline]
    fn size(_: Borrowed<'_, Self>, _: &Facts<NoId>) -> Result<u64, Fail> {
        Err(Fail::Unsupported)
    }
}

impl Locate for Unsupported {
    type Location = Nowhere;
    type Dimm = Nowhere;
}

impl Transfer for Unsupported {
    type Guard = Infallible;
    type Channel = Infallible;
}

impl BadBlocks for Unsupported {
    type List = Infallible;
}

// SAFETY: it maps nothing.
unsafe impl Map for Unsupported {
    type Steps = Cpu;

    fn steps(self, _: bool) -> Result<Cpu, Fail> {
        Err(Fail::Unsupported)
    }
}

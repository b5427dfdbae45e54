//! The guard of processors without a copy that survives bad memory.

use core::{ffi::c_void, ops::Range};

use crate::{cpu::processor::Cpu, errno::Errno, transfer::Partial};

/// No guard exists here.
#[derive(Clone, Copy, Debug)]
pub(super) enum Guard {}

impl Guard {
    pub(super) const fn install() -> Result<Self, Errno> {
        Err(Errno::ENOTSUP)
    }

    pub(super) const fn assume_installed() -> Result<Self, Errno> {
        Err(Errno::ENOTSUP)
    }

    pub(super) const unsafe fn copy(
        self,
        _: *mut u8,
        _: *const u8,
        _: usize,
        _: Range<usize>,
    ) -> Result<(), Partial> {
        match self {}
    }

    pub(super) const fn flush(
        self,
        _: Cpu,
        _: *const u8,
        _: usize,
        _: Range<usize>,
    ) -> Result<(), Partial> {
        match self {}
    }
}

pub(super) const unsafe fn resume(_: *mut c_void, _: *mut c_void) -> bool {
    false
}

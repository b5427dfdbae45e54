//! Mappings: this backend makes none yet. Every question has the contract's default answer,
//! [`Fail::Unsupported`].

use super::{crt::Crt, platform::Windows};
use crate::{cpu::processor::Cpu, fail::Fail, map::Map};

// SAFETY: it maps nothing.
unsafe impl Map for Windows {
    type Steps = Cpu;

    fn steps(self, _: bool) -> Result<Cpu, Fail> {
        Err(Fail::Unsupported)
    }
}

// SAFETY: it maps nothing.
unsafe impl Map for Crt {
    type Steps = Cpu;

    fn steps(self, _: bool) -> Result<Cpu, Fail> {
        Err(Fail::Unsupported)
    }
}

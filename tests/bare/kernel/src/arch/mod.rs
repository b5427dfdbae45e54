//! The parts that depend on the machine: the way to Rust, a serial port, the exit, the mapping of
//! memory.

use core::slice;

#[cfg_attr(target_os = "uefi", path = "uefi.rs")]
#[cfg_attr(all(target_arch = "x86_64", not(target_os = "uefi")), path = "x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
#[cfg_attr(target_arch = "riscv64", path = "riscv64.rs")]
mod machine;
#[cfg(not(target_arch = "x86_64"))]
mod semihosting;

pub(crate) use machine::{exit, map, put};

/// Returns `length` bytes of memory with a table of the firmware; `None` where there is none.
pub(crate) fn table(at: u64, length: usize) -> Option<&'static [u8]> {
    let at = map(at, length.try_into().ok()?)?;
    // SAFETY: the memory is mapped and stays so. Firmware wrote to it before the kernel began. The
    // kernel writes only to its own memory and to persistent memory, where no firmware keeps
    // tables.
    Some(unsafe { slice::from_raw_parts(at.as_ptr(), length) })
}

/// Returns memory that is mapped to itself, if it lies in this range.
#[cfg(not(target_arch = "x86_64"))]
fn within(all: &core::ops::Range<u64>, base: u64, length: u64) -> Option<core::ptr::NonNull<u8>> {
    use core::ptr;

    let end = base.checked_add(length)?;
    let at = usize::try_from(base).ok().filter(|_| base >= all.start && end <= all.end)?;
    ptr::NonNull::new(ptr::with_exposed_provenance_mut(at))
}

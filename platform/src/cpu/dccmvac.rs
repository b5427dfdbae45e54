//! The register of a Cortex-M that cleans a line of the data cache: Armv7-M Architecture Reference
//! Manual, B3.2.31.

/// Data cache clean by address to the point of coherency.
#[cfg(target_arch = "arm")]
pub(super) const ADDRESS: usize = 0xE000_EF68;

/// # Safety
///
/// `register` is that register, or memory that is valid for writes.
#[inline]
pub(super) unsafe fn clean(register: *mut usize, line: *const u8) {
    // SAFETY: as the caller says.
    unsafe { register.write_volatile(line.addr()) };
}

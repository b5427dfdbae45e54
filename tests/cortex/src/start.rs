//! From reset to the program: Armv7-M Architecture Reference Manual, B1.5 (Armv6-M: B1.5 too).

use core::{arch::global_asm, ptr};

use crate::{End, host};

// The vector table: the stack, reset, and a fault for any other exception.
global_asm!(
    ".section .vectors, \"a\", %progbits",
    ".word stack_top",
    ".word {reset}",
    ".rept 14",
    ".word {fault}",
    ".endr",
    ".previous",
    reset = sym reset,
    fault = sym fault,
);

unsafe extern "C" {
    static mut data_start: u32;
    static mut data_end: u32;
    static data_load: u32;
    static mut bss_start: u32;
    static mut bss_end: u32;
    static stack_top: u32;
    fn program() -> !;
}

/// Coprocessor access control: bits 20 to 23 are full access to the floating point unit.
#[cfg(target_abi = "eabihf")]
const CPACR: *mut u32 = ptr::with_exposed_provenance_mut(0xE000_ED88);
/// Application interrupt and reset control, with its key: system reset request.
const AIRCR: *mut u32 = ptr::with_exposed_provenance_mut(0xE000_ED0C);
const RESET: u32 = 0x05FA_0004;

#[unsafe(no_mangle)]
unsafe extern "C" fn reset() -> ! {
    #[cfg(target_abi = "eabihf")]
    // SAFETY: a register of processors with a floating point unit, for which this is compiled.
    unsafe {
        CPACR.write_volatile(CPACR.read_volatile() | 0xF << 20);
        core::arch::asm!("dsb", "isb", options(nostack, preserves_flags));
    }
    // SAFETY: the linker script's symbols bound .data and .bss, whose lengths are multiples of 4,
    // and .data's values in flash. Nothing uses a static yet.
    unsafe {
        let (mut to, mut from) = (&raw mut data_start, &raw const data_load);
        while to < &raw mut data_end {
            to.write_volatile(from.read_volatile());
            (to, from) = (to.add(1), from.add(1));
        }
        let mut zero = &raw mut bss_start;
        while zero < &raw mut bss_end {
            zero.write_volatile(0);
            zero = zero.add(1);
        }
    }
    // SAFETY: `run!` defines it.
    unsafe { program() }
}

extern "C" fn fault() -> ! {
    host::exit(End::Fault)
}

/// Resets the processor and the board; memory stays as it is.
pub fn restart() -> ! {
    loop {
        // SAFETY: a register of every M-profile processor. The program ends here.
        unsafe { AIRCR.write_volatile(RESET) };
    }
}

/// Returns the lowest address of the stack's memory, and the address after the highest.
pub fn stack() -> (usize, usize) {
    ((&raw const bss_end).expose_provenance(), (&raw const stack_top).expose_provenance())
}

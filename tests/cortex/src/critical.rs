//! Critical sections on one processor: interrupts off.

use core::arch::asm;

use critical_section::{Impl, RawRestoreState, set_impl};

struct Interrupts;
set_impl!(Interrupts);

// SAFETY: on one processor nothing else runs while interrupts are off. Of nested sections only the
// outermost turns them on again.
unsafe impl Impl for Interrupts {
    unsafe fn acquire() -> RawRestoreState {
        let masked: u32;
        // SAFETY: reads and sets PRIMASK, in privileged mode, in which all of this program runs.
        // Not `nomem`: no access may be moved out of the section.
        unsafe {
            asm!("mrs {}, PRIMASK", "cpsid i", out(reg) masked, options(nostack, preserves_flags))
        };
        masked & 1 != 0
    }

    unsafe fn release(were_masked: RawRestoreState) {
        if !were_masked {
            // SAFETY: as above; interrupts were on when the section began.
            unsafe { asm!("cpsie i", options(nostack, preserves_flags)) };
        }
    }
}

//! The cause of a SIGBUS.

use super::{
    arch::{
        landing::{BLOCK, Landing},
        native::Context,
        routine::Registers,
    },
    signal::{BUS_ADRERR, BUS_MCEERR_AR, BUS_OBJERR, Info, SIGBUS},
};

/// The range of a copy that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// The guarded mapping.
    Medium,
    /// The other range.
    Buffer,
}

/// The handler's report to the copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) side: Side,
    /// The binary logarithm of the bytes that the location is known to: less than 64.
    pub(super) low_bits: u32,
}

impl Report {
    /// Packs the report into a register that is not 0: a byte for the side, and one for the low
    /// bits.
    pub(super) fn packed(self) -> usize {
        let side = match self.side {
            Side::Medium => 1,
            Side::Buffer => 2,
        };
        side | usize::try_from(self.low_bits).unwrap_or(0).wrapping_shl(8)
    }

    /// Unpacks a report; `None` for the register 0.
    pub(super) fn unpacked(register: usize) -> Option<Self> {
        let [side, low_bits, ..] = register.to_le_bytes();
        let side = match side {
            0 => return None,
            1 => Side::Medium,
            _ => Side::Buffer,
        };
        Some(Self { side, low_bits: low_bits.into() })
    }
}

/// Returns the report of this fault, if a routine's access caused it.
///
/// The processor tells the kernel the address of the fault, and the kernel tells the program; on
/// AArch64 it may be unknown. The address alone, as exactly as it is known, decides which range
/// failed. A fault in neither range is not ours, even if a routine was running: its own
/// instructions may lie in bad memory.
pub(super) fn judge(registers: &Registers, info: &Info) -> Option<Report> {
    if info.signal != SIGBUS || Landing::after_fault(registers.counter).is_none() {
        return None;
    }
    let low_bits = match info.code {
        BUS_ADRERR | BUS_OBJERR => 0,
        BUS_MCEERR_AR => {
            u32::try_from(info.low_bits).ok().filter(|&bits| bits < usize::BITS).unwrap_or(0)
        }
        // Somebody sent it (SI_USER, SI_QUEUE, SI_TKILL), the kernel reports bad memory that nobody
        // has touched (BUS_MCEERR_AO), or it is something else (BUS_ADRALN).
        _ => return None,
    };
    let found = |side| Some(Report { side, low_bits });
    let area = Area::new(info.address, low_bits);
    let &Registers { target, source, left, start, end, .. } = registers;
    if info.address == 0 {
        let guarded = start..end;
        return if guarded.contains(&source) || guarded.contains(&target) {
            found(Side::Medium)
        } else {
            None
        };
    }
    if area.meets(start, end) {
        return found(Side::Medium);
    }
    let meets = |at: usize| area.meets(untagged(at), untagged(at).saturating_add(left));
    if meets(source) || meets(target) { found(Side::Buffer) } else { None }
}

/// Returns the number of good bytes at the start of a block that failed: 0 where the address is not
/// known.
///
/// Only these are copied again, so that no cache line is touched again that may be bad.
pub(super) fn good_bytes(registers: &Registers, address: usize, low_bits: u32) -> usize {
    let area = Area::new(address, low_bits);
    let before = |at: usize| {
        let at = untagged(at);
        let fails = address != 0 && area.meets(at, at.saturating_add(BLOCK));
        fails.then(|| area.first.saturating_sub(at))
    };
    let good = [registers.source, registers.target].into_iter().filter_map(before).min();
    good.unwrap_or(0).min(registers.left)
}

/// The bytes that a fault's address stands for.
struct Area {
    first: usize,
    last: usize,
}

impl Area {
    fn new(address: usize, low_bits: u32) -> Self {
        let low = 1_usize.wrapping_shl(low_bits).wrapping_sub(1);
        let address = untagged(address);
        Self { first: address & !low, last: address | low }
    }

    const fn meets(&self, start: usize, end: usize) -> bool {
        self.first < end && start <= self.last
    }
}

/// Removes the byte that AArch64 leaves to the program. The pointers of a buffer have it, and those
/// of a fault if the program asked for it (SA_EXPOSE_TAGBITS). On other processors no address of a
/// program has as many bits.
const fn untagged(address: usize) -> usize {
    address & (usize::MAX >> 8)
}

/// Moves a routine that failed to its exit, and returns whether a routine failed.
///
/// # Safety
///
/// Both are null, or the kernel gave them to a handler with SA_SIGINFO that has not returned.
/// Nobody else uses them meanwhile.
pub(super) unsafe fn resume(info: *const Info, context: *mut Context) -> bool {
    // SAFETY: the caller's: both are whole and aligned, and nobody else uses them.
    let (Some(info), Some(context)) = (unsafe { info.as_ref() }, unsafe { context.as_mut() })
    else {
        return false;
    };
    let registers = context.registers();
    let (Some(report), Some(landing)) =
        (judge(&registers, info), Landing::after_fault(registers.counter))
    else {
        return false;
    };
    let landing = match landing {
        Landing::Exit(exit) => exit,
        Landing::Careful(careful) => {
            let good = good_bytes(&registers, info.address, report.low_bits);
            context.divide(good, registers.left.saturating_sub(good));
            careful
        }
    };
    context.resume(landing, report.packed());
    true
}

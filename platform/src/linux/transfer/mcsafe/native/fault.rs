//! Whose fault a SIGBUS is.

use super::{
    arch::{BLOCK, Context, Landing, Registers},
    signal::{BUS_ADRERR, BUS_MCEERR_AR, BUS_OBJERR, Info, SIGBUS},
};

/// Which of the two ranges of a copy failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// The guarded mapping.
    Medium,
    /// The other one.
    Buffer,
}

/// What the handler tells the copy, in one register: not 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) side: Side,
    /// si_code.
    pub(super) code: i32,
    /// As exactly as the place is known: 2 to the power of this, in bytes.
    pub(super) low_bits: u32,
}

impl Report {
    const BUFFER: usize = 1 << 8;
    const LOW_BITS: u32 = 16;

    /// The code has a byte, the side a bit, then the low bits.
    pub(super) fn packed(self) -> usize {
        let side = if self.side == Side::Buffer { Self::BUFFER } else { 0 };
        // The codes that there are reports of are 2, 3 and 4, and there are fewer than 64 low bits.
        let number = |number: u32| usize::try_from(number).unwrap_or(0);
        number(self.code.unsigned_abs()) | side | number(self.low_bits).wrapping_shl(Self::LOW_BITS)
    }

    /// None where there is no report.
    pub(super) fn unpacked(register: usize) -> Option<Self> {
        let [code, _, low_bits, ..] = register.to_le_bytes();
        let side = if register & Self::BUFFER == 0 { Side::Medium } else { Side::Buffer };
        (register != 0).then_some(Self { side, code: code.into(), low_bits: low_bits.into() })
    }
}

/// What to report of this fault, if it is one of a routine's own.
///
/// A processor says where it failed, and the kernel passes that on; on AArch64 it may not know.
/// Which of the two ranges it was is judged by the address alone, as exactly as that is. Whatever
/// is in neither is not ours, even if the copy was running: its own instructions may lie in bad
/// memory.
pub(super) fn judge(registers: &Registers, info: &Info) -> Option<Report> {
    if info.signal != SIGBUS || Landing::of(registers.counter).is_none() {
        return None;
    }
    let low_bits = match info.code {
        BUS_ADRERR | BUS_OBJERR => 0,
        BUS_MCEERR_AR => {
            u32::try_from(info.low_bits).ok().filter(|&bits| bits < usize::BITS).unwrap_or(0)
        }
        // Somebody sent it (SI_USER, SI_QUEUE, SI_TKILL), or the kernel tells of bad memory that
        // nobody has touched (BUS_MCEERR_AO), or it is something else (BUS_ADRALN).
        _ => return None,
    };
    let found = |side| Some(Report { side, code: info.code, low_bits });
    let area = Area::of(info.address, low_bits);
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

/// How many bytes of a block that failed come before those that did, as exactly as the address is:
/// none where it is not known. They are copied once more, so that it is no cache line of what may
/// be bad that is touched again.
pub(super) fn good(registers: &Registers, address: usize, low_bits: u32) -> usize {
    let area = Area::of(address, low_bits);
    let before = |at: usize| {
        let at = untagged(at);
        let fails = address != 0 && area.meets(at, at.saturating_add(BLOCK));
        fails.then(|| area.first.saturating_sub(at))
    };
    let good = [registers.source, registers.target].into_iter().filter_map(before).min();
    good.unwrap_or(0).min(registers.left)
}

/// The bytes that an address means.
struct Area {
    first: usize,
    last: usize,
}

impl Area {
    fn of(address: usize, low_bits: u32) -> Self {
        let low = 1_usize.wrapping_shl(low_bits).wrapping_sub(1);
        let address = untagged(address);
        Self { first: address & !low, last: address | low }
    }

    const fn meets(&self, start: usize, end: usize) -> bool {
        self.first < end && start <= self.last
    }
}

/// Without the byte that AArch64 leaves to the program, which is in the pointers of a buffer, and
/// of a fault if the program asked for it (SA_EXPOSE_TAGBITS). No program's address on the other
/// processors has as many bits.
const fn untagged(address: usize) -> usize {
    address & (usize::MAX >> 8)
}

/// Takes the routine that failed to its exit, where it is one that did; says whether.
///
/// # Safety
///
/// Both are null, or as the kernel gave them to a handler that was installed with SA_SIGINFO, which
/// has not returned, and nobody else uses them meanwhile.
pub(super) unsafe fn resume(info: *const Info, context: *mut Context) -> bool {
    // SAFETY: the caller's: they are whole, aligned, and nobody else's.
    let (Some(info), Some(context)) = (unsafe { info.as_ref() }, unsafe { context.as_mut() })
    else {
        return false;
    };
    let registers = context.registers();
    let (Some(report), Some(landing)) = (judge(&registers, info), Landing::of(registers.counter))
    else {
        return false;
    };
    let landing = match landing {
        Landing::Exit(exit) => exit,
        Landing::Careful(careful) => {
            let good = good(&registers, info.address, report.low_bits);
            context.divide(good, registers.left.saturating_sub(good));
            careful
        }
    };
    context.resume(landing, report.packed());
    true
}

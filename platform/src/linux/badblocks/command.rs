//! The command by which a bus of NVDIMMs clears errors: ND_CMD_ARS_CAP and ND_CMD_CLEAR_ERROR of
//! linux/ndctl.h, which are ACPI's "Query ARS Capabilities" and "Clear Uncorrectable Error" (ACPI
//! 6.5, 9.20.7).

use core::ops::Range;

use super::{failed, is_bad, is_good, place};
use crate::{
    Errno, Facts, Fail, Subject,
    linux::{
        FileId,
        sys::blocks::Blocks,
        sys::ioctl::{ArsCap, ClearError},
        sysfs,
    },
};

/// A bus that has no such command.
fn unsupported(errno: Errno) -> Fail {
    match errno {
        ENOTTY | Errno::ENOTSUP => Fail::Unsupported,
        errno => failed(errno),
    }
}

const ENOTTY: Errno = Errno::from_raw(rustix::io::Errno::NOTTY.raw_os_error());

pub(super) fn clear<S: Blocks>(
    sys: S,
    fd: i32,
    facts: &Facts<FileId>,
    range: &Range<u64>,
) -> Result<(), Fail> {
    admit(sys, fd, facts, range)?;
    let place = place::DaxPlace::of(sys, facts.id)?;
    let address = place
        .addresses
        .start
        .checked_add(range.start)
        .ok_or(Fail::Malformed(Subject::BadBlocks))?;
    let length = range.end.saturating_sub(range.start);
    let path = sysfs::path(Subject::ClearBadBlock, format_args!("/dev/ndctl{}", place.bus))?;
    let bus = sys.open_writable(path.as_c_str()).map_err(failed)?;

    let mut cap = ArsCap { address, length, ..ArsCap::default() };
    sys.ars_cap(&bus, &mut cap).map_err(unsupported)?;
    // Of a status, the upper half says more, also of what went well.
    if cap.status & 0xFFFF != 0 || !cap.clear_err_unit.is_power_of_two() {
        return Err(Fail::Unsupported);
    }
    let beside = u64::from(cap.clear_err_unit).wrapping_sub(1);
    if (address | length) & beside != 0 {
        // It would take good bytes along.
        return Err(failed(Errno::EINVAL));
    }
    // The last look before data is lost: the device is still the one.
    facts.id.confirm(sys)?;
    let mut clear = ClearError { address, length, ..ClearError::default() };
    sys.clear_error(&bus, &mut clear).map_err(unsupported)?;
    drop(bus);
    if clear.status & 0xFFFF != 0 || clear.cleared < length || !is_good(sys, fd, facts, range)? {
        return Err(failed(Errno::EIO));
    }
    Ok(())
}

/// That all of the range is bad. On its own: the list is large, and not needed any more then.
#[inline(never)]
fn admit<S: Blocks>(
    sys: S,
    fd: i32,
    facts: &Facts<FileId>,
    range: &Range<u64>,
) -> Result<(), Fail> {
    let list = place::list(sys, fd, facts)?;
    is_bad(sys, fd, facts, &list, range)
}

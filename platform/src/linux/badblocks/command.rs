//! The command by which a bus of NVDIMMs clears errors: ND_CMD_ARS_CAP and ND_CMD_CLEAR_ERROR of
//! linux/ndctl.h, which are ACPI's "Query ARS Capabilities" and "Clear Uncorrectable Error" (ACPI
//! 6.5, 9.20.7).

use core::ops::Range;

use super::{
    known::{self, failed, is_good, require_bad},
    region::DaxRange,
};
use crate::{
    errno::Errno,
    fail::{Fail, Subject},
    linux::{
        object::Object,
        sys::blocks::Blocks,
        sys::ioctl::{ArsCap, ClearError},
        sysfs::Path,
    },
};

/// Converts the error of a command: the bus may not have it.
fn unsupported(errno: Errno) -> Fail {
    match errno {
        ENOTTY | Errno::ENOTSUP => Fail::Unsupported,
        errno => failed(errno),
    }
}

const ENOTTY: Errno = Errno::from_raw(rustix::io::Errno::NOTTY.raw_os_error());

pub(super) fn clear<S: Blocks>(object: Object<'_, S>, range: &Range<u64>) -> Result<(), Fail> {
    require_listed(object, range)?;
    let (sys, id) = (object.sys, object.facts.id);
    let device = DaxRange::find(sys, id)?;
    let address = device.addresses.start.checked_add(range.start);
    let address = address.ok_or(Fail::Malformed(Subject::BadBlocks))?;
    let length = range.end.saturating_sub(range.start);
    let path = Path::new("/dev/ndctl", device.bus, "");
    let bus = sys.open_writable(path.as_c_str(Subject::ClearBadBlock)?).map_err(failed)?;

    let mut cap = ArsCap { address, length, ..ArsCap::default() };
    sys.ars_cap(&bus, &mut cap).map_err(unsupported)?;
    // The upper half of a status has details, also of success.
    if cap.status & 0xFFFF != 0 || !cap.clear_err_unit.is_power_of_two() {
        return Err(Fail::Unsupported);
    }
    let beside = u64::from(cap.clear_err_unit).wrapping_sub(1);
    if (address | length) & beside != 0 {
        // Good bytes would be cleared, too.
        return Err(failed(Errno::EINVAL));
    }
    // The last look before data is lost: the device is still the one.
    id.confirm(sys)?;
    let mut clear = ClearError { address, length, ..ClearError::default() };
    sys.clear_error(&bus, &mut clear).map_err(unsupported)?;
    drop(bus);
    if clear.status & 0xFFFF != 0 || clear.cleared < length || !is_good(object, range)? {
        return Err(failed(Errno::EIO));
    }
    Ok(())
}

/// Fails unless all of the range is listed. Not inlined: the list is large, and not needed
/// afterwards.
#[inline(never)]
fn require_listed<S: Blocks>(object: Object<'_, S>, range: &Range<u64>) -> Result<(), Fail> {
    let list = known::list(object)?;
    require_bad(object, &list, range)
}

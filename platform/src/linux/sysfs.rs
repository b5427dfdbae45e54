//! What sysfs says of a character device: <https://www.kernel.org/doc/Documentation/ABI/testing/sysfs-bus-dax>,
//! <https://www.kernel.org/doc/Documentation/ABI/stable/sysfs-dev>.

use core::{ffi::CStr, fmt::Write};

use heapless::String;

use super::sys::Sys;
use crate::{Errno, Fail, Kind, What};

/// Where the kernel lists character devices by number.
const DEVICES: &CStr = c"/sys/dev/char";

/// Long enough for two 32-bit numbers and the longest name that is asked for.
type Path = String<64>;

fn path(device: (u32, u32), name: &str, what: What) -> Result<Path, Fail> {
    let (major, minor) = device;
    let mut path = Path::new();
    write!(path, "/sys/dev/char/{major}:{minor}/{name}\0").map_err(|_| Fail::Malformed(what))?;
    Ok(path)
}

fn as_c_str(path: &Path, what: What) -> Result<&CStr, Fail> {
    CStr::from_bytes_with_nul(path.as_bytes()).map_err(|_| Fail::Malformed(what))
}

/// Whether the character device `device` is a device DAX: whether its subsystem is `dax`.
///
/// The subsystem is a link to `/sys/bus/dax`, or to `/sys/class/dax` before Linux 5.1; its last component is its name. A
/// device without an entry (a pty) is none.
pub(super) fn device_kind<S: Sys>(sys: S, device: (u32, u32)) -> Result<Kind, Fail> {
    let path = path(device, "subsystem", What::Subsystem)?;
    // A link is "../" for each level of the device's directory and then "bus/dax": this is for 160 levels.
    let mut buffer = [0; 512];
    match sys.readlink(as_c_str(&path, What::Subsystem)?, &mut buffer) {
        // A target that fills the buffer may have been cut off.
        Ok(length) if length >= buffer.len() => Ok(Kind::UnknownDevice(What::Subsystem)),
        Ok(length) => {
            let target = buffer.get(..length).unwrap_or_default();
            let dax = target.rsplit(|&byte| byte == b'/').next() == Some(b"dax");
            Ok(if dax { Kind::DeviceDax } else { Kind::CharacterDevice })
        }
        Err(Errno::ENOENT | Errno::ENOTDIR) => match sys.access(DEVICES) {
            Ok(()) => Ok(Kind::CharacterDevice),
            Err(Errno::ENOENT | Errno::ENOTDIR) => Ok(Kind::UnknownDevice(What::Sysfs)),
            Err(errno) => Err(Fail::Os(What::Sysfs, errno)),
        },
        Err(errno) => Err(Fail::Os(What::Subsystem, errno)),
    }
}

/// The number in the file `name` of the character device `device`.
pub(super) fn number<S: Sys>(sys: S, device: (u32, u32), name: &str, what: What) -> Result<u64, Fail> {
    let path = path(device, name, what)?;
    let os = |errno| Fail::Os(what, errno);
    let file = sys.open(as_c_str(&path, what)?).map_err(os)?;
    // The largest number has 20 digits; sysfs hands over a whole attribute in one read.
    let mut buffer = [0; 32];
    let length = sys.read(&file, &mut buffer).map_err(os)?;
    if length >= buffer.len() {
        return Err(Fail::Malformed(what));
    }
    buffer.get(..length).and_then(decimal).ok_or(Fail::Malformed(what))
}

/// A decimal number as the kernel prints it: digits, and at most one newline behind them. Nothing else is taken for one: no
/// sign, no space, no second line.
pub(super) fn decimal(text: &[u8]) -> Option<u64> {
    let digits = text.strip_suffix(b"\n").unwrap_or(text);
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, &byte| {
        let digit = byte.checked_sub(b'0').filter(|&digit| digit <= 9)?;
        number.checked_mul(10)?.checked_add(digit.into())
    })
}

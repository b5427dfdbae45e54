//! What sysfs says of devices:
//! <https://www.kernel.org/doc/Documentation/ABI/testing/sysfs-bus-dax>,
//! <https://www.kernel.org/doc/Documentation/ABI/stable/sysfs-dev>. Regions: [`super::region`].

use core::{
    ffi::CStr,
    fmt::{self, Write},
};

use heapless::String;

use super::sys::Sys;
use crate::{Errno, Fail, Kind, Subject};

/// Where the kernel lists character devices by number.
const DEVICES: &CStr = c"/sys/dev/char";

/// A link is "../" for each level of a directory and then the names: this is for 160 levels, or for
/// names of some length.
pub(super) const LINK: usize = 512;

/// A path, with the zero that ends it in C. Long enough for the longest that is asked for: of a
/// device with a name of 32 bytes.
pub(super) struct Path(String<80>);

/// The path with this text.
pub(super) fn path(what: Subject, text: fmt::Arguments<'_>) -> Result<Path, Fail> {
    let mut path = String::new();
    path.write_fmt(text).and_then(|()| path.write_char('\0')).map_err(|_| Fail::Malformed(what))?;
    Ok(Path(path))
}

impl Path {
    pub(super) fn as_c_str(&self) -> &CStr {
        // A path that is cut off at a zero leads nowhere; what `path` made has one zero, at the
        // end.
        CStr::from_bytes_until_nul(self.0.as_bytes()).unwrap_or_default()
    }
}

/// Which devices a number is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Char,
    Block,
}

/// The entry of a device by its number.
pub(super) fn entry(class: Class, device: (u32, u32)) -> Result<Path, Fail> {
    let (major, minor) = device;
    match class {
        Class::Char => path(Subject::Device, format_args!("/sys/dev/char/{major}:{minor}")),
        Class::Block => path(Subject::Device, format_args!("/sys/dev/block/{major}:{minor}")),
    }
}

/// The inode number of a device's directory in sysfs.
pub(super) fn inode<S: Sys>(sys: S, class: Class, device: (u32, u32)) -> Result<u64, Fail> {
    sys.inode(entry(class, device)?.as_c_str()).map_err(|errno| Fail::Os(Subject::Device, errno))
}

/// Whether the character device `device` is a device DAX: whether its subsystem is `dax`.
///
/// The subsystem is a link to `/sys/bus/dax`, or to `/sys/class/dax` before Linux 5.1; its last
/// component is its name. A device without an entry (a pty) is none.
pub(super) fn device_kind<S: Sys>(sys: S, device: (u32, u32)) -> Result<Kind, Fail> {
    let (major, minor) = device;
    let path = path(Subject::Subsystem, format_args!("/sys/dev/char/{major}:{minor}/subsystem"))?;
    let mut buffer = [0; LINK];
    match sys.readlink(path.as_c_str(), &mut buffer) {
        // A target that fills the buffer may have been cut off.
        Ok(length) if length >= buffer.len() => Ok(Kind::UnknownDevice(Subject::Subsystem)),
        Ok(length) => {
            let target = buffer.get(..length).unwrap_or_default();
            let dax = target.rsplit(|&byte| byte == b'/').next() == Some(b"dax");
            Ok(if dax { Kind::DeviceDax } else { Kind::CharacterDevice })
        }
        Err(Errno::ENOENT | Errno::ENOTDIR) => match sys.access(DEVICES) {
            Ok(()) => Ok(Kind::CharacterDevice),
            Err(Errno::ENOENT | Errno::ENOTDIR) => Ok(Kind::UnknownDevice(Subject::Sysfs)),
            Err(errno) => Err(Fail::Os(Subject::Sysfs, errno)),
        },
        Err(errno) => Err(Fail::Os(Subject::Subsystem, errno)),
    }
}

/// What a file of sysfs says, without the newline at its end. One that fills `buffer` may have more
/// to say: malformed. ([`Subject::Region`] and the like: what it is about.)
pub(super) fn text<'b, S: Sys>(
    sys: S,
    path: &Path,
    what: Subject,
    buffer: &'b mut [u8],
) -> Result<&'b [u8], Fail> {
    let os = |errno| Fail::Os(what, errno);
    let file = sys.open(path.as_c_str()).map_err(os)?;
    // sysfs hands over a whole attribute in one read.
    let length = sys.read(&file, buffer).map_err(os)?;
    if length >= buffer.len() {
        return Err(Fail::Malformed(what));
    }
    let text = buffer.get(..length).unwrap_or_default();
    Ok(text.strip_suffix(b"\n").unwrap_or(text))
}

/// The number in a file.
pub(super) fn number<S: Sys>(sys: S, path: &Path, what: Subject) -> Result<u64, Fail> {
    // The largest number has 20 digits.
    decimal(text(sys, path, what, &mut [0; 32])?).ok_or(Fail::Malformed(what))
}

/// A decimal number as the kernel prints it: digits. Nothing else is taken for one: no sign, no
/// space, no second line.
pub(super) fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, &byte| {
        let digit = byte.checked_sub(b'0').filter(|&digit| digit <= 9)?;
        number.checked_mul(10)?.checked_add(digit.into())
    })
}

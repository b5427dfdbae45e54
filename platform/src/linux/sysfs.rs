//! Paths and files of sysfs, and the kind of a character device:
//! <https://www.kernel.org/doc/Documentation/ABI/testing/sysfs-bus-dax>,
//! <https://www.kernel.org/doc/Documentation/ABI/stable/sysfs-dev>. Regions are read in
//! [`super::place::region`].

use core::ffi::CStr;

use super::sys::Sys;
use crate::{
    errno::Errno,
    fail::{Fail, Subject},
};

/// The kernel's directory of character devices by number.
const DEVICES: &CStr = c"/sys/dev/char";

/// The beginning of a region's path, before its number.
pub(super) const REGION: &str = "/sys/bus/nd/devices/region";

/// A link is "../" for each level of a directory and then the names: this is for 160 levels, or for
/// names of some length.
pub(super) const LINK: usize = 512;

/// A path, with room for a device's name of 32 bytes and zeros after it.
///
/// It is put together without `core::fmt`, which takes more memory than all the rest of a source.
pub(super) struct Path {
    bytes: [u8; 80],
    length: usize,
}

/// The class of a device: each counts its numbers for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Char,
    Block,
}

impl Path {
    const EMPTY: Self = Self { bytes: [0; _], length: 0 };

    /// Returns the path of a device by its number, or of a file in its directory: `file` is empty,
    /// or begins with a slash.
    #[inline(never)]
    pub(super) fn device(class: Class, (major, minor): (u32, u32), file: &str) -> Self {
        let class = match class {
            Class::Char => "/sys/dev/char/",
            Class::Block => "/sys/dev/block/",
        };
        let mut path = Self::EMPTY;
        path.text(class);
        path.number(major);
        path.text(":");
        path.number(minor);
        path.text(file);
        path
    }

    /// Returns the path of a block device by its name, or of a file in its directory.
    pub(super) fn block(name: &str, file: &str) -> Self {
        let mut path = Self::EMPTY;
        path.text("/sys/class/block/");
        path.text(name);
        path.text(file);
        path
    }

    /// Returns a path of a text, a number and a text.
    #[inline(never)]
    pub(super) fn new(start: &str, number: u32, next: &str) -> Self {
        let mut path = Self::EMPTY;
        path.text(start);
        path.number(number);
        path.text(next);
        path
    }

    /// Adds a text. A path that is too long or has a zero in it is refused by [`Path::as_c_str`].
    #[inline(never)]
    pub(super) fn text(&mut self, text: &str) {
        text.bytes().for_each(|byte| self.push(byte));
    }

    /// Adds a decimal number.
    #[inline(never)]
    pub(super) fn number(&mut self, number: u32) {
        if number > 9 {
            self.number(number / 10);
        }
        let [digit, ..] = (number % 10).to_le_bytes();
        self.push(b'0' | digit);
    }

    fn push(&mut self, byte: u8) {
        match self.bytes.get_mut(self.length) {
            Some(place) if byte != 0 => {
                *place = byte;
                self.length = self.length.saturating_add(1);
            }
            _ => self.length = self.bytes.len(),
        }
    }

    /// Returns the path as system calls take it.
    #[inline(never)]
    pub(super) fn as_c_str(&self, what: Subject) -> Result<&CStr, Fail> {
        let path = self.bytes.get(..=self.length).ok_or(Fail::Malformed(what))?;
        // SAFETY: the function wants a zero at the end and none before it. `push` writes no zero,
        // and nothing beyond `length`, where the zeros are that were there from the beginning.
        Ok(unsafe { CStr::from_bytes_with_nul_unchecked(path) })
    }

    /// Opens the file read-only.
    pub(super) fn open<S: Sys>(&self, sys: S, what: Subject) -> Result<S::File, Fail> {
        sys.open(self.as_c_str(what)?).map_err(|errno| Fail::Os(what, errno))
    }

    /// Reads the target of the link. One that fills the buffer may have been cut off.
    pub(super) fn target<'b, S: Sys>(
        &self,
        sys: S,
        what: Subject,
        buffer: &'b mut [u8; LINK],
    ) -> Result<&'b [u8], Fail> {
        let length = sys.readlink(self.as_c_str(what)?, buffer);
        let length = length.map_err(|errno| Fail::Os(what, errno))?;
        Ok(buffer.get(..length).unwrap_or(buffer))
    }
}

/// Returns the inode number of a device's directory.
pub(super) fn inode<S: Sys>(sys: S, class: Class, device: (u32, u32)) -> Result<u64, Fail> {
    let entry = Path::device(class, device, "");
    sys.inode(entry.as_c_str(Subject::Device)?).map_err(|errno| Fail::Os(Subject::Device, errno))
}

/// Tells a device DAX from other character devices: its subsystem is `dax`.
///
/// The subsystem is a link to `/sys/bus/dax`, or to `/sys/class/dax` before Linux 5.1; its last
/// component is the name. A device without an entry (a pty) is no device DAX.
pub(super) fn is_device_dax<S: Sys>(sys: S, device: (u32, u32)) -> Result<bool, Fail> {
    let path = Path::device(Class::Char, device, "/subsystem");
    match path.target(sys, Subject::Subsystem, &mut [0; LINK]) {
        Ok(target) if target.len() >= LINK => Err(Fail::Malformed(Subject::Subsystem)),
        Ok(target) => Ok(target.ends_with(b"/dax") || target == b"dax"),
        Err(Fail::Os(_, Errno::ENOENT | Errno::ENOTDIR)) => match sys.access(DEVICES) {
            Ok(()) => Ok(false),
            Err(Errno::ENOENT | Errno::ENOTDIR) => Err(Fail::Absent(Subject::Sysfs)),
            Err(errno) => Err(Fail::Os(Subject::Sysfs, errno)),
        },
        Err(fail) => Err(fail),
    }
}

/// Reads a file of sysfs, without the newline at its end. One that fills `buffer` may be longer,
/// and is malformed. `what` is what an error is about.
pub(super) fn text<'b, S: Sys>(
    sys: S,
    path: &Path,
    what: Subject,
    buffer: &'b mut [u8],
) -> Result<&'b [u8], Fail> {
    let file = path.open(sys, what)?;
    // sysfs hands over a whole attribute in one read.
    let length = sys.read(&file, buffer).map_err(|errno| Fail::Os(what, errno))?;
    if length >= buffer.len() {
        return Err(Fail::Malformed(what));
    }
    let text = buffer.get(..length).unwrap_or_default();
    Ok(text.strip_suffix(b"\n").unwrap_or(text))
}

/// Reads the number in a file.
pub(super) fn number<S: Sys>(sys: S, path: &Path, what: Subject) -> Result<u64, Fail> {
    // The largest number has 20 digits.
    decimal(text(sys, path, what, &mut [0; 32])?).ok_or(Fail::Malformed(what))
}

/// Parses a decimal number as the kernel prints it: digits, and no sign, space or second line.
pub(super) fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, &byte| {
        let digit = byte.checked_sub(b'0').filter(|&digit| digit <= 9)?;
        number.checked_mul(10)?.checked_add(digit.into())
    })
}

/// Parses a component that is `prefix` and a number.
pub(super) fn numbered(component: &[u8], prefix: &[u8]) -> Option<u32> {
    u32::try_from(decimal(component.strip_prefix(prefix)?)?).ok()
}

/// Parses the number of a device, `259:3`.
pub(super) fn device_number(text: &[u8]) -> Option<(u32, u32)> {
    let colon = text.iter().position(|&byte| byte == b':')?;
    let (major, minor) = text.split_at_checked(colon)?;
    Some((numbered(major, b"")?, numbered(minor, b":")?))
}

#[cfg(test)]
mod tests {
    use std::borrow::ToOwned;

    use super::{Class, Path};
    use crate::fail::{Fail, Subject};

    #[test]
    fn paths_are_joined() {
        let joined = |path: &Path| path.as_c_str(Subject::Device).map(|path| path.to_owned());
        for (number, digits) in
            [(0, "0"), (9, "9"), (10, "10"), (1_000_050, "1000050"), (u32::MAX, "4294967295")]
        {
            let path = joined(&Path::device(Class::Block, (number, 7), "/start")).unwrap();
            assert_eq!(path.to_str(), Ok(&*std::format!("/sys/dev/block/{digits}:7/start")));
        }
        // 79 bytes and the zero.
        let longest = "x".repeat(79 - "/sys/class/block/".len());
        assert_eq!(joined(&Path::block(&longest, "")).unwrap().count_bytes(), 79);
        for path in [Path::block(&longest, "/"), Path::block("a\0b", ""), Path::block("\0", "")] {
            assert_eq!(joined(&path), Err(Fail::Malformed(Subject::Device)));
        }
    }
}

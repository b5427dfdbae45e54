//! Error numbers of the system.

use core::fmt;

/// An error number as in errno(3): positive, and the target's own; on Windows that of the C
/// runtime's errno.h. Where there is no system below, the numbers are those of Linux's generic ABI
/// (asm-generic/errno.h).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Errno(i32);

/// Names and numbers: rustix knows the numbers of each Linux architecture; then those of Linux's
/// generic ABI, and of Windows.
macro_rules! errnos {
    ($($name:ident $rustix:ident $generic:literal $windows:literal $text:literal;)*) => {
        impl Errno {
            $(
                #[doc = concat!("`", stringify!($name), "`: ", $text, ".")]
                #[cfg(target_os = "linux")]
                pub const $name: Self = Self(rustix::io::Errno::$rustix.raw_os_error());
                #[doc = concat!("`", stringify!($name), "`: ", $text, ".")]
                #[cfg(windows)]
                pub const $name: Self = Self($windows);
                #[doc = concat!("`", stringify!($name), "`: ", $text, ".")]
                #[cfg(not(any(target_os = "linux", windows)))]
                pub const $name: Self = Self($generic);
            )*

            /// The symbol and a description, for the numbers that the calls of pmem2 are known to
            /// give.
            fn texts(self) -> Option<(&'static str, &'static str)> {
                match self {
                    $(Self::$name => Some((stringify!($name), $text)),)*
                    _ => None,
                }
            }
        }
    };
}

// Windows has no ESTALE and no EDQUOT, and nothing there gives them: their numbers are those that
// errno.h gives nothing else.
errnos! {
    EPERM PERM 1 1 "operation not permitted";
    ENOENT NOENT 2 2 "no such file or directory";
    EINTR INTR 4 4 "interrupted by a signal";
    EIO IO 5 5 "input/output error";
    ENXIO NXIO 6 6 "no such device or address";
    EBADF BADF 9 9 "bad file descriptor";
    EAGAIN AGAIN 11 11 "resource temporarily unavailable";
    ENOMEM NOMEM 12 12 "out of memory";
    EACCES ACCESS 13 13 "permission denied";
    EFAULT FAULT 14 14 "bad address";
    EBUSY BUSY 16 16 "device or resource busy";
    ENODEV NODEV 19 19 "no such device";
    ENOTDIR NOTDIR 20 20 "not a directory";
    EINVAL INVAL 22 22 "invalid argument";
    ENFILE NFILE 23 23 "too many open files in the system";
    EMFILE MFILE 24 24 "too many open files in this process";
    ETXTBSY TXTBSY 26 139 "file is executed";
    EFBIG FBIG 27 27 "file too large";
    ENOSPC NOSPC 28 28 "no space left on the device";
    EROFS ROFS 30 30 "read-only file system";
    ENAMETOOLONG NAMETOOLONG 36 38 "file name too long";
    ENOSYS NOSYS 38 40 "system call not implemented";
    ELOOP LOOP 40 114 "too many levels of symbolic links";
    EOVERFLOW OVERFLOW 75 132 "value too large for its type";
    ENOTSUP OPNOTSUPP 95 129 "operation not supported";
    ESTALE STALE 116 4070 "stale file handle";
    EDQUOT DQUOT 122 4071 "disk quota exceeded";
}

impl Errno {
    /// The error with this number. What no error number can be (not in 1 to 4095, as in Linux's
    /// include/linux/err.h) becomes [`EIO`](Errno::EIO), so that no failure looks like a success or
    /// like a `PMEM2_E_*` code.
    #[must_use]
    pub const fn from_raw(number: i32) -> Self {
        match number {
            1..=4095 => Self(number),
            _ => Self::EIO,
        }
    }

    /// The number.
    #[must_use]
    pub const fn raw(self) -> i32 {
        self.0
    }

    /// The symbol, `"EACCES"`, of the numbers that the calls of pmem2 are known to give.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        self.texts().map(|(name, _)| name)
    }
}

impl core::error::Error for Errno {}

/// On Unix the number itself.
#[cfg(feature = "std")]
impl From<Errno> for std::io::Error {
    fn from(errno: Errno) -> Self {
        if cfg!(unix) { Self::from_raw_os_error(errno.0) } else { Self::new(errno.into(), errno) }
    }
}

/// The kind of error that the standard library makes of the number.
#[cfg(feature = "std")]
impl From<Errno> for std::io::ErrorKind {
    fn from(errno: Errno) -> Self {
        // Elsewhere the standard library takes a number for something else than an errno.
        if cfg!(unix) {
            return std::io::Error::from_raw_os_error(errno.0).kind();
        }
        match errno {
            Errno::EINVAL => Self::InvalidInput,
            Errno::ENOMEM => Self::OutOfMemory,
            Errno::ENOTSUP => Self::Unsupported,
            Errno::ENOENT => Self::NotFound,
            Errno::EPERM | Errno::EACCES => Self::PermissionDenied,
            Errno::EBUSY => Self::ResourceBusy,
            Errno::EINTR => Self::Interrupted,
            Errno::ENOTDIR => Self::NotADirectory,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.texts() {
            Some((name, text)) => write!(f, "{text} ({name})"),
            None => write!(f, "error number {}", self.0),
        }
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "Errno({})", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Errno;
    use std::{collections::HashSet, format};

    #[test]
    fn numbers_names_and_texts() {
        assert_eq!(Errno::from_raw(13), Errno::EACCES);
        assert_eq!(Errno::EACCES.raw(), 13);
        assert_eq!(Errno::ENOTSUP.name(), Some("ENOTSUP"));
        assert_eq!(format!("{}", Errno::ELOOP), "too many levels of symbolic links (ELOOP)");
        assert_eq!(format!("{}", Errno::from_raw(4000)), "error number 4000");
        assert_eq!(format!("{:?} {:?}", Errno::EIO, Errno::from_raw(4000)), "EIO Errno(4000)");
        assert_eq!(Errno::from_raw(4000).name(), None);
        for impossible in [0, -1, -13, 4096, 100_004, i32::MIN, i32::MAX] {
            assert_eq!(Errno::from_raw(impossible), Errno::EIO);
        }
        assert_eq!([1, 4095].map(|number| Errno::from_raw(number).raw()), [1, 4095]);
        let texts: HashSet<_> = (1..4096).filter_map(|n| Errno::from_raw(n).texts()).collect();
        assert_eq!(texts.len(), 27, "each number once");
    }
}

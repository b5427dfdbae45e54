//! Error numbers of the system.

use core::fmt;

/// An error number as in errno(3): positive, and the target's own. On Windows it is that of the C
/// runtime's errno.h, without an operating system that of Linux's generic ABI
/// (asm-generic/errno.h).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Errno(i32);

/// Defines errors: the name, rustix's name (which has the number of each Linux architecture), the
/// numbers of Linux's generic ABI and of Windows, a description.
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

            /// Returns the symbol and a description of a number that the calls of pmem2 are known
            /// to give.
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

/// The names in errno.h of the target's other numbers. Without an operating system, where every
/// byte may count, there are none.
///
/// They are one text: a table of texts has an address for each, and in a shared library a
/// relocation.
#[cfg(any(target_os = "linux", windows))]
macro_rules! names {
    ($($name:ident $number:expr;)*) => {
        fn other_name(self) -> Option<&'static str> {
            const NUMBERS: &[i32] = &[$($number),*];
            const NAMES: &str = concat!($(stringify!($name), " "),*);
            let place = NUMBERS.iter().position(|&number| number == self.0)?;
            // By bytes: a search for a character links a panic.
            let name = NAMES.as_bytes().split(|&byte| byte == b' ').nth(place)?;
            core::str::from_utf8(name).ok()
        }
    };
}

/// The same, with the numbers of rustix, which has them for each architecture.
#[cfg(target_os = "linux")]
macro_rules! linux_names {
    ($($name:ident $rustix:ident;)*) => {
        names! { $($name rustix::io::Errno::$rustix.raw_os_error();)* }
    };
}

#[cfg(target_os = "linux")]
#[rustfmt::skip]
impl Errno {
    linux_names! {
        ESRCH SRCH; E2BIG TOOBIG; ENOEXEC NOEXEC; ECHILD CHILD; ENOTBLK NOTBLK; EEXIST EXIST;
        EXDEV XDEV; EISDIR ISDIR; ENOTTY NOTTY; ESPIPE SPIPE; EMLINK MLINK; EPIPE PIPE; EDOM DOM;
        ERANGE RANGE; EDEADLK DEADLK; ENOLCK NOLCK; ENOTEMPTY NOTEMPTY; ENOMSG NOMSG; EIDRM IDRM;
        ECHRNG CHRNG; EL2NSYNC L2NSYNC; EL3HLT L3HLT; EL3RST L3RST; ELNRNG LNRNG; EUNATCH UNATCH;
        ENOCSI NOCSI; EL2HLT L2HLT; EBADE BADE; EBADR BADR; EXFULL XFULL; ENOANO NOANO;
        EBADRQC BADRQC; EBADSLT BADSLT; EBFONT BFONT; ENOSTR NOSTR; ENODATA NODATA; ETIME TIME;
        ENOSR NOSR; ENONET NONET; ENOPKG NOPKG; EREMOTE REMOTE; ENOLINK NOLINK; EADV ADV;
        ESRMNT SRMNT; ECOMM COMM; EPROTO PROTO; EMULTIHOP MULTIHOP; EDOTDOT DOTDOT; EBADMSG BADMSG;
        ENOTUNIQ NOTUNIQ; EBADFD BADFD; EREMCHG REMCHG; ELIBACC LIBACC; ELIBBAD LIBBAD;
        ELIBSCN LIBSCN; ELIBMAX LIBMAX; ELIBEXEC LIBEXEC; EILSEQ ILSEQ; ERESTART RESTART;
        ESTRPIPE STRPIPE; EUSERS USERS; ENOTSOCK NOTSOCK; EDESTADDRREQ DESTADDRREQ;
        EMSGSIZE MSGSIZE; EPROTOTYPE PROTOTYPE; ENOPROTOOPT NOPROTOOPT;
        EPROTONOSUPPORT PROTONOSUPPORT; ESOCKTNOSUPPORT SOCKTNOSUPPORT;
        EPFNOSUPPORT PFNOSUPPORT; EAFNOSUPPORT AFNOSUPPORT;
        EADDRINUSE ADDRINUSE; EADDRNOTAVAIL ADDRNOTAVAIL; ENETDOWN NETDOWN; ENETUNREACH NETUNREACH;
        ENETRESET NETRESET; ECONNABORTED CONNABORTED; ECONNRESET CONNRESET; ENOBUFS NOBUFS;
        EISCONN ISCONN; ENOTCONN NOTCONN; ESHUTDOWN SHUTDOWN; ETOOMANYREFS TOOMANYREFS;
        ETIMEDOUT TIMEDOUT; ECONNREFUSED CONNREFUSED; EHOSTDOWN HOSTDOWN; EHOSTUNREACH HOSTUNREACH;
        EALREADY ALREADY; EINPROGRESS INPROGRESS; EUCLEAN UCLEAN; ENOTNAM NOTNAM; ENAVAIL NAVAIL;
        EISNAM ISNAM; EREMOTEIO REMOTEIO; ENOMEDIUM NOMEDIUM; EMEDIUMTYPE MEDIUMTYPE;
        ECANCELED CANCELED; ENOKEY NOKEY; EKEYEXPIRED KEYEXPIRED; EKEYREVOKED KEYREVOKED;
        EKEYREJECTED KEYREJECTED; EOWNERDEAD OWNERDEAD; ENOTRECOVERABLE NOTRECOVERABLE;
        ERFKILL RFKILL; EHWPOISON HWPOISON;
    }
}

#[cfg(windows)]
#[rustfmt::skip]
impl Errno {
    names! {
        ESRCH 3; E2BIG 7; ENOEXEC 8; ECHILD 10; EEXIST 17; EXDEV 18; EISDIR 21; ENOTTY 25;
        ESPIPE 29; EMLINK 31; EPIPE 32; EDOM 33; ERANGE 34; EDEADLK 36; ENOLCK 39; ENOTEMPTY 41;
        EILSEQ 42; EADDRINUSE 100; EADDRNOTAVAIL 101; EAFNOSUPPORT 102; EALREADY 103; EBADMSG 104;
        ECANCELED 105; ECONNABORTED 106; ECONNREFUSED 107; ECONNRESET 108; EDESTADDRREQ 109;
        EHOSTUNREACH 110; EIDRM 111; EINPROGRESS 112; EISCONN 113; EMSGSIZE 115; ENETDOWN 116;
        ENETRESET 117; ENETUNREACH 118; ENOBUFS 119; ENODATA 120; ENOLINK 121; ENOMSG 122;
        ENOPROTOOPT 123; ENOSR 124; ENOSTR 125; ENOTCONN 126; ENOTRECOVERABLE 127; ENOTSOCK 128;
        EOTHER 131; EOWNERDEAD 133; EPROTO 134; EPROTONOSUPPORT 135; EPROTOTYPE 136; ETIME 137;
        ETIMEDOUT 138;
    }
}

#[cfg(not(any(target_os = "linux", windows)))]
impl Errno {
    const fn other_name(self) -> Option<&'static str> {
        None
    }
}

impl Errno {
    /// Makes the error with this number. One that no error can have (not in 1 to 4095, as in
    /// Linux's include/linux/err.h) becomes [`EIO`](Errno::EIO), so that no failure looks like a
    /// success or like a `PMEM2_E_*` code.
    #[must_use]
    pub const fn from_raw(number: i32) -> Self {
        match number {
            1..=4095 => Self(number),
            _ => Self::EIO,
        }
    }

    /// Returns the number.
    #[must_use]
    pub const fn raw(self) -> i32 {
        self.0
    }

    /// Returns the symbol, `"EACCES"`: on Linux and Windows of every number that the system has a
    /// name for, elsewhere of those that the calls of pmem2 are known to give.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        self.texts().map(|(name, _)| name).or_else(|| self.other_name())
    }
}

impl core::error::Error for Errno {}

/// Keeps the number on Unix. Elsewhere the error is a custom one.
#[cfg(feature = "std")]
impl From<Errno> for std::io::Error {
    fn from(errno: Errno) -> Self {
        if cfg!(unix) { Self::from_raw_os_error(errno.0) } else { Self::new(errno.into(), errno) }
    }
}

/// Converts to the kind that the standard library gives the number.
#[cfg(feature = "std")]
impl From<Errno> for std::io::ErrorKind {
    fn from(errno: Errno) -> Self {
        // Elsewhere the standard library's numbers are no errno.
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
        if let Some((name, text)) = self.texts() {
            return write!(f, "{text} ({name})");
        }
        write!(f, "error number {}", self.0)?;
        match self.other_name() {
            Some(name) => write!(f, " ({name})"),
            None => Ok(()),
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

    /// Compares the names with the C library's, which are the kernel's.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[test]
    fn every_number_has_the_name_of_errno_h() {
        unsafe extern "C" {
            fn strerrorname_np(number: i32) -> *const core::ffi::c_char;
        }
        let mut names = 0;
        for number in 1..4096 {
            // SAFETY: the function takes any number, and returns a constant text or null.
            let name = unsafe { strerrorname_np(number).as_ref() };
            // SAFETY: the text ends with a null byte.
            let name = name.map(|name| unsafe { core::ffi::CStr::from_ptr(name) });
            let name = name.map(|name| match name.to_str().unwrap() {
                // Both names have one number; this one is POSIX's.
                "EOPNOTSUPP" => "ENOTSUP",
                name => name,
            });
            assert_eq!(Errno::from_raw(number).name(), name, "{number}");
            names += u32::from(name.is_some());
        }
        assert!(names > 120, "{names}");
        for (number, shown) in [
            (117, "error number 117 (EUCLEAN)"),
            (107, "error number 107 (ENOTCONN)"),
            (29, "error number 29 (ESPIPE)"),
        ] {
            assert_eq!(format!("{}", Errno::from_raw(number)), shown);
        }
    }
}

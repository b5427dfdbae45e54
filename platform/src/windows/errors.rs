//! The errors of Win32, and their errnos.

use crate::{
    errno::Errno,
    fail::{Fail, Subject},
};

/// A system error code of Win32, from GetLastError.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Code(pub(super) u32);

/// Defines codes by their names, numbers and errnos.
macro_rules! codes {
    ($($name:ident $number:literal $errno:ident;)*) => {
        /// The table, for the test that goes through it.
        #[cfg(test)]
        pub(super) const TABLE: &[(u32, Errno)] = &[$(($number, Errno::$errno),)*];

        impl Code {
            $(
                #[doc = concat!("`ERROR_", stringify!($name), "`.")]
                #[allow(dead_code, reason = "most are only looked up by their number")]
                pub(super) const $name: Self = Self($number);
            )*

            /// Returns the errno of the code, if it is in the table.
            pub(super) const fn known(self) -> Option<Errno> {
                match self.0 {
                    $($number => Some(Errno::$errno),)*
                    _ => None,
                }
            }
        }
    };
}

// The one table from Win32 to errno, documented at `Windows`. What Microsoft's C runtime makes
// EACCES for want of a better number (a sharing violation, a drive that is not ready) has the
// better number here.
codes! {
    INVALID_FUNCTION 1 EINVAL;
    FILE_NOT_FOUND 2 ENOENT;
    PATH_NOT_FOUND 3 ENOENT;
    TOO_MANY_OPEN_FILES 4 EMFILE;
    ACCESS_DENIED 5 EACCES;
    INVALID_HANDLE 6 EBADF;
    NOT_ENOUGH_MEMORY 8 ENOMEM;
    INVALID_ACCESS 12 EINVAL;
    INVALID_DATA 13 EINVAL;
    OUTOFMEMORY 14 ENOMEM;
    INVALID_DRIVE 15 ENOENT;
    WRITE_PROTECT 19 EACCES;
    BAD_UNIT 20 ENODEV;
    NOT_READY 21 ENXIO;
    CRC 23 EIO;
    BAD_LENGTH 24 EINVAL;
    SEEK 25 EIO;
    SECTOR_NOT_FOUND 27 EIO;
    WRITE_FAULT 29 EIO;
    READ_FAULT 30 EIO;
    GEN_FAILURE 31 EIO;
    SHARING_VIOLATION 32 EBUSY;
    LOCK_VIOLATION 33 EBUSY;
    HANDLE_EOF 38 EIO;
    HANDLE_DISK_FULL 39 ENOSPC;
    NOT_SUPPORTED 50 ENOTSUP;
    BAD_NETPATH 53 ENOENT;
    DEV_NOT_EXIST 55 ENODEV;
    NETWORK_ACCESS_DENIED 65 EACCES;
    BAD_DEV_TYPE 66 ENODEV;
    BAD_NET_NAME 67 ENOENT;
    INVALID_PARAMETER 87 EINVAL;
    BUFFER_OVERFLOW 111 ENAMETOOLONG;
    DISK_FULL 112 ENOSPC;
    CALL_NOT_IMPLEMENTED 120 ENOSYS;
    INSUFFICIENT_BUFFER 122 EOVERFLOW;
    INVALID_NAME 123 ENOENT;
    INVALID_LEVEL 124 EINVAL;
    BAD_PATHNAME 161 ENOENT;
    BUSY 170 EBUSY;
    FILENAME_EXCED_RANGE 206 ENAMETOOLONG;
    FILE_TOO_LARGE 223 EFBIG;
    PIPE_BUSY 231 EBUSY;
    MORE_DATA 234 EOVERFLOW;
    DIRECTORY 267 ENOTDIR;
    DATA_CHECKSUM_ERROR 323 EIO;
    NO_SUCH_DEVICE 433 ENODEV;
    DEVICE_HARDWARE_ERROR 483 EIO;
    ARITHMETIC_OVERFLOW 534 EOVERFLOW;
    OPERATION_ABORTED 995 EINTR;
    NOACCESS 998 EFAULT;
    UNRECOGNIZED_VOLUME 1005 ENODEV;
    NO_MEDIA_IN_DRIVE 1112 ENXIO;
    IO_DEVICE 1117 EIO;
    DISK_RECALIBRATE_FAILED 1126 EIO;
    DISK_OPERATION_FAILED 1127 EIO;
    DISK_RESET_FAILED 1128 EIO;
    DEVICE_NOT_CONNECTED 1167 ENODEV;
    NOT_FOUND 1168 ENOENT;
    DISK_QUOTA_EXCEEDED 1295 ENOSPC;
    PRIVILEGE_NOT_HELD 1314 EPERM;
    NO_SYSTEM_RESOURCES 1450 ENOMEM;
    COMMITMENT_LIMIT 1455 ENOMEM;
    DEVICE_REMOVED 1617 ENODEV;
    INVALID_USER_BUFFER 1784 EFAULT;
    NOT_ENOUGH_QUOTA 1816 ENOMEM;
    CANT_ACCESS_FILE 1920 EACCES;
    CANT_RESOLVE_FILENAME 1921 ELOOP;
}

impl Code {
    /// Returns the errno, EIO for a code that is not in the table: no failure is 0, and none looks
    /// like another cause.
    pub(super) const fn errno(self) -> Errno {
        match self.known() {
            Some(errno) => errno,
            None => Errno::EIO,
        }
    }

    /// Returns the failure of a question about `subject`. It keeps the number where the errno does
    /// not tell the cause.
    pub(super) const fn fail(self, subject: Subject) -> Fail {
        match (self.known(), self.0) {
            (Some(errno), _) => Fail::Os(subject, errno),
            // A call that failed without a code.
            (None, 0) => Fail::Os(subject, Errno::EIO),
            (None, code) => Fail::OsCode(subject, code),
        }
    }

    /// Tells whether the file system or the device does not know a question about a file, with
    /// whichever of these codes its driver prefers.
    pub(super) const fn is_question_unknown(self) -> bool {
        matches!(
            self,
            Self::INVALID_FUNCTION
                | Self::NOT_SUPPORTED
                | Self::INVALID_PARAMETER
                | Self::CALL_NOT_IMPLEMENTED
                | Self::INVALID_LEVEL
        )
    }

    /// Tells whether a volume does not know an IOCTL. (A wrong parameter would be this library's
    /// fault.)
    pub(super) const fn is_ioctl_unknown(self) -> bool {
        matches!(self, Self::INVALID_FUNCTION | Self::NOT_SUPPORTED | Self::CALL_NOT_IMPLEMENTED)
    }

    /// Tells whether a device cannot read or keep its data: the bytes of the transfer are bad.
    pub(super) const fn is_of_the_medium(self) -> bool {
        matches!(
            self,
            Self::CRC
                | Self::SEEK
                | Self::SECTOR_NOT_FOUND
                | Self::WRITE_FAULT
                | Self::READ_FAULT
                | Self::DATA_CHECKSUM_ERROR
                | Self::DEVICE_HARDWARE_ERROR
                | Self::IO_DEVICE
                | Self::DISK_RECALIBRATE_FAILED
                | Self::DISK_OPERATION_FAILED
                | Self::DISK_RESET_FAILED
        )
    }
}

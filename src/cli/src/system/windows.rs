//! Facts that Windows tells about files without opening their contents, and opening them after a
//! look.

use std::{
    fmt::{self, Display},
    fs::{File, OpenOptions},
    io,
    os::windows::{ffi::OsStrExt, fs::OpenOptionsExt},
    path::Path,
};

use pmem2::{
    Error,
    error::{Errno, Subject},
    report::Report,
    windows::{WinFileId, Windows},
};
use serde_json::{Value as Json, json};

pub(crate) type Id = WinFileId;

/// The access with which something is only looked at.
pub(crate) const LOOK: &str = "FILE_READ_ATTRIBUTES";

const FILE_READ_ATTRIBUTES: u32 = 0x80;
/// Read, write, delete.
const FILE_SHARE_ALL: u32 = 7;
const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;
const FILE_FLAG_OPEN_NO_RECALL: u32 = 0x0010_0000;
const SECURITY_ANONYMOUS: u32 = 0;

/// The access that this user has to a file; `None` where that was not tried.
#[derive(Clone, Copy)]
pub(crate) struct Permission {
    pub(crate) read: Option<bool>,
    pub(crate) write: Option<bool>,
}

/// Something else that a person should know.
pub(crate) enum Note {
    /// A symbolic link that leads nowhere.
    Dangling,
    /// The name of a pipe or mailslot.
    Server,
    /// The path led to another file the second time.
    Exchanged,
    /// The source cannot be mapped as it is.
    Unmappable(Error),
}

impl Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dangling => "a symbolic link whose target does not exist",
            Self::Server => {
                "the path is the name of a pipe or mailslot: it was not opened, since that would \
                 connect to its server"
            }
            Self::Exchanged => {
                "the path led to another file when it was opened than when it was looked at: try \
                 again"
            }
            Self::Unmappable(error) => return error.fmt(f),
        })
    }
}

impl Note {
    /// The note on a path that cannot be reached.
    pub(crate) fn unreached(error: &io::Error, path: &Path) -> Option<Self> {
        (error.kind() == io::ErrorKind::NotFound && path.is_symlink()).then_some(Self::Dangling)
    }
}

/// Looks at what a path leads to, without opening its contents.
pub(crate) fn look_at(path: &Path) -> io::Result<File> {
    options().access_mode(FILE_READ_ATTRIBUTES).open(path)
}

/// Opens a file for reading.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    options().read(true).open(path)
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options
        .share_mode(FILE_SHARE_ALL)
        .custom_flags(FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_NO_RECALL)
        .security_qos_flags(SECURITY_ANONYMOUS);
    options
}

/// Whether a path is the name of a pipe or mailslot, of this machine or another one, in any of its
/// spellings.
pub(crate) fn is_served(path: &Path) -> bool {
    let given = path.to_string_lossy().to_ascii_lowercase();
    // As CreateFile resolves it. It leaves paths as they are that begin with `\\?\` or `\??\`, the
    // second of which std does not know.
    let full = match std::path::absolute(path) {
        Ok(full) if !given.starts_with(r"\??\") => full.to_string_lossy().to_ascii_lowercase(),
        _ => given,
    };
    if !full.starts_with(r"\\") && !full.starts_with(r"\??\") {
        return false;
    }
    let mut names = full.split(['\\', '/']).filter(|name| !name.is_empty()).peekable();
    let server = |name: &str| matches!(name, "pipe" | "mailslot" | "namedpipe" | "ipc$");
    if names.next_if(|name| matches!(*name, "." | "?" | "??")).is_none() {
        // A server and its share.
        return names.nth(1).is_some_and(server);
    }
    // Ways to the same directory of devices.
    let mut names = names.skip_while(|name| {
        matches!(*name, "global" | "globalroot" | "dosdevices" | "??" | "device")
    });
    match names.next() {
        Some("unc" | "mup") => names.nth(1).is_some_and(server),
        name => name.is_some_and(server),
    }
}

/// The error for something that cannot be opened.
pub(crate) fn cannot(error: &io::Error) -> Error {
    let what = Subject::Open;
    match error.raw_os_error().map(i32::cast_unsigned) {
        Some(code) => match Windows::known_errno(code) {
            Some(errno) => Error::Os { subject: what, errno },
            None => Error::OsCode { subject: what, code },
        },
        // An error of std's, not of Windows.
        None => Error::Os { subject: what, errno: Errno::EIO },
    }
}

/// The errno of an error of Windows.
pub(crate) fn errno(code: i32) -> Errno {
    u32::try_from(code).map_or(Errno::EIO, Windows::errno)
}

/// The name of a file system whose magic number is shared: there is none.
pub(crate) const fn file_system(_: &Report<Id>) -> Option<&'static str> {
    None
}

/// The keys of JSON that name the object.
pub(crate) fn identity(report: &Report<Id>) -> Vec<(&'static str, Json)> {
    // An object that is no file has no id.
    let id = report.id().filter(|id| id.volume() != 0 || id.file() != 0);
    vec![
        ("volume", json!(id.map(|id| format!("{:016x}", id.volume())))),
        ("file_id", json!(id.map(|id| format!("{:032x}", id.file())))),
    ]
}

/// The number of the device that a device file stands for: Windows has none.
pub(crate) const fn represented_device(_: &Report<Id>) -> Option<(u32, u32)> {
    None
}

/// A path as bytes: Windows has none.
pub(crate) const fn path_bytes(_: &Path) -> Option<&[u8]> {
    None
}

/// A path as 16-bit units.
pub(crate) fn path_units(path: &Path) -> Option<Vec<u16>> {
    Some(path.as_os_str().encode_wide().collect())
}

impl Permission {
    /// Both answers; null where that was not tried.
    pub(crate) fn json(&self) -> Json {
        json!({"read": self.read, "write": self.write})
    }
}

impl Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.read {
            Some(true) => "read",
            Some(false) => "not read: more rights are needed",
            None => "read was not tried",
        })?;
        f.write_str(match self.write {
            Some(false) => "; not write: the file has the attribute read-only",
            _ => "; write was not tried",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_served() {
        for path in [
            r"\\.\pipe\name",
            r"\\.\PIPE\a\b",
            r"\\?\pipe\name",
            r"//./pipe/name",
            r"\\server\pipe\name",
            r"\\?\UNC\server\pipe\name",
            r"\\.\UNC\server\pipe\name",
            r"\\server\IPC$\name",
            r"\\.\mailslot\name",
            // CreateFile resolves these.
            r"\\.\C:\..\pipe\name",
            r"\\.\x\..\pipe\name",
            r"\\.\.\pipe\name",
            r"\\.\\pipe\\name",
            // Other ways to the same directory.
            r"\??\pipe\name",
            r"\??\UNC\server\pipe\name",
            r"\\.\Global\pipe\name",
            r"\\?\GLOBALROOT\??\pipe\name",
            r"\\?\GLOBALROOT\DosDevices\pipe\name",
            r"\\.\GLOBALROOT\Device\NamedPipe\name",
            r"\\?\GLOBALROOT\Device\Mailslot\name",
            r"\\?\GLOBALROOT\Device\Mup\server\pipe\name",
        ] {
            assert!(is_served(Path::new(path)), "{path}");
        }
        for path in [
            "pipe",
            r"pipe\name",
            r"\pipe\name",
            r"C:\pipe\name",
            r"\\?\C:\pipe\name",
            r"\??\C:\pipe\name",
            r"\\.\C:",
            r"\\.\NUL",
            r"\\server\share\pipe",
            r"\\server\share\..\pipe\name",
            r"\\pipe\share\name",
            r"\\?\UNC\pipe\share\name",
            r"\\?\GLOBALROOT\Device\HarddiskVolume1\pipe\name",
            r"\\?\Volume{01234567-89ab-cdef-0123-456789abcdef}\pipe",
            r"\\",
            r"\\?",
            "",
        ] {
            assert!(!is_served(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn permissions_in_words() {
        let words = |read, write| Permission { read, write }.to_string();
        assert_eq!(words(Some(true), None), "read; write was not tried");
        assert_eq!(
            words(Some(false), Some(false)),
            "not read: more rights are needed; not write: the file has the attribute read-only"
        );
        assert_eq!(words(None, None), "read was not tried; write was not tried");
    }

    #[test]
    fn errors_keep_their_number() {
        let of = |code| cannot(&io::Error::from_raw_os_error(code));
        let what = Subject::Open;
        assert_eq!(of(5), Error::Os { subject: what, errno: Errno::EACCES });
        assert_eq!(of(1392), Error::OsCode { subject: what, code: 1392 });
        assert_eq!(
            cannot(&io::ErrorKind::InvalidInput.into()),
            Error::Os { subject: what, errno: Errno::EIO }
        );
    }
}

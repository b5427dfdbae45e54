//! Looking at things without touching them, on Windows.
//!
//! A path is first opened to ask for its attributes only (`FILE_READ_ATTRIBUTES`), sharing it with
//! everybody, and what that shows is opened only if it is a regular file: read-only, without
//! fetching what is kept elsewhere (`FILE_FLAG_OPEN_NO_RECALL`). Whether it is still the same file
//! is looked at then. Names of pipes and mailslots are not opened at all, since that connects to
//! whoever serves them. No server learns who asks (`SECURITY_ANONYMOUS`).

use std::{
    fmt::{self, Display},
    fs::{File, OpenOptions},
    io,
    ops::Range,
    os::windows::{ffi::OsStrExt, fs::OpenOptionsExt},
    path::Path,
};

use pmem2::{
    Error, Kind,
    error::{Errno, HandleFault, Subject},
    report::Report,
    windows::{WinFileId, Windows},
};

use crate::{
    finding::{ByPath, Finding, Identity, Opened},
    scan::Scanner,
    text::name,
};

pub(crate) type Id = WinFileId;

/// How something is opened that is only looked at.
pub(crate) const LOOK: &str = "FILE_READ_ATTRIBUTES";

const FILE_READ_ATTRIBUTES: u32 = 0x80;
/// Read, write, delete.
const FILE_SHARE_ALL: u32 = 7;
const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;
const FILE_FLAG_OPEN_NO_RECALL: u32 = 0x0010_0000;
const SECURITY_ANONYMOUS: u32 = 0;

/// What this user may do with a file; `None` where that was not tried.
#[derive(Clone, Copy)]
pub(crate) struct Permission {
    pub(crate) read: Option<bool>,
    pub(crate) write: Option<bool>,
}

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
        match self {
            Self::Dangling => f.write_str("it is a symbolic link, and what it points to does not exist"),
            Self::Server => f.write_str(
                "the name of a pipe or mailslot, told by the path: it was not opened, which would connect to its server",
            ),
            Self::Exchanged => {
                f.write_str("the path led to another file when it was opened than when it was looked at: try again")
            }
            Self::Unmappable(error) => error.fmt(f),
        }
    }
}

/// Looks at what `path` leads to, and opens it if that is harmless.
pub(crate) fn path(path: &Path, scanner: Option<&Scanner>) -> Finding {
    let not_tried =
        ByPath { opened: Opened::NotTried, permission: Permission { read: None, write: None } };
    if is_served(path) {
        let report = Report::refused(Error::InvalidFileType(Kind::Pipe));
        return Finding { note: Some(Note::Server), ..Finding::of(report, Some(not_tried)) };
    }
    let handle = match look_at(path) {
        Ok(handle) => handle,
        Err(error) => {
            let finding = Finding::of(Report::refused(cannot(&error)), None);
            return Finding { note: Note::unreached(&error, path), ..finding };
        }
    };
    let look = Report::of_unopened(&handle);
    if look.kind() != Some(Kind::RegularFile) {
        return Finding::of(look, Some(not_tried));
    }
    let read_only = handle.metadata().is_ok_and(|metadata| metadata.permissions().readonly());
    let found = |report, opened, read| {
        let permission = Permission { read, write: read_only.then_some(false) };
        Finding::of(report, Some(ByPath { opened, permission }))
    };
    match open(path) {
        Ok(file) => {
            let finding = reopened(&look, &file, found).with_bad_blocks(&file);
            // The system reads holes as fast as it can make zeros.
            let all = |offset| Some(Range { start: offset, end: u64::MAX });
            let scan = scanner
                .filter(|_| finding.is_usable())
                .map(|scanner| scanner.scan(&file, &name(path), &all));
            Finding { scan, ..finding }
        }
        Err(error) => found(look.with_error(cannot(&error)), Opened::Failed, may_read(&error)),
    }
}

/// Whether this user may read what could not be opened, where the error tells.
fn may_read(error: &io::Error) -> Option<bool> {
    (error.kind() == io::ErrorKind::PermissionDenied).then_some(false)
}

/// What is said of what was opened, if that is what was looked at.
fn reopened(
    look: &Report<Id>,
    file: &File,
    found: impl FnOnce(Report<Id>, Opened, Option<bool>) -> Finding,
) -> Finding {
    let report = Report::of(file);
    if report.id() == look.id() {
        return found(report, Opened::Yes, Some(true));
    }
    let report = look.with_error(Error::InvalidFileHandle(HandleFault::Replaced));
    Finding { note: Some(Note::Exchanged), ..found(report, Opened::Failed, None) }
}

impl Note {
    pub(crate) fn unreached(error: &io::Error, path: &Path) -> Option<Self> {
        (error.kind() == io::ErrorKind::NotFound && path.is_symlink()).then_some(Self::Dangling)
    }
}

/// Opens it to look at it.
pub(crate) fn look_at(path: &Path) -> io::Result<File> {
    options().access_mode(FILE_READ_ATTRIBUTES).open(path)
}

/// Opens it for reading.
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

/// Whether it is a name in the directories of pipes and mailslots, of this machine or another one,
/// in whichever of its spellings.
pub(crate) fn is_served(path: &Path) -> bool {
    let given = path.to_string_lossy().to_ascii_lowercase();
    // As CreateFile resolves it, which leaves what begins with `\\?\` or `\??\` as it is; of the
    // second the library does not know.
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
        // A server, and what it shares.
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

pub(crate) fn cannot(error: &io::Error) -> Error {
    let what = Subject::Open;
    match error.raw_os_error().map(i32::cast_unsigned) {
        Some(code) => match Windows::known_errno(code) {
            Some(errno) => Error::Os { subject: what, errno },
            None => Error::OsCode { subject: what, code },
        },
        // Not Windows' error, but std's.
        None => Error::Os { subject: what, errno: Errno::EIO },
    }
}

/// The errno of an error of Windows.
pub(crate) fn errno(code: i32) -> Errno {
    u32::try_from(code).map_or(Errno::EIO, Windows::errno)
}

/// Each has a name of its own.
pub(crate) const fn file_system(_: &Report<Id>) -> Option<&'static str> {
    None
}

pub(crate) fn identity(report: &Report<Id>) -> Identity {
    // What is no file has no id.
    let id = report.id().filter(|id| id.volume() != 0 || id.file() != 0);
    Identity {
        volume: id.map(|id| format!("{:016x}", id.volume())),
        file_id: id.map(|id| format!("{:032x}", id.file())),
        ..Identity::default()
    }
}

/// A path as bytes: Windows has none.
pub(crate) const fn bytes(_: &Path) -> Option<&[u8]> {
    None
}

/// A path as Windows has it.
pub(crate) fn units(path: &Path) -> Option<Vec<u16>> {
    Some(path.as_os_str().encode_wide().collect())
}

/// Whether it is allowed; `None` where that was not tried.
pub(crate) const fn allowed(answer: Option<bool>) -> Option<bool> {
    answer
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
            // What CreateFile resolves.
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
        // ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION.
        assert_eq!(
            [5, 32].map(|code| may_read(&io::Error::from_raw_os_error(code))),
            [Some(false), None]
        );
    }

    /// What is opened is what was looked at, or it is said that it is not.
    #[test]
    fn a_file_that_was_exchanged() {
        let directory = std::env::temp_dir().join(format!("pmem2-look-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let files = ["one", "two"].map(|name| {
            std::fs::write(directory.join(name), name).unwrap();
            File::open(directory.join(name)).unwrap()
        });
        let [look, other] = files.each_ref().map(Report::of);
        let found = |report, opened, read| {
            Finding::of(
                report,
                Some(ByPath { opened, permission: Permission { read, write: None } }),
            )
        };
        let same = reopened(&look, &files[0], found);
        assert_eq!(same.report.verdict(), Ok(()));
        let exchanged = reopened(&look, &files[1], found);
        assert_eq!(
            exchanged.report.verdict(),
            Err(Error::InvalidFileHandle(HandleFault::Replaced))
        );
        assert_ne!(exchanged.report.id(), other.id());
        assert!(matches!(exchanged.note, Some(Note::Exchanged)));
        drop(files);
        std::fs::remove_dir_all(&directory).unwrap();
    }
}

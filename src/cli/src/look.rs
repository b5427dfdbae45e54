//! Looking at things without touching them.
//!
//! Opening can do harm: it starts a watchdog, rewinds a tape, waits for a FIFO's other end, takes a terminal. So a path is
//! first opened with `O_PATH`, which runs no driver's code, and what that shows is opened only if it is a regular file or a
//! device DAX.

use std::{
    fmt::{self, Display},
    fs::File,
    os::fd::{AsRawFd, OwnedFd},
    path::{Path, PathBuf},
};

use pmem2::{Errno, Error, FileId, Kind, Report, What};
use rustix::{
    fs::{Access, AtFlags, CWD, Mode, OFlags, accessat, open},
    io,
};

/// What was found.
pub(crate) struct Finding {
    pub(crate) report: Report<FileId>,
    /// Where it was found by a path, and looked at.
    pub(crate) by_path: Option<ByPath>,
    /// What else a person should know.
    pub(crate) note: Option<Note>,
}

pub(crate) struct ByPath {
    /// Whether it was opened, and not only looked at.
    pub(crate) opened: bool,
    pub(crate) permission: Permission,
}

/// What the effective user may do with a file.
pub(crate) struct Permission {
    pub(crate) read: io::Result<()>,
    pub(crate) write: io::Result<()>,
}

pub(crate) enum Note {
    /// A path that may not be walked.
    Unsearchable,
    /// A symbolic link that leads nowhere.
    Dangling,
    /// Opening would have had to wait.
    Leased,
    /// Another file was found on opening.
    Exchanged,
    /// The source cannot be mapped as it is.
    Unmappable(Error),
}

impl Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsearchable => f.write_str("a directory of the path may not be searched by this user"),
            Self::Dangling => f.write_str("it is a symbolic link, and what it points to does not exist"),
            Self::Leased => f.write_str(
                "another process holds a lease on it (fcntl's F_SETLEASE) and was asked to give it up: try again",
            ),
            Self::Exchanged => f.write_str("the path led to another file a moment later: try again"),
            Self::Unmappable(error) => error.fmt(f),
        }
    }
}

/// Looks at a descriptor that this process inherited. It stays open.
pub(crate) fn descriptor(number: i32) -> Finding {
    #[expect(
        unsafe_code,
        reason = "a number from the command line has no owner in Rust that it could be borrowed from"
    )]
    // SAFETY: borrow_raw wants a number that is open to stay open while it is borrowed, and one that is not open to stay so.
    // The borrow ends with this function. Nothing in this process closes a descriptor that it did not open, there is one
    // thread, and main calls this before it opens anything of its own.
    let fd = unsafe { pmem2::Fd::borrow_raw(number) };
    Finding::of(Report::of(&fd), None)
}

/// Looks at what `path` leads to, and opens it if that is harmless.
pub(crate) fn path(path: &Path) -> Finding {
    let handle = match open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()) {
        Ok(handle) => handle,
        Err(errno) => {
            return Finding { note: Note::unreached(errno, path), ..Finding::of(Report::refused(cannot(errno)), None) };
        }
    };
    let look = Report::of_unopened(&handle);
    let permission = Permission::of(&handle, path);
    match look.kind() {
        Some(Kind::RegularFile | Kind::DeviceDax) => match reopen(&handle, path) {
            Ok(file) => judge(&look, &Report::of(&file), permission),
            Err(errno) => Finding {
                note: (errno == io::Errno::AGAIN).then_some(Note::Leased),
                ..Finding::of(look.with_error(cannot(errno)), Some(ByPath { opened: false, permission }))
            },
        },
        _ => Finding::of(look, Some(ByPath { opened: false, permission })),
    }
}

/// What was opened, if it is what was looked at.
fn judge(look: &Report<FileId>, opened: &Report<FileId>, permission: Permission) -> Finding {
    match (opened.id(), opened.verdict()) {
        (None, Err(error)) => Finding::of(look.with_error(error), Some(ByPath { opened: true, permission })),
        (id, _) if id == look.id() => Finding::of(*opened, Some(ByPath { opened: true, permission })),
        _ => Finding {
            note: Some(Note::Exchanged),
            ..Finding::of(look.with_error(cannot(io::Errno::STALE)), Some(ByPath { opened: false, permission }))
        },
    }
}

/// Opens for reading what `handle` was opened to look at.
fn reopen(handle: &OwnedFd, path: &Path) -> io::Result<File> {
    // Not waiting for a lease; the other flags count where the path leads elsewhere by now.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    by_name(handle, path, |name| open(name, flags, Mode::empty())).map(File::from)
}

/// Calls with a name of what `handle` refers to: its link in /proc, which cannot lead elsewhere, or where /proc is not
/// mounted the path that it was found by.
fn by_name<T>(handle: &OwnedFd, path: &Path, call: impl Fn(&Path) -> io::Result<T>) -> io::Result<T> {
    match call(&PathBuf::from(format!("/proc/self/fd/{}", handle.as_raw_fd()))) {
        Err(io::Errno::NOENT | io::Errno::NOTDIR) => call(path),
        result => result,
    }
}

fn cannot(errno: io::Errno) -> Error {
    Error::Os { what: What::Open, errno: Errno::from_raw(errno.raw_os_error()) }
}

impl Finding {
    fn of(report: Report<FileId>, by_path: Option<ByPath>) -> Self {
        let empty = report.verdict().is_ok() && report.size() == Some(Ok(0));
        Self { report, by_path, note: empty.then_some(Note::Unmappable(Error::SourceEmpty)) }
    }

    /// The device that a device file stands for.
    pub(crate) fn represented_device(&self) -> Option<(u32, u32)> {
        match self.report.kind()? {
            Kind::DeviceDax | Kind::CharacterDevice | Kind::UnknownDevice(_) | Kind::BlockDevice => {
                self.report.id().map(FileId::represented_device)
            }
            _ => None,
        }
    }
}

impl Note {
    fn unreached(errno: io::Errno, path: &Path) -> Option<Self> {
        match errno {
            io::Errno::ACCESS => Some(Self::Unsearchable),
            io::Errno::NOENT if path.is_symlink() => Some(Self::Dangling),
            _ => None,
        }
    }
}

impl Permission {
    fn of(handle: &OwnedFd, path: &Path) -> Self {
        let may = |access| by_name(handle, path, |name| accessat(CWD, name, access, AtFlags::EACCESS));
        Self { read: may(Access::READ_OK), write: may(Access::WRITE_OK) }
    }
}

/// Whether it is allowed; `None` where the system does not say.
pub(crate) fn allowed(answer: io::Result<()>) -> Option<bool> {
    match answer {
        Ok(()) => Some(true),
        Err(io::Errno::ACCESS | io::Errno::PERM | io::Errno::ROFS) => Some(false),
        Err(_) => None,
    }
}

impl Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.read, self.write) {
            (Ok(()), Ok(())) => f.write_str("read and write"),
            (Ok(()), Err(write)) => write!(f, "read; not write: {}", Obstacle(write)),
            (Err(read), Ok(())) => write!(f, "write; not read: {}", Obstacle(read)),
            (Err(read), Err(write)) if read == write => write!(f, "neither read nor write: {}", Obstacle(read)),
            (Err(read), Err(write)) => write!(f, "not read: {}; not write: {}", Obstacle(read), Obstacle(write)),
        }
    }
}

/// Why something is not allowed.
struct Obstacle(io::Errno);

impl Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            io::Errno::ACCESS => f.write_str("more rights are needed"),
            io::Errno::PERM => f.write_str("the file is immutable (chattr), or more rights are needed"),
            io::Errno::ROFS => f.write_str("the file system is mounted read-only"),
            errno => write!(f, "cannot be told: {}", Errno::from_raw(errno.raw_os_error())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(path: &Path) -> (OwnedFd, Report<FileId>) {
        let handle = open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap();
        let report = Report::of_unopened(&handle);
        (handle, report)
    }

    fn permission() -> Permission {
        Permission { read: Ok(()), write: Ok(()) }
    }

    /// Without /proc a path can lead to another file when it is opened.
    #[test]
    fn another_file_is_not_taken_for_the_one_that_was_looked_at() {
        let first = tempfile::NamedTempFile::new().unwrap();
        let second = tempfile::NamedTempFile::new().unwrap();
        let (_handle, seen) = look(first.path());

        let finding = judge(&seen, &Report::of(second.as_file()), permission());
        assert_eq!(finding.report.verdict(), Err(cannot(io::Errno::STALE)));
        assert_eq!(finding.report.id(), seen.id());
        assert!(matches!(finding.note, Some(Note::Exchanged)));
        assert!(!finding.by_path.unwrap().opened);

        let failure = Error::Os { what: What::Handle, errno: Errno::EIO };
        let finding = judge(&seen, &Report::refused(failure), permission());
        assert_eq!(
            (finding.report.verdict(), finding.report.id()),
            (Err(failure), seen.id()),
            "nothing else was found"
        );
        assert!(finding.note.is_none());

        let finding = judge(&seen, &Report::of(first.as_file()), permission());
        assert_eq!(finding.report.verdict(), Ok(()));
        assert!(finding.by_path.unwrap().opened);
    }

    /// The descriptor's name in /proc leads to the file itself, whatever became of the path.
    #[test]
    fn a_file_is_opened_by_its_handle() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, "first").unwrap();
        let (handle, seen) = look(&path);
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "second").unwrap();
        let file = reopen(&handle, &path).unwrap();
        assert_eq!(Report::of(&file).id(), seen.id());
        assert_eq!(std::io::read_to_string(file).unwrap(), "first");
    }

    #[test]
    fn a_name_that_is_not_in_proc_is_replaced_by_the_path() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let (handle, _) = look(file.path());
        let names = std::cell::RefCell::new(Vec::new());
        let result = by_name(&handle, file.path(), |name| {
            names.borrow_mut().push(name.to_owned());
            if name.starts_with("/proc") { Err(io::Errno::NOENT) } else { Ok(()) }
        });
        assert_eq!(result, Ok(()));
        assert_eq!(
            names.into_inner(),
            [format!("/proc/self/fd/{}", handle.as_raw_fd()).into(), file.path().to_owned()]
        );

        // Any other answer is the answer.
        assert_eq!(by_name(&handle, file.path(), |_| Err::<(), _>(io::Errno::ACCESS)), Err(io::Errno::ACCESS));
    }

    #[test]
    fn permissions_in_words() {
        let words = |read, write| Permission { read, write }.to_string();
        let (rights, read_only) = (Err(io::Errno::ACCESS), Err(io::Errno::ROFS));
        assert_eq!(words(Ok(()), Ok(())), "read and write");
        assert_eq!(words(Ok(()), rights), "read; not write: more rights are needed");
        assert_eq!(words(Ok(()), read_only), "read; not write: the file system is mounted read-only");
        assert_eq!(words(rights, Ok(())), "write; not read: more rights are needed");
        assert_eq!(words(rights, rights), "neither read nor write: more rights are needed");
        assert_eq!(
            words(rights, read_only),
            "not read: more rights are needed; not write: the file system is mounted read-only"
        );
        let immutable = Err(io::Errno::PERM);
        assert_eq!(
            words(Ok(()), immutable),
            "read; not write: the file is immutable (chattr), or more rights are needed"
        );
        let unknown = Err(io::Errno::NOSYS);
        assert_eq!(words(Ok(()), unknown), "read; not write: cannot be told: system call not implemented (ENOSYS)");
        assert_eq!(
            [Ok(()), rights, read_only, immutable, unknown].map(allowed),
            [Some(true), Some(false), Some(false), Some(false), None]
        );
    }
}

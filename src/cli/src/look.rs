//! Looking at things without touching them.
//!
//! Opening can do harm: it starts a watchdog, rewinds a tape, waits for a FIFO's other end, takes a
//! terminal, empties a buffer of tracefs. So a path is first opened with `O_PATH`, which runs no
//! driver's code, and what that shows is opened only if it is a device DAX or a regular file of a
//! file system that keeps data: that very file, by its link in /proc. The path itself is not walked
//! a second time, since it may lead elsewhere by then. (One effect is left: a process that holds a
//! write lease on a file is told that someone wants it.)

use std::{
    fmt::{self, Display},
    fs::File,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::Path,
};

use pmem2::{
    Error, Kind,
    error::{Errno, Subject},
    linux::FileId,
    report::Report,
};
use rustix::{
    fs::{
        Access, AtFlags, CWD, Mode, OFlags, SeekFrom, StatxAttributes, StatxFlags, accessat, open,
        openat, seek, statx,
    },
    io,
};

use crate::{
    finding::{ByPath, Finding, Identity, Opened},
    scan::{Scan, Scanner},
    text::name,
};

pub(crate) type Id = FileId;

/// How something is opened that is only looked at.
pub(crate) const LOOK: &str = "O_PATH";

/// What the effective user may do with a file.
#[derive(Clone, Copy)]
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
    /// A file that was not opened: it is an interface of the kernel, or on a file system that is
    /// not known.
    Interface {
        /// Whether somebody could open it for reading.
        readable: bool,
    },
    /// A file that could be opened, and was not: /proc is not mounted.
    NoProc,
    /// The source cannot be mapped as it is.
    Unmappable(Error),
}

impl Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsearchable => {
                f.write_str("this user may not search a directory of the path, or not follow a link in it")
            }
            Self::Dangling => f.write_str("it is a symbolic link, and what it points to does not exist"),
            Self::Leased => f.write_str(
                "another process holds a lease on it (fcntl's F_SETLEASE) and was asked to give it up: try again",
            ),
            Self::Interface { readable } => {
                f.write_str("not on a file system that is known to keep data, so it was not opened, which may be an action there")?;
                if *readable {
                    f.write_str("; pass it opened, with --fd, to inspect it as it is")?;
                }
                Ok(())
            }
            Self::NoProc => f.write_str("/proc is not mounted here, so there is no way to open what was looked at"),
            Self::Unmappable(error) => error.fmt(f),
        }
    }
}

/// Looks at what `path` leads to, and opens it if that is harmless.
pub(crate) fn path(path: &Path, scanner: Option<&Scanner>) -> Finding {
    let handle = match open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()) {
        Ok(handle) => handle,
        Err(errno) => {
            return Finding {
                note: Note::unreached(errno, path),
                ..Finding::of(Report::refused(cannot(errno)), None)
            };
        }
    };
    let look = Report::of_unopened(&handle);
    let links = links();
    let permission = Permission::of(&handle, links.as_ref(), path);
    let found = |report, opened, note: Option<Note>| {
        let finding = Finding::of(report, Some(ByPath { opened, permission }));
        Finding { note: note.or(finding.note), ..finding }
    };
    // What cannot be read is no source, opened or not.
    let unopened = || match permission.read {
        Err(errno @ (io::Errno::ACCESS | io::Errno::PERM)) if look.verdict().is_ok() => {
            look.with_error(cannot(errno))
        }
        _ => look,
    };
    let storage = || matches!(look.file_system(), Some(Ok(system)) if system.is_storage());
    match look.kind() {
        Some(Kind::RegularFile) if !storage() => {
            let readable = permission.read.is_ok() && somebody_reads(&handle);
            found(unopened(), Opened::NotTried, Some(Note::Interface { readable }))
        }
        Some(Kind::RegularFile | Kind::DeviceDax) => match links
            .map(|links| reopen(&links, &handle))
        {
            None => found(unopened(), Opened::NotTried, Some(Note::NoProc)),
            Some(Ok(file)) => {
                let finding = found(Report::of(&file), Opened::Yes, None).with_bad_blocks(&file);
                let scan =
                    scanner.filter(|_| finding.is_usable()).map(|scanner| match look.kind() {
                        // All of it is data, and it answers with 0 whatever it is asked.
                        Some(Kind::DeviceDax) => {
                            scanner.scan(&file, &name(path), &|offset| Some(offset..u64::MAX))
                        }
                        _ => scan(&file, path, scanner),
                    });
                Finding { scan, ..finding }
            }
            Some(Err(errno)) => {
                let note = (errno == io::Errno::AGAIN).then_some(Note::Leased);
                found(look.with_error(cannot(errno)), Opened::Failed, note)
            }
        },
        _ => found(look, Opened::NotTried, None),
    }
}

/// Whether anybody may read it: of sysfs not even root opens what nobody may.
fn somebody_reads(handle: &OwnedFd) -> bool {
    statx(handle, c"", AtFlags::EMPTY_PATH, StatxFlags::MODE)
        .is_ok_and(|statx| statx.stx_mode & 0o444 != 0)
}

/// Reads a file, but for what was never written of it, which lseek(2) passes over: holes, and what
/// was only preallocated.
fn scan(file: &File, path: &Path, scanner: &Scanner) -> Scan {
    scanner.scan(file, &name(path), &|offset| match seek(file, SeekFrom::Data(offset)) {
        // Where the system does not say, all is data.
        Ok(start) => Some(start..seek(file, SeekFrom::Hole(start)).unwrap_or(u64::MAX)),
        Err(io::Errno::NXIO) => None,
        Err(_) => Some(offset..u64::MAX),
    })
}

/// The directory of links to this process's descriptors, if that is what /proc has.
pub(crate) fn links() -> Option<OwnedFd> {
    const PROC_SUPER_MAGIC: u32 = 0x9fa0;
    let links =
        open(c"/proc/self/fd", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
            .ok()?;
    matches!(Report::of_unopened(&links).file_system(), Some(Ok(system)) if system.magic() == PROC_SUPER_MAGIC)
        .then_some(links)
}

/// Opens for reading what `handle` was opened to look at: its link leads nowhere else.
pub(crate) fn reopen(links: &OwnedFd, handle: &OwnedFd) -> io::Result<File> {
    // Not waiting for a lease, and whatever the file is, not becoming the terminal of this process.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    openat(links, handle.as_raw_fd().to_string(), flags, Mode::empty()).map(File::from)
}

pub(crate) fn cannot(errno: io::Errno) -> Error {
    Error::Os { subject: Subject::Open, errno: Errno::from_raw(errno.raw_os_error()) }
}

pub(crate) fn identity(report: &Report<Id>) -> Identity {
    let represented = || match report.kind()? {
        Kind::DeviceDax | Kind::CharacterDevice | Kind::UnknownDevice(_) | Kind::BlockDevice => {
            report.id().map(FileId::represented_device)
        }
        _ => None,
    };
    Identity {
        device: report.id().map(FileId::device),
        inode: report.id().map(FileId::inode),
        represented_device: represented(),
        ..Identity::default()
    }
}

/// What the file system is called where its number is another's, too: that of /dev has tmpfs', and
/// the list of mounts, by the device, has its name.
pub(crate) fn file_system(report: &Report<Id>) -> Option<&'static str> {
    const TMPFS_MAGIC: u32 = 0x0102_1994;
    let device = report.id()?.device();
    if report.file_system()?.ok()?.magic() != TMPFS_MAGIC {
        return None;
    }
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    mounted(&mounts, device).unwrap_or(Some("tmpfs or devtmpfs"))
}

/// Whether these mounts (proc_pid_mountinfo(5)) have the device, and then its name if it is not
/// tmpfs.
fn mounted(mounts: &str, (major, minor): (u32, u32)) -> Option<Option<&'static str>> {
    let device = format!("{major}:{minor}");
    let mount = mounts.lines().find(|line| line.split(' ').nth(2) == Some(&device))?;
    let (_, system) = mount.split_once(" - ")?;
    Some((system.split(' ').next() == Some("devtmpfs")).then_some("devtmpfs"))
}

/// A path as bytes.
pub(crate) fn bytes(path: &Path) -> Option<&[u8]> {
    Some(path.as_os_str().as_bytes())
}

/// A path as Windows has it.
pub(crate) const fn units(_: &Path) -> Option<Vec<u16>> {
    None
}

impl Note {
    pub(crate) fn unreached(errno: io::Errno, path: &Path) -> Option<Self> {
        match errno {
            io::Errno::ACCESS => Some(Self::Unsearchable),
            io::Errno::NOENT if path.is_symlink() => Some(Self::Dangling),
            _ => None,
        }
    }
}

impl Permission {
    fn of(handle: &OwnedFd, links: Option<&OwnedFd>, path: &Path) -> Self {
        let may = |access| match links {
            Some(links) => {
                accessat(links, handle.as_raw_fd().to_string(), access, AtFlags::EACCESS)
            }
            // To ask does no harm, wherever the path leads by now.
            None => accessat(CWD, path, access, AtFlags::EACCESS),
        };
        // An append-only file (chattr +a) may be written by the access check, but not opened
        // O_RDWR.
        let appended_only = statx(handle, c"", AtFlags::EMPTY_PATH, StatxFlags::empty())
            .is_ok_and(|statx| statx.stx_attributes.contains(StatxAttributes::APPEND));
        let write = may(Access::WRITE_OK);
        Self {
            read: may(Access::READ_OK),
            write: if appended_only { Err(io::Errno::PERM) } else { write },
        }
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
            (Err(read), Err(write)) if read == write => {
                write!(f, "neither read nor write: {}", Obstacle(read))
            }
            (Err(read), Err(write)) => {
                write!(f, "not read: {}; not write: {}", Obstacle(read), Obstacle(write))
            }
        }
    }
}

/// Why something is not allowed.
struct Obstacle(io::Errno);

impl Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            io::Errno::ACCESS => f.write_str("more rights are needed"),
            io::Errno::PERM => f.write_str(
                "the file is immutable or append-only (by chattr, or by its file system), or more rights are needed",
            ),
            io::Errno::ROFS => f.write_str("the file system is mounted read-only"),
            errno => write!(f, "cannot be told: {}", Errno::from_raw(errno.raw_os_error())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The descriptor's link in /proc leads to the file itself, whatever became of the path.
    #[test]
    fn a_file_is_opened_by_its_handle() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, "first").unwrap();
        let handle = open(&path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap();
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "second").unwrap();
        let file = reopen(&links().unwrap(), &handle).unwrap();
        assert_eq!(Report::of(&file).id(), Report::of_unopened(&handle).id());
        assert_eq!(std::io::read_to_string(file).unwrap(), "first");
    }

    #[test]
    fn permissions_in_words() {
        let words = |read, write| Permission { read, write }.to_string();
        let (rights, read_only) = (Err(io::Errno::ACCESS), Err(io::Errno::ROFS));
        assert_eq!(words(Ok(()), Ok(())), "read and write");
        assert_eq!(words(Ok(()), rights), "read; not write: more rights are needed");
        assert_eq!(
            words(Ok(()), read_only),
            "read; not write: the file system is mounted read-only"
        );
        assert_eq!(words(rights, Ok(())), "write; not read: more rights are needed");
        assert_eq!(words(rights, rights), "neither read nor write: more rights are needed");
        assert_eq!(
            words(rights, read_only),
            "not read: more rights are needed; not write: the file system is mounted read-only"
        );
        let immutable = Err(io::Errno::PERM);
        assert_eq!(
            words(Ok(()), immutable),
            "read; not write: the file is immutable or append-only (by chattr, or by its file system), or more rights are needed"
        );
        let unknown = Err(io::Errno::NOSYS);
        assert_eq!(
            words(Ok(()), unknown),
            "read; not write: cannot be told: system call not implemented (ENOSYS)"
        );
        assert_eq!(
            [Ok(()), rights, read_only, immutable, unknown].map(allowed),
            [Some(true), Some(false), Some(false), Some(false), None]
        );
    }

    #[test]
    fn the_list_of_mounts_tells_devtmpfs_from_tmpfs() {
        let mounts = "21 26 0:6 / /dev rw,nosuid shared:2 - devtmpfs udev rw,size=4k\n\
                      22 26 0:25 / /run rw shared:5 - tmpfs tmpfs rw\n\
                      23 26 0:60 / /odd\\040- rw - devtmpfs none rw\n";
        for (device, told) in [
            ((0, 6), Some(Some("devtmpfs"))),
            ((0, 25), Some(None)),
            ((0, 60), Some(Some("devtmpfs"))),
            ((0, 2), None),
            ((6, 0), None),
        ] {
            assert_eq!(mounted(mounts, device), told, "{device:?}");
        }
    }
}

//! Facts that Linux tells about files without opening them, and opening them after a look.

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
        Access, AtFlags, CWD, Mode, OFlags, StatxAttributes, StatxFlags, accessat, open, openat,
        statx,
    },
    io,
};
use serde_json::{Value as Json, json};

pub(crate) type Id = FileId;

/// The access with which something is only looked at.
pub(crate) const LOOK: &str = "O_PATH";

/// The access that the effective user has to a file.
#[derive(Clone, Copy)]
pub(crate) struct Permission {
    pub(crate) read: io::Result<()>,
    write: io::Result<()>,
}

/// Something else that a person should know.
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
        let text = match self {
            Self::Unsearchable => {
                "this user may not search a directory of the path, or not follow a link in it"
            }
            Self::Dangling => "a symbolic link whose target does not exist",
            Self::Leased => {
                "another process holds a lease on the file (fcntl's F_SETLEASE) and was asked to \
                 give it up: try again"
            }
            Self::Interface { readable: false } => UNKNOWN_FILE_SYSTEM,
            Self::Interface { readable: true } => {
                f.write_str(UNKNOWN_FILE_SYSTEM)?;
                "; open it and pass the descriptor with --fd"
            }
            Self::NoProc => "/proc is not mounted here, so the file cannot be opened safely",
            Self::Unmappable(error) => return error.fmt(f),
        };
        f.write_str(text)
    }
}

const UNKNOWN_FILE_SYSTEM: &str = "it was not opened, since its file system is not known to keep \
                                   data, and opening may have an effect there";

/// Whether anybody may read it. In sysfs not even root can open what nobody may read.
pub(crate) fn somebody_reads(handle: &OwnedFd) -> bool {
    statx(handle, c"", AtFlags::EMPTY_PATH, StatxFlags::MODE)
        .is_ok_and(|statx| statx.stx_mode & 0o444 != 0)
}

/// Looks at what a path leads to, without opening it.
pub(crate) fn look_at(path: &Path) -> io::Result<OwnedFd> {
    open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
}

/// The directory of links to the descriptors of this process, if `/proc` has it.
pub(crate) fn links() -> Option<OwnedFd> {
    const PROC_SUPER_MAGIC: u32 = 0x9fa0;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let links = open(c"/proc/self/fd", flags, Mode::empty()).ok()?;
    let system = Report::new_unopened(&links).file_system()?.ok()?;
    (system.magic() == PROC_SUPER_MAGIC).then_some(links)
}

/// Opens for reading what `handle` looks at. Its link leads to that very file.
pub(crate) fn reopen(links: &OwnedFd, handle: &OwnedFd) -> io::Result<File> {
    // Does not wait for a lease, and does not make the file the terminal of this process.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    openat(links, handle.as_raw_fd().to_string(), flags, Mode::empty()).map(File::from)
}

pub(crate) fn cannot(errno: io::Errno) -> Error {
    Error::Os { subject: Subject::Open, errno: Errno::from_raw(errno.raw_os_error()) }
}

/// The keys of JSON that name the object.
pub(crate) fn identity(report: &Report<Id>) -> Vec<(&'static str, Json)> {
    let id = report.id();
    vec![
        ("device", json!(id.map(|id| device(id.device())))),
        ("inode", json!(id.map(FileId::inode))),
        ("represented_device", json!(represented_device(report).map(device))),
    ]
}

fn device((major, minor): (u32, u32)) -> Json {
    json!({"major": major, "minor": minor})
}

/// The number of the device that a device file stands for.
pub(crate) fn represented_device(report: &Report<Id>) -> Option<(u32, u32)> {
    match report.kind()? {
        Kind::DeviceDax | Kind::CharacterDevice | Kind::UnknownDevice(_) | Kind::BlockDevice => {
            report.id().map(FileId::represented_device)
        }
        _ => None,
    }
}

/// The name of a file system whose magic number is shared: devtmpfs has that of tmpfs. The list of
/// mounts tells them apart by the device.
pub(crate) fn file_system(report: &Report<Id>) -> Option<&'static str> {
    const TMPFS_MAGIC: u32 = 0x0102_1994;
    let device = report.id()?.device();
    if report.file_system()?.ok()?.magic() != TMPFS_MAGIC {
        return None;
    }
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    mounted(&mounts, device).unwrap_or(Some("tmpfs or devtmpfs"))
}

/// The device's name in this list of mounts (proc_pid_mountinfo(5)), if that is not tmpfs; `None`
/// if the list does not have the device.
fn mounted(mounts: &str, (major, minor): (u32, u32)) -> Option<Option<&'static str>> {
    let device = format!("{major}:{minor}");
    let mount = mounts.lines().find(|line| line.split(' ').nth(2) == Some(&device))?;
    let (_, system) = mount.split_once(" - ")?;
    Some((system.split(' ').next() == Some("devtmpfs")).then_some("devtmpfs"))
}

/// A path as bytes.
pub(crate) fn path_bytes(path: &Path) -> Option<&[u8]> {
    Some(path.as_os_str().as_bytes())
}

/// A path as 16-bit units, which only Windows has.
pub(crate) const fn path_units(_: &Path) -> Option<Vec<u16>> {
    None
}

impl Note {
    /// The note on a path that cannot be reached.
    pub(crate) fn unreached(errno: io::Errno, path: &Path) -> Option<Self> {
        match errno {
            io::Errno::ACCESS => Some(Self::Unsearchable),
            io::Errno::NOENT if path.is_symlink() => Some(Self::Dangling),
            _ => None,
        }
    }
}

impl Permission {
    /// Asks the system.
    pub(crate) fn ask(handle: &OwnedFd, links: Option<&OwnedFd>, path: &Path) -> Self {
        let may = |access| match links {
            Some(links) => {
                accessat(links, handle.as_raw_fd().to_string(), access, AtFlags::EACCESS)
            }
            // Asking does no harm, wherever the path leads by now.
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

    /// Both answers; null where the system does not tell.
    pub(crate) fn json(&self) -> Json {
        let [read, write] = [self.read, self.write].map(|answer| match answer {
            Ok(()) => Some(true),
            Err(io::Errno::ACCESS | io::Errno::PERM | io::Errno::ROFS) => Some(false),
            Err(_) => None,
        });
        json!({"read": read, "write": write})
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
                "the file is immutable or append-only (by chattr, or by its file system), or more \
                 rights are needed",
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
        let handle = look_at(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "second").unwrap();
        let file = reopen(&links().unwrap(), &handle).unwrap();
        assert_eq!(Report::new(&file).id(), Report::new_unopened(&handle).id());
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
            "read; not write: the file is immutable or append-only (by chattr, or by its file \
             system), or more rights are needed"
        );
        let unknown = Err(io::Errno::NOSYS);
        assert_eq!(
            words(Ok(()), unknown),
            "read; not write: cannot be told: system call not implemented (ENOSYS)"
        );
        for (answer, json) in [
            (Ok(()), Some(true)),
            (rights, Some(false)),
            (read_only, Some(false)),
            (immutable, Some(false)),
            (unknown, None),
        ] {
            let both = Permission { read: answer, write: answer }.json();
            assert_eq!(both, json!({"read": json, "write": json}));
        }
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

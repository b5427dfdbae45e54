//! Whether a file is mapped directly (DAX), and why not:
//! <https://www.kernel.org/doc/Documentation/filesystems/dax.rst>.

use heapless::Vec;

use super::Location;
use crate::{
    Access, Alignment, DaxOption, DaxState, Errno, Facts, Fail, Kind, MapSync, Subject,
    linux::{
        FileId,
        source::same,
        sys::{Stat, Sys},
        sysfs::{self, Class},
    },
};

pub(in crate::linux) fn capable<S: Sys>(sys: S, spot: &Location) -> Result<Option<bool>, Fail> {
    let Some(entry) = spot.entry() else { return Ok(None) };
    if entry.class == Class::Char {
        return Ok(Some(true));
    }
    let (major, minor) = entry.device;
    // A partition has its queue where the disk is.
    let up = if entry.partition { "../" } else { "" };
    let path =
        sysfs::path(Subject::Dax, format_args!("/sys/dev/block/{major}:{minor}/{up}queue/dax"))?;
    match sysfs::number(sys, &path, Subject::Dax)? {
        0 => Ok(Some(false)),
        1 => Ok(Some(true)),
        _ => Err(Fail::Malformed(Subject::Dax)),
    }
}

pub(in crate::linux) fn synchronous<S: Sys>(
    sys: S,
    fd: i32,
    facts: &Facts<FileId>,
) -> Result<MapSync, Fail> {
    let stat = same(sys, fd, facts)?;
    if facts.kind != Kind::RegularFile {
        return Err(Fail::Unsupported);
    }
    // The kernel makes whole pages of it, but no whole huge ones.
    let length = facts.alignment.map_or(1, Alignment::bytes);
    let length = usize::try_from(length).map_err(|_| Fail::Malformed(Subject::Alignment))?;
    let Err(refused) = sys.try_map(fd, length, Access::READ, true) else {
        return Ok(MapSync::Granted);
    };
    ordinary(sys, fd, length, facts.access, &stat)?;
    match refused {
        Errno::ENOTSUP => Ok(MapSync::Refused),
        // Before Linux 4.15 there was no MAP_SHARED_VALIDATE, and a mapping is either shared or
        // private.
        Errno::EINVAL => Ok(MapSync::Unknown),
        errno => Err(Fail::Os(Subject::MapSync, errno)),
    }
}

/// Whether the file can be mapped at all, for all that it was opened for.
fn ordinary<S: Sys>(
    sys: S,
    fd: i32,
    length: usize,
    access: Access,
    stat: &Stat,
) -> Result<(), Fail> {
    let trial = |access| sys.try_map(fd, length, access, false);
    // Not for writing where there is nothing to write to: hugetlbfs makes a file longer that is
    // mapped so.
    if access.contains(Access::WRITE) && stat.size > 0 {
        let Err(errno) = trial(Access::READ | Access::WRITE) else { return Ok(()) };
        trial(Access::READ).map_err(|errno| Fail::Os(Subject::Mapping, errno))?;
        return Err(Fail::Os(Subject::WritableMapping, errno));
    }
    trial(Access::READ).map_err(|errno| Fail::Os(Subject::Mapping, errno))
}

pub(in crate::linux) fn direct<S: Sys>(
    sys: S,
    fd: i32,
    facts: &Facts<FileId>,
) -> Result<DaxState, Fail> {
    same(sys, fd, facts)?;
    let attributes = match sys.attributes(fd) {
        Ok(attributes) => attributes,
        // Before Linux 4.11.
        Err(Errno::ENOSYS) => return Ok(DaxState::default()),
        Err(errno) => return Err(Fail::Os(Subject::Dax, errno)),
    };
    let mount = match attributes.mount {
        Some(mount) => option(sys, mount)?,
        None => None,
    };
    Ok(DaxState::new(attributes.dax, mount))
}

/// How often mountinfo is read at most, since one that is made up may have no end: enough for the
/// 100,000 mounts that a mount namespace can have (`fs.mount-max`), with 300 bytes for each.
const READS: usize = 1 << 16;

/// The option `dax` of the mount with this number. Nothing where /proc is not there.
fn option<S: Sys>(sys: S, mount: u64) -> Result<Option<DaxOption>, Fail> {
    let os = |errno| Fail::Os(Subject::Dax, errno);
    let file = match sys.open(c"/proc/thread-self/mountinfo") {
        Ok(file) => file,
        Err(Errno::ENOENT) => return Ok(None),
        Err(errno) => return Err(os(errno)),
    };
    let (mut line, mut buffer) = (Line::new(mount), [0; 512]);
    for _ in 0..READS {
        let length = sys.read(&file, &mut buffer).map_err(os)?;
        if length == 0 {
            break;
        }
        for &byte in buffer.get(..length).unwrap_or_default() {
            if let Some(option) = line.next(byte) {
                return Ok(option);
            }
        }
    }
    Ok(None)
}

/// Reads proc(5)'s mountinfo, whose lines have no longest: a number, fields, " - ", the type, the
/// device, the options.
struct Line {
    /// The mount that is looked for.
    wanted: u64,
    /// How much of the line was read: fields before " - " up to here, or fields behind it.
    field: Field,
    /// The beginning of the word that is being read; the rest of it does not matter.
    word: Vec<u8, 24>,
    /// What is known of the option so far.
    found: Option<DaxOption>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    Mount,
    /// Of another mount.
    Skipped,
    BeforeType,
    Type,
    Device,
    Options,
}

impl Line {
    const fn new(wanted: u64) -> Self {
        Self { wanted, field: Field::Mount, word: Vec::new(), found: None }
    }

    /// The next byte; the option when the line of the mount is read to its end.
    fn next(&mut self, byte: u8) -> Option<Option<DaxOption>> {
        let ends = byte == b'\n';
        if !(ends || byte == b' ' || (byte == b',' && self.field == Field::Options)) {
            // A word that is too long is none of those that are looked for.
            let _ = self.word.push(byte);
            return None;
        }
        let word = core::mem::take(&mut self.word);
        match self.field {
            Field::Mount if sysfs::decimal(&word) == Some(self.wanted) => {
                self.field = Field::BeforeType
            }
            Field::Mount => self.field = Field::Skipped,
            Field::BeforeType if word == b"-" => self.field = Field::Type,
            Field::Type => {
                self.found = without_option(&word);
                self.field = Field::Device;
            }
            Field::Device => self.field = Field::Options,
            Field::Options => self.found = named(&word).or(self.found),
            Field::Skipped | Field::BeforeType => {}
        }
        if !ends {
            return None;
        }
        match core::mem::replace(&mut self.field, Field::Mount) {
            Field::Skipped => None,
            _ => Some(self.found),
        }
    }
}

/// What it means that there is no such option, in a file system of this type.
fn without_option(kind: &[u8]) -> Option<DaxOption> {
    match kind {
        b"ext3" | b"ext4" | b"xfs" | b"virtiofs" => Some(DaxOption::Inode),
        b"ext2" | b"erofs" => Some(DaxOption::Absent),
        _ => None,
    }
}

fn named(option: &[u8]) -> Option<DaxOption> {
    match option {
        b"dax" | b"dax=always" => Some(DaxOption::Always),
        b"dax=never" => Some(DaxOption::Never),
        b"dax=inode" => Some(DaxOption::Inode),
        _ => None,
    }
}

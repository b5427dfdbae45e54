//! Whether a file is mapped directly (DAX), and why it is not:
//! <https://www.kernel.org/doc/Documentation/filesystems/dax.rst>.

use heapless::Vec;

use super::location::Location;
use crate::{
    alignment::Alignment,
    errno::Errno,
    facts::{Access, Kind},
    fail::{Fail, Subject},
    linux::{
        object::Object,
        sys::{Stat, Sys},
        sysfs::{self, Class, Path, decimal},
    },
    place::{DaxOption, DaxState, MapSync},
};

pub(in crate::linux) fn capable<S: Sys>(sys: S, location: &Location) -> Result<Option<bool>, Fail> {
    let Some(entry) = location.entry else { return Ok(None) };
    if entry.class == Class::Char {
        return Ok(Some(true));
    }
    // The queue of a partition is in the disk's directory.
    let file = if entry.partition { "/../queue/dax" } else { "/queue/dax" };
    let path = Path::device(Class::Block, entry.device, file);
    match sysfs::number(sys, &path, Subject::Dax)? {
        0 => Ok(Some(false)),
        1 => Ok(Some(true)),
        _ => Err(Fail::Malformed(Subject::Dax)),
    }
}

pub(in crate::linux) fn map_sync<S: Sys>(object: Object<'_, S>) -> Result<MapSync, Fail> {
    let stat = object.confirm()?;
    if object.facts.kind != Kind::RegularFile {
        return Err(Fail::Unsupported);
    }
    // The kernel rounds up to whole pages, but not to whole huge pages.
    let length = object.facts.alignment.map_or(1, Alignment::bytes);
    let length = usize::try_from(length).map_err(|_| Fail::Malformed(Subject::Alignment))?;
    let Err(refused) = object.sys.try_map(object.fd, length, Access::READ, true) else {
        return Ok(MapSync::Granted);
    };
    ordinary(object, length, &stat)?;
    match refused {
        Errno::ENOTSUP => Ok(MapSync::Refused),
        // Before Linux 4.15, which took MAP_SHARED_VALIDATE for both shared and private.
        Errno::EINVAL => Ok(MapSync::Unknown),
        errno => Err(Fail::Os(Subject::MapSync, errno)),
    }
}

/// Fails unless the file can be mapped at all, for everything that it was opened for.
fn ordinary<S: Sys>(object: Object<'_, S>, length: usize, stat: &Stat) -> Result<(), Fail> {
    let trial = |access| object.sys.try_map(object.fd, length, access, false);
    // An empty file is not tried for writing: hugetlbfs would make it longer.
    if object.facts.access.contains(Access::WRITE) && stat.size > 0 {
        let Err(errno) = trial(Access::READ | Access::WRITE) else { return Ok(()) };
        trial(Access::READ).map_err(|errno| Fail::Os(Subject::Mapping, errno))?;
        return Err(Fail::Os(Subject::WritableMapping, errno));
    }
    trial(Access::READ).map_err(|errno| Fail::Os(Subject::Mapping, errno))
}

pub(in crate::linux) fn state<S: Sys>(object: Object<'_, S>) -> Result<DaxState, Fail> {
    object.confirm()?;
    let attributes = match object.sys.attributes(object.fd) {
        Ok(attributes) => attributes,
        // Before Linux 4.11.
        Err(Errno::ENOSYS) => return Ok(DaxState::default()),
        Err(errno) => return Err(Fail::Os(Subject::Dax, errno)),
    };
    let mount = match attributes.mount {
        Some(mount) => option(object.sys, mount)?,
        None => None,
    };
    Ok(DaxState::new(attributes.dax, mount))
}

/// The largest number of reads of mountinfo, since a made-up one may have no end.
///
/// It is enough for the 100,000 mounts that a mount namespace can have (`fs.mount-max`), with 300
/// bytes for each.
const READS: usize = 1 << 16;

/// Reads the option `dax` of the mount with this number; `None` where there is no /proc.
fn option<S: Sys>(sys: S, mount: u64) -> Result<Option<DaxOption>, Fail> {
    let failed = |errno| Fail::Os(Subject::Dax, errno);
    let file = match sys.open(c"/proc/thread-self/mountinfo") {
        Ok(file) => file,
        Err(Errno::ENOENT) => return Ok(None),
        Err(errno) => return Err(failed(errno)),
    };
    let (mut line, mut buffer) = (Line::new(mount), [0; 512]);
    for _ in 0..READS {
        let length = sys.read(&file, &mut buffer).map_err(failed)?;
        if length == 0 {
            break;
        }
        for &byte in buffer.get(..length).unwrap_or_default() {
            if let Some(option) = line.take(byte) {
                return Ok(option);
            }
        }
    }
    Ok(None)
}

/// A parser of mountinfo in proc(5), whose lines have no longest length: a number, fields, " - ",
/// the type, the device, the options.
struct Line {
    /// The number of the mount.
    wanted: u64,
    /// The field that is being read.
    field: Field,
    /// The beginning of the word that is being read. The rest does not matter.
    word: Vec<u8, 24>,
    /// The option, as far as it is known.
    found: Option<DaxOption>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    Mount,
    /// Any field of another mount.
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

    /// Takes the next byte. Returns the option at the end of the mount's line.
    fn take(&mut self, byte: u8) -> Option<Option<DaxOption>> {
        let ends = byte == b'\n';
        if !(ends || byte == b' ' || (byte == b',' && self.field == Field::Options)) {
            // A word that is too long is no word that matters.
            let _ = self.word.push(byte);
            return None;
        }
        let word = core::mem::take(&mut self.word);
        match self.field {
            Field::Mount if decimal(&word) == Some(self.wanted) => self.field = Field::BeforeType,
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

/// Returns what a mount without the option does, by the type of the file system.
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

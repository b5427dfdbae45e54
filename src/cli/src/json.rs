//! What programs read: one object per line. The keys are documented in `--help`.

mod health;
mod region;
mod whereabouts;

use std::{
    borrow::Cow,
    fmt::Display,
    io::{self, Write},
};

use health::Scan;
use pmem2::{
    Access, Error, Kind,
    error::{Errno, Subject},
    report::Report,
};
use region::Region;
use serde::Serialize;
use serde_json::{Serializer, ser::Formatter};
use whereabouts::{Granularity, Warning, Whereabouts};

use crate::{
    args::Place,
    finding::{Finding, Opened},
    health::BadBlocks,
    look::{allowed, bytes, file_system, identity, units},
    ranges::Extent,
    table::{Refusal, Told},
    text::UNSCANNED,
};

#[derive(Default, Serialize)]
struct Object<'a> {
    schema: u32,
    path: Option<Cow<'a, str>>,
    path_bytes: Option<&'a [u8]>,
    path_units: Option<Vec<u16>>,
    fd: Option<i32>,
    usable: bool,
    error: Option<Failure>,
    kind: Option<&'static str>,
    opened: Option<bool>,
    access: Option<&'static str>,
    append: Option<bool>,
    permission: Option<Permission>,
    device: Option<Device>,
    inode: Option<u64>,
    represented_device: Option<Device>,
    region: Option<Region<'a>>,
    volume: Option<String>,
    file_id: Option<String>,
    file_system: Option<FileSystem>,
    size: Option<u64>,
    allocated: Option<u64>,
    alignment: Option<u64>,
    place: Option<Whereabouts<'a>>,
    numa_node: Option<u32>,
    target_node: Option<u32>,
    device_id: Option<&'a str>,
    unsafe_shutdowns: Option<u64>,
    granularity: Option<Granularity>,
    warnings: Vec<Warning>,
    bad_blocks: Option<Vec<Extent>>,
    bad_block_count: Option<u64>,
    bad_bytes: Option<u64>,
    no_bad_blocks: Option<String>,
    scan: Option<Scan>,
    answer_errors: AnswerErrors,
}

#[derive(Serialize)]
struct Failure {
    code: i32,
    symbol: Option<&'static str>,
    errno: i32,
    message: String,
}

#[derive(Serialize)]
struct Permission {
    read: Option<bool>,
    write: Option<bool>,
}

#[derive(Serialize)]
struct Device {
    major: u32,
    minor: u32,
}

#[derive(Serialize)]
struct FileSystem {
    name: Option<&'static str>,
    magic: u32,
}

#[derive(Default, Serialize)]
struct AnswerErrors {
    #[serde(skip_serializing_if = "Option::is_none")]
    file_system: Option<Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allocated: Option<Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alignment: Option<Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    numa_node: Option<Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_node: Option<Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_id: Option<Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unsafe_shutdowns: Option<Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    granularity: Option<Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bad_blocks: Option<Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scan: Option<Failure>,
}

/// The line of a path or a descriptor.
pub(crate) fn finding(place: &Place, finding: &Finding) -> io::Result<String> {
    let (mut answers, by_path) = (Object::of(&finding.report), finding.by_path.as_ref());
    if let (Some(system), Some(name)) = (&mut answers.file_system, file_system(&finding.report)) {
        system.name = Some(name);
    }
    let is_path = matches!(place, Place::Path(_));
    let access = finding.report.access().filter(|_| !is_path);
    let identity = identity(&finding.report);
    line(&Object {
        // What was not opened may be told by its name.
        kind: finding.report.kind().or(refused_kind(finding.report.verdict())).map(kind),
        opened: by_path.map(|by_path| by_path.opened == Opened::Yes).or(is_path.then_some(false)),
        access: access.map(mode),
        append: access.map(|access| access.contains(Access::APPEND)),
        permission: by_path.map(|by_path| Permission {
            read: allowed(by_path.permission.read),
            write: allowed(by_path.permission.write),
        }),
        device: identity.device.map(Device::from),
        inode: identity.inode,
        represented_device: identity.represented_device.map(Device::from),
        volume: identity.volume,
        file_id: identity.file_id,
        ..answers.named(place).healthy(finding).judged(finding)
    })
}

/// The line of a region that a table tells of.
pub(crate) fn region(place: &Place, told: &Told<'_>) -> io::Result<String> {
    let mut object = Object {
        opened: Some(true),
        access: told.report.access().map(mode),
        region: Some(told.into()),
        ..Object::of(&told.report).named(place)
    };
    object.warnings.extend(told.of_table.iter().map(Warning::from));
    object.warnings.extend(told.warnings().map(Warning::from));
    line(&object)
}

/// The line of a table that tells of no region.
pub(crate) fn refusal(place: &Place, refusal: &Refusal) -> io::Result<String> {
    line(&Object {
        schema: SCHEMA,
        error: Some(refusal.into()),
        kind: refusal.kind().map(kind),
        opened: Some(refusal.opened()),
        warnings: refusal.warnings().iter().map(Warning::from).collect(),
        ..Object::default().named(place)
    })
}

/// The object, and the end of the line.
fn line(object: &Object<'_>) -> io::Result<String> {
    let mut json = Vec::new();
    object.serialize(&mut Serializer::with_formatter(&mut json, Ascii))?;
    json.push(b'\n');
    String::from_utf8(json).map_err(io::Error::other)
}

const SCHEMA: u32 = 1;

impl<'a> Object<'a> {
    /// What is answered of any source, whatever names it.
    fn of<Id: Copy + Eq + Display>(report: &'a Report<Id>) -> Self {
        let (file_system, no_file_system) = split(report.file_system());
        let (size, no_size) = split(report.size());
        let (allocated, no_allocated) = split(report.allocated());
        let (alignment, no_alignment) = split(report.alignment());
        let (whereabouts, no_place) = split(report.place().map(by_reference));
        let (numa_node, no_numa_node) = split(report.numa_node());
        let (target_node, no_target_node) = split(report.target_node());
        let (device_id, no_device_id) = split(report.device_id().map(by_reference));
        let (unsafe_shutdowns, no_unsafe_shutdowns) = split(report.device_usc());
        let (granularity, no_granularity) = split(report.granularity());
        Self {
            schema: SCHEMA,
            usable: report.verdict().is_ok(),
            error: report.verdict().err().map(Failure::from),
            kind: report.kind().map(kind),
            file_system: file_system.map(FileSystem::from),
            size,
            allocated,
            alignment,
            place: whereabouts.map(Whereabouts::from),
            numa_node: numa_node.flatten(),
            target_node: target_node.flatten(),
            device_id: device_id.map(|id| &**id),
            // Of no DIMMs there is nothing to count.
            unsafe_shutdowns: unsafe_shutdowns
                .filter(|&count| count > 0 || device_id.is_none_or(|id| !id.is_empty())),
            granularity: granularity.map(Granularity::from),
            warnings: whereabouts
                .into_iter()
                .flat_map(pmem2::place::Place::warnings)
                .map(Warning::from)
                .collect(),
            answer_errors: AnswerErrors {
                file_system: no_file_system,
                size: no_size,
                allocated: no_allocated,
                alignment: no_alignment,
                place: no_place,
                numa_node: no_numa_node,
                target_node: no_target_node,
                device_id: no_device_id,
                unsafe_shutdowns: no_unsafe_shutdowns,
                granularity: no_granularity,
                bad_blocks: None,
                scan: None,
            },
            ..Self::default()
        }
    }

    /// The same with what is known of its health.
    fn healthy(mut self, finding: &'a Finding) -> Self {
        if let Some(BadBlocks { ranges, error }) = &finding.bad_blocks {
            if error.is_none() || !ranges.is_empty() {
                self.bad_blocks = Some(ranges.extents());
                self.bad_block_count = Some(ranges.count());
                self.bad_bytes = Some(ranges.bytes());
            }
            self.answer_errors.bad_blocks = error.and_then(|error| split::<()>(Some(Err(error))).1);
            self.no_bad_blocks = error
                .filter(|error| matches!(error, Error::Unsupported(_)))
                .map(|error| error.to_string());
        }
        self.scan = finding.scan.as_ref().map(Scan::from);
        self.answer_errors.scan = finding.unscanned.then(|| Failure {
            message: UNSCANNED.to_owned(),
            ..Failure::from(Error::Unsupported(Subject::Read))
        });
        self
    }

    /// The same, not usable where that is not known.
    fn judged(mut self, finding: &Finding) -> Self {
        if finding.is_unknown() {
            let why = finding.note.as_ref().map_or(UNSCANNED.to_owned(), ToString::to_string);
            self.usable = false;
            self.error = Some(Failure {
                message: format!("not known: {why}"),
                ..Failure::from(Error::Unsupported(Subject::Mapping))
            });
        }
        self
    }

    /// What the command line calls it.
    fn named(self, place: &'a Place) -> Self {
        let (path, fd) = match place {
            Place::Path(path) | Place::Table(path) => (Some(path.as_path()), None),
            Place::Descriptor(number) => (None, Some(*number)),
        };
        Self {
            path: path.map(|path| path.to_string_lossy()),
            path_bytes: path.filter(|path| path.to_str().is_none()).and_then(bytes),
            path_units: path.filter(|path| path.to_str().is_none()).and_then(units),
            fd,
            ..self
        }
    }
}

/// The answer, or the error that there is instead. A question that the system has no answer to, or
/// none about what lies on no persistent memory, is neither.
fn split<T>(answer: Option<Result<T, Error>>) -> (Option<T>, Option<Failure>) {
    match answer {
        Some(Ok(value)) => (Some(value), None),
        None | Some(Err(Error::Unsupported(_) | Error::NotPersistentMemory { .. })) => (None, None),
        Some(Err(error)) => (None, Some(error.into())),
    }
}

fn by_reference<T>(answer: &Result<T, Error>) -> Result<&T, Error> {
    answer.as_ref().map_err(|error| *error)
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            code: error.code(),
            symbol: error.symbol(),
            errno: error.errno().raw(),
            message: format!("{error:#}"),
        }
    }
}

impl From<&Refusal> for Failure {
    fn from(refusal: &Refusal) -> Self {
        let (code, errno) = match refusal.code() {
            Ok(code) => (code.raw(), Errno::EINVAL),
            Err(errno) => (errno.raw().saturating_neg(), errno),
        };
        Self { code, symbol: refusal.symbol(), errno: errno.raw(), message: refusal.to_string() }
    }
}

impl From<pmem2::place::FileSystem> for FileSystem {
    fn from(system: pmem2::place::FileSystem) -> Self {
        Self { name: system.name(), magic: system.magic() }
    }
}

impl From<(u32, u32)> for Device {
    fn from((major, minor): (u32, u32)) -> Self {
        Self { major, minor }
    }
}

/// The kind that a refusal is about.
const fn refused_kind(verdict: Result<(), Error>) -> Option<Kind> {
    match verdict {
        Err(Error::InvalidFileType(kind)) => Some(kind),
        _ => None,
    }
}

/// Names that stay, whatever the words for people become.
fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::RegularFile => "regular-file",
        Kind::DeviceDax => "device-dax",
        Kind::CharacterDevice => "character-device",
        Kind::UnknownDevice(_) => "unknown-character-device",
        Kind::BlockDevice => "block-device",
        Kind::Directory => "directory",
        Kind::Pipe => "pipe",
        Kind::Socket => "socket",
        Kind::SymbolicLink => "symbolic-link",
        Kind::AnonymousInode => "anonymous-inode",
        Kind::Region | Kind::InvalidRegion(_) => "region",
        Kind::VolatileMemory => "volatile-memory",
        Kind::VirtualDisk => "virtual-disk",
        Kind::ControlRegion => "control-region",
        Kind::BlockWindow => "block-window",
        _ => "other",
    }
}

fn mode(access: Access) -> &'static str {
    match (access.contains(Access::READ), access.contains(Access::WRITE)) {
        _ if access.contains(Access::PATH) => "path",
        (true, false) => "read-only",
        (true, true) => "read-write",
        (false, true) => "write-only",
        (false, false) => "none",
    }
}

/// JSON in ASCII: a terminal obeys and hides characters beyond it too.
struct Ascii;

impl Formatter for Ascii {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut units = [0; 2];
        for character in fragment.chars() {
            match character {
                ' '..='~' => write!(writer, "{character}")?,
                _ => {
                    for unit in character.encode_utf16(&mut units) {
                        write!(writer, "\\u{unit:04x}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

//! A fact of a report: a key and its answer, in words and as a value.

use core::fmt::{self, Display};

use pmem2_platform::{Access, FileSystem, Kind, Region, Subject};

use super::persistent::{Answer, Persistent};
use crate::{
    error::Error,
    place::{
        Place, Warning,
        granularity::expected::{Expected, Granularity},
    },
    words::place::Of,
};

/// Declares the keys: each with its name for programs and its label for people.
macro_rules! keys {
    ($($(#[$doc:meta])* $key:ident $name:literal $label:literal)*) => {
        /// The subject of a [`Fact`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Key {
            $($(#[$doc])* $key,)*
        }

        impl Key {
            /// All keys, in the order of a report.
            pub const ALL: &[Self] = &[$(Self::$key,)*];

            /// The name for programs, which stays: the key in the JSON of `pmem2 inspect`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$key => $name,)*
                }
            }

            /// The label for people, in lower-case words.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self {
                    $(Self::$key => $label,)*
                }
            }
        }
    };
}

keys! {
    /// The verdict, which comes first.
    Persistent "persistent" "persistent"
    /// The reason of the verdict. In words only.
    Reason "reason" "reason"
    /// The remedy: how to get a better verdict or a finer granularity. In words only.
    Remedy "remedy" "remedy"
    /// The symbol of the error for which it is refused. In words only.
    Code "code" "code"
    /// Something to know before trusting it with data. There may be several.
    Warning "warnings" "warning"
    /// The kind of object.
    Kind "kind" "kind"
    /// The access for which the handle was opened.
    Access "access" "access"
    /// The identity of the object. In words only.
    Identity "identity" "identity"
    /// The type of the file system.
    FileSystem "file_system" "file system"
    /// The size in bytes.
    Size "size" "size"
    /// The allocated bytes.
    Allocated "allocated" "allocated"
    /// The alignment in bytes.
    Alignment "alignment" "alignment"
    /// The place.
    Place "place" "place"
    /// A region of the place. There is one fact for each, if there are several.
    Region "regions" "region"
    /// The persistence domain, if there is one region. In words only.
    PersistenceDomain "persistence_domain" "persistence"
    /// The NUMA node.
    NumaNode "numa_node" "numa node"
    /// The NUMA node as ordinary memory.
    TargetNode "target_node" "target node"
    /// The ids of the DIMMs.
    DeviceId "device_id" "device id"
    /// The number of unsafe shutdowns.
    UnsafeShutdowns "unsafe_shutdowns" "unsafe shutdowns"
    /// The store granularity of a shared mapping.
    Granularity "granularity" "granularity"
}

impl Key {
    /// The width of the labels' column: that of the longest.
    pub const WIDTH: usize = 16;
}

/// A fact of a [`Report`](super::Report): `Display` prints its line.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Fact<'r> {
    /// The subject.
    pub key: Key,
    /// The value, or the reason why it is not known.
    ///
    /// With [`Unsupported`](Error::Unsupported) and
    /// [`NotPersistentMemory`](Error::NotPersistentMemory) nothing went wrong: there is no answer.
    pub answer: Result<Value<'r>, Error>,
    /// Whether the error is the reason of the verdict, and so was printed before.
    pub(super) said: bool,
}

/// The value of a [`Fact`]. `Display` gives it in words.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Value<'r> {
    /// The verdict.
    Persistent(Persistent),
    /// A warning.
    Warning(Warning),
    /// A kind of object.
    Kind(Kind),
    /// An access mode.
    Access(Access),
    /// A type of file system.
    FileSystem(FileSystem),
    /// A number of bytes.
    Bytes(u64),
    /// Fewer bytes than the size, of a file that has holes.
    Sparse(u64),
    /// A place.
    Place(&'r Place),
    /// A region of the place, of several.
    Region(&'r Region),
    /// A NUMA node; `None` if the platform does not state it.
    Node(Option<u32>),
    /// The ids of the DIMMs, one after the other.
    DeviceId(&'r str),
    /// A number.
    Count(u64),
    /// A granularity.
    Granularity {
        /// The granularity, and the reason.
        expected: Expected,
        /// Whether only a mapping with `MAP_SYNC` has it.
        map_sync: bool,
    },
    /// Words for people only.
    Words(&'r dyn Display),
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

impl Display for Fact<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = self.key.label();
        match self.answer {
            Ok(Value::Persistent(persistent)) => {
                let refused = persistent.answer() == Answer::Refused;
                f.write_str(if refused { "refused: " } else { "persistent: " })?;
                persistent.fmt(f)
            }
            Ok(value) => {
                write!(f, "{label:<width$} ", width = Key::WIDTH)?;
                value.fmt(f)
            }
            Err(error) => {
                write!(f, "{label:<width$} ", width = Key::WIDTH)?;
                self.failure(error, f)
            }
        }
    }
}

impl Fact<'_> {
    /// Writes why there is no value.
    fn failure(&self, error: Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.key, error) {
            (Key::NumaNode | Key::TargetNode, Error::SeveralNumaNodes) => {
                return f.write_str("several: see the regions");
            }
            (Key::DeviceId, Error::Unsupported(_)) => {
                return f.write_str("none: its DIMMs have no ids that the system knows");
            }
            (Key::UnsafeShutdowns, Error::Unsupported(_)) => {
                return f.write_str("not counted by its DIMMs");
            }
            (
                Key::Granularity,
                Error::NeverDurable
                | Error::RegionNeverDurable
                | Error::RegionUnarmed
                | Error::Os { subject: Subject::Mapping | Subject::WritableMapping, .. },
            ) => "none",
            _ => "unknown",
        })?;
        if self.said {
            return Ok(());
        }
        f.write_str(": ")?;
        error.fmt(f)
    }
}

impl Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Persistent(persistent) => persistent.fmt(f),
            Self::Warning(warning) => warning.fmt(f),
            Self::Kind(kind) => kind.fmt(f),
            Self::Access(access) => mode(access, f),
            Self::FileSystem(system) => system.fmt(f),
            Self::Bytes(1) => f.write_str("1 byte"),
            Self::Bytes(bytes) => write!(f, "{bytes} bytes"),
            Self::Sparse(bytes) => {
                Self::Bytes(bytes).fmt(f)?;
                f.write_str(" (less than the size: a store to a hole needs free space)")
            }
            Self::Place(place) if is_volume(place) => {
                let regions = place.regions().count();
                write!(f, "{}, a volume on {regions} regions", place.device())
            }
            Self::Place(place) => place.fmt(f),
            Self::Region(region) => {
                let (persistence, node) = (region.domain, Self::Node(region.numa_node));
                write!(f, "{}; persistence {persistence}; numa node {node}", Of(region))?;
                match region.target_node {
                    Some(node) => write!(f, "; target node {node}"),
                    None => Ok(()),
                }
            }
            Self::Node(Some(node)) => node.fmt(f),
            Self::Node(None) => f.write_str("not stated by the platform"),
            Self::DeviceId("") => f.write_str("none: the system knows no DIMM of it"),
            Self::DeviceId(id) => f.write_str(id),
            Self::Count(count) => count.fmt(f),
            Self::Granularity { expected, map_sync } => {
                expected.granularity.fmt(f)?;
                let differs = map_sync && expected.granularity < Granularity::Page;
                f.write_str(if differs { " with MAP_SYNC, PAGE without" } else { "" })
            }
            Self::Words(words) => words.fmt(f),
        }
    }
}

/// Whether a place is made of several regions.
pub(super) fn is_volume(place: &Place) -> bool {
    place.regions().nth(1).is_some()
}

/// Writes what an access mode allows.
fn mode(access: Access, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(match (access.contains(Access::READ), access.contains(Access::WRITE)) {
        _ if access.contains(Access::PATH) => "none (O_PATH)",
        (true, false) => "read-only",
        (true, true) => "read and write",
        (false, true) => "write-only",
        (false, false) => "none",
    })?;
    f.write_str(if access.contains(Access::APPEND) { ", append" } else { "" })
}

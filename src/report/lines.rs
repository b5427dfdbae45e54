//! The lines of a report, for people.

use core::fmt::{self, Display};

use pmem2_platform::{Access, Backing, Kind, Region, Subject};

use super::{Identity, Report};
use crate::{
    error::Error,
    place::{
        Place,
        granularity::{Expected, Granularity, reason::Reason},
    },
    words::{granularity::Finer, place::Of},
};

/// A line of a report.
#[derive(Clone, Copy)]
pub struct Line<'r> {
    /// What the line is about, in lower-case words: `"file system"`.
    pub key: &'static str,
    /// What is known of it.
    pub value: &'r dyn Display,
}

impl fmt::Debug for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Line {{ key: {:?}, value: {} }}", self.key, self.value)
    }
}

/// The key, filled up to the width of the longest, and the value.
impl Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, value } = self;
        if f.alternate() {
            write!(f, "{key:<16} {value:#}")
        } else {
            write!(f, "{key:<16} {value}")
        }
    }
}

impl<Id: Copy + Eq + Display> Report<Id> {
    /// Calls `print` with each line, in order. Lines whose answer the platform cannot have are left
    /// out; later versions add lines.
    ///
    /// # Errors
    ///
    /// The first one that `print` returns.
    pub fn lines<E>(&self, mut print: impl FnMut(Line<'_>) -> Result<(), E>) -> Result<(), E> {
        let mut line = |key, value: &dyn Display| print(Line { key, value });
        match &self.verdict {
            Ok(())
                if matches!(
                    self.granularity,
                    Some(Err(Error::Os { subject: Subject::WritableMapping, .. }))
                ) =>
            {
                line("source", &"usable, for reading only")?
            }
            Ok(()) => line("source", &"usable")?,
            Err(error) => line("refused", error)?,
        }
        if let Some(symbol) = self.verdict.err().and_then(|error| error.symbol()) {
            line("code", &symbol)?;
        }
        // Before everything that looks good.
        for warning in self.place.iter().flatten().flat_map(Place::warnings) {
            line("warning", &warning)?;
        }
        if let Some(facts) = &self.facts {
            line("kind", &facts.kind)?;
            line("access", &Mode(facts.access))?;
            if size_of::<Id>() != 0 {
                line("identity", &facts.id)?;
            }
        }
        answer(&mut line, "file system", &self.file_system, |system| system)?;
        answer(&mut line, "size", &self.size, |size| Bytes(*size))?;
        let stores = !matches!(self.file_system, Some(Ok(system)) if system.is_interface());
        let sparse = stores
            && matches!((self.size, self.allocated), (Some(Ok(size)), Some(Ok(allocated))) if allocated < size);
        answer(&mut line, "allocated", &self.allocated, |allocated| Allocated {
            bytes: *allocated,
            sparse,
        })?;
        answer(&mut line, "alignment", &self.alignment, |alignment| Bytes(*alignment))?;
        match &self.place {
            // One line for each region: the line of a volume on many would be long.
            Some(Ok(place)) if is_volume(place) => {
                line("place", &Volume(place))?;
                for region in place.regions() {
                    line("region", &InVolume(region))?;
                }
            }
            place => answer(&mut line, "place", place, |place| place)?,
        }
        // Of a volume each region's line has it.
        let places = self.place.iter().flatten().filter(|place| !is_volume(place));
        for region in places.flat_map(Place::regions) {
            line("persistence", &region.persistence)?;
        }
        if let Some(identity) = &self.identity {
            hardware(&mut line, identity)?;
        }
        match &self.granularity {
            Some(Err(
                error @ (Error::NeverDurable
                | Error::RegionNeverDurable
                | Error::RegionUnarmed
                | Error::Os { subject: Subject::WritableMapping, .. }),
            )) => line("granularity", &format_args!("none: {error}"))?,
            // It has been said.
            Some(Err(error)) if self.verdict == Err(*error) => {}
            granularity => {
                // Windows has no flag for it.
                let is_volume = |place: &Place| matches!(place.backing(), Backing::Volume { .. });
                let is_file = matches!(self.kind(), Some(Kind::RegularFile))
                    && !self.place.iter().flatten().any(is_volume);
                answer(&mut line, "granularity", granularity, |expected| {
                    Because(*expected, is_file)
                })?
            }
        }
        match self.granularity.and_then(Result::ok).map(|expected| expected.reason) {
            Some(reason) if reason.remedy().is_some() => line("finer", &Finer(reason)),
            _ => Ok(()),
        }
    }
}

/// The lines about the hardware.
fn hardware<E>(
    line: &mut impl FnMut(&'static str, &dyn Display) -> Result<(), E>,
    identity: &Identity,
) -> Result<(), E> {
    match &identity.numa_node {
        Ok(node) => line("numa node", &Node(*node))?,
        Err(Error::SeveralNumaNodes) => line("numa node", &"several: see the regions")?,
        Err(Error::NotPersistentMemory { .. }) => {}
        Err(error) => line("numa node", &Unknown(error))?,
    }
    match &identity.target_node {
        // What most platforms do not say is no line.
        Ok(None) | Err(Error::NotPersistentMemory { .. }) => {}
        Ok(node) => line("target node", &Node(*node))?,
        Err(Error::SeveralNumaNodes) => line("target node", &"several: see the regions")?,
        Err(error) => line("target node", &Unknown(error))?,
    }
    match &identity.device_id {
        Ok(id) if id.is_empty() => line("device id", &"none: the system knows no DIMM of it")?,
        Ok(id) => line("device id", id)?,
        Err(Error::NotPersistentMemory { .. }) => {}
        Err(Error::Unsupported(_)) => {
            line("device id", &"none: its DIMMs have no ids that the system knows")?
        }
        Err(error) => line("device id", &Unknown(error))?,
    }
    match &identity.device_usc {
        // There is nothing that could count, which the line before says.
        Ok(0) if matches!(&identity.device_id, Ok(id) if id.is_empty()) => Ok(()),
        Ok(count) => line("unsafe shutdowns", count),
        Err(Error::NotPersistentMemory { .. }) => Ok(()),
        Err(Error::Unsupported(_)) => line("unsafe shutdowns", &"not counted by its DIMMs"),
        Err(error) => line("unsafe shutdowns", &Unknown(error)),
    }
}

/// Whether it is made of several regions.
fn is_volume(place: &Place) -> bool {
    place.regions().nth(1).is_some()
}

/// A place whose regions have lines of their own.
struct Volume<'p>(&'p Place);

impl Display for Volume<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, a volume on {} regions", self.0.device(), self.0.regions().count())
    }
}

/// A region of a volume, with what can differ from one to the next.
struct InVolume<'r>(&'r Region);

impl Display for InVolume<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}; persistence {}; numa node {}",
            Of(self.0),
            self.0.persistence,
            Node(self.0.numa_node)
        )?;
        match self.0.target_node {
            Some(node) => write!(f, "; target node {node}"),
            None => Ok(()),
        }
    }
}

/// A granularity, and why it is that one; of a file also how it has to be mapped for it. What the
/// source lies on has been said, in the line `place`.
struct Because(Expected, bool);

impl Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.0.granularity)?;
        match self.0.reason {
            Reason::NotPersistentMemory(Backing::Hidden(_)) => {
                f.write_str("it is not known to be on persistent memory")
            }
            Reason::NotPersistentMemory(_) => f.write_str("it is not on persistent memory"),
            Reason::NoRegion => f.write_str(
                "it is mapped directly, and nothing says what is flushed when the power fails",
            ),
            reason => reason.fmt(f),
        }?;
        if self.1 && self.0.granularity < Granularity::Page {
            return f.write_str("; mapped without MAP_SYNC it is PAGE");
        }
        Ok(())
    }
}

struct Node(Option<u32>);

impl Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(node) => node.fmt(f),
            None => f.write_str("not stated by the platform"),
        }
    }
}

/// A line for an answer that there is, or for the error that there is instead.
fn answer<'a, T, D: Display, E>(
    line: &mut impl FnMut(&'static str, &dyn Display) -> Result<(), E>,
    key: &'static str,
    answer: &'a Option<Result<T, Error>>,
    show: impl FnOnce(&'a T) -> D,
) -> Result<(), E> {
    match answer {
        None | Some(Err(Error::Unsupported(_))) => Ok(()),
        Some(Ok(value)) => line(key, &show(value)),
        Some(Err(error)) => line(key, &Unknown(error)),
    }
}

impl<Id: Copy + Eq + Display> Display for Report<Id> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        self.lines(|line| {
            if !core::mem::take(&mut first) {
                f.write_str("\n")?;
            }
            line.fmt(f)
        })
    }
}

/// What an access mode allows, in words.
struct Mode(Access);

impl Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (read, write) = (self.0.contains(Access::READ), self.0.contains(Access::WRITE));
        f.write_str(match (read, write) {
            _ if self.0.contains(Access::PATH) => "none (O_PATH)",
            (true, false) => "read-only",
            (true, true) => "read and write",
            (false, true) => "write-only",
            (false, false) => "none",
        })?;
        if self.0.contains(Access::APPEND) { f.write_str(", append") } else { Ok(()) }
    }
}

struct Bytes(u64);

impl Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, if self.0 == 1 { "byte" } else { "bytes" })
    }
}

struct Allocated {
    bytes: u64,
    sparse: bool,
}

impl Display for Allocated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Bytes(self.bytes).fmt(f)?;
        if self.sparse {
            f.write_str(
                " (less than the size: a store where there is no storage yet needs free space)",
            )?;
        }
        Ok(())
    }
}

struct Unknown<'e>(&'e Error);

impl Display for Unknown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown: {}", self.0)
    }
}

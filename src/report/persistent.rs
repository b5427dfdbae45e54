//! The verdict of a report: whether a store outlasts the loss of power.

use core::fmt::{self, Display};

use pmem2_platform::{Access, Backing, PersistenceDomain, Subject};

use super::Report;
use crate::{
    error::Error,
    place::{
        Place,
        granularity::{
            expected::{Expected, Granularity},
            reason::Reason,
        },
    },
    words::granularity::Finer,
};

/// Whether a store to a shared mapping outlasts the loss of power, and why not.
///
/// `Display` gives it in a few words: `yes, CACHE_LINE (ADR)`, `no: an ordinary disk`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Persistent {
    answer: Answer,
    cause: Cause,
    warned: bool,
}

/// The answer of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Answer {
    /// It is persistent memory.
    Yes,
    /// It lies on persistent memory, and something has to be changed first.
    NotAsItIs,
    /// It is known to lie on something else, or in memory that keeps nothing.
    No,
    /// Nobody can tell: also where its file system does not say which device it lies on
    /// ([`Backing::Hidden`]).
    Unknown,
    /// It is no source.
    Refused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Expected(Expected),
    Error(Error),
    /// A region is of volatile memory.
    Volatile,
    /// It was only looked at.
    NotOpened,
}

impl Answer {
    /// The name for programs, which stays: `"not_as_it_is"`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::NotAsItIs => "not_as_it_is",
            Self::No => "no",
            Self::Unknown => "unknown",
            Self::Refused => "refused",
        }
    }
}

impl Persistent {
    /// The answer.
    #[must_use]
    pub const fn answer(&self) -> Answer {
        self.answer
    }

    /// The reason as a word for programs, which stays: [`Reason::name`], the symbol of an error,
    /// `"volatile"` or `"not_opened"`. `None` for an error without a symbol.
    #[must_use]
    pub fn reason(&self) -> Option<&'static str> {
        match self.cause {
            Cause::Expected(expected) => Some(expected.reason.name()),
            Cause::Error(error) => error.symbol(),
            Cause::Volatile => Some("volatile"),
            Cause::NotOpened => Some("not_opened"),
        }
    }

    /// The reason as a sentence.
    pub const fn sentence(&self) -> impl Display {
        Sentence(self.cause)
    }

    /// The remedy; `None` where nothing can be changed, or [`sentence`](Self::sentence) says it.
    #[must_use]
    pub const fn remedy(&self) -> Option<&'static str> {
        match self.cause {
            Cause::Expected(expected) => expected.reason.remedy(),
            _ => None,
        }
    }

    /// Returns the verdict on a source about which there are more warnings than the report has:
    /// those of the table that it was read from ([`Nfit::warnings`](crate::bare::Nfit::warnings)).
    #[must_use]
    pub const fn with_warnings(self) -> Self {
        Self { warned: true, ..self }
    }

    /// The remedy with the function of this crate that it is about.
    pub(super) fn finer(&self) -> Option<Finer> {
        match self.cause {
            Cause::Expected(expected) => expected.reason.remedy().map(|_| Finer(expected.reason)),
            _ => None,
        }
    }

    /// Whether `Display` says all that there is to say.
    pub(super) fn is_brief(&self) -> bool {
        matches!(self.cause, Cause::NotOpened | Cause::Error(Error::Unsupported(_)))
    }

    /// Whether this error is the reason.
    pub(super) fn is_for(&self, error: Error) -> bool {
        self.cause == Cause::Error(error)
    }
}

impl<Id> Report<Id> {
    /// Returns whether a store to a shared mapping outlasts the loss of power: the first line.
    pub fn persistent(&self) -> Persistent {
        let place = self.place.as_ref().and_then(|place| place.as_ref().ok());
        let looked_at =
            self.facts.as_ref().is_some_and(|facts| facts.access.contains(Access::PATH));
        let (answer, cause) = match (self.verdict, self.granularity) {
            (Err(error), _) => (Answer::Refused, Cause::Error(error)),
            (Ok(()), Some(expected)) if !looked_at => judge(expected, place),
            (Ok(()), _) => (Answer::Unknown, Cause::NotOpened),
        };
        let warned = place.is_some_and(|place| place.warnings().next().is_some());
        Persistent { answer, cause, warned }
    }
}

/// Judges a source by the granularity of its mappings and by its place.
fn judge(expected: Result<Expected, Error>, place: Option<&Place>) -> (Answer, Cause) {
    let is_persistent = |backing: &Backing| {
        matches!(backing, Backing::Regions | Backing::DeviceDax | Backing::Volume { .. })
    };
    let elsewhere = place.map(Place::backing).filter(|backing| !is_persistent(backing));
    let is_volatile =
        |place: &Place| place.regions().any(|region| region.domain == PersistenceDomain::Volatile);
    let is_unarmed = |place: &Place| place.regions().any(|region| region.is_unarmed());
    match (expected, elsewhere) {
        // Whatever else stands in the way: where nothing is kept it would not help to change that.
        _ if place.is_some_and(is_volatile) => (Answer::No, Cause::Volatile),
        (Ok(Expected { granularity: Granularity::Page, .. }) | Err(_), Some(backing)) => {
            let reason = Reason::NotPersistentMemory(backing);
            let answer = match backing {
                // It may lie on persistent memory all the same.
                Backing::Hidden(_) => Answer::Unknown,
                _ => Answer::No,
            };
            (answer, Cause::Expected(Expected { granularity: Granularity::Page, reason }))
        }
        (Ok(expected), _) => match by_reason(expected.reason, place) {
            // Whoever flushes it (PowerPC's hypervisor): the region does not keep it.
            Answer::Yes if place.is_some_and(is_unarmed) => {
                let expected = Expected { reason: Reason::Unarmed, ..expected };
                (Answer::NotAsItIs, Cause::Expected(expected))
            }
            answer => (answer, Cause::Expected(expected)),
        },
        (Err(error), _) => (by_error(error), Cause::Error(error)),
    }
}

fn by_reason(reason: Reason, place: Option<&Place>) -> Answer {
    match reason {
        Reason::CpuCache
        | Reason::MemoryController
        | Reason::DomainUnstated
        | Reason::TableUnstated
        | Reason::Host
        | Reason::Call => Answer::Yes,
        Reason::Private
        | Reason::Anonymous
        | Reason::NotPersistentMemory(_)
        | Reason::VolumeNotDax => Answer::No,
        Reason::NoRegion | Reason::DomainUnknown | Reason::PlaceUnknown => Answer::Unknown,
        // The rest is about persistent memory, if it is known to lie on that.
        _ if place.is_some_and(|place| place.backing() == Backing::Regions) => Answer::NotAsItIs,
        _ => Answer::Unknown,
    }
}

const fn by_error(error: Error) -> Answer {
    match error {
        Error::NeverDurable | Error::RegionUnarmed => Answer::NotAsItIs,
        Error::RegionNeverDurable => Answer::No,
        _ => Answer::Unknown,
    }
}

impl Display for Persistent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.answer {
            Answer::Yes => {
                if let Cause::Expected(expected) = self.cause {
                    write!(f, "yes, {} ({})", expected.granularity, Brief(self))?;
                }
                f.write_str(if self.warned { "; see the warnings" } else { "" })
            }
            Answer::NotAsItIs => write!(f, "not as it is: {}", Brief(self)),
            Answer::No => write!(f, "no: {}", Brief(self)),
            Answer::Unknown => write!(f, "not known: {}", Brief(self)),
            Answer::Refused => Sentence(self.cause).fmt(f),
        }
    }
}

/// The reason as a sentence.
struct Sentence(Cause);

impl Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Cause::Expected(expected) => expected.reason.fmt(f),
            Cause::Error(error) => error.fmt(f),
            Cause::Volatile => f.write_str("its region is of volatile memory, which keeps nothing"),
            Cause::NotOpened => f.write_str(NOT_OPENED),
        }
    }
}

const NOT_OPENED: &str = "it was not opened";

/// The reason in a few words.
struct Brief<'p>(&'p Persistent);

impl Display for Brief<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0.cause {
            Cause::Volatile => "volatile memory",
            Cause::NotOpened => NOT_OPENED,
            Cause::Error(Error::NeverDurable) => "only the host can flush it",
            Cause::Error(Error::RegionNeverDurable) => "nothing makes a store durable",
            Cause::Error(Error::RegionUnarmed) => "it is not armed",
            Cause::Error(Error::Os { subject: Subject::WritableMapping, .. }) => {
                "it can be mapped for reading only"
            }
            Cause::Error(Error::Unsupported(_)) => "the platform does not tell",
            Cause::Error(_) => "the system failed to tell",
            Cause::Expected(expected) => match expected.reason {
                Reason::Private => "a private mapping",
                Reason::Anonymous => "anonymous memory",
                Reason::Forced => "it is forced",
                Reason::ByCall => "the program wants a call",
                Reason::CpuCache => "eADR: caches are saved",
                Reason::MemoryController => "ADR: caches are not saved",
                Reason::DomainUnstated => "eADR is not stated",
                Reason::TableUnstated => "not stated by its table",
                Reason::Unarmed => "a DIMM is not armed",
                Reason::DomainUnknown => "mapped directly, but its region cannot be told",
                Reason::NoRegion => "in no region of persistent memory",
                Reason::NotPersistentMemory(backing) => return on(backing, f),
                Reason::Host => "by the host's flush",
                Reason::Call => "by a call of its driver",
                Reason::Sector => "a namespace of sectors (BTT)",
                Reason::DeviceWithoutDax => "a raw namespace without DAX",
                Reason::VolumeWithoutDax => "a volume without DAX",
                Reason::VolumeNotDax => "a volume that is not DAX",
                Reason::FileSystemWithoutDax(system) => {
                    return write!(f, "{system} has no DAX");
                }
                Reason::MountedWithoutDax => "mounted without DAX",
                Reason::FileFlagOff => "the file's flag for DAX is off",
                Reason::FileLeftOut => "the file system leaves this file out of DAX",
                Reason::NotDax => "not mapped directly (DAX)",
                Reason::PlaceUnknown => "not mapped directly, and its place cannot be told",
                Reason::KernelTooOld => "the kernel has no MAP_SYNC",
                Reason::Refused => "the kernel refuses MAP_SYNC",
            },
        })
    }
}

/// Writes what is no persistent memory.
fn on(backing: Backing, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match backing {
        Backing::Disk { .. } => f.write_str("an ordinary disk"),
        Backing::Memory(system) if system.is_interface() => {
            write!(f, "an interface of the kernel ({system})")
        }
        Backing::Memory(system) => write!(f, "ordinary memory ({system})"),
        Backing::Hidden(system) => write!(f, "{system} does not say which device the file is on"),
        _ => f.write_str("not persistent memory"),
    }
}

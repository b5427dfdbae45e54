//! Everything known of a handle: the list that `pmem2 inspect` and C's description print.

mod fact;
mod list;
mod persistent;

use core::fmt::Display;

pub use fact::{Fact, Key, Value};
pub use persistent::{Answer, Persistent};
use pmem2_platform::{
    Access, Backing, Facts, FileSystem, Handle, Kind, Locate, PersistenceDomain, Platform, Subject,
};

use crate::{
    error::{Error, HandleFault},
    place::{
        DeviceId, Place,
        granularity::expected::{Expected, Sharing},
    },
    source::{self, Source},
};

/// Everything known of a handle: the answers if it is a source, the reason if it is none, and in
/// both cases whatever the system says about it. `Display` prints one line for each fact, the
/// verdict first.
///
/// It is gathered once. It is a plain value, which may outlive the handle.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let file = std::fs::File::open("/dev/null")?;
/// let report = pmem2::report::Report::new(&file);
/// assert_eq!(report.persistent().answer(), pmem2::report::Answer::Refused);
/// report.facts(|fact| std::io::Result::Ok(println!("{}: {:?}", fact.key.name(), fact.answer)))?;
/// println!("{report}");
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Report<Id> {
    verdict: Result<(), Error>,
    facts: Option<Facts<Id>>,
    size: Option<Result<u64, Error>>,
    allocated: Option<Result<u64, Error>>,
    alignment: Option<Result<u64, Error>>,
    file_system: Option<Result<FileSystem, Error>>,
    place: Option<Result<Place, Error>>,
    identity: Option<Identity>,
    granularity: Option<Result<Expected, Error>>,
}

/// The answers about the hardware.
#[derive(Clone, Copy, Debug)]
struct Identity {
    numa_node: Result<Option<u32>, Error>,
    target_node: Result<Option<u32>, Error>,
    device_id: Result<DeviceId, Error>,
    device_usc: Result<u64, Error>,
}

impl<Id: Copy + Eq + Display> Report<Id> {
    /// Gathers everything that can be asked about `handle`.
    ///
    /// System calls on Linux: those of [`Source::new`], [`Source::size`], [`Source::alignment`],
    /// [`Source::allocated`], [`Source::file_system`], [`Source::place`],
    /// [`Source::expected_granularity`], and, on persistent memory, [`Source::numa_node`],
    /// [`Source::target_node`], [`Source::device_id`], [`Source::device_usc`].
    #[inline(always)]
    #[must_use]
    pub fn new<H>(handle: &H) -> Self
    where
        H: Handle,
        H::P: Locate + Platform<Id = Id>,
    {
        let mut report = Self::refused(Error::Unknown(Subject::Handle));
        report.describe(handle, |facts| {
            source::admit_mapping(H::P::REQUIRES_READ, facts.access, facts.kind)
        });
        report
    }

    /// Gathers the same about a handle that was opened only to look (`O_PATH`). The verdict is
    /// about the object, whatever the handle allows.
    #[inline(always)]
    #[must_use]
    pub fn new_unopened<H>(handle: &H) -> Self
    where
        H: Handle,
        H::P: Locate + Platform<Id = Id>,
    {
        let mut report = Self::refused(Error::Unknown(Subject::Handle));
        report.describe(handle, |facts| source::admit_kind(facts.kind));
        report
    }

    fn describe<H>(&mut self, handle: &H, admit: impl FnOnce(&Facts<Id>) -> Result<(), Error>)
    where
        H: Handle,
        H::P: Locate + Platform<Id = Id>,
    {
        match H::P::describe(handle.into()) {
            Ok(facts) => self.gather(handle, facts, admit(&facts)),
            Err(fail) => self.verdict = Err(Error::from_fail(fail, Subject::Handle)),
        }
    }

    /// Asks the questions that these facts admit. Large answers are written in place, since each
    /// move would be another copy on the stack.
    #[inline(never)]
    fn gather<H>(&mut self, handle: &H, facts: Facts<Id>, verdict: Result<(), Error>)
    where
        H: Handle,
        H::P: Locate + Platform<Id = Id>,
    {
        // The questions are a source's, whether it may be one or not.
        let source = Source::described(handle, facts);
        // The size of a directory says nothing.
        let sized = source::admit_kind(facts.kind).is_ok();
        self.facts = Some(facts);
        self.size = sized.then(|| source.size());
        self.alignment = sized.then(|| source.alignment());
        // Without these two no range can be mapped.
        let known =
            [self.size, self.alignment].into_iter().flatten().find_map(|answer| match answer {
                Ok(_) | Err(Error::Unsupported(_)) => None,
                Err(error) => Some(error),
            });
        self.verdict = verdict.and(known.map_or(Ok(()), Err));
        self.allocated = sized.then(|| source.allocated());
        self.file_system = Some(source.file_system());
        if matches!(
            facts.kind,
            Kind::RegularFile | Kind::DeviceDax | Kind::BlockDevice | Kind::Region
        ) {
            fill(self.place.insert(Ok(Place::UNKNOWN)), |place| {
                source.at_location(Subject::Device, |platform, location| {
                    place.fill(platform, location)
                })
            });
        }
        let place = self.place.as_ref().and_then(|place| place.as_ref().ok());
        let persistent = |place: &Place| match place.backing() {
            Backing::Regions => {
                place.regions().any(|region| region.domain != PersistenceDomain::Volatile)
            }
            backing => matches!(backing, Backing::DeviceDax | Backing::Volume { dax: true }),
        };
        if place.is_some_and(persistent) {
            let (numa_node, device_usc) = (source.numa_node(), source.device_usc());
            let identity = self.identity.insert(Identity {
                numa_node,
                target_node: source.target_node(),
                device_id: Ok(DeviceId::new()),
                device_usc,
            });
            fill(&mut identity.device_id, |id| source.write_device_id(id));
        }
        // A handle with which no mapping can be tried has no answer. A device DAX needs no trial.
        if sized
            && (facts.kind == Kind::DeviceDax
                || source::admit_mapping(H::P::REQUIRES_READ, facts.access, facts.kind).is_ok())
        {
            self.granularity = Some(match place {
                Some(place) => source.expected_granularity_at(place, Sharing::Shared),
                None => source.expected_granularity(Sharing::Shared),
            });
        }
        // An object that cannot be mapped is of no use. One that cannot be mapped for writing can
        // be read.
        if let Some(Err(error @ Error::Os { subject: Subject::Mapping, .. })) = self.granularity {
            self.verdict = self.verdict.and(Err(error));
        }
    }

    /// A report on something that could not even be looked at.
    #[must_use]
    pub const fn refused(error: Error) -> Self {
        Self {
            verdict: Err(error),
            facts: None,
            size: None,
            allocated: None,
            alignment: None,
            file_system: None,
            place: None,
            identity: None,
            granularity: None,
        }
    }

    /// Replaces the verdict, for a program that looked and then could not open.
    #[must_use]
    pub const fn with_error(mut self, error: Error) -> Self {
        self.verdict = Err(error);
        self
    }

    /// Returns whether the handle is a usable source.
    ///
    /// It is usable if [`Source::new`] accepts it, it can be read (on Windows `new` does not check
    /// that), size and alignment are known (or the platform never knows them), and the system maps
    /// it shared, which is tried for a file on Linux. A source without bytes is usable too, though
    /// nothing of it can be mapped yet. So is one that was opened for writing and can be mapped for
    /// reading only: [`granularity`](Report::granularity) has that error.
    ///
    /// # Errors
    ///
    /// The one that [`Source::new`], [`Source::size`] or [`Source::alignment`] gives, or
    /// [`Os`](Error::Os) with [`Subject::Mapping`] of [`Source::expected_granularity`].
    pub const fn verdict(&self) -> Result<(), Error> {
        self.verdict
    }

    /// The kind of object; `None` if not even that is known.
    pub fn kind(&self) -> Option<Kind> {
        self.facts.map(|facts| facts.kind)
    }

    /// The access for which the handle was opened.
    pub fn access(&self) -> Option<Access> {
        self.facts.map(|facts| facts.access)
    }

    /// The identity, which tells it from other objects.
    pub fn id(&self) -> Option<Id> {
        self.facts.map(|facts| facts.id)
    }

    /// The size in bytes; `None` where the question makes no sense, as in the methods below.
    pub const fn size(&self) -> Option<Result<u64, Error>> {
        self.size
    }

    /// The allocated bytes.
    pub const fn allocated(&self) -> Option<Result<u64, Error>> {
        self.allocated
    }

    /// The alignment in bytes.
    pub const fn alignment(&self) -> Option<Result<u64, Error>> {
        self.alignment
    }

    /// The type of the file system.
    pub const fn file_system(&self) -> Option<Result<FileSystem, Error>> {
        self.file_system
    }

    /// The place. A block device is no source, but has one.
    pub const fn place(&self) -> Option<&Result<Place, Error>> {
        self.place.as_ref()
    }

    /// The NUMA node. This and the next three are `None` unless it lies on persistent memory.
    pub fn numa_node(&self) -> Option<Result<Option<u32>, Error>> {
        self.identity.as_ref().map(|identity| identity.numa_node)
    }

    /// The NUMA node of its memory when the system uses that as ordinary memory.
    pub fn target_node(&self) -> Option<Result<Option<u32>, Error>> {
        self.identity.as_ref().map(|identity| identity.target_node)
    }

    /// The ids of its DIMMs.
    pub fn device_id(&self) -> Option<&Result<DeviceId, Error>> {
        self.identity.as_ref().map(|identity| &identity.device_id)
    }

    /// The number of unsafe shutdowns.
    pub fn device_usc(&self) -> Option<Result<u64, Error>> {
        self.identity.as_ref().map(|identity| identity.device_usc)
    }

    /// The store granularity of a shared mapping (`MAP_SHARED_VALIDATE | MAP_SYNC`), as
    /// [`Source::expected_granularity`] gives it; `None` too for a handle that no mapping can use.
    pub const fn granularity(&self) -> Option<Result<Expected, Error>> {
        self.granularity
    }
}

/// Asks for an answer in place.
#[inline(never)]
fn fill<T>(answer: &mut Result<T, Error>, ask: impl FnOnce(&mut T) -> Result<(), Error>) {
    if let Ok(place) = answer
        && let Err(error) = ask(place)
    {
        *answer = Err(error);
    }
}

impl<H: Handle<P: Locate>> Source<H> {
    /// Gathers everything known of this source anew. If the handle refers to another object by now,
    /// or to none, the report says so and nothing about that object.
    #[inline(always)]
    pub fn report(&self) -> Report<<H::P as Platform>::Id> {
        let mut report = Report::refused(Error::InvalidFileHandle(HandleFault::Replaced));
        match H::P::describe(self.handle().into()) {
            Ok(now) if now.id == self.id() || self.is_still_that_device() => {
                report.gather(
                    self.handle(),
                    now,
                    source::admit_mapping(H::P::REQUIRES_READ, now.access, now.kind),
                );
                return report;
            }
            Ok(_) => {}
            Err(fail) => report.verdict = Err(Error::from_fail(fail, Subject::Handle)),
        }
        report.facts = Some(*self.facts());
        report
    }

    /// Whether a device with another id is the same. With `/sys` an id says more than without, and
    /// `/sys` may have come or gone since the source was made.
    fn is_still_that_device(&self) -> bool {
        self.kind() == Kind::DeviceDax && !matches!(self.size(), Err(Error::InvalidFileHandle(_)))
    }
}

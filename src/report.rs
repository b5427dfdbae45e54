//! Everything known of a handle: the list that `pmem2 inspect` and C's description print.

mod fact;
mod list;
mod persistent;

use core::fmt::Display;

pub use fact::{Fact, Key, Value};
pub use persistent::{Answer, Persistent};
use pmem2_platform::{
    Access, Backing, Facts, FileSystem, Handle, Kind, Locate, Persistence, Platform, Subject,
};

use crate::{
    error::{Error, HandleFault},
    place::{
        DeviceId, Place,
        granularity::{Expected, Sharing},
    },
    source::{self, Source},
};

/// Everything that is known of a handle: the answers if it is a source, the reason if it is none,
/// and in both cases whatever the system says of it. `Display` prints it for people, one line for
/// each fact.
///
/// It is gathered once and is a plain value: it can be kept when the handle is gone.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let file = std::fs::File::open("/dev/null")?;
/// let report = pmem2::report::Report::of(&file);
/// assert!(report.verdict().is_err());
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

/// What is known of the hardware below.
#[derive(Clone, Copy, Debug)]
struct Identity {
    numa_node: Result<Option<u32>, Error>,
    target_node: Result<Option<u32>, Error>,
    device_id: Result<DeviceId, Error>,
    device_usc: Result<u64, Error>,
}

impl<Id: Copy + Eq + Display> Report<Id> {
    /// Asks everything that can be asked of `handle`.
    ///
    /// System calls on Linux: those of [`Source::new`], [`Source::size`], [`Source::alignment`],
    /// [`Source::allocated`], [`Source::file_system`], [`Source::place`],
    /// [`Source::expected_granularity`], and, on persistent memory, [`Source::numa_node`],
    /// [`Source::target_node`], [`Source::device_id`], [`Source::device_usc`].
    #[inline(always)]
    #[must_use]
    pub fn of<H>(handle: &H) -> Self
    where
        H: Handle,
        H::P: Locate + Platform<Id = Id>,
    {
        let mut report = Self::refused(Error::Unknown(Subject::Handle));
        report.look(handle, |facts| {
            source::admit_mapping(H::P::REQUIRES_READ, facts.access, facts.kind)
        });
        report
    }

    /// As [`of`](Report::of), for a handle that was not opened to be used but only to look
    /// (`O_PATH`): the verdict is about what it refers to, whatever the handle itself allows.
    #[inline(always)]
    #[must_use]
    pub fn of_unopened<H>(handle: &H) -> Self
    where
        H: Handle,
        H::P: Locate + Platform<Id = Id>,
    {
        let mut report = Self::refused(Error::Unknown(Subject::Handle));
        report.look(handle, |facts| source::admit_kind(facts.kind));
        report
    }

    fn look<H>(&mut self, handle: &H, judge: impl FnOnce(&Facts<Id>) -> Result<(), Error>)
    where
        H: Handle,
        H::P: Locate + Platform<Id = Id>,
    {
        match H::P::describe(handle.into()) {
            Ok(facts) => self.ask(handle, facts, judge(&facts)),
            Err(fail) => self.verdict = Err(Error::from_fail(fail, Subject::Handle)),
        }
    }

    /// Asks what can be asked about `facts`. What is large is put where it is to stay, since each
    /// move of it would be another copy on the stack.
    #[inline(never)]
    fn ask<H>(&mut self, handle: &H, facts: Facts<Id>, verdict: Result<(), Error>)
    where
        H: Handle,
        H::P: Locate + Platform<Id = Id>,
    {
        // The questions are a source's, whether it may be one or not.
        let source = Source::described(handle, facts);
        // Bytes, and what they are aligned to, are asked of what could be a source only: a
        // directory's size says nothing.
        let sized = source::admit_kind(facts.kind).is_ok();
        self.facts = Some(facts);
        self.size = sized.then(|| source.size());
        self.alignment = sized.then(|| source.alignment());
        // Where these two are asked for and not to be had, no range of it can be mapped.
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
                place.regions().any(|region| region.persistence != Persistence::Volatile)
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
        // A handle that no mapping can be tried with has no answer. A device DAX needs none.
        if sized
            && (facts.kind == Kind::DeviceDax
                || source::admit_mapping(H::P::REQUIRES_READ, facts.access, facts.kind).is_ok())
        {
            self.granularity = Some(match place {
                Some(place) => source.expected_granularity_at(place, Sharing::Shared),
                None => source.expected_granularity(Sharing::Shared),
            });
        }
        // It was tried: what cannot be mapped is of no use, and what cannot be mapped for writing
        // can be read.
        if let Some(Err(error @ Error::Os { subject: Subject::Mapping, .. })) = self.granularity {
            self.verdict = self.verdict.and(Err(error));
        }
    }

    /// A report that knows nothing but why: for what could not even be looked at.
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

    /// This report with another verdict: for a program that looked, and then was not allowed to
    /// open.
    #[must_use]
    pub const fn with_error(mut self, error: Error) -> Self {
        self.verdict = Err(error);
        self
    }

    /// Whether the handle is a usable source, or why not. It is one if [`Source::new`] accepts it,
    /// it can be read (which on Windows `new` does not look at), size and alignment are known (or
    /// the platform never knows them), and the system maps it, shared, which is tried of a file on
    /// Linux. One of no bytes is usable too, though nothing of it can be mapped before it is given
    /// some, and so is one that was opened for writing and can be mapped for reading only: that is
    /// the error of [`granularity`](Report::granularity).
    ///
    /// # Errors
    ///
    /// The one that [`Source::new`], [`Source::size`] or [`Source::alignment`] gives, or
    /// [`Os`](Error::Os) with [`Subject::Mapping`] of [`Source::expected_granularity`].
    pub const fn verdict(&self) -> Result<(), Error> {
        self.verdict
    }

    /// What kind of object it is; `None` if not even that is known.
    pub fn kind(&self) -> Option<Kind> {
        self.facts.map(|facts| facts.kind)
    }

    /// What the handle was opened for.
    pub fn access(&self) -> Option<Access> {
        self.facts.map(|facts| facts.access)
    }

    /// What tells it from others.
    pub fn id(&self) -> Option<Id> {
        self.facts.map(|facts| facts.id)
    }

    /// The size in bytes; `None` where the question makes no sense. Likewise below.
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

    /// Where it lies. Of a block device too, which is no source but has one.
    pub const fn place(&self) -> Option<&Result<Place, Error>> {
        self.place.as_ref()
    }

    /// The NUMA node; `None` where it lies on no persistent memory, or on regions of volatile
    /// memory only. Likewise the next three.
    pub fn numa_node(&self) -> Option<Result<Option<u32>, Error>> {
        self.identity.as_ref().map(|identity| identity.numa_node)
    }

    /// The NUMA node that its memory is when the system takes it for ordinary memory.
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

    /// The store granularity that a shared mapping of `MAP_SHARED_VALIDATE | MAP_SYNC` will have,
    /// as [`Source::expected_granularity`] gives it; `None` also for a file that was opened for no
    /// mapping.
    pub const fn granularity(&self) -> Option<Result<Expected, Error>> {
        self.granularity
    }
}

/// Asks for an answer where it is to stay.
#[inline(never)]
fn fill<T>(answer: &mut Result<T, Error>, ask: impl FnOnce(&mut T) -> Result<(), Error>) {
    if let Ok(place) = answer
        && let Err(error) = ask(place)
    {
        *answer = Err(error);
    }
}

impl<H: Handle<P: Locate>> Source<H> {
    /// Everything known of this source, asked anew. Where the handle refers to another object by
    /// now, or to none, that is the verdict, and the other object is not asked about.
    #[inline(always)]
    pub fn report(&self) -> Report<<H::P as Platform>::Id> {
        let mut report = Report::refused(Error::InvalidFileHandle(HandleFault::Replaced));
        match H::P::describe(self.handle().into()) {
            Ok(now) if now.id == self.id() || self.is_still_that_device() => {
                report.ask(
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

    /// Whether a device whose id is another now is the same all the same: with `/sys`, an id says
    /// more than without, and it may have come or gone since the source was made.
    fn is_still_that_device(&self) -> bool {
        self.kind() == Kind::DeviceDax && !matches!(self.size(), Err(Error::InvalidFileHandle(_)))
    }
}

//! Everything known of a handle: what `cargo inspect` prints.

use core::fmt::{self, Display};

use pmem2_platform::{Access, Facts, FileSystem, Handle, Kind, Platform, What};

use crate::{Error, HandleFault, Source, decide};

/// Everything that is known of a handle: the answers if it is a source, the reason if it is none, and in both cases whatever
/// the system says of it. `Display` prints it for people, one line for each fact.
///
/// It is gathered once and is a plain value: it can be kept when the handle is gone.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let file = std::fs::File::open("/dev/null")?;
/// let report = pmem2::Report::of(&file);
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
}

/// A line of a report.
#[derive(Clone, Copy)]
pub struct Line<'r> {
    /// What the line is about, in lower-case words: `"file system"`.
    pub key: &'static str,
    /// What is known of it.
    pub value: &'r dyn Display,
}

impl<Id: Copy + Eq + Display> Report<Id> {
    /// Asks everything that can be asked of `handle`.
    ///
    /// System calls on Linux: those of [`Source::new`], [`Source::size`], [`Source::alignment`], [`Source::allocated`] and
    /// [`Source::file_system`].
    #[must_use]
    pub fn of<H>(handle: &H) -> Self
    where
        H: Handle,
        H::P: Platform<Id = Id>,
    {
        Self::judged(handle, |facts| decide::admit(facts.access, facts.kind))
    }

    /// As [`of`](Report::of), for a handle that was not opened to be used but only to look (`O_PATH`): the verdict is about
    /// what it refers to, whatever the handle itself allows.
    #[must_use]
    pub fn of_unopened<H>(handle: &H) -> Self
    where
        H: Handle,
        H::P: Platform<Id = Id>,
    {
        Self::judged(handle, |facts| decide::admit_kind(facts.kind))
    }

    fn judged<H>(handle: &H, judge: impl FnOnce(&Facts<Id>) -> Result<(), Error>) -> Self
    where
        H: Handle,
        H::P: Platform<Id = Id>,
    {
        match handle.platform().describe(handle.raw()) {
            Ok(facts) => Self::answers(handle, facts, judge(&facts)),
            Err(fail) => Self::refused(Error::of(fail, What::Handle)),
        }
    }

    /// Asks what can be asked about `facts`.
    fn answers<H>(handle: &H, facts: Facts<Id>, verdict: Result<(), Error>) -> Self
    where
        H: Handle,
        H::P: Platform<Id = Id>,
    {
        // The questions are a source's, whether it may be one or not.
        let source = Source::described(handle, facts);
        // Bytes, and what they are aligned to, are asked of what could be a source only: a directory's size says nothing.
        let sized = decide::admit_kind(facts.kind).is_ok();
        let size = sized.then(|| source.size());
        let alignment = sized.then(|| source.alignment());
        // Where these two are asked for and not to be had, no range of it can be mapped.
        let known = [size, alignment].into_iter().flatten().find_map(|answer| match answer {
            Ok(_) | Err(Error::Unsupported(_)) => None,
            Err(error) => Some(error),
        });
        Self {
            verdict: verdict.and(known.map_or(Ok(()), Err)),
            facts: Some(facts),
            size,
            allocated: sized.then(|| source.allocated()),
            alignment,
            file_system: Some(source.file_system()),
        }
    }

    /// A report that knows nothing but why: for what could not even be looked at.
    #[must_use]
    pub const fn refused(error: Error) -> Self {
        Self { verdict: Err(error), facts: None, size: None, allocated: None, alignment: None, file_system: None }
    }

    /// This report with another verdict: for a program that looked, and then was not allowed to open.
    #[must_use]
    pub const fn with_error(mut self, error: Error) -> Self {
        self.verdict = Err(error);
        self
    }

    /// Whether the handle is a usable source, or why not. It is one if [`Source::new`] accepts it and size and alignment are
    /// known (or the platform never knows them). One of no bytes is usable too, though nothing of it can be mapped before it is given some.
    ///
    /// # Errors
    ///
    /// The one that [`Source::new`], [`Source::size`] or [`Source::alignment`] gives.
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

    /// Calls `print` with each line, in order. Lines whose answer the platform cannot have are left out; later versions add
    /// lines.
    ///
    /// # Errors
    ///
    /// The first one that `print` returns.
    pub fn lines<E>(&self, mut print: impl FnMut(Line<'_>) -> Result<(), E>) -> Result<(), E> {
        let mut line = |key, value: &dyn Display| print(Line { key, value });
        match &self.verdict {
            Ok(()) => line("source", &"usable")?,
            Err(error) => line("refused", error)?,
        }
        if let Some(symbol) = self.verdict.err().and_then(|error| error.symbol()) {
            line("code", &symbol)?;
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
        let sparse = matches!((self.size, self.allocated), (Some(Ok(size)), Some(Ok(allocated))) if allocated < size);
        answer(&mut line, "allocated", &self.allocated, |allocated| Allocated { bytes: *allocated, sparse })?;
        answer(&mut line, "alignment", &self.alignment, |alignment| Bytes(*alignment))
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
            write!(f, "{:<12} {}", line.key, line.value)
        })
    }
}

impl<H: Handle> Source<H> {
    /// Everything known of this source, asked anew. Where the handle refers to another object by now, or to none, that is the
    /// verdict, and the other object is not asked about.
    pub fn report(&self) -> Report<<H::P as Platform>::Id> {
        let gone = |error| Report { facts: Some(*self.facts()), ..Report::refused(error) };
        match self.handle().platform().describe(self.handle().raw()) {
            Ok(now) if now.id == self.id() => Report::answers(self.handle(), now, decide::admit(now.access, now.kind)),
            Ok(_) => gone(Error::InvalidFileHandle(HandleFault::Replaced)),
            Err(fail) => gone(Error::of(fail, What::Handle)),
        }
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
            f.write_str(" (less than the size: a store where there is no storage yet needs free space)")?;
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

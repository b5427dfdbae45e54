//! The suite for those who implement [`Platform`](crate::platform::Platform): it says whether an
//! implementation keeps the contract.
//!
//! The implementer makes handles of every kind that the platform has, and says what each should
//! give. [`check`], [`check_places`], [`check_transfers`], [`check_bad_blocks`] and
//! [`check_mappings`] take them, in a test on a host or in the kernel itself: the suite needs
//! neither an allocator nor threads. A [`Violation`] names the handle and the rule that was broken.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use pmem2::{Code, Kind, conformance::{Case, Expect, check}};
//!
//! let file = std::fs::File::open(std::env::current_exe()?)?;
//! let null = std::fs::File::open(if cfg!(windows) { "NUL" } else { "/dev/null" })?;
//! let (size, alignment) = (file.metadata()?.len(), if cfg!(windows) { 65_536 } else { 4096 });
//! check(&[
//!     Case::new(
//!         "a file",
//!         &file,
//!         Expect::Source { kind: Kind::RegularFile, size, alignment, writable: false },
//!     ),
//!     Case::new("a device", &null, Expect::Refused(Code::InvalidFileType.raw())),
//! ])?;
//! # Ok(()) }
//! ```

mod badblocks;
mod map;
mod place;
mod source;
mod transfer;

use core::fmt;

pub use badblocks::check_bad_blocks;
pub use map::check_mappings;
pub use place::check_places;
use pmem2_platform::{Access, Fail, Handle, Kind, Partial};
pub use source::check;
pub use transfer::{check_bad_memory, check_transfers};

use crate::error::Error;

/// The answer that a handle should give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// A source.
    Source {
        /// Its kind.
        kind: Kind,
        /// Its size in bytes.
        size: u64,
        /// Its alignment in bytes.
        alignment: u64,
        /// Whether it may be written.
        writable: bool,
    },
    /// A refusal, with the code that a C function would return ([`Error::code`]).
    Refused(i32),
}

/// A handle, and the answer that it should give.
#[derive(Clone, Copy, Debug)]
pub struct Case<'c, H> {
    name: &'c str,
    handle: H,
    expect: Expect,
}

impl<'c, H: Handle> Case<'c, H> {
    /// Makes a case. `name` is for the message; different cases must have handles of different
    /// objects.
    pub const fn new(name: &'c str, handle: H, expect: Expect) -> Self {
        Self { name, handle, expect }
    }

    const fn violation(&self, rule: Rule) -> Violation<'c> {
        Violation { case: self.name, expect: self.expect, rule }
    }
}

/// A rule of the contract between core and platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// `describe` says the same about the same handle each time.
    DescribeIsStable,
    /// A handle is refused, or not, with the code that was expected. The value is the error that
    /// there was.
    Outcome(Option<Error>),
    /// Kind and access are the expected ones. The values are those that there were; so are those of
    /// the other rules.
    KindAndAccess(Kind, Access),
    /// The size is the expected one, each time it is asked for.
    Size(Result<u64, Error>),
    /// The alignment is the expected one, and a power of two.
    Alignment(Result<u64, Error>),
    /// A question that the platform does not answer gets `Fail::Unsupported`, and no other failure.
    OptionalAnswer(Error),
    /// The whole source is a range of it, and no range goes beyond its end.
    Range,
    /// A source is the same wherever it lies: in the caller's memory, in a pool.
    Storage,
    /// Handles of different objects have different ids, unless the type of ids has no values but
    /// one.
    IdsDiffer,
    /// A handle that refers to another object than the facts do is `Fail::Replaced`.
    ReplacedIsNoticed,
    /// A question about a place gets an answer, or `Fail::Unsupported`, where nothing is in its
    /// way.
    PlaceFails(Fail),
    /// The place is the same each time, and confirmed.
    PlaceIsStable,
    /// There are regions if and only if the backing is `Backing::Regions`, as many as are counted.
    RegionsAreCounted,
    /// The regions come by bus and number, each once.
    RegionsAreOrdered,
    /// The domain, and whether a region can only be read and is armed, are those of the region, and
    /// there is none after the last one. Of what is mapped synchronously the domain is
    /// [`CpuCache`](crate::persist::PersistenceDomain::CpuCache) where the region's is.
    RegionFacts,
    /// The NUMA nodes are those of the regions, and there is none after the last one.
    NumaNode,
    /// The DIMMs of a region are the same each time, and there is none after the last one.
    DimmsAreStable,
    /// The bytes of an object can be read, and written if it is writable, and made durable.
    TransferFails(Partial),
    /// The bytes read are those written, each in its place, and no other one is changed.
    TransferMovesBytes,
    /// A transfer that comes to the end of a file says so, with how many bytes there were.
    EndIsTold(Option<Partial>),
    /// A transfer that comes to bad memory ends there, not before and not after it.
    BadMemoryIsExact(Option<Partial>),
    /// The list of bad blocks can be had, or is `Fail::Unsupported`.
    BadBlocksFail(Fail),
    /// Bad blocks are told in ascending order, none without bytes, past the end or adjoining
    /// another one; and from within one its rest.
    BadBlocksAreOrdered {
        /// The first bad byte.
        start: u64,
        /// The first byte after it and those that adjoin.
        end: u64,
    },
    /// Good bytes are not cleared.
    GoodIsNotCleared,
    /// An object can be mapped, accessed and unmapped, or mapping is `Fail::Unsupported`.
    MappingFails(Error),
    /// A mapping shows the bytes of the object, all of them and no more. Stores through it are
    /// shown by another one, except those through a private mapping.
    MappingShowsBytes,
}

/// A rule was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Violation<'c> {
    /// The name of the case.
    pub case: &'c str,
    /// The answer that the case expects.
    pub expect: Expect,
    /// The rule.
    pub rule: Rule,
}

impl fmt::Display for Violation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (expected: {}): ", self.case, self.expect)?;
        match self.rule {
            Rule::DescribeIsStable => {
                f.write_str("describe says different things of the same handle")
            }
            Rule::Outcome(None) => f.write_str("it became a source"),
            Rule::Outcome(Some(error)) => write!(f, "refused with code {}: {error}", error.code()),
            Rule::KindAndAccess(kind, access) => {
                write!(f, "the kind is {kind}, the access {access:?}")
            }
            Rule::Size(Ok(size)) => write!(f, "the size is {size}"),
            Rule::Size(Err(error)) => write!(f, "there is no size: {error}"),
            Rule::Alignment(Ok(alignment)) => write!(f, "the alignment is {alignment}"),
            Rule::Alignment(Err(error)) => write!(f, "there is no alignment: {error}"),
            Rule::OptionalAnswer(error) => {
                write!(f, "a question without an answer must fail with Fail::Unsupported: {error}")
            }
            Rule::Range => {
                f.write_str("check_range does not accept the whole source and nothing beyond it")
            }
            Rule::Storage => f.write_str("the source is another one where it was stored"),
            Rule::IdsDiffer => f.write_str("another case has the same id"),
            Rule::ReplacedIsNoticed => {
                f.write_str("size does not notice that the handle refers to another object")
            }
            Rule::PlaceFails(fail) => write!(f, "a question about the place fails: {fail:?}"),
            Rule::PlaceIsStable => {
                f.write_str("the place is another one each time, or is not confirmed")
            }
            Rule::RegionsAreCounted => {
                f.write_str("there are other regions than the backing or the count say")
            }
            Rule::RegionsAreOrdered => {
                f.write_str("the regions are not in the order of buses and numbers")
            }
            Rule::RegionFacts => f.write_str(
                "the domain, or whether a region can only be read or is armed, is not that of the \
                 region",
            ),
            Rule::NumaNode => f.write_str("the NUMA nodes are not those of the regions"),
            Rule::DimmsAreStable => {
                f.write_str("the DIMMs of a region are others each time, or do not end")
            }
            Rule::TransferFails(halted) => {
                write!(f, "a transfer fails after {} bytes: {:?}", halted.done, halted.fail)
            }
            Rule::TransferMovesBytes => {
                f.write_str("a transfer moves other bytes than it was asked for")
            }
            Rule::EndIsTold(halted) => {
                write!(f, "the end of the file is not told as such: {halted:?}")
            }
            Rule::BadMemoryIsExact(halted) => {
                write!(f, "a transfer does not end where the memory is bad: {halted:?}")
            }
            Rule::BadBlocksFail(fail) => write!(f, "a question about bad blocks fails: {fail:?}"),
            Rule::BadBlocksAreOrdered { start, end } => {
                write!(
                    f,
                    "the bad bytes {start} to {end} are told out of order, or otherwise the second \
                     time"
                )
            }
            Rule::GoodIsNotCleared => {
                f.write_str("bytes that are not bad are cleared all the same")
            }
            Rule::MappingFails(error) => write!(f, "a mapping fails: {error}"),
            Rule::MappingShowsBytes => {
                f.write_str("a mapping shows other bytes than those of the object")
            }
        }
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source { kind, size, alignment, writable } => {
                let access = if *writable { "writable" } else { "read-only" };
                write!(f, "{kind}, {access}, {size} bytes, alignment {alignment}")
            }
            Self::Refused(code) => write!(f, "refused with code {code}"),
        }
    }
}

impl core::error::Error for Violation<'_> {}

/// Says that a rule is broken, unless it was kept.
fn ensure(kept: bool, rule: Rule) -> Result<(), Rule> {
    if kept { Ok(()) } else { Err(rule) }
}

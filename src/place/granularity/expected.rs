//! The granularities, and what is expected of a mapping.

use core::fmt::{self, Display};

use super::reason::Reason;

/// The unit that has to be flushed to make a store durable: `enum pmem2_granularity`, see
/// libpmem2(7). The smaller, the finer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Granularity {
    /// Nothing: a store is durable once it is visible (eADR), or need not be durable.
    Byte = 0,
    /// The cache line, by an instruction of the processor.
    CacheLine = 1,
    /// The page, by a call to the system (msync(2)).
    Page = 2,
}

impl Granularity {
    /// Returns the name in C, without `PMEM2_GRANULARITY_`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Byte => "BYTE",
            Self::CacheLine => "CACHE_LINE",
            Self::Page => "PAGE",
        }
    }

    /// Reads a granularity that is to be forced, as libpmem2 reads the environment variable
    /// `PMEM2_FORCE_GRANULARITY`: `BYTE`, `CACHE_LINE` or `CACHELINE`, `PAGE`, in letters of any
    /// case, with nothing before or after. `None`: nothing is forced.
    ///
    /// ```
    /// use pmem2::Granularity;
    ///
    /// assert_eq!(Granularity::forced_by("cacheline"), Some(Granularity::CacheLine));
    /// assert_eq!(Granularity::forced_by(" PAGE"), None);
    /// ```
    #[must_use]
    pub fn forced_by(text: &str) -> Option<Self> {
        const WORDS: [(&str, Granularity); 4] = [
            ("BYTE", Granularity::Byte),
            ("CACHE_LINE", Granularity::CacheLine),
            ("CACHELINE", Granularity::CacheLine),
            ("PAGE", Granularity::Page),
        ];
        let found = WORDS.into_iter().find(|(word, _)| text.eq_ignore_ascii_case(word));
        found.map(|(_, granularity)| granularity)
    }

    /// Reads the environment variable `PMEM2_FORCE_GRANULARITY`, see
    /// [`forced_by`](Granularity::forced_by): for tests on a machine without persistent memory.
    #[cfg(feature = "std")]
    #[must_use]
    pub fn forced_by_environment() -> Option<Self> {
        Self::forced_by(std::env::var_os("PMEM2_FORCE_GRANULARITY")?.to_str()?)
    }
}

impl Display for Granularity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The reach of a store to a mapping: pmem2_config_set_sharing(3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sharing {
    /// A store reaches the source, and others that have it mapped (`PMEM2_SHARED`).
    Shared,
    /// A store stays in this mapping, and is gone with it (`PMEM2_PRIVATE`).
    Private,
}

/// The granularity that a mapping of a source will have, and why not a finer one. `Display` says
/// both.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pmem2::{Granularity, Sharing, Source};
///
/// let source = Source::new(std::fs::File::open(std::env::current_exe()?)?)?;
/// let expected = source.expected_granularity(Sharing::Shared)?;
/// match expected.granularity {
///     Granularity::Byte => println!("a store is durable at once"),
///     Granularity::CacheLine => println!("a store is durable after a flush"),
///     Granularity::Page => println!("a store is durable after msync: {}", expected.reason),
/// }
/// if let Some(remedy) = expected.reason.remedy() {
///     println!("to get finer: {remedy}");
/// }
/// # Ok(()) }
/// ```
///
/// It holds for a mapping made with `MAP_SHARED_VALIDATE | MAP_SYNC` of mmap(2), as
/// [`Source::map`](crate::Source::map) and libpmem2 make them. A mapping of a file without
/// `MAP_SYNC` (memmap2, plain mmap with `MAP_SHARED`) has [`Page`](Granularity::Page), whatever
/// this says: a store may be lost with the file system's metadata before msync(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Expected {
    /// The granularity.
    pub granularity: Granularity,
    /// The reason why it is that one.
    pub reason: Reason,
}

impl Expected {
    pub(crate) const fn new(granularity: Granularity, reason: Reason) -> Self {
        Self { granularity, reason }
    }
}

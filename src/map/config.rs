//! The properties of a mapping that is to be made.

use core::ops::Range;

use pmem2_platform::Protection;

use crate::place::{
    Place,
    granularity::{
        Terms,
        expected::{Granularity, Sharing},
    },
};

/// The properties of a mapping that is to be made: `struct pmem2_config`, see pmem2_config_new(3).
/// A plain value, which serves any number of mappings and may be a `const`.
///
/// ```
/// use pmem2::{Granularity, MapConfig};
///
/// /// 1 MiB after a header of 4 KiB, on memory whose stores need no system call.
/// const LOG: MapConfig<'_> = MapConfig::new(Granularity::CacheLine).range(4096..4096 + (1 << 20));
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct MapConfig<'p> {
    pub(super) granularity: Granularity,
    pub(super) offset: u64,
    /// `None` is the rest of the source.
    pub(super) length: Option<u64>,
    pub(super) protection: Protection,
    pub(super) alignment: u64,
    pub(super) room: u64,
    pub(super) terms: Terms<'p>,
}

impl<'p> MapConfig<'p> {
    /// All of a source, shared, for loads and stores, where a store becomes durable with at most
    /// this granularity (pmem2_config_set_required_store_granularity(3)). A source that has only a
    /// coarser one is refused.
    pub const fn new(granularity: Granularity) -> Self {
        Self {
            granularity,
            offset: 0,
            length: None,
            protection: Protection::READ.union(Protection::WRITE),
            alignment: 1,
            room: 0,
            terms: Terms::new(Sharing::Shared),
        }
    }

    /// Begins the mapping at this byte of the source (pmem2_config_set_offset(3)), a multiple of
    /// its alignment. An anonymous source has no offsets, and ignores it.
    pub const fn offset(mut self, bytes: u64) -> Self {
        self.offset = bytes;
        self
    }

    /// Maps this many bytes (pmem2_config_set_length(3)): a multiple of the source's alignment, or
    /// as many as there are up to its end. 0 is the rest of the source.
    pub const fn length(mut self, bytes: u64) -> Self {
        self.length = if bytes == 0 { None } else { Some(bytes) };
        self
    }

    /// Maps these bytes of the source: [`offset`](MapConfig::offset) and
    /// [`length`](MapConfig::length). A range without bytes is refused.
    pub const fn range(mut self, bytes: Range<u64>) -> Self {
        self.length = Some(bytes.end.saturating_sub(bytes.start));
        self.offset(bytes.start)
    }

    /// Determines who sees stores (pmem2_config_set_sharing(3)).
    pub const fn sharing(mut self, sharing: Sharing) -> Self {
        self.terms.sharing = sharing;
        self
    }

    /// Determines the accesses that the memory allows (pmem2_config_set_protection(3)).
    pub const fn protection(mut self, protection: Protection) -> Self {
        self.protection = protection;
        self
    }

    /// Gives the address the same remainder by `bytes`, a power of two, as the offset in the source
    /// has, as huge pages need it. By default the system chooses: Linux aligns to huge pages what
    /// it can map with them.
    pub const fn aligned_to(mut self, bytes: u64) -> Self {
        self.alignment = bytes;
        self
    }

    /// Uses the place of the source that was gathered before ([`Source::place`]), so that `/sys` is
    /// not read: after a chroot, under a filter of system calls, for many mappings of one device.
    /// The place of another source makes the granularity wrong.
    ///
    /// [`Source::place`]: crate::Source::place
    pub const fn at_place(mut self, place: &'p Place) -> Self {
        self.terms.place = Some(place);
        self
    }

    /// Takes the granularity for this one, whatever the memory is: libpmem2's
    /// `PMEM2_FORCE_GRANULARITY`. Stores to memory that needs more are not durable. It holds for
    /// shared mappings of files and devices.
    pub const fn forced(mut self, granularity: Option<Granularity>) -> Self {
        self.terms.forced = granularity;
        self
    }

    /// Makes stores durable by the system's call (msync(2)) whatever the file lies on: `MAP_SYNC`
    /// is not tried, and the granularity is [`Page`](Granularity::Page).
    pub const fn by_call(mut self) -> Self {
        self.terms.by_call = true;
        self
    }

    /// Takes addresses for `bytes` bytes of the file, though it has fewer now, so that the mapping
    /// can [grow](crate::Mapping::grow) without a change of its addresses. The file has at least
    /// one byte ([`File::set_len`]); one without is refused as any empty source is. Refused is also
    /// a file on hugetlbfs, which this would make longer, and whatever is no file.
    ///
    /// [`File::set_len`]: https://doc.rust-lang.org/std/fs/struct.File.html#method.set_len
    pub const fn room(mut self, bytes: u64) -> Self {
        self.room = bytes;
        self
    }
}

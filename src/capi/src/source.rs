//! `struct pmem2_source`.

use pmem2::{
    Anonymous,
    platform::{Borrowed, Platform},
};

use crate::owned::{Opaque, Storage};

/// A source: of a descriptor (or handle, or region), or anonymous. C has one type for both.
pub enum Source<P: Platform> {
    /// A source of what the platform has.
    Descriptor(pmem2::Source<Descriptor<P>>),
    /// A source of anonymous memory.
    Anonymous(pmem2::Source<Anonymous<P>>),
}

// Derived, these would ask for more than they need.
impl<P: Platform> Clone for Source<P> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<P: Platform> Copy for Source<P> {}

/// `struct pmem2_source_storage` of libpmem2/base.h.
pub type SourceStorage = Storage<8>;

// The other side of this is at the end of the header.
const _: () = assert!(size_of::<SourceStorage>() == 64 && align_of::<SourceStorage>() == 8);

impl<P: Platform> Opaque for Source<P> {
    type Storage = SourceStorage;
    const MARK: u32 = 0x706d_3273;
    const NAME: &'static str = "source";
    const ARGUMENT: &'static str = "src";
    const DELETE: &'static str = "pmem2_source_delete";
}

/// Evaluates one expression for either sort of source.
macro_rules! each {
    ($either:expr, $source:pat => $answer:expr) => {
        match $either {
            $crate::source::Source::Descriptor($source) => $answer,
            $crate::source::Source::Anonymous($source) => $answer,
        }
    };
}
pub(crate) use each;

/// A descriptor as C has it: a number, or a pointer to a region. C has no lifetimes; its pages say
/// how long the object has to stay, and who makes one of these has that promise of C's caller.
pub(crate) type Descriptor<P> = Borrowed<'static, P>;

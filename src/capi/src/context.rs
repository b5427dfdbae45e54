//! `struct pmem2_badblock_context`.

use core::ops::Range;

use pmem2::{Code, Error, badblocks::BadBlocks, platform};

use crate::{
    failure::Failure,
    owned::{Opaque, Storage},
    source::Descriptor,
};

/// The bad blocks of a source, of which it has a copy.
pub struct Context<P: platform::BadBlocks> {
    /// Where the next one is looked for, in bytes of the source.
    from: u64,
    blocks: BadBlocks<Descriptor<P>>,
}

/// `struct pmem2_badblock_storage` of libpmem2/base.h.
pub type BadblockStorage = Storage<1024>;

// The other side of this is at the end of the header.
const _: () = assert!(size_of::<BadblockStorage>() == 8192 && align_of::<BadblockStorage>() == 8);

impl<P: platform::BadBlocks> Opaque for Context<P> {
    type Storage = BadblockStorage;
    const MARK: u32 = 0x706d_3262;
    const NAME: &'static str = "bad block context";
    const ARGUMENT: &'static str = "bbctx";
    const DELETE: &'static str = "pmem2_badblock_context_delete";
}

impl<P: platform::BadBlocks> Context<P> {
    /// Reads the list of what the source lies on.
    pub(crate) fn new(source: pmem2::Source<Descriptor<P>>) -> Result<Self, Error> {
        Ok(Self { from: 0, blocks: BadBlocks::new(source)? })
    }

    /// Returns the next bad range. Until [`advance`](Context::advance) it looks at the same place
    /// again.
    pub(crate) fn next(&mut self) -> Result<Range<u64>, Failure> {
        self.blocks.seek(self.from);
        match self.blocks.next() {
            Some(range) => Ok(range?),
            None => Err(Failure::Said(Code::NoBadBlockFound, "there are no more bad blocks")),
        }
    }

    /// Goes on after a range that was told.
    pub(crate) const fn advance(&mut self, end: u64) {
        self.from = end;
    }

    pub(crate) const fn source(&self) -> &pmem2::Source<Descriptor<P>> {
        self.blocks.source()
    }
}

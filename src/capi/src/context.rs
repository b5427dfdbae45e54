//! `struct pmem2_badblock_context`, and the memory for one.

use core::{mem::MaybeUninit, ptr::NonNull};

use pmem2::{Code, Error, Source, badblocks::BadBlocks, platform};

use crate::{
    failure::Failure,
    object::{Descriptor, Home},
};

/// `struct pmem2_badblock_storage` of libpmem2/base.h: memory for one context, of the same size and
/// alignment on every target.
#[repr(C, align(8))]
pub struct BadblockStorage {
    bytes: MaybeUninit<[u64; 1024]>,
}

// The other side of this is at the end of the header.
const _: () = assert!(size_of::<BadblockStorage>() == 8192 && align_of::<BadblockStorage>() == 8);

impl BadblockStorage {
    /// Memory with nothing in it.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: MaybeUninit::uninit() }
    }
}

impl Default for BadblockStorage {
    fn default() -> Self {
        Self::new()
    }
}

/// `struct pmem2_badblock_context`: the bad blocks of a source of which it has a copy, and whose
/// memory it lies in.
// The marks come first: what C passes may be smaller.
#[repr(C)]
pub struct Context<P: platform::BadBlocks> {
    mark: u32,
    home: Home,
    /// Where the next one is looked for.
    from: u64,
    blocks: BadBlocks<Descriptor<P>>,
}

/// What tells a context from everything else, a source among them.
const MARK: u32 = 0x706d_3262;

impl<P: platform::BadBlocks> Context<P> {
    /// Fails to compile for a platform whose contexts do not fit into the storage that C programs
    /// have.
    pub(crate) const FITS: () = assert!(
        size_of::<Self>() <= size_of::<BadblockStorage>()
            && align_of::<Self>() <= align_of::<BadblockStorage>(),
        "a context of this platform does not fit into struct pmem2_badblock_storage: its List is too large"
    );

    /// Takes the list of what the source lies on.
    pub(crate) fn new(source: Source<Descriptor<P>>, home: Home) -> Result<Self, Error> {
        Ok(Self { mark: MARK, home, from: 0, blocks: BadBlocks::new(source)? })
    }

    /// The next bad range. After a failure the same place is looked at again.
    pub(crate) fn next(&mut self) -> Result<core::ops::Range<u64>, Failure> {
        self.blocks.seek(self.from);
        match self.blocks.next() {
            Some(range) => Ok(range?),
            None => Err(Failure::Said(Code::NoBadBlockFound, "there are no more bad blocks")),
        }
    }

    /// Goes on behind a range that was told.
    pub(crate) const fn behind(&mut self, end: u64) {
        self.from = end;
    }

    pub(crate) const fn source(&self) -> &Source<Descriptor<P>> {
        self.blocks.source()
    }

    /// Whose memory a context lies in, or `None` where there is no context. It is read as plain
    /// numbers, as of a [source](crate::Object::home).
    ///
    /// # Safety
    ///
    /// `context` is aligned, and valid for reads of 8 bytes.
    pub(crate) unsafe fn home(context: NonNull<Self>) -> Option<Home> {
        // SAFETY: both are the first 8 bytes of a context, which are valid for reads; any bits are
        // a number.
        let [mark, home] = unsafe { context.cast::<[u32; 2]>().read() };
        Home::of(home).filter(|_| mark == MARK)
    }

    /// Ends a context: used once more it is noticed, for as long as the memory is not given to
    /// another.
    ///
    /// # Safety
    ///
    /// It is one, and nobody uses it now or later.
    pub(crate) unsafe fn end(context: NonNull<Self>) {
        // SAFETY: it is a context, and this is the one end of it. Both marks stay in memory that is
        // the caller's or the library's.
        unsafe {
            context.drop_in_place();
            (&raw mut (*context.as_ptr()).mark).write(0);
            (&raw mut (*context.as_ptr()).home).write(Home::Ended);
        }
    }
}

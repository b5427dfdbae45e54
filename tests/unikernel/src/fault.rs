//! A platform around a platform, which fails when it is told to: how to see what one's program does
//! when the system fails.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use pmem2::{
    Alignment, Backing, Direct, Facts, Fail, FileSystem, Handle, Locate, Platform, Region,
    Synchronous, Text,
};

/// Counts the calls, and says which one fails.
#[derive(Debug)]
pub(crate) struct Fuse {
    calls: AtomicU32,
    /// The call with this number, from 1; 0: none.
    fails: u32,
    with: Fail,
}

impl Fuse {
    pub(crate) const fn new(fails: u32, with: Fail) -> Self {
        Self { calls: AtomicU32::new(0), fails, with }
    }

    pub(crate) fn calls(&self) -> u32 {
        self.calls.load(Relaxed)
    }

    fn pass(&self) -> Result<(), Fail> {
        if self.calls.fetch_add(1, Relaxed) + 1 == self.fails { Err(self.with) } else { Ok(()) }
    }
}

/// The platform `P`, with a fuse before each call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Faulty<'f, P> {
    inner: P,
    fuse: &'f Fuse,
}

/// A handle of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Behind<'f, H> {
    pub(crate) handle: H,
    pub(crate) fuse: &'f Fuse,
}

// SAFETY: what the handle behind the fuse promises.
unsafe impl<'f, H: Handle> Handle for Behind<'f, H> {
    type P = Faulty<'f, H::P>;
    fn platform(&self) -> Self::P {
        Faulty { inner: self.handle.platform(), fuse: self.fuse }
    }
    fn raw(&self) -> <H::P as Platform>::Raw {
        self.handle.raw()
    }
}

/// Methods that pass the fuse, and then do what they do.
macro_rules! fused {
    ($($method:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)*) => {$(
        fn $method(self, $($argument: $kind),*) -> Result<$answer, Fail> {
            self.fuse.pass()?;
            self.inner.$method($($argument),*)
        }
    )*};
}

impl<P: Platform> Platform for Faulty<'_, P> {
    type Raw = P::Raw;
    type Id = P::Id;

    fused! {
        describe(raw: P::Raw) -> Facts<P::Id>;
        size(raw: P::Raw, facts: &Facts<P::Id>) -> u64;
        alignment(raw: P::Raw, facts: &Facts<P::Id>) -> u64;
        allocated(raw: P::Raw, facts: &Facts<P::Id>) -> u64;
        file_system(raw: P::Raw, facts: &Facts<P::Id>) -> FileSystem;
        page_size() -> Alignment;
    }
}

impl<P: Locate> Locate for Faulty<'_, P> {
    type Spot = P::Spot;
    type Dimm = P::Dimm;

    fused! {
        locate(raw: P::Raw, facts: &Facts<P::Id>) -> P::Spot;
        confirm(spot: &P::Spot) -> u64;
        backing(spot: &P::Spot) -> Backing;
        device(spot: &P::Spot) -> Text<32>;
        regions(spot: &P::Spot) -> usize;
        region(spot: &P::Spot, index: usize) -> Option<Region>;
        numa_node(spot: &P::Spot, index: usize) -> Option<Option<u32>>;
        dimm(spot: &P::Spot, region: usize, dimm: usize) -> Option<P::Dimm>;
        dimm_number(dimm: P::Dimm) -> u32;
        dimm_id(dimm: P::Dimm) -> Text<32>;
        dimm_dirty_shutdowns(dimm: P::Dimm) -> u64;
        dax_capable(spot: &P::Spot) -> Option<bool>;
        synchronous(raw: P::Raw, facts: &Facts<P::Id>) -> Synchronous;
        direct(raw: P::Raw, facts: &Facts<P::Id>) -> Direct;
    }
}

//! A platform around a platform that fails on demand, to test a program against failures of the
//! system.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use pmem2::{
    Handle,
    place::{Backing, DaxState, FileSystem, MapSync, Region},
    platform::{Alignment, Borrowed, Facts, Fail, Locate, Platform, Text},
};

/// Counts the calls, and makes one fail.
#[derive(Debug)]
pub(crate) struct Fuse {
    calls: AtomicU32,
    /// The number of the failing call, from 1; 0 for none.
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

/// A handle of that platform.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inner<'f, H> {
    pub(crate) handle: H,
    pub(crate) fuse: &'f Fuse,
}

// SAFETY: the promise of the handle inside.
unsafe impl<'f, H: Handle> Handle for Inner<'f, H> {
    type P = Faulty<'f, H::P>;
    fn platform(&self) -> Self::P {
        Faulty { inner: self.handle.platform(), fuse: self.fuse }
    }
    fn raw(&self) -> <H::P as Platform>::Raw {
        self.handle.raw()
    }
}

impl<P: Platform> Faulty<'_, P> {
    /// Returns the handle of the platform inside, for a call that passed the fuse.
    fn pass(handle: Borrowed<'_, Self>) -> Result<Borrowed<'_, P>, Fail> {
        let Self { inner, fuse } = handle.platform();
        fuse.pass()?;
        // SAFETY: from_raw requires a raw value that keeps naming an object of `inner`. Both
        // platforms have the same raw values, and every handle of this one is a handle of that one:
        // `Inner`.
        Ok(unsafe { Borrowed::from_raw(inner, handle.raw()) })
    }
}

/// Defines methods of the platform or of a handle that pass the fuse and then do their work.
macro_rules! fused {
    ($(
        fn $method:ident(self $(, $argument:ident: $kind:ty)*) -> $answer:ty;
    )* $(
        of $of:ident($($given:ident: $type:ty),*) -> $gives:ty;
    )*) => {
        $(fn $method(self $(, $argument: $kind)*) -> Result<$answer, Fail> {
            self.fuse.pass()?;
            self.inner.$method($($argument),*)
        })*
        $(fn $of(handle: Borrowed<'_, Self> $(, $given: $type)*) -> Result<$gives, Fail> {
            P::$of(Self::pass(handle)? $(, $given)*)
        })*
    };
}

impl<P: Platform> Platform for Faulty<'_, P> {
    type Raw = P::Raw;
    type Id = P::Id;

    fused! {
        fn page_size(self) -> Alignment;
        of describe() -> Facts<P::Id>;
        of size(facts: &Facts<P::Id>) -> u64;
        of alignment(facts: &Facts<P::Id>) -> u64;
        of allocated(facts: &Facts<P::Id>) -> u64;
        of file_system(facts: &Facts<P::Id>) -> FileSystem;
    }
}

impl<P: Locate> Locate for Faulty<'_, P> {
    type Location = P::Location;
    type Dimm = P::Dimm;

    fused! {
        fn confirm(self, spot: &P::Location) -> u64;
        fn backing(self, spot: &P::Location) -> Backing;
        fn device(self, spot: &P::Location) -> Text<32>;
        fn regions(self, spot: &P::Location) -> usize;
        fn region(self, spot: &P::Location, index: usize) -> Option<Region>;
        fn numa_node(self, spot: &P::Location, index: usize) -> Option<Option<u32>>;
        fn dimm(self, spot: &P::Location, region: usize, dimm: usize) -> Option<P::Dimm>;
        fn dimm_number(self, dimm: P::Dimm) -> u32;
        fn dimm_id(self, dimm: P::Dimm) -> Text<32>;
        fn dimm_dirty_shutdowns(self, dimm: P::Dimm) -> u64;
        fn dax_capable(self, spot: &P::Location) -> Option<bool>;
        of locate(facts: &Facts<P::Id>) -> P::Location;
        of synchronous(facts: &Facts<P::Id>) -> MapSync;
        of direct(facts: &Facts<P::Id>) -> DaxState;
    }
}

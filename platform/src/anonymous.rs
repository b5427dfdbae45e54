//! Anonymous memory: a size, and nothing else.

use core::convert::Infallible;

use crate::{
    badblocks::BadBlocks,
    facts::{Access, Facts, Kind, NoId},
    fail::Fail,
    map::{Map, Mapped, Request, Span},
    native::Native,
    place::{Locate, Nowhere},
    source::{Borrowed, Handle, Platform},
    transfer::Transfer,
};

/// The handle of an anonymous source: memory that belongs to no file and is gone with its mapping
/// (pmem2_source_from_anon(3)). `P` is the platform that would map it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Anonymous<P: Platform = Native> {
    size: u64,
    platform: P,
}

impl<P: Platform> Anonymous<P> {
    /// Makes a handle of `size` bytes of anonymous memory on `platform`. Any size may be named;
    /// only mapping takes the memory.
    #[inline]
    #[must_use]
    pub const fn on(platform: P, size: u64) -> Self {
        Self { size, platform }
    }

    /// Returns the size in bytes, as it was given.
    #[inline]
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }
}

// SAFETY: the raw value is a size, which always names the same thing.
unsafe impl<P: Platform> Handle for Anonymous<P> {
    type P = Anon<P>;
    #[inline]
    fn platform(&self) -> Anon<P> {
        Anon(self.platform)
    }
    #[inline]
    fn raw(&self) -> u64 {
        self.size
    }
}

/// The platform of anonymous memory over the platform `P`: its raw values are sizes in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Anon<P: Platform = Native>(P);

impl<P: Platform> Platform for Anon<P> {
    type Raw = u64;
    type Id = NoId;

    #[inline]
    fn describe(anonymous: Borrowed<'_, Self>) -> Result<Facts<NoId>, Fail> {
        let alignment = Some(anonymous.platform().0.page_size()?);
        Ok(Facts::new(NoId, Kind::Anonymous, Access::READ | Access::WRITE, alignment))
    }

    #[inline]
    fn size(anonymous: Borrowed<'_, Self>, _: &Facts<NoId>) -> Result<u64, Fail> {
        Ok(anonymous.raw())
    }
}

/// Anonymous memory is nowhere in particular.
impl<P: Platform> Locate for Anon<P> {
    type Location = Nowhere;
    type Dimm = Nowhere;
}

/// Before it is mapped there is nothing to read.
impl<P: Platform> Transfer for Anon<P> {
    type Guard = Infallible;
    type Channel = Infallible;
}

/// Memory that belongs to no device is on no list.
impl<P: Platform> BadBlocks for Anon<P> {
    type List = Infallible;
}

// SAFETY: the platform below keeps its promise, and this one maps and unmaps nothing itself.
unsafe impl<P: Map> Map for Anon<P> {
    type Steps = P::Steps;

    fn steps(self, flushes: bool) -> Result<P::Steps, Fail> {
        self.0.steps(flushes)
    }

    fn map(
        anonymous: Borrowed<'_, Self>,
        _: &Facts<NoId>,
        request: &Request,
    ) -> Result<Mapped, Fail> {
        anonymous.platform().0.map_anonymous(request)
    }

    unsafe fn unmap(self, taken: Span) -> Result<(), Fail> {
        // SAFETY: the caller's.
        unsafe { self.0.unmap(taken) }
    }

    unsafe fn populate(self, bytes: Span, write: bool) -> Result<(), Fail> {
        // SAFETY: the caller's.
        unsafe { self.0.populate(bytes, write) }
    }
}

//! The DIMMs that a source lies on.

use core::fmt;

use pmem2_platform::{Locate, Subject, Text};

use crate::error::Error;

/// A DIMM of a source's region. It answers for as long as the system has the DIMM.
#[derive(Clone, Copy, Debug)]
pub struct Dimm<P: Locate> {
    platform: P,
    dimm: P::Dimm,
    region: usize,
}

impl<P: Locate> Dimm<P> {
    /// Returns which of the source's regions it belongs to, from 0, in the order of
    /// [`Place::regions`](super::Place::regions).
    #[must_use]
    pub const fn region(&self) -> usize {
        self.region
    }

    /// Returns the number that the system gives it until the next boot: the K of `nmemK`. No system
    /// call on Linux.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](Error::Unsupported): the platform has no numbers.
    pub fn number(&self) -> Result<u32, Error> {
        self.platform.dimm_number(self.dimm).map_err(|fail| Error::from_fail(fail, Subject::Dimm))
    }

    /// Returns its identity, wherever it is: of an NVDIMM vendor, place and time of its making if
    /// known, and serial number, `8680-56341200` (`nfit/id` in sysfs, from the NFIT's control
    /// region).
    ///
    /// System calls on Linux: `openat`, `read`, `close`.
    ///
    /// # Errors
    ///
    /// - [`Unsupported`](Error::Unsupported): it has none that the system knows.
    /// - [`InvalidDevFormat`](Error::InvalidDevFormat): the system's answer is no id.
    /// - [`Os`](Error::Os): the system failed.
    pub fn id(&self) -> Result<Text<32>, Error> {
        self.platform.dimm_id(self.dimm).map_err(|fail| Error::from_fail(fail, Subject::DeviceId))
    }

    /// Adds its id to `all`. By reference, since a small stack has no room for copies.
    #[inline(always)]
    pub(super) fn write_id<const N: usize>(&self, all: &mut Text<N>) -> Result<(), Error> {
        match &self.platform.dimm_id(self.dimm) {
            Ok(id) if all.push(id) => Ok(()),
            Ok(_) => Err(Error::TooLarge(Subject::DeviceId)),
            Err(fail) => Err(Error::from_fail(*fail, Subject::DeviceId)),
        }
    }

    /// Returns how often it lost power before its data was safe: `dirty_shutdown` in sysfs, its
    /// part of [`Source::device_usc`](crate::Source::device_usc).
    ///
    /// System calls on Linux: `openat`, `read`, `close`.
    ///
    /// # Errors
    ///
    /// Those of [`Source::device_usc`](crate::Source::device_usc).
    pub fn dirty_shutdowns(&self) -> Result<u64, Error> {
        self.platform
            .dimm_dirty_shutdowns(self.dimm)
            .map_err(|fail| Error::from_fail(fail, Subject::UnsafeShutdowns))
    }
}

/// The DIMMs of a source: region by region, in the order of the region's mappings; one that several
/// regions share is a DIMM of each. After an error it ends.
pub struct Dimms<P: Locate> {
    platform: P,
    location: P::Location,
    regions: usize,
    /// The region and the DIMM in it that come next.
    next: Option<(usize, usize)>,
}

impl<P: Locate> Dimms<P> {
    /// Makes the DIMMs of the regions there, of which there are this many.
    #[inline]
    pub(super) const fn new(platform: P, location: P::Location, regions: usize) -> Self {
        Self { platform, location, regions, next: Some((0, 0)) }
    }

    /// Calls `visit` with each DIMM, with one that several regions share for the first of them
    /// only.
    pub(super) fn each_once(
        mut self,
        mut visit: impl FnMut(&Dimm<P>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        while let Some(dimm) = self.next() {
            let dimm = dimm?;
            // Asked of the platform, so that one that has never more than one region has no code
            // for it.
            let is_later =
                dimm.region > 0 && matches!(self.platform.regions(&self.location), Ok(2..));
            if !is_later || !self.was_there(&dimm)? {
                visit(&dimm)?;
            }
        }
        Ok(())
    }

    /// Returns whether a region before has the DIMM, too. Looked for anew, since there is no room
    /// to note all: one region alone costs nothing.
    #[inline(never)]
    fn was_there(&self, dimm: &Dimm<P>) -> Result<bool, Error> {
        let failed = |fail| Error::from_fail(fail, Subject::Dimm);
        let number = dimm.number()?;
        for region in 0..dimm.region {
            let mut index = 0_usize;
            while let Some(other) =
                self.platform.dimm(&self.location, region, index).map_err(failed)?
            {
                if self.platform.dimm_number(other).map_err(failed)? == number {
                    return Ok(true);
                }
                index = index.saturating_add(1);
            }
        }
        Ok(false)
    }
}

impl<P: Locate> fmt::Debug for Dimms<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dimms").field("next", &self.next).finish_non_exhaustive()
    }
}

impl<P: Locate> Iterator for Dimms<P> {
    type Item = Result<Dimm<P>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let (mut region, mut index) = self.next.take()?;
        loop {
            match self.platform.dimm(&self.location, region, index) {
                Ok(Some(dimm)) => {
                    self.next = Some((region, index.saturating_add(1)));
                    return Some(Ok(Dimm { platform: self.platform, dimm, region }));
                }
                Ok(None) => {
                    (region, index) = (region.saturating_add(1), 0);
                    // The last region's DIMMs are followed by no other region's.
                    if region >= self.regions {
                        // What ended too early, since it was taken away, must not look complete.
                        return self
                            .platform
                            .confirm(&self.location)
                            .err()
                            .map(|fail| Err(Error::from_fail(fail, Subject::Dimm)));
                    }
                }
                Err(fail) => return Some(Err(Error::from_fail(fail, Subject::Dimm))),
            }
        }
    }
}

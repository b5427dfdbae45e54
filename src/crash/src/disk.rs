//! The disk that a program sees, as a handle, and as the platform of that handle.

use std::{ops::Range, panic::Location};

use pmem2::{
    Access, Error, Granularity, Handle, Kind, MapConfig, Mapping, Source,
    error::Subject,
    map::{Map, Mapped, Request, Span},
    persist::PersistenceDomain,
    place::{Backing, DimmState, FileSystem, MapSync, Mode, Region},
    platform::{Alignment, Borrowed, Facts, Fail, Locate, NoId, Nowhere, Platform},
};

use crate::{device::Device, trace::PAGE, turns::lock};

/// A disk of persistent memory: a handle, of which a [`Source`] is made and mapped
/// as of a file. All mappings of it that are shared have the same addresses.
#[derive(Clone, Copy, Debug)]
pub struct Disk<'d> {
    pub(crate) device: &'d Device,
}

impl<'d> Disk<'d> {
    pub(crate) const fn new(device: &'d Device) -> Self {
        Self { device }
    }

    /// Runs threads, each with its part of a mapping, and waits for all of them. One of them takes
    /// a step, and then the schedule says whose turn it is: [`Model::schedules`]. They must not
    /// wait for each other, nor store to the same lines: nothing can be said of that then.
    ///
    /// [`Model::schedules`]: crate::Model::schedules
    ///
    /// # Panics
    ///
    /// If a thread does, or waits for another one.
    pub fn threads(self, work: Vec<Box<dyn FnOnce() + Send + '_>>) {
        self.device.threads(work);
    }

    /// Maps all of it, with whatever granularity its memory has.
    ///
    /// # Errors
    ///
    /// Those of [`Source::map`].
    pub fn map(self) -> Result<Mapping<Self>, Error> {
        Source::new(self)?.map(&MapConfig::new(Granularity::Page))
    }

    /// Says that the recovery has ended, and what comes is the check: the power is not cut in it.
    /// What a check stores and takes would be missed by the next one.
    pub fn recovered(self) {
        self.device.recovered();
    }

    /// Returns the bytes of a range of the file, `TooLarge` where it has no room for them.
    fn range(self, range: &Range<u64>, subject: Subject) -> Result<Range<usize>, Fail> {
        let at = |byte: u64| usize::try_from(byte).ok().filter(|&byte| byte <= self.device.room());
        match (at(range.start), at(range.end)) {
            (Some(start), Some(end)) => Ok(start..end.max(start)),
            _ => Err(Fail::TooLarge(subject)),
        }
    }
}

// SAFETY: the device is borrowed, and is the only object of the platform.
unsafe impl Handle for Disk<'_> {
    type P = Self;

    fn platform(&self) -> Self {
        *self
    }

    fn raw(&self) {}
}

impl Platform for Disk<'_> {
    type Raw = ();
    type Id = NoId;

    fn describe(_: Borrowed<'_, Self>) -> Result<Facts<NoId>, Fail> {
        let access = Access::READ | Access::WRITE;
        Ok(Facts::new(NoId, Kind::RegularFile, access, Alignment::new(PAGE as u64)))
    }

    fn size(handle: Borrowed<'_, Self>, _: &Facts<NoId>) -> Result<u64, Fail> {
        handle.platform().device.there(Subject::Size)?;
        Ok(handle.platform().device.size())
    }
}

/// A file on one region of persistent memory; where its granularity is the page, on tmpfs.
impl Locate for Disk<'_> {
    type Location = ();
    type Dimm = Nowhere;

    fn locate(handle: Borrowed<'_, Self>, _: &Facts<NoId>) -> Result<(), Fail> {
        handle.platform().device.there(Subject::Device)
    }

    fn confirm(self, (): &()) -> Result<u64, Fail> {
        Ok(0)
    }

    fn backing(self, (): &()) -> Result<Backing, Fail> {
        Ok(match self.device.granularity() {
            // TMPFS_MAGIC of linux/magic.h.
            Granularity::Page => Backing::Memory(FileSystem::from_magic(0x0102_1994)),
            _ => Backing::Regions,
        })
    }

    fn regions(self, (): &()) -> Result<usize, Fail> {
        Ok(usize::from(self.device.granularity() != Granularity::Page))
    }

    fn region(self, (): &(), index: usize) -> Result<Option<Region>, Fail> {
        let mut region = Region::new(0, 0, Mode::Fsdax);
        region.domain = match self.device.granularity() {
            Granularity::Byte => PersistenceDomain::CpuCache,
            Granularity::CacheLine => PersistenceDomain::MemoryController,
            Granularity::Page => return Ok(None),
        };
        region.state.set(DimmState::NOT_ARMED, lock(&self.device.faults).unarmed);
        Ok((index == 0).then_some(region))
    }

    fn synchronous(handle: Borrowed<'_, Self>, _: &Facts<NoId>) -> Result<MapSync, Fail> {
        Ok(match handle.platform().device.granularity() {
            Granularity::Page => MapSync::Refused,
            _ => MapSync::Granted,
        })
    }
}

// SAFETY: a mapping has pages of the device's memory, which is borrowed, or pages that were made
// for it and live as long. Shared mappings of the same bytes have the same addresses, as a mapping
// and its parts have: all of it is in cells, and used by one thread.
unsafe impl Map for Disk<'_> {
    type Steps = Self;

    fn steps(self, _: bool) -> Result<Self, Fail> {
        Ok(self)
    }

    fn map(
        handle: Borrowed<'_, Self>,
        facts: &Facts<NoId>,
        request: &Request,
    ) -> Result<Mapped, Fail> {
        let disk = handle.platform();
        let end = request.offset.saturating_add(request.length as u64);
        let bytes = disk.range(&(request.offset..end), Subject::Mapping)?;
        let at = if request.private {
            disk.device.copy(bytes.start, bytes.len())
        } else {
            disk.device.mapped(bytes.start, bytes.len())
        };
        let synchronous = match request.synchronous {
            true => Self::synchronous(handle, facts)?,
            false => MapSync::Refused,
        };
        Ok(Mapped { at, taken: bytes.len().next_multiple_of(PAGE), synchronous })
    }

    unsafe fn unmap(self, _: Span) -> Result<(), Fail> {
        Ok(())
    }

    unsafe fn sync(handle: Borrowed<'_, Self>, _: Span) -> Result<(), Fail> {
        if handle.platform().device.next_sync() { Ok(()) } else { Err(Fail::NotSynced) }
    }

    #[track_caller]
    fn extend(
        handle: Borrowed<'_, Self>,
        _: &Facts<NoId>,
        range: Range<u64>,
        known: Option<u64>,
        durable: bool,
    ) -> Result<(), Fail> {
        let (disk, place) = (handle.platform(), Location::caller());
        let (end, size) = (disk.range(&range, Subject::Allocated)?.end, disk.device.size());
        if known.is_some() && range.end > size {
            disk.device.has_space(range.end)?;
            let bytes = disk.range(&(size..range.end), Subject::Allocated)?;
            disk.device.clear(bytes.start, end - bytes.start, place);
            disk.device.resize(range.end, place);
        }
        if durable {
            disk.device.sync_size(place);
        }
        Ok(())
    }

    fn settle(handle: Borrowed<'_, Self>, _: &Facts<NoId>, durable: bool) -> Result<(), Fail> {
        if durable {
            handle.platform().device.sync_size(Location::caller());
        }
        Ok(())
    }

    fn truncate(
        handle: Borrowed<'_, Self>,
        _: &Facts<NoId>,
        size: Range<u64>,
    ) -> Result<u64, Fail> {
        let (disk, place) = (handle.platform(), Location::caller());
        let had = disk.device.size();
        if had <= size.end {
            disk.device.resize(had.min(size.start), place);
            disk.device.sync_size(place);
        }
        Ok(had)
    }

    fn deallocate(
        handle: Borrowed<'_, Self>,
        _: &Facts<NoId>,
        range: Range<u64>,
    ) -> Result<(), Fail> {
        let disk = handle.platform();
        let bytes = disk.range(&range, Subject::Allocated)?;
        disk.device.clear(bytes.start, bytes.len(), Location::caller());
        Ok(())
    }

    unsafe fn populate(self, _: Span, _: bool) -> Result<(), Fail> {
        Ok(())
    }
}

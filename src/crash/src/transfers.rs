//! The faults of a disk as a program meets them, and transfers, which survive them.

use std::ops::Range;

use pmem2::{
    Handle,
    badblocks::ClearBy,
    error::{Errno, Subject},
    platform::{BadBlocks, Borrowed, Facts, Fail, NoId, Transfer},
    transfer::{Partial, ReadBuffer, WriteBuffer},
};

use crate::{
    device::Device,
    disk::Disk,
    faults::BLOCK,
    trace::{Action, How},
    turns::lock,
};

impl Device {
    /// Counts a step. Does what an access to memory does that is bad or gone.
    ///
    /// # Panics
    ///
    /// In place of SIGBUS.
    #[track_caller]
    pub(crate) fn reach(&self, at: usize, length: usize) {
        let mut faults = lock(&self.faults);
        faults.steps_left = faults.steps_left.map(|left| left.saturating_sub(1));
        assert!(faults.steps_left != Some(0), "SIGBUS: the region is gone");
        let bad = faults.first_bad(&(at as u64..(at + length) as u64));
        drop(faults);
        assert!(bad.is_none(), "SIGBUS: bad memory at byte {}", bad.unwrap_or(0));
    }

    /// Returns the failure of each question after the region is gone.
    pub(crate) fn there(&self, subject: Subject) -> Result<(), Fail> {
        match lock(&self.faults).steps_left {
            Some(0) => Err(Fail::Os(subject, Errno::ENXIO)),
            _ => Ok(()),
        }
    }

    /// Returns the failure of growing to `size` bytes.
    pub(crate) fn has_space(&self, size: u64) -> Result<(), Fail> {
        match lock(&self.faults).space {
            Some(space) if size > space => Err(Fail::Os(Subject::Allocation, Errno::ENOSPC)),
            _ => Ok(()),
        }
    }

    /// Returns how far a transfer comes, and why no further.
    fn transfers(&self, offset: u64, length: usize) -> (usize, Result<(), Partial>) {
        if let Err(fail) = self.there(Subject::Read) {
            return (0, Err(fail.into()));
        }
        let end = self.size().min(offset.saturating_add(length as u64));
        let bad = lock(&self.faults).first_bad(&(offset..end));
        let done = bad.unwrap_or(end).saturating_sub(offset) as usize;
        let fail = if bad.is_some() { Fail::bad_memory(BLOCK) } else { Fail::Ended };
        (done, if done == length { Ok(()) } else { Err(Partial { done, fail }) })
    }
}

impl Transfer for Disk<'_> {
    type Guard = ();
    type Channel = ();

    fn channel(
        handle: Borrowed<'_, Self>,
        _: &Facts<NoId>,
        _: Option<()>,
        _: Range<u64>,
        _: bool,
    ) -> Result<(), Fail> {
        handle.platform().device.there(Subject::Read)
    }

    fn read_at(
        handle: Borrowed<'_, Self>,
        (): &(),
        offset: u64,
        buffer: ReadBuffer<'_>,
    ) -> Result<(), Partial> {
        let device = handle.platform().device;
        let (done, end) = device.transfers(offset, buffer.len());
        let mut bytes = vec![0; done];
        device.load(offset as usize, &mut bytes);
        // SAFETY: copy_to requires room for these bytes: the buffer has at least as many.
        unsafe { bytes.as_ptr().copy_to_nonoverlapping(buffer.as_ptr(), done) };
        end
    }

    #[track_caller]
    fn write_at(
        handle: Borrowed<'_, Self>,
        (): &(),
        offset: u64,
        buffer: WriteBuffer<'_>,
    ) -> Result<(), Partial> {
        let device = handle.platform().device;
        let (done, end) = device.transfers(offset, buffer.len());
        // SAFETY: from_raw_parts requires bytes that nobody changes: the buffer has them.
        let bytes = unsafe { std::slice::from_raw_parts(buffer.as_ptr(), done) }.to_vec();
        let store = Action::Store { at: offset as usize, bytes, how: How::Plain };
        device.act(store, std::panic::Location::caller());
        end
    }

    fn sync(handle: Borrowed<'_, Self>, _: &Facts<NoId>) -> Result<(), Fail> {
        let device = handle.platform().device;
        device.there(Subject::Sync)?;
        let (length, failed) = (device.room(), !device.next_sync());
        let place = std::panic::Location::caller();
        device.act(Action::Sync { at: 0, length, failed }, place);
        if failed {
            return Err(Fail::NotSynced);
        }
        device.sync_size(place);
        Ok(())
    }
}

impl BadBlocks for Disk<'_> {
    type List = Vec<Range<u64>>;

    fn list_bad(handle: Borrowed<'_, Self>, _: &Facts<NoId>) -> Result<Self::List, Fail> {
        let device = handle.platform().device;
        device.there(Subject::BadBlocks)?;
        Ok(lock(&device.faults).bad.clone())
    }

    fn next_bad(
        _: Borrowed<'_, Self>,
        _: &Facts<NoId>,
        list: &mut Self::List,
        from: u64,
    ) -> Result<Option<Range<u64>>, Fail> {
        let after = list.iter().filter(|bad| bad.end > from);
        let next = after.map(|bad| bad.start.max(from)..bad.end).min_by_key(|bad| bad.start);
        Ok(next)
    }

    fn clear_bad(
        handle: Borrowed<'_, Self>,
        _: &Facts<NoId>,
        range: Range<u64>,
        _: ClearBy,
    ) -> Result<(), Fail> {
        let device = handle.platform().device;
        let mut faults = lock(&device.faults);
        let known = |bad: &Range<u64>| bad.start <= range.start && range.end <= bad.end;
        let at = faults.bad.iter().position(known).ok_or(Fail::NotBad)?;
        let bad = faults.bad.swap_remove(at);
        let rest = [bad.start..range.start, range.end..bad.end];
        faults.bad.extend(rest.into_iter().filter(|rest| !rest.is_empty()));
        drop(faults);
        let length = (range.end - range.start) as usize;
        device.clear(range.start as usize, length, std::panic::Location::caller());
        Ok(())
    }
}

//! The contents of a scripted descriptor, and how its kernel reads and writes them: less than
//! asked, in sectors or whole pages, some of which are bad, from and to memory that ends somewhere.

use core::{cell::RefCell, ops::Range};
use std::{fs::File, os::fd::AsRawFd, sync::Arc, vec::Vec};

use super::world::{Call, Scripted};
use crate::{
    Errno,
    linux::{
        transfer::calls::Transfers,
        transfer::mcsafe::mapping::{GuardedCopy, SigbusHandler},
    },
};

#[derive(Clone, Debug)]
pub(super) struct Medium {
    /// The bytes of the file. A write may append some.
    pub(super) bytes: RefCell<Vec<u8>>,
    /// These bytes are bad, of which the kernel knows blocks of so many.
    pub(super) bad: Vec<Range<u64>>,
    pub(super) block: u64,
    /// Whether a call fails that would meet one of them, as on a DAX file, or does what it can.
    pub(super) all_or_nothing: bool,
    /// Whether a write to them fails as if the caller's memory was bad, as on a DAX file.
    pub(super) blames_memory: bool,
    /// The largest number of bytes that a call transfers.
    pub(super) most: usize,
    /// The lengths must be multiples of this, as where a file is read past the cache.
    pub(super) multiple: usize,
    /// The addresses of the caller's memory that are not there.
    pub(super) absent: Range<usize>,
    /// Calls that transfer nothing.
    pub(super) idle: bool,
    /// The file that is mapped in the place of a device.
    pub(super) device: Option<Arc<File>>,
}

impl Default for Medium {
    fn default() -> Self {
        Self {
            bytes: RefCell::default(),
            bad: Vec::new(),
            block: 512,
            all_or_nothing: false,
            blames_memory: false,
            most: usize::MAX,
            multiple: 1,
            absent: 0..0,
            idle: false,
            device: None,
        }
    }
}

impl Medium {
    /// Whether a byte is in a bad block.
    pub(super) fn is_bad(&self, at: u64) -> bool {
        let block = at / self.block * self.block;
        self.bad.iter().any(|bad| bad.start < block + self.block && block < bad.end)
    }

    /// Returns the number of these bytes that can be transferred, from or to memory at this
    /// address, where `there` are in the file.
    fn possible(
        &self,
        memory: usize,
        length: usize,
        offset: u64,
        there: u64,
    ) -> Result<usize, Errno> {
        if !length.is_multiple_of(self.multiple) {
            return Err(Errno::EINVAL);
        }
        let end = (offset + length as u64).min(there);
        let mut first_bad = offset;
        while first_bad < end && !self.is_bad(first_bad) {
            first_bad = (first_bad / self.block + 1) * self.block;
        }
        let first_bad = first_bad.min(end);
        if end <= offset || self.idle {
            return Ok(0);
        }
        if first_bad == offset || (self.all_or_nothing && first_bad < end) {
            return Err(Errno::EIO);
        }
        let is_beyond = memory >= self.absent.end;
        let memory = if is_beyond { usize::MAX } else { self.absent.start.saturating_sub(memory) };
        let refused = self.all_or_nothing && memory < length;
        if memory == 0 || refused {
            Err(Errno::EFAULT)
        } else {
            Ok(memory.min((first_bad - offset) as usize).min(self.most))
        }
    }
}

impl Transfers for Scripted<'_> {
    unsafe fn pread(
        self,
        fd: i32,
        at: *mut u8,
        length: usize,
        offset: u64,
    ) -> Result<usize, Errno> {
        self.0.descriptor(fd, Call::Pread(offset, length))?;
        let medium = &self.0.medium;
        let bytes = medium.bytes.borrow();
        let length = medium.possible(at.addr(), length, offset, bytes.len() as u64)?;
        if length > 0 {
            // SAFETY: they are in the file, and the memory is the caller's, up to where it ends.
            unsafe { at.copy_from_nonoverlapping(bytes[offset as usize..].as_ptr(), length) };
        }
        Ok(length)
    }

    unsafe fn pwrite(
        self,
        fd: i32,
        at: *const u8,
        length: usize,
        offset: u64,
    ) -> Result<usize, Errno> {
        self.0.descriptor(fd, Call::Pwrite(offset, length))?;
        let medium = &self.0.medium;
        let possible = medium.possible(at.addr(), length, offset, u64::MAX);
        let length = possible.map_err(|errno| match errno {
            Errno::EIO if medium.blames_memory => Errno::EFAULT,
            errno => errno,
        })?;
        let mut bytes = medium.bytes.borrow_mut();
        let end = offset as usize + length;
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        // SAFETY: there are so many now, and the memory is the caller's.
        unsafe { at.copy_to_nonoverlapping(bytes[offset as usize..].as_mut_ptr(), length) };
        Ok(length)
    }

    fn handler(self) -> Result<SigbusHandler, Errno> {
        self.0.call(Call::Handler)?;
        SigbusHandler::install()
    }

    fn mapping(
        self,
        handler: SigbusHandler,
        fd: i32,
        offset: u64,
        length: usize,
        writable: bool,
    ) -> Result<GuardedCopy, Errno> {
        self.0.descriptor(fd, Call::Mapping { offset, length, writable })?;
        let device = self.0.medium.device.as_ref().ok_or(Errno::ENODEV)?;
        GuardedCopy::from_descriptor(handler, device.as_raw_fd(), offset, length, writable)
    }
}

//! The file of a script: its bytes, and the bad ones.

use std::{cell::RefCell, sync::LazyLock, vec::Vec};

use crate::{ReadBuffer, WriteBuffer, windows::errors::Code};

#[derive(Clone, Debug)]
pub(super) struct Disk {
    pub(super) bytes: RefCell<Vec<u8>>,
    /// Whether the handle was opened without FILE_FLAG_OVERLAPPED.
    pub(super) waits: bool,
    /// The sectors that are bad, and the code that says so.
    pub(super) bad: Vec<u64>,
    pub(super) code: u32,
    /// The bytes that the system reads at once for one byte: a sector, past its cache, where it
    /// takes only whole ones.
    pub(super) unit: u64,
    /// No call transfers more.
    pub(super) most: usize,
    /// Whether the end is no error, as without an offset.
    pub(super) ends_quietly: bool,
    /// The buffer's bytes from here on are not there.
    pub(super) room: usize,
}

const SECTOR: u64 = 512;

static PATTERN: LazyLock<Vec<u8>> =
    LazyLock::new(|| (0..40 * 4096 + 100).map(|at: u32| (at % 251) as u8).collect());

impl Disk {
    /// 40 pages of good bytes, and a few more.
    pub(super) fn new() -> Self {
        Self {
            bytes: RefCell::new(PATTERN.clone()),
            waits: true,
            bad: Vec::new(),
            code: 23,
            unit: SECTOR,
            most: usize::MAX,
            ends_quietly: false,
            room: usize::MAX,
        }
    }

    fn admit(&self, offset: u64, length: usize) -> Result<usize, Code> {
        let size = self.bytes.borrow().len() as u64;
        assert!(length <= 1 << 24, "no more than the system has memory for");
        let end = (offset + length as u64).min(size);
        if length > self.room {
            return Err(Code(998));
        }
        let units = offset / self.unit * self.unit..end.div_ceil(self.unit) * self.unit;
        if offset < end && self.bad.iter().any(|bad| units.contains(&(bad * SECTOR))) {
            return Err(Code(self.code));
        }
        Ok((end.saturating_sub(offset) as usize).min(self.most))
    }

    pub(super) fn read(&self, offset: u64, buffer: ReadBuffer<'_>) -> Result<usize, Code> {
        let moved = self.admit(offset, buffer.len())?;
        let bytes = self.bytes.borrow();
        if offset >= bytes.len() as u64 {
            return if self.ends_quietly { Ok(0) } else { Err(Code(38)) };
        }
        let from = &bytes[offset as usize..][..moved];
        // SAFETY: copy_to wants both to be valid for that many bytes: the buffer has at least as
        // many, which are the test's.
        unsafe { from.as_ptr().copy_to_nonoverlapping(buffer.as_ptr(), moved) };
        Ok(moved)
    }

    pub(super) fn write(&self, offset: u64, buffer: WriteBuffer<'_>) -> Result<usize, Code> {
        let moved = self.admit(offset, buffer.len())?;
        let mut bytes = self.bytes.borrow_mut();
        let to = &mut bytes[offset as usize..][..moved];
        // SAFETY: as above.
        unsafe { to.as_mut_ptr().copy_from_nonoverlapping(buffer.as_ptr(), moved) };
        Ok(moved)
    }
}

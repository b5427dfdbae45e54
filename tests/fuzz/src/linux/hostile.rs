//! A kernel that answers with any bytes: the input is eaten from the front, and when there is no
//! more, every call fails.

mod badblocks;

use core::ffi::CStr;
use std::cell::{Cell, RefCell};

use rustix::fs::OFlags;

use super::{
    FileId,
    object::Object,
    place::{self, dax, region},
    source,
    sys::{Attributes, Stat, Sys},
};
use crate::{Access, Backing, Errno, Facts, Fail, Kind};

pub use badblocks::{badblocks, badblocks_text};
#[cfg(test)]
pub(super) use badblocks::{healed, listed};

/// The descriptor: its number does not matter.
const FD: i32 = 3;

struct Input<'i> {
    rest: Cell<&'i [u8]>,
    calls: Cell<usize>,
    /// The first answer of fstat. A descriptor that becomes another file at every call would end
    /// everything at once.
    stat: RefCell<Option<Stat>>,
}

impl<'i> Input<'i> {
    /// Takes the next `count` bytes, or fails.
    fn take(&self, count: usize) -> Result<&'i [u8], Errno> {
        self.calls.set(self.calls.get() + 1);
        let (taken, rest) = self.rest.get().split_at_checked(count).ok_or(Errno::EIO)?;
        self.rest.set(rest);
        Ok(taken)
    }

    fn byte(&self) -> Result<u8, Errno> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn number(&self) -> Result<u64, Errno> {
        self.take(8).map(|bytes| u64::from_le_bytes(*bytes.first_chunk().unwrap()))
    }

    /// Takes the bytes before a zero, and the zero.
    fn text(&self) -> Result<&'i [u8], Errno> {
        let rest = self.rest.get();
        let end = rest.iter().position(|&byte| byte == 0).ok_or(Errno::EIO)?;
        Ok(&self.take(end + 1)?[..end])
    }

    /// Returns the number that was asked for, and now and then less or more.
    fn as_many(&self, asked: usize) -> Result<usize, Errno> {
        Ok(match self.byte()? {
            0..=199 => asked,
            other => usize::from(other) * 4,
        })
    }

    /// Decides whether a call succeeds, and its error.
    fn succeeds(&self) -> Result<(), Errno> {
        match self.byte()? {
            0..=199 => Ok(()),
            200..=219 => Err(Errno::ENOENT),
            220..=239 => Err(Errno::ENOTSUP),
            other => Err(Errno::from_raw(other.into())),
        }
    }
}

impl<'i> Sys for &Input<'i> {
    type File = Cell<&'i [u8]>;

    fn getfl(self, _: i32) -> Result<OFlags, Errno> {
        Ok(OFlags::from_bits_retain(u32::from(self.byte()?) & 0o3))
    }

    fn fstat(self, _: i32) -> Result<Stat, Errno> {
        if let Some(stat) = *self.stat.borrow() {
            return Ok(stat);
        }
        let stat = Stat {
            dev: self.number()?,
            ino: self.number()?,
            rdev: self.number()?,
            mode: u32::from(self.byte()?) << 12 | 0o600,
            size: self.number()?.cast_signed(),
            blksize: self.number()?,
            blocks: self.number()?,
            owner: (0, 0),
        };
        *self.stat.borrow_mut() = Some(stat);
        Ok(stat)
    }

    fn fstatfs(self, _: i32) -> Result<u32, Errno> {
        self.take(4).map(|bytes| u32::from_le_bytes(*bytes.first_chunk().unwrap()))
    }

    fn xflags(self, _: i32) -> Result<u32, Errno> {
        self.byte().map(u32::from)
    }

    fn readlink(self, _: &CStr, buffer: &mut [u8]) -> Result<usize, Errno> {
        self.succeeds()?;
        let text = self.text()?;
        let length = text.len().min(buffer.len());
        buffer[..length].copy_from_slice(&text[..length]);
        Ok(length)
    }

    fn access(self, _: &CStr) -> Result<(), Errno> {
        self.succeeds()
    }

    fn open(self, _: &CStr) -> Result<Cell<&'i [u8]>, Errno> {
        self.succeeds()?;
        self.text().map(Cell::new)
    }

    fn read(self, file: &Cell<&'i [u8]>, buffer: &mut [u8]) -> Result<usize, Errno> {
        let chunk = usize::from(self.byte()?) + 1;
        let left = file.get();
        let length = left.len().min(buffer.len()).min(chunk);
        buffer[..length].copy_from_slice(&left[..length]);
        file.set(&left[length..]);
        Ok(length)
    }

    fn inode(self, _: &CStr) -> Result<u64, Errno> {
        self.byte().map(u64::from)
    }

    fn entries(
        self,
        directory: &Cell<&'i [u8]>,
        visit: &mut dyn FnMut(&[u8]),
    ) -> Result<(), Errno> {
        self.succeeds()?;
        directory.get().split(|&byte| byte == b'/').for_each(visit);
        Ok(())
    }

    fn attributes(self, _: i32) -> Result<Attributes, Errno> {
        self.succeeds()?;
        let (dax, mount) = (self.byte()?, self.byte()?);
        Ok(Attributes {
            dax: (dax & 1 != 0).then_some(dax & 2 != 0),
            mount: (mount != 0).then_some(mount.into()),
        })
    }

    fn try_map(self, _: i32, _: usize, _: Access, _: bool) -> Result<(), Errno> {
        self.succeeds()
    }

    fn fdatasync(self, _: i32) -> Result<(), Errno> {
        self.succeeds()
    }

    fn msync_nothing(self, _: usize) -> Result<(), Errno> {
        self.succeeds()
    }
}

/// Asks everything of the Linux backend, where the kernel and sysfs answer with `bytes`.
pub fn sysfs(bytes: &[u8]) {
    let _ = asked(bytes);
}

/// Returns the numbers of regions and DIMMs, and the number of bytes that were left.
pub(super) fn asked(bytes: &[u8]) -> (Result<(usize, usize), Fail>, usize) {
    let input = Input { rest: Cell::new(bytes), calls: Cell::new(0), stat: RefCell::default() };
    let found = question(&input);
    // Every call but the last few eats something, and so there are no more calls than bytes.
    assert!(input.calls.get() <= bytes.len() + 64, "{} calls", input.calls.get());
    (found, input.rest.get().len())
}

fn question(input: &Input<'_>) -> Result<(usize, usize), Fail> {
    let facts: Facts<FileId> = source::describe(input, FD)?;
    let object = Object { sys: input, fd: FD, facts: &facts };
    if let Ok(size) = source::size(object) {
        assert!(facts.kind == Kind::DeviceDax || i64::try_from(size).is_ok());
    }
    let _ = source::alignment(object);
    let _ = source::allocated(object);
    let _ = source::file_system(object);
    let _ = dax::map_sync(object);
    let _ = dax::state(object);
    let spot = place::locate(object)?;
    let regions = spot.regions();
    assert!(if spot.backing == Backing::Regions {
        (1..=16).contains(&regions)
    } else {
        regions == 0
    });
    let (mut last, mut whole, mut dimms) = (None, 0, 0);
    for index in 0..regions {
        let area = spot.area(index).unwrap();
        // In order, each once.
        assert!(last.replace((area.bus, area.region)) < Some((area.bus, area.region)));
        let _ = region::node(input, &spot, index, "/numa_node");
        if let Ok(found) = region::region(input, &spot, index) {
            assert_eq!(found.map(|region| (region.bus, region.number)), last);
            whole += 1;
        }
        for n in 0..4 {
            let Ok(Some(dimm)) = region::dimm(input, &spot, index, n) else { break };
            if let Ok(id) = region::dimm_id(input, dimm) {
                assert!(!id.is_empty() && id.bytes().all(|byte| byte.is_ascii_graphic()));
                dimms += 1;
            }
            let _ = region::dirty_shutdowns(input, dimm);
        }
    }
    assert_eq!(region::region(input, &spot, regions), Ok(None));
    let _ = dax::capable(input, &spot);
    place::confirm(input, &spot)?;
    Ok((whole, dimms))
}

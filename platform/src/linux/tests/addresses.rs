//! The addresses of a process, for [`World`](super::world::World)s: what is mapped, and by whom.

use core::{cell::Cell, ptr::NonNull};
use std::{cell::RefCell, collections::BTreeMap, vec::Vec};

use rustix::mm::{MapFlags, ProtFlags};

use super::world::{Call, Opened, Scripted};
use crate::{Errno, Span, linux::sys::map::Mappings};

/// The flags that let the kernel map where something is.
const FIXED: MapFlags = MapFlags::FIXED.union(MapFlags::FIXED_NOREPLACE);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Backend,
    /// Another thread, which wants to keep it.
    Other,
}

/// The addresses of a process. Nobody unmaps what is not theirs, nor a part of it.
#[derive(Clone, Debug)]
pub(super) struct Addresses {
    /// By the first byte: the length, and who has it.
    mapped: RefCell<BTreeMap<usize, (usize, Owner)>>,
    /// Where the kernel maps what has no hint.
    next: Cell<usize>,
    /// The unit of the object that is mapped, which lengths are rounded up to.
    pub(super) unit: usize,
    /// How many more times another thread takes what a hint names before the kernel looks there.
    pub(super) thieves: Cell<usize>,
}

impl Default for Addresses {
    fn default() -> Self {
        Self {
            mapped: RefCell::default(),
            // A page, and no more, divides it.
            next: Cell::new(0x7000_1000),
            unit: 4096,
            thieves: Cell::new(0),
        }
    }
}

impl Addresses {
    fn all(&self, of: Owner) -> Vec<(usize, usize)> {
        let mapped = self.mapped.borrow();
        let theirs = mapped.iter().filter(|(_, (_, owner))| *owner == of);
        theirs.map(|(at, (length, _))| (*at, *length)).collect()
    }

    /// The mappings of the backend now: addresses and lengths.
    pub(super) fn ours(&self) -> Vec<(usize, usize)> {
        self.all(Owner::Backend)
    }

    /// The mappings of other threads.
    pub(super) fn others(&self) -> Vec<(usize, usize)> {
        self.all(Owner::Other)
    }

    fn is_free(&self, at: usize, length: usize) -> bool {
        let mapped = self.mapped.borrow();
        !mapped.iter().any(|(from, (bytes, _))| *from < at + length && at < from + bytes)
    }

    fn insert(&self, at: usize, length: usize, owner: Owner) {
        assert!(self.is_free(at, length), "something is mapped there");
        self.mapped.borrow_mut().insert(at, (length, owner));
    }

    /// Takes pages away that the backend has mapped, all of one mapping.
    fn remove(&self, at: usize, length: usize) {
        let removed = self.mapped.borrow_mut().remove(&at);
        assert_eq!(removed, Some((length, Owner::Backend)), "a whole mapping, and of one's own");
    }

    /// Whether these pages are in a mapping of the backend's.
    fn has(&self, pages: Span) -> bool {
        let at = pages.at.addr().get();
        let end = (at + pages.length).next_multiple_of(self.unit);
        let whole = at.is_multiple_of(self.unit);
        whole && self.ours().iter().any(|&(from, length)| from <= at && end <= from + length)
    }

    /// Maps as the kernel does: with MAP_FIXED what is there goes first, even where `granted` then
    /// refuses.
    fn map(
        &self,
        hint: usize,
        length: usize,
        flags: MapFlags,
        granted: Result<(), i32>,
    ) -> Result<NonNull<u8>, Errno> {
        let length = length.next_multiple_of(self.unit);
        if flags.intersects(FIXED) {
            self.remove(hint, length);
        }
        granted.map_err(Errno::from_raw)?;
        if hint != 0 && self.thieves.get() > 0 && self.is_free(hint, length) {
            self.thieves.set(self.thieves.get() - 1);
            self.insert(hint, length, Owner::Other);
        }
        let at = if hint != 0 && self.is_free(hint, length) {
            hint
        } else {
            self.next.replace(self.next.get() + length + self.unit)
        };
        self.insert(at, length, Owner::Backend);
        Ok(NonNull::new(std::ptr::without_provenance_mut(at)).unwrap())
    }
}

impl Mappings for Scripted<'_> {
    unsafe fn mmap(
        self,
        file: Option<(i32, u64)>,
        hint: usize,
        length: usize,
        protection: ProtFlags,
        flags: MapFlags,
    ) -> Result<NonNull<u8>, Errno> {
        let synchronous = flags.contains(MapFlags::SYNC);
        assert!(!(synchronous && flags.intersects(FIXED)), "it would leave a hole");
        let call = Call::Mmap {
            offset: file.map(|(_, offset)| offset),
            hint,
            length,
            protection: protection.bits(),
            flags: flags.bits(),
        };
        match file {
            Some((fd, _)) => self.0.descriptor(fd, call)?,
            None => self.0.call(call)?,
        }
        let granted = match file {
            None => Ok(()),
            Some(_) if synchronous => self.0.map,
            Some(_) if flags.contains(MapFlags::PRIVATE) => Ok(()),
            Some(_) if protection.contains(ProtFlags::WRITE) => self.0.writable,
            Some(_) => self.0.shared,
        };
        self.0.addresses.map(hint, length, flags, granted)
    }

    unsafe fn munmap(self, pages: Span) -> Result<(), Errno> {
        self.0.call(Call::Munmap(pages.at.addr().get(), pages.length))?;
        self.0.addresses.remove(pages.at.addr().get(), pages.length);
        Ok(())
    }

    unsafe fn msync(self, pages: Span) -> Result<(), Errno> {
        self.0.call(Call::MsyncPages(pages.at.addr().get(), pages.length))?;
        if self.0.addresses.has(pages) { Ok(()) } else { Err(Errno::ENOMEM) }
    }

    unsafe fn populate(self, pages: Span, write: bool) -> Result<(), Errno> {
        self.0.call(Call::Populate(pages.at.addr().get(), pages.length, write))?;
        if self.0.addresses.has(pages) { Ok(()) } else { Err(Errno::ENOMEM) }
    }

    fn extend(self, fd: i32, offset: u64, length: u64, keeps: bool) -> Result<(), Errno> {
        self.0.descriptor(fd, Call::Extend(offset, length, keeps))
    }

    fn seek_data(self, fd: i32, offset: u64) -> Result<(), Errno> {
        self.0.descriptor(fd, Call::Seek(offset))?;
        Err(Errno::ENXIO)
    }

    fn truncate(self, fd: i32, size: u64) -> Result<(), Errno> {
        self.0.descriptor(fd, Call::Truncate(size))
    }

    fn write(self, _: &Opened<'_>, bytes: &[u8]) -> Result<usize, Errno> {
        self.0.call(Call::Put(bytes.to_vec()))?;
        Ok(bytes.len().min(self.0.chunk))
    }
}

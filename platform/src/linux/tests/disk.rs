//! The bytes and extents of a file, for [`World`](super::world::World)s: a file system of one file,
//! a volume's table, a bus.

use core::{
    ffi::CStr,
    ops::Range,
    sync::atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst},
};
use std::{
    boxed::Box,
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    sync::Mutex,
    vec,
    vec::Vec,
};

use super::world::{Call, SPARE, Scripted, text};
use crate::{
    Errno,
    linux::{
        sys::blocks::Turns,
        sys::{
            blocks::Blocks,
            ioctl::{ArsCap, ClearError, EXTENTS, Extent, ExtentMap, SYNC, VolumeTable},
        },
    },
};

/// FIEMAP_EXTENT_LAST.
pub(super) const LAST: u32 = 1;
/// FIEMAP_EXTENT_UNKNOWN and FIEMAP_EXTENT_DELALLOC.
pub(super) const UNPLACED: u32 = 2 | 4;
/// FIEMAP_EXTENT_UNWRITTEN.
pub(super) const UNWRITTEN: u32 = 0x800;

const PAGE: u64 = 4096;

/// The number of targets, the flags, the offset of the first, and all of them.
pub(super) type Table = (u32, u32, u32, Vec<u8>);

/// The file's bytes, and where they lie.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    pub(super) block: u64,
    pub(super) xflags: u32,
    /// In ascending order of the file.
    pub(super) extents: RefCell<Vec<Extent>>,
    pub(super) bytes: RefCell<Vec<u8>>,
    /// The process that calls, and the turn that it had last.
    pub(super) process: usize,
    pub(super) turns: Cell<Option<&'static Turns>>,
    /// The number of blocks that may still be taken, and the error when there are none.
    pub(super) room: Cell<u64>,
    pub(super) short: Errno,
    /// The room is this once a block is punched out.
    pub(super) room_once_punched: Option<u64>,
    /// The answer of fallocate for blocks that have none.
    pub(super) preallocates: Result<(), Errno>,
    /// The error of creating a spare file.
    pub(super) no_spare: Option<Errno>,
    /// The error of giving it to another owner.
    pub(super) not_given: Option<Errno>,
    /// The device of spare files, where that is another one.
    pub(super) spare_dev: Option<u64>,
    /// The blocks of the spare file, if there is one.
    spare: RefCell<Option<BTreeMap<u64, u64>>>,
    /// Whether what was freed is given out again before anything else, the lowest first; with a
    /// journal, after an fsync.
    pub(super) reuse: Option<Reuse>,
    pub(super) pool: RefCell<BTreeSet<u64>>,
    pending: RefCell<BTreeSet<u64>>,
    /// Whether there is a page cache, and of which blocks it has what the device has not.
    pub(super) cached: bool,
    dirty: RefCell<BTreeSet<u64>>,
    /// Whether nobody writes back what a punch takes away.
    pub(super) unread: bool,
    /// Called in a punch.
    pub(super) in_punch: Option<fn()>,
    /// The number of good sectors that were written to memory that is bad.
    pub(super) wasted: Cell<usize>,
    /// The offset from which on nothing can be written, and whether that is 0 once a block is
    /// punched out.
    pub(super) limit: u64,
    pub(super) limit_once_punched: bool,
    /// From the fstat with this number on, counted from 0, the file has this size: it was cut off,
    /// or has grown.
    pub(super) cut: Option<(usize, u64)>,
    /// From that one on, the descriptor is another file's; how much was done to that.
    pub(super) replaced: Option<usize>,
    pub(super) touched_after_replaced: Cell<usize>,
    /// The ranges of the device that cannot be read.
    pub(super) poison: Vec<Range<u64>>,
    /// The place that blocks are taken from; `None`: their old place.
    pub(super) free: Option<Cell<u64>>,
    freed: RefCell<BTreeMap<u64, u64>>,
    /// The largest number of bytes that pread and pwrite transfer.
    pub(super) chunk: usize,
    /// Whether what is written or punched stays as it was.
    pub(super) forgets: bool,
    /// Whether a transfer is said to have been longer than was asked for.
    pub(super) exaggerates: bool,
    /// The answer of FIEMAP by the first byte: the number of extents, and the first one.
    pub(super) answer: Option<fn(u64) -> (u32, Extent)>,
    /// Whether it fails with EIO, even if nothing is stored first.
    pub(super) unreadable_map: bool,
    /// In how many more answers of FIEMAP the extent that begins here in the file has no place
    /// yet.
    pub(super) late: RefCell<BTreeMap<u64, u32>>,
    /// Whether the last extent is marked as that.
    pub(super) marks_last: bool,
    /// The tables of volumes.
    pub(super) tables: Vec<((u32, u32), Table)>,
    pub(super) cap: ArsCap,
    pub(super) cleared: ClearError,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reuse {
    AtOnce,
    AfterCommit,
}

/// The turns of each process, by number: they outlive the worlds, as those of the kernel do.
static TURNS: Mutex<BTreeMap<(usize, u16), &'static Turns>> = Mutex::new(BTreeMap::new());

/// Processes that there were.
static PROCESSES: AtomicUsize = AtomicUsize::new(0);

/// A process of which nobody is a thread yet.
pub(super) fn another_process() -> usize {
    PROCESSES.fetch_add(1, SeqCst)
}

impl Default for Disk {
    fn default() -> Self {
        Self {
            block: PAGE,
            xflags: 0,
            extents: RefCell::default(),
            bytes: RefCell::default(),
            process: another_process(),
            turns: Cell::new(None),
            room: Cell::new(u64::MAX),
            short: Errno::ENOSPC,
            room_once_punched: None,
            preallocates: Ok(()),
            no_spare: None,
            not_given: None,
            spare_dev: None,
            spare: RefCell::default(),
            reuse: None,
            pool: RefCell::default(),
            pending: RefCell::default(),
            cached: false,
            dirty: RefCell::default(),
            unread: false,
            in_punch: None,
            wasted: Cell::new(0),
            limit: u64::MAX,
            limit_once_punched: false,
            cut: None,
            replaced: None,
            touched_after_replaced: Cell::new(0),
            poison: Vec::new(),
            free: Some(Cell::new(1 << 40)),
            freed: RefCell::default(),
            chunk: usize::MAX,
            forgets: false,
            exaggerates: false,
            answer: None,
            unreadable_map: false,
            late: RefCell::default(),
            marks_last: true,
            tables: Vec::new(),
            cap: ArsCap::default(),
            cleared: ClearError::default(),
        }
    }
}

/// An extent, in bytes.
pub(super) fn extent(logical: u64, physical: u64, length: u64) -> Extent {
    Extent { logical, physical, length, ..Extent::default() }
}

impl Disk {
    /// A file of these bytes that lies so.
    pub(super) fn new(bytes: Vec<u8>, extents: Vec<Extent>) -> Self {
        Self { bytes: RefCell::new(bytes), extents: RefCell::new(extents), ..Self::default() }
    }

    pub(super) fn map(&self, map: &mut ExtentMap) {
        assert_eq!(map.flags & !SYNC, 0);
        if let Some(answer) = self.answer {
            (map.mapped, map.extents[0]) = answer(map.start);
            return;
        }
        let (extents, end) = (self.extents.borrow(), map.start.saturating_add(map.length));
        let asked = extents.iter().filter(|extent| {
            extent.logical < end
                && extent.logical.checked_add(extent.length).is_none_or(|behind| behind > map.start)
        });
        let found: Vec<Extent> = asked.take(EXTENTS).copied().collect();
        map.mapped = found.len() as u32;
        map.extents[..found.len()].copy_from_slice(&found);
        for extent in &mut map.extents[..found.len()] {
            if let Some(left @ 1..) = self.late.borrow_mut().get_mut(&extent.logical) {
                *left -= 1;
                (extent.physical, extent.flags) = (0, extent.flags | UNPLACED);
            }
        }
        if let (true, Some(last), Some(very_last)) =
            (self.marks_last, map.extents[..found.len()].last_mut(), extents.last())
        {
            last.flags |= if last.logical == very_last.logical { LAST } else { 0 };
        }
    }

    /// Returns the place of a byte on the device.
    pub(super) fn place(&self, at: u64) -> Option<u64> {
        let extents = self.extents.borrow();
        let extent = extents
            .iter()
            .find(|extent| (extent.logical..extent.logical + extent.length).contains(&at))?;
        Some(at - extent.logical + extent.physical)
    }

    pub(super) fn is_poisoned(&self, at: u64) -> bool {
        self.place(at).is_some_and(|place| self.poison.iter().any(|poison| poison.contains(&place)))
    }

    pub(super) fn read(&self, buffer: &mut [u8], offset: u64) -> Result<usize, Errno> {
        let bytes = self.bytes.borrow();
        let start = usize::try_from(offset).unwrap().min(bytes.len());
        let length = buffer.len().min(self.chunk).min(bytes.len() - start);
        if !self.cached && (offset..offset + length as u64).any(|at| self.is_poisoned(at)) {
            return Err(Errno::EIO);
        }
        buffer[..length].copy_from_slice(&bytes[start..start + length]);
        Ok(length + usize::from(self.exaggerates))
    }

    pub(super) fn write(&self, buffer: &[u8], offset: u64) -> Result<usize, Errno> {
        let length = buffer.len().min(self.chunk);
        let start = usize::try_from(offset).unwrap();
        // Writing allocates.
        if !buffer.is_empty() && self.place(offset).is_none() {
            self.allocate(offset - offset % self.block, self.block)?;
        }
        for (at, sector) in (offset..).step_by(512).zip(buffer[..length].chunks(512)) {
            let is_good = sector.iter().any(|&byte| byte != 0);
            self.wasted.set(self.wasted.get() + usize::from(is_good && self.is_poisoned(at)));
        }
        if self.cached {
            self.dirty.borrow_mut().insert(offset - offset % self.block);
        }
        let mut bytes = self.bytes.borrow_mut();
        assert!(start + length <= bytes.len(), "the file would grow");
        if !self.forgets {
            bytes[start..start + length].copy_from_slice(&buffer[..length]);
        }
        Ok(length)
    }

    /// Writes to the device what the cache has of these bytes.
    fn store(&self, range: Range<u64>) -> Result<(), Errno> {
        let mut dirty = self.dirty.borrow_mut();
        let stored: Vec<u64> = dirty.range(range).copied().collect();
        dirty.retain(|at| !stored.contains(at));
        let sectors = |at: u64| (at..at + self.block).step_by(512);
        let lost = stored.into_iter().flat_map(sectors).any(|at| self.is_poisoned(at));
        if lost { Err(Errno::EIO) } else { Ok(()) }
    }

    /// Lets a freed block be given out again.
    fn freed_for_good(&self, block: u64) {
        match self.reuse {
            None => {}
            Some(Reuse::AtOnce) => drop(self.pool.borrow_mut().insert(block)),
            Some(Reuse::AfterCommit) => drop(self.pending.borrow_mut().insert(block)),
        }
        self.room.set(self.room.get().saturating_add(1));
    }

    pub(super) fn sync(&self) -> Result<(), Errno> {
        self.pool.borrow_mut().append(&mut self.pending.borrow_mut());
        self.store(0..u64::MAX)
    }

    /// A block of the file system, for this block of the file or the spare one.
    fn give(&self, at: u64) -> Result<u64, Errno> {
        let room = self.room.get().checked_sub(1).ok_or(self.short)?;
        self.room.set(room);
        let first = self.pool.borrow_mut().pop_first();
        Ok(match (first, &self.free) {
            (Some(block), _) => block,
            (None, Some(free)) => free.replace(free.get() + self.block),
            (None, None) => self.freed.borrow().get(&at).copied().unwrap_or(1 << 41),
        })
    }

    pub(super) fn is_spare_open(&self) -> bool {
        self.spare.borrow().is_some()
    }

    pub(super) fn open_spare(&self) {
        let before = self.spare.replace(Some(BTreeMap::new()));
        assert_eq!(before, None, "one is enough");
    }

    pub(super) fn close_spare(&self) {
        for block in self.spare.take().expect("one is open").into_values() {
            self.freed_for_good(block);
        }
    }

    /// Blocks for the spare file: all of them, or none more.
    fn take(&self, offset: u64, length: u64) -> Result<(), Errno> {
        for at in (offset..offset + length).step_by(self.block as usize) {
            let mut spare = self.spare.borrow_mut();
            if let Entry::Vacant(vacant) = spare.as_mut().expect("it is open").entry(at) {
                vacant.insert(self.give(at)?);
            }
        }
        Ok(())
    }

    pub(super) fn punch(&self, offset: u64, length: u64) -> Result<(), Errno> {
        assert_eq!((offset % self.block, length % self.block), (0, 0), "whole blocks");
        self.store(offset..offset + length)?;
        let (mut left, end) = (Vec::new(), offset + length);
        for extent in self.extents.borrow().iter() {
            let behind = extent.logical + extent.length;
            if extent.logical < offset {
                left.push(Extent { length: extent.length.min(offset - extent.logical), ..*extent });
            }
            for at in (offset.max(extent.logical)..end.min(behind)).step_by(self.block as usize) {
                let place = at - extent.logical + extent.physical;
                self.freed.borrow_mut().insert(at, place);
                self.freed_for_good(place);
            }
            if behind > end {
                let from = extent.logical.max(end);
                let physical = from - extent.logical + extent.physical;
                left.push(Extent { logical: from, physical, length: behind - from, ..*extent });
            }
        }
        *self.extents.borrow_mut() = left;
        let mut bytes = self.bytes.borrow_mut();
        let (size, start) = (bytes.len(), usize::try_from(offset).unwrap());
        if !self.forgets {
            bytes[start.min(size)..(start + length as usize).min(size)].fill(0);
        }
        if let Some(room) = self.room_once_punched {
            self.room.set(room);
        }
        Ok(())
    }

    pub(super) fn allocate(&self, offset: u64, length: u64) -> Result<(), Errno> {
        for at in (offset..offset + length).step_by(self.block as usize) {
            if self.place(at).is_some() {
                continue;
            }
            let physical = self.give(at)?;
            let mut extents = self.extents.borrow_mut();
            extents.push(Extent { flags: UNWRITTEN, ..extent(at, physical, self.block) });
            extents.sort_by_key(|extent| extent.logical);
        }
        Ok(())
    }

    pub(super) fn table(&self, table: &mut VolumeTable) -> Result<(), Errno> {
        let found = self.tables.iter().find(|(device, _)| *device == table.device());
        let (_, (count, flags, start, targets)) = found.ok_or(Errno::ENXIO)?;
        table.answer(*count, *flags, *start, targets);
        Ok(())
    }
}

impl Blocks for Scripted<'_> {
    fn read_at(self, fd: i32, buffer: &mut [u8], offset: u64) -> Result<usize, Errno> {
        self.0.descriptor(fd, Call::Pread(offset, buffer.len()))?;
        self.0.disk.read(buffer, offset)
    }

    fn write_at(self, fd: i32, buffer: &[u8], offset: u64) -> Result<usize, Errno> {
        let disk = &self.0.disk;
        if fd == SPARE {
            self.0.descriptor(fd, Call::Rehearse(offset, buffer.len()))?;
            return if offset < disk.limit { Ok(buffer.len()) } else { Err(Errno::EFBIG) };
        }
        self.0.descriptor(fd, Call::Pwrite(offset, buffer.len()))?;
        self.0.touched();
        let out = disk.limit_once_punched && self.0.has(|call| matches!(call, Call::Punch(..)));
        let room = if out { 0 } else { disk.limit.saturating_sub(offset) };
        match room.min(buffer.len() as u64) as usize {
            0 => Err(Errno::EFBIG),
            length => disk.write(&buffer[..length], offset),
        }
    }

    fn block_size(self, fd: i32) -> Result<u64, Errno> {
        self.0.descriptor(fd, Call::BlockSize)?;
        Ok(self.0.disk.block)
    }

    fn turns(self, number: u16) -> Result<&'static Turns, Errno> {
        self.0.call(Call::Turns)?;
        let (mut all, process) = (TURNS.lock().unwrap(), self.0.disk.process);
        let turns =
            all.entry((process, number)).or_insert_with(|| Box::leak(Box::new(Turns::default())));
        self.0.disk.turns.set(Some(turns));
        Ok(turns)
    }

    fn wait(self, _: &AtomicU32, _: u32) {
        std::thread::yield_now();
    }

    fn wake(self, _: &AtomicU32) {}

    fn spare(self, directory: &CStr) -> Result<Self::File, Errno> {
        self.0.call(Call::Spare(text(directory)))?;
        self.0.disk.no_spare.map_or_else(|| Ok(self.0.opened_spare()), Err)
    }

    fn give(self, fd: i32, owner: (u32, u32)) -> Result<(), Errno> {
        assert_eq!(fd, SPARE);
        self.0.call(Call::Give(owner))?;
        self.0.disk.not_given.map_or(Ok(()), Err)
    }

    fn raw(self, file: &Self::File) -> i32 {
        assert!(file.spare);
        SPARE
    }

    fn extents(self, fd: i32, map: &mut ExtentMap) -> Result<(), Errno> {
        self.0.descriptor(fd, Call::Extents(map.start))?;
        if self.0.disk.unreadable_map {
            return Err(Errno::EIO);
        }
        self.0.disk.map(map);
        Ok(())
    }

    fn punch(self, fd: i32, offset: u64, length: u64) -> Result<(), Errno> {
        self.0.descriptor(fd, Call::Punch(offset, length))?;
        let turns = self.0.disk.turns.get();
        let alone = self.0.disk.unread || turns.unwrap().are_taken();
        assert!(alone, "whoever has read this block writes it, too");
        self.0.touched();
        if let Some(call) = self.0.disk.in_punch {
            call();
        }
        self.0.disk.punch(offset, length)
    }

    fn allocate(self, fd: i32, offset: u64, length: u64) -> Result<(), Errno> {
        if fd == SPARE {
            self.0.descriptor(fd, Call::Take(offset, length))?;
            return self.0.disk.take(offset, length);
        }
        self.0.descriptor(fd, Call::Allocate(offset, length))?;
        self.0.touched();
        self.0.disk.preallocates?;
        self.0.disk.allocate(offset, length)
    }

    fn fsync(self, fd: i32) -> Result<(), Errno> {
        self.0.descriptor(fd, Call::Fsync)?;
        self.0.disk.sync()
    }

    fn open_writable(self, path: &CStr) -> Result<Self::File, Errno> {
        self.0.call(Call::OpenWritable(text(path)))?;
        self.0.opened_file(path)
    }

    fn volume_table(self, _: &Self::File, table: &mut VolumeTable) -> Result<(), Errno> {
        self.0.call(Call::Table(table.device()))?;
        self.0.disk.table(table)
    }

    fn ars_cap(self, _: &Self::File, cap: &mut ArsCap) -> Result<(), Errno> {
        self.0.call(Call::ArsCap(cap.address, cap.length))?;
        *cap = ArsCap { address: cap.address, length: cap.length, ..self.0.disk.cap };
        Ok(())
    }

    fn clear_error(self, _: &Self::File, clear: &mut ClearError) -> Result<(), Errno> {
        self.0.call(Call::ClearError(clear.address, clear.length))?;
        *clear = ClearError { address: clear.address, length: clear.length, ..self.0.disk.cleared };
        Ok(())
    }
}

/// Bytes of which each tells its place.
pub(super) fn pattern(length: u64) -> Vec<u8> {
    let mut bytes = vec![0; length as usize];
    for (at, byte) in bytes.iter_mut().enumerate() {
        // Never zero.
        *byte = (at % 251) as u8 + 1;
    }
    bytes
}

impl VolumeTable {
    /// The device that is asked about.
    fn device(&self) -> (u32, u32) {
        let [low, high] = self.device.map(u32::to_ne_bytes);
        let mut number = [0; 8];
        number[..4].copy_from_slice(&low);
        number[4..].copy_from_slice(&high);
        let number = u64::from_ne_bytes(number);
        (rustix::fs::major(number), rustix::fs::minor(number))
    }
}

impl Turns {
    pub(super) fn are_taken(&self) -> bool {
        self.waiting() != 0
    }

    /// The number of threads that wait, or have a turn.
    pub(super) fn waiting(&self) -> u32 {
        self.tickets.load(SeqCst).wrapping_sub(self.left.load(SeqCst))
    }
}

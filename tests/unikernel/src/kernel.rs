//! The kernel, which is older than pmem2 and knows nothing about it.
//!
//! Descriptors are small numbers, the lowest free one first. Files are never removed, so an inode's
//! number always names the same file.

use core::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};

/// The bytes of a page.
pub(crate) const PAGE: u64 = 4096;

/// Open for reading.
pub(crate) const READ: u32 = 1;
/// Open for writing.
pub(crate) const WRITE: u32 = 2;

/// The bit of an open descriptor in its word. Below are 8 bits of mode and 16 of inode.
const OPEN: u32 = 1 << 31;

/// Persistent memory, as this machine's firmware describes it.
pub(crate) struct Bank {
    pub(crate) name: &'static str,
    pub(crate) number: u32,
    pub(crate) bytes: u64,
    /// The large page for its mappings, in bytes.
    pub(crate) page: u64,
    pub(crate) node: Option<u32>,
    /// Whether the power supply lasts until the caches are written back.
    pub(crate) saves_caches: bool,
    /// Whether the battery is charged.
    pub(crate) armed: bool,
    pub(crate) dimms: &'static [Dimm],
}

/// A module of a bank.
pub(crate) struct Dimm {
    pub(crate) slot: u32,
    pub(crate) serial: &'static str,
    /// The count of power cuts for which its energy did not suffice; `None` where it does not
    /// count.
    pub(crate) losses: Option<u64>,
}

/// The object that a name stands for.
pub(crate) enum Node {
    Directory,
    Console,
    Queue,
    /// A file, in RAM or on a bank.
    File {
        on: Option<&'static Bank>,
        size: AtomicU64,
        /// Its memory.
        memory: usize,
    },
    /// A whole bank.
    Bank(&'static Bank),
}

pub(crate) struct Inode {
    pub(crate) name: &'static str,
    pub(crate) node: Node,
}

/// The errors of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    NoSuchName,
    TableFull,
    NotOpen,
    NotAFile,
    /// A page of the memory is bad.
    BadMemory,
    /// There is no memory for so many bytes.
    NoRoom,
}

/// The most pages of a file.
const PAGES: usize = 5;
const ROOM: usize = PAGES * 4096;

/// The memory of a file.
struct Memory {
    bytes: [AtomicU8; ROOM],
    /// A bit for each page that the hardware has reported as bad.
    bad: AtomicU32,
}

impl Memory {
    const fn new() -> Self {
        Self { bytes: [const { AtomicU8::new(0) }; ROOM], bad: AtomicU32::new(0) }
    }

    fn is_bad(&self, page: u64) -> bool {
        1_u32
            .checked_shl(page.try_into().unwrap_or(u32::MAX))
            .is_some_and(|bit| self.bad.load(Relaxed) & bit != 0)
    }
}

/// The state of the machine.
pub(crate) struct Kernel {
    inodes: [Inode; 7],
    descriptors: [AtomicU32; 8],
    memory: [Memory; 2],
}

impl Kernel {
    /// Starts this machine, with nothing open.
    pub(crate) const fn new() -> Self {
        Self {
            inodes: [
                Inode { name: "/", node: Node::Directory },
                Inode { name: "/console", node: Node::Console },
                Inode { name: "/queue", node: Node::Queue },
                Inode {
                    name: "/ram/log",
                    node: Node::File { on: None, size: AtomicU64::new(10_000), memory: 0 },
                },
                Inode {
                    name: "/bank0/data",
                    node: Node::File { on: Some(&NEAR), size: AtomicU64::new(3 * PAGE), memory: 1 },
                },
                Inode { name: "/bank0", node: Node::Bank(&NEAR) },
                Inode { name: "/bank1", node: Node::Bank(&FAR) },
            ],
            descriptors: [const { AtomicU32::new(0) }; 8],
            memory: [const { Memory::new() }; 2],
        }
    }

    /// Opens the object with this name, and returns the lowest free number.
    pub(crate) fn open(&self, name: &str, mode: u32) -> Result<u16, Trouble> {
        let inode =
            self.inodes.iter().position(|inode| inode.name == name).ok_or(Trouble::NoSuchName)?;
        let word =
            OPEN | (mode & 0xff) << 16 | u32::try_from(inode).map_err(|_| Trouble::NoSuchName)?;
        let taken = |slot: &AtomicU32| slot.compare_exchange(0, word, Relaxed, Relaxed).is_ok();
        let number = self.descriptors.iter().position(taken).ok_or(Trouble::TableFull)?;
        u16::try_from(number).map_err(|_| Trouble::TableFull)
    }

    /// Closes a descriptor. Its number is free for another file.
    ///
    /// # Safety
    ///
    /// The caller opened it, and nobody else relies on the number any more. (Numbers can be
    /// guessed: only this rule makes a [`Handle`](pmem2::Handle) possible.)
    pub(crate) unsafe fn close(&self, number: u16) -> Result<(), Trouble> {
        let slot = self.descriptors.get(usize::from(number)).ok_or(Trouble::NotOpen)?;
        if slot.swap(0, Relaxed) == 0 { Err(Trouble::NotOpen) } else { Ok(()) }
    }

    /// Returns the inode of a descriptor with its number, and the mode that it was opened with.
    pub(crate) fn lookup(&self, number: u16) -> Result<(u16, &Inode, u32), Trouble> {
        let slot = self.descriptors.get(usize::from(number)).ok_or(Trouble::NotOpen)?;
        let word = slot.load(Relaxed);
        if word & OPEN == 0 {
            return Err(Trouble::NotOpen);
        }
        let [low, high, mode, _] = word.to_le_bytes();
        let index = u16::from_le_bytes([low, high]);
        let inode = self.inodes.get(usize::from(index)).ok_or(Trouble::NotOpen)?;
        Ok((index, inode, mode.into()))
    }

    /// Returns a file's memory, and its length in bytes.
    fn file(&self, number: u16) -> Result<(&Memory, &AtomicU64), Trouble> {
        match &self.lookup(number)?.1.node {
            Node::File { size, memory, .. } => {
                Ok((self.memory.get(*memory).ok_or(Trouble::NotAFile)?, size))
            }
            _ => Err(Trouble::NotAFile),
        }
    }

    /// Makes a file longer or shorter. New bytes are zeros.
    pub(crate) fn resize(&self, number: u16, bytes: u64) -> Result<(), Trouble> {
        let (memory, size) = self.file(number)?;
        let wanted =
            usize::try_from(bytes).ok().filter(|&wanted| wanted <= ROOM).ok_or(Trouble::NoRoom)?;
        memory.bytes.iter().skip(wanted).for_each(|byte| byte.store(0, Relaxed));
        size.store(bytes, Relaxed);
        Ok(())
    }

    /// Calls `each` with up to `length` bytes of the file from `offset` on, and returns how many
    /// there were. It is an error if the first one is on a bad page.
    pub(crate) fn bytes(
        &self,
        number: u16,
        offset: u64,
        length: usize,
        mut each: impl FnMut(usize, &AtomicU8),
    ) -> Result<usize, Trouble> {
        let (memory, size) = self.file(number)?;
        let left = size.load(Relaxed).saturating_sub(offset).try_into().unwrap_or(usize::MAX);
        let bytes = memory.bytes.iter().skip(offset.try_into().unwrap_or(usize::MAX));
        let mut done = 0;
        for (at, byte) in (offset..).zip(bytes).take(length.min(left)) {
            if memory.is_bad(at / PAGE) {
                return if done == 0 { Err(Trouble::BadMemory) } else { Ok(done) };
            }
            each(done, byte);
            done += 1;
        }
        Ok(done)
    }

    /// Marks a page of a file as bad, in place of the hardware.
    pub(crate) fn spoil(&self, number: u16, page: u32) -> Result<(), Trouble> {
        let (memory, _) = self.file(number)?;
        memory.bad.fetch_or(1_u32.checked_shl(page).ok_or(Trouble::NoRoom)?, Relaxed);
        Ok(())
    }

    /// Returns whether a page of a file is bad.
    pub(crate) fn is_bad(&self, number: u16, page: u64) -> Result<bool, Trouble> {
        Ok(self.file(number)?.0.is_bad(page))
    }

    /// Replaces a bad page of a file by good memory, with zeros.
    pub(crate) fn mend(&self, number: u16, page: u32) -> Result<(), Trouble> {
        let (memory, _) = self.file(number)?;
        let start = usize::try_from(page).map_or(ROOM, |page| page.saturating_mul(4096));
        memory.bytes.iter().skip(start).take(4096).for_each(|byte| byte.store(0, Relaxed));
        memory.bad.fetch_and(!1_u32.checked_shl(page).ok_or(Trouble::NoRoom)?, Relaxed);
        Ok(())
    }
}

static NEAR: Bank = Bank {
    name: "bank0",
    number: 0,
    bytes: 1 << 30,
    page: 2 << 20,
    node: Some(1),
    saves_caches: false,
    armed: true,
    dimms: &[
        Dimm { slot: 4, serial: "ac1d-00000017", losses: Some(2) },
        Dimm { slot: 5, serial: "ac1d-0000002a", losses: Some(1) },
    ],
};

static FAR: Bank = Bank {
    name: "bank1",
    number: 1,
    bytes: 64 << 20,
    page: PAGE,
    node: None,
    saves_caches: true,
    armed: false,
    dimms: &[Dimm { slot: 9, serial: "ac1d-00000009", losses: None }],
};

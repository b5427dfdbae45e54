//! The kernel. It was there before pmem2, and knows nothing of it.
//!
//! Descriptors are small numbers, the lowest free one first. Files are never removed, so the number of an inode says for ever
//! which file is meant.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// The bytes of a page.
pub(crate) const PAGE: u64 = 4096;

/// Open for reading.
pub(crate) const READ: u32 = 1;
/// Open for writing.
pub(crate) const WRITE: u32 = 2;

/// In a descriptor's word: it is open. Below are the mode, in 8 bits, and the inode, in 16.
const OPEN: u32 = 1 << 31;

/// Persistent memory, as this machine's firmware tells of it.
pub(crate) struct Bank {
    pub(crate) name: &'static str,
    pub(crate) number: u32,
    pub(crate) bytes: u64,
    /// The large page that it is mapped with.
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
    /// How often its energy did not suffice; `None` where it does not count.
    pub(crate) losses: Option<u64>,
}

/// What a name stands for.
pub(crate) enum Node {
    Directory,
    Console,
    Queue,
    /// A file, in RAM or on a bank.
    File {
        on: Option<&'static Bank>,
        size: AtomicU64,
    },
    /// A whole bank.
    Bank(&'static Bank),
}

pub(crate) struct Inode {
    pub(crate) name: &'static str,
    pub(crate) node: Node,
}

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    NoSuchName,
    TableFull,
    NotOpen,
    NotAFile,
}

/// The state of the machine.
pub(crate) struct Kernel {
    inodes: [Inode; 7],
    descriptors: [AtomicU32; 8],
}

impl Kernel {
    /// This machine, with nothing open.
    pub(crate) const fn new() -> Self {
        Self {
            inodes: [
                Inode { name: "/", node: Node::Directory },
                Inode { name: "/console", node: Node::Console },
                Inode { name: "/queue", node: Node::Queue },
                Inode { name: "/ram/log", node: Node::File { on: None, size: AtomicU64::new(10_000) } },
                Inode { name: "/bank0/data", node: Node::File { on: Some(&NEAR), size: AtomicU64::new(3 * PAGE) } },
                Inode { name: "/bank0", node: Node::Bank(&NEAR) },
                Inode { name: "/bank1", node: Node::Bank(&FAR) },
            ],
            descriptors: [const { AtomicU32::new(0) }; 8],
        }
    }

    /// Opens what has this name, and gives it the lowest free number.
    pub(crate) fn open(&self, name: &str, mode: u32) -> Result<u16, Trouble> {
        let inode = self.inodes.iter().position(|inode| inode.name == name).ok_or(Trouble::NoSuchName)?;
        let word = OPEN | (mode & 0xff) << 16 | u32::try_from(inode).map_err(|_| Trouble::NoSuchName)?;
        let taken = |slot: &AtomicU32| slot.compare_exchange(0, word, Relaxed, Relaxed).is_ok();
        let number = self.descriptors.iter().position(taken).ok_or(Trouble::TableFull)?;
        u16::try_from(number).map_err(|_| Trouble::TableFull)
    }

    /// Closes a descriptor. Its number is free for another file.
    ///
    /// # Safety
    ///
    /// The caller opened it, and has given the number to nobody who still relies on it. (Numbers can be guessed: this is what makes
    /// a [`Handle`](pmem2::Handle) of one possible.)
    pub(crate) unsafe fn close(&self, number: u16) -> Result<(), Trouble> {
        let slot = self.descriptors.get(usize::from(number)).ok_or(Trouble::NotOpen)?;
        if slot.swap(0, Relaxed) == 0 { Err(Trouble::NotOpen) } else { Ok(()) }
    }

    /// What a descriptor stands for: the inode with its number, and the mode that it was opened with.
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

    /// Makes a file longer or shorter.
    pub(crate) fn resize(&self, number: u16, bytes: u64) -> Result<(), Trouble> {
        match &self.lookup(number)?.1.node {
            Node::File { size, .. } => {
                size.store(bytes, Relaxed);
                Ok(())
            }
            _ => Err(Trouble::NotAFile),
        }
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

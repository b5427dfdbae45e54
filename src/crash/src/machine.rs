//! The order in which a machine lets stores reach the medium.

use pmem2::Granularity;

use crate::trace::{How, LINE, WORD};

/// A machine: the order in which its stores reach the medium.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Machine {
    /// x86 with ADR. Stores of one line reach the medium in program order (its stores are totally
    /// ordered, and lines are written back whole); lines do in any order, and so do streams.
    X86,
    /// x86 with eADR, whose caches are durable. All plain stores reach the medium in program
    /// order, and a fence alone makes them durable.
    X86Eadr,
    /// Arm with DC CVAP. Stores of one line are ordered only where a fence stands between them.
    Arm,
    /// The weakest one with durable lines: only aligned words are whole, and nothing is ordered
    /// but the stores of one word. A program that holds here holds on [`X86`](Self::X86) and
    /// [`Arm`](Self::Arm) too.
    Torn,
    /// A page cache in ordinary memory, over a disk. Pages are written back at any time, while they
    /// change, and torn; only a sync makes them durable. Flushes and fences do nothing.
    PageCache,
}

/// The place of an atom in the order: those of one group reach the medium by rank, atoms of the
/// same rank in any order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) group: usize,
    pub(crate) rank: usize,
}

impl Machine {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::X86, Self::X86Eadr, Self::Arm, Self::Torn, Self::PageCache];

    /// Whether memory of this granularity is durable here as the granularity says: a program that
    /// does what it asks for loses nothing.
    #[must_use]
    pub const fn keeps(self, granularity: Granularity) -> bool {
        match granularity {
            Granularity::Byte => matches!(self, Self::X86Eadr),
            Granularity::CacheLine => !matches!(self, Self::PageCache),
            // A sync of DAX memory flushes its lines.
            Granularity::Page => true,
        }
    }

    /// Returns the order that an atom of this word stands in, `None` where only the stores of the
    /// same word are ordered. `epoch` is the number of the thread's fences before it.
    pub(crate) fn order(
        self,
        word: usize,
        how: How,
        event: usize,
        epoch: usize,
        thread: usize,
    ) -> Option<Order> {
        // A line has as many groups as bytes.
        let line = word * WORD / LINE * LINE;
        match (self, how) {
            (_, How::Stream) | (Self::Torn | Self::PageCache, _) => None,
            (Self::X86, _) => Some(Order { group: line, rank: event }),
            (Self::X86Eadr, _) => Some(Order { group: 0, rank: event }),
            (Self::Arm, _) => Some(Order { group: line + thread % LINE, rank: epoch }),
        }
    }

    /// Whether a fence makes this store durable without a flush.
    pub(crate) fn fence_is_enough(self, how: How) -> bool {
        match self {
            Self::X86Eadr => true,
            Self::PageCache => false,
            _ => how == How::Stream,
        }
    }
}

//! A list of bad sectors, in a bounded amount of memory.

use core::{iter::from_fn, ops::Range};

use heapless::Vec;

use crate::transfer::pieces::SECTOR;

/// The number of sectors in 4 PiB, which a physical address of 52 bits reaches.
pub(in crate::linux) const SECTORS: u64 = 1 << 43;

/// The largest number of ranges in a list: as many as the kernel keeps (MAX_BADBLOCKS of
/// linux/badblocks.h) where a page is 4 KiB.
pub(in crate::linux) const SPANS: usize = 512;

/// The sectors that the kernel knew to be bad at one time, on the device that an object lies on or
/// is: a value of 4 KiB.
///
/// Sectors are counted from the start of that device, even where the kernel's list is about more:
/// about the disk of a partition, or about the region of a device DAX.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadSectors {
    /// In ascending order, and disjoint. They may adjoin.
    spans: Vec<Span, SPANS>,
    /// Whether there are more.
    cut: bool,
}

/// A range of bad sectors: the first, and in the lowest 21 bits their number. (The kernel has at
/// most 512 in one.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span(u64);

impl Span {
    const BITS: u32 = 21;

    /// The largest number of sectors in one span.
    const MOST: u64 = (1 << Self::BITS) - 1;

    /// Packs sectors below [`SECTORS`], at most [`MOST`](Span::MOST).
    const fn new(start: u64, end: u64) -> Self {
        Self(start << Self::BITS | end.saturating_sub(start) & Self::MOST)
    }

    const fn start(self) -> u64 {
        self.0 >> Self::BITS
    }

    const fn end(self) -> u64 {
        self.start().saturating_add(self.0 & Self::MOST)
    }
}

impl BadSectors {
    pub(in crate::linux) const fn new() -> Self {
        Self { spans: Vec::new(), cut: false }
    }

    /// Whether there are more than are listed.
    pub(in crate::linux) const fn is_cut(&self) -> bool {
        self.cut
    }

    pub(in crate::linux) fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Notes that there are more than are listed.
    pub(super) const fn cut(&mut self) {
        self.cut = true;
    }

    /// Adds sectors, in any order. A list without room for all is cut.
    pub(in crate::linux) fn add(&mut self, bad: Range<u64>) {
        let (mut at, end) = (bad.start, bad.end.min(SECTORS));
        self.cut |= bad.end > SECTORS;
        while at < end {
            // The first span that ends after this sector.
            let index = self.spans.partition_point(|span| span.end() <= at);
            let next = self.spans.get(index).copied();
            if let Some(span) = next.filter(|span| span.start() <= at) {
                at = span.end();
                continue;
            }
            let gap = next.map_or(end, |span| span.start().min(end));
            let before = index.checked_sub(1).and_then(|index| self.spans.get_mut(index));
            // As many as fit into one span; if possible, into the one before.
            match before
                .filter(|span| span.end() == at && at.saturating_sub(span.start()) < Span::MOST)
            {
                Some(span) => {
                    at = gap.min(span.start().saturating_add(Span::MOST));
                    *span = Span::new(span.start(), at);
                }
                None => {
                    let part = gap.min(at.saturating_add(Span::MOST));
                    if self.spans.insert(index, Span::new(at, part)).is_err() {
                        self.cut = true;
                        return;
                    }
                    at = part;
                }
            }
        }
    }

    /// Returns the bad ranges in these bytes of the device, in ascending order. No two adjoin.
    pub(in crate::linux) fn within(&self, bytes: Range<u64>) -> impl Iterator<Item = Range<u64>> {
        let from =
            self.spans.partition_point(|span| span.end().saturating_mul(SECTOR) <= bytes.start);
        let spans = self.spans.get(from..).unwrap_or_default().iter();
        let mut parts = spans
            .map(move |span| {
                let start = span.start().saturating_mul(SECTOR).max(bytes.start);
                start..span.end().saturating_mul(SECTOR).min(bytes.end)
            })
            .take_while(|bad| !bad.is_empty());
        let mut next = parts.next();
        from_fn(move || {
            let mut bad = next.take()?;
            loop {
                next = parts.next();
                match &next {
                    Some(more) if more.start == bad.end => bad.end = more.end,
                    _ => return Some(bad),
                }
            }
        })
    }
}

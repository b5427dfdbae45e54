//! A list of bad sectors, in a bounded amount of memory.

use core::{iter::from_fn, ops::Range};

use heapless::Vec;

/// The unit of the kernel's lists, in bytes.
pub(in crate::linux) const SECTOR: u64 = 512;

/// Sectors have numbers below this: 4 PiB is all that a physical address of 52 bits reaches.
pub(in crate::linux) const SECTORS: u64 = 1 << 43;

/// How many ranges there are at most: as many as the kernel keeps (MAX_BADBLOCKS of
/// linux/badblocks.h) where a page is 4 KiB.
pub(in crate::linux) const SPANS: usize = 512;

/// What the kernel knew at one time to be bad of the device that an object lies on, or is: a value
/// of 4 KiB.
///
/// Its sectors are those of that device, whatever the kernel's list is about: a disk where this is
/// for a partition of it, a region where it is for a device DAX.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadSectors {
    /// In ascending order, without any sector in common; they may adjoin.
    spans: Vec<Span, SPANS>,
    /// Whether there are more.
    cut: bool,
}

/// Bad sectors: the first, and in the lowest 21 bits how many. (The kernel has 512 at most in one.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span(u64);

impl Span {
    const BITS: u32 = 21;

    /// How many there are at most in one.
    const MOST: u64 = (1 << Self::BITS) - 1;

    /// Of sectors below [`SECTORS`], and no more of them than [`MOST`](Span::MOST).
    const fn of(start: u64, end: u64) -> Self {
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

    /// From now on there are more than are listed.
    pub(super) const fn cut(&mut self) {
        self.cut = true;
    }

    /// Adds sectors, in any order. If there is no room for all, the list is cut.
    pub(in crate::linux) fn add(&mut self, bad: Range<u64>) {
        let (mut at, end) = (bad.start, bad.end.min(SECTORS));
        self.cut |= bad.end > SECTORS;
        while at < end {
            // What is listed at this sector or behind it.
            let index = self.spans.partition_point(|span| span.end() <= at);
            let next = self.spans.get(index).copied();
            if let Some(span) = next.filter(|span| span.start() <= at) {
                at = span.end();
                continue;
            }
            let gap = next.map_or(end, |span| span.start().min(end));
            let before = index.checked_sub(1).and_then(|index| self.spans.get_mut(index));
            // As much as there is room for in one; if possible, in the one before.
            match before
                .filter(|span| span.end() == at && at.saturating_sub(span.start()) < Span::MOST)
            {
                Some(span) => {
                    at = gap.min(span.start().saturating_add(Span::MOST));
                    *span = Span::of(span.start(), at);
                }
                None => {
                    let part = gap.min(at.saturating_add(Span::MOST));
                    if self.spans.insert(index, Span::of(at, part)).is_err() {
                        self.cut = true;
                        return;
                    }
                    at = part;
                }
            }
        }
    }

    /// The bad ones of these bytes of the device, in ascending order; no two of them adjoin.
    pub(in crate::linux) fn within(&self, bytes: Range<u64>) -> impl Iterator<Item = Range<u64>> {
        let from =
            self.spans.partition_point(|span| span.end().saturating_mul(SECTOR) <= bytes.start);
        let spans = self.spans.get(from..).unwrap_or_default().iter();
        let mut parts = spans
            .map(move |span| {
                let start = span.start().saturating_mul(SECTOR).max(bytes.start);
                start..span.end().saturating_mul(SECTOR).min(bytes.end)
            })
            .take_while(|bad| !bad.is_empty())
            .peekable();
        from_fn(move || {
            let mut bad = parts.next()?;
            while let Some(more) = parts.next_if(|more| more.start == bad.end) {
                bad.end = more.end;
            }
            Some(bad)
        })
    }
}

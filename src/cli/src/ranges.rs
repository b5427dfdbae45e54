//! Ranges of bytes: as many as a person or a program can use.

use std::{
    fmt::{self, Display},
    ops::Range,
};

use serde_json::{Value as Json, json};

/// How many are kept, and shown to programs.
const KEPT: usize = 1024;
/// How many are shown to people.
const SHOWN: usize = 8;

/// Ranges of bytes in ascending order: the first of them, and how many there are.
#[derive(Default)]
pub(crate) struct Ranges {
    first: Vec<Range<u64>>,
    count: u64,
    bytes: u64,
    end: Option<u64>,
}

impl Ranges {
    /// Adds a range after the last one, or to the last one if it adjoins.
    pub(crate) fn add(&mut self, range: Range<u64>) {
        let adjoins = self.end.replace(range.end) == Some(range.start);
        self.bytes = self.bytes.saturating_add(range.end.saturating_sub(range.start));
        let kept = u64::try_from(self.first.len()).is_ok_and(|length| length == self.count);
        if !adjoins {
            self.count = self.count.saturating_add(1);
            if self.first.len() < KEPT {
                self.first.push(range);
            }
        } else if let Some(last) = self.first.last_mut().filter(|_| kept) {
            last.end = range.end;
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The ranges that are kept.
    pub(crate) fn json(&self) -> Json {
        let json = |range: &Range<u64>| {
            let length = range.end.saturating_sub(range.start);
            json!({"offset": range.start, "length": length})
        };
        self.first.iter().map(json).collect()
    }
}

impl Display for Ranges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        let (bytes, ranges) = (counted(self.bytes, "byte"), counted(self.count, "range"));
        write!(f, "{bytes} in {ranges}: ")?;
        for (index, range) in self.first.iter().take(SHOWN).enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{} at {}", range.end.saturating_sub(range.start), range.start)?;
        }
        match self.count.saturating_sub(u64::try_from(SHOWN).unwrap_or(0)) {
            0 => Ok(()),
            more => write!(f, ", and {more} more"),
        }
    }
}

/// A number and its noun.
fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(all: impl IntoIterator<Item = Range<u64>>) -> Ranges {
        let mut ranges = Ranges::default();
        all.into_iter().for_each(|range| ranges.add(range));
        ranges
    }

    #[test]
    fn in_words() {
        assert_eq!(ranges([]).to_string(), "none");
        assert_eq!(ranges(std::iter::once(7..8)).to_string(), "1 byte in 1 range: 1 at 7");
        assert_eq!(
            ranges([0..512, 1024..1536]).to_string(),
            "1024 bytes in 2 ranges: 512 at 0, 512 at 1024"
        );
        let nine = ranges((0..9).map(|n| n * 10..n * 10 + 1)).to_string();
        assert!(nine.starts_with("9 bytes in 9 ranges: 1 at 0, 1 at 10, "), "{nine}");
        assert!(nine.ends_with(", 1 at 70, and 1 more"), "{nine}");
    }

    #[test]
    fn what_adjoins_is_one() {
        let one = ranges([0..512, 512..1024, 2048..4096, 4096..4097]);
        assert_eq!((one.count(), one.bytes()), (2, 3073));
        assert_eq!(one.first, [0..1024, 2048..4097]);
    }

    /// Ranges that are not kept are counted. One that adjoins such a range is added to no other.
    #[test]
    fn there_may_be_more_than_are_kept() {
        let kept = u64::try_from(KEPT).unwrap();
        let mut many = ranges((0..kept + 3).map(|n| n * 100..n * 100 + 1));
        many.add((kept + 2) * 100 + 1..(kept + 2) * 100 + 5);
        assert_eq!((many.count(), many.bytes(), many.first.len()), (kept + 3, kept + 7, KEPT));
        assert_eq!(many.first.last(), Some(&((kept - 1) * 100..(kept - 1) * 100 + 1)));
    }
}

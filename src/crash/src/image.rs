//! An image that a cut may leave, decided word by word.

use std::{ops::RangeInclusive, sync::Arc};

use crate::{
    cut::{Cut, History, Version},
    trace::WORD,
};

/// The versions that a word in flight may still have.
#[derive(Clone, Copy, Debug)]
struct Open {
    oldest: usize,
    newest: usize,
    decided: bool,
}

/// An image of the medium after a cut. Each word in flight is undecided until somebody looks at it;
/// deciding it takes from the others what the machine's order no longer allows.
#[derive(Clone, Debug)]
pub struct Image {
    cut: Arc<Cut>,
    bytes: Vec<u8>,
    words: Vec<Open>,
}

impl Image {
    /// Returns the image of which nothing is decided.
    #[must_use]
    pub fn new(cut: Arc<Cut>) -> Self {
        let open =
            |versions: &[Version]| Open { oldest: 0, newest: versions.len() - 1, decided: false };
        let words = cut.words.iter().map(|word| open(&word.versions)).collect();
        Self { bytes: cut.durable.clone(), words, cut }
    }

    /// Returns the bytes. Those of undecided words mean nothing.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Stores bytes over those there. Words of which only a part is stored have to be decided.
    pub fn store(&mut self, at: usize, bytes: &[u8]) {
        for word in at / WORD..(at + bytes.len()).div_ceil(WORD) {
            if let Some(open) = self.undecided(word) {
                self.words[open].decided = true;
            }
        }
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// Returns the index of the word with this number if it is in flight and undecided.
    #[must_use]
    pub fn undecided(&self, word: usize) -> Option<usize> {
        self.cut.index.get(&word).copied().filter(|&index| !self.words[index].decided)
    }

    /// Returns the index of the first undecided word.
    #[must_use]
    pub fn first_undecided(&self) -> Option<usize> {
        self.words.iter().position(|word| !word.decided)
    }

    /// Returns the versions that the word with this index may have, the oldest one first.
    #[must_use]
    pub fn choices(&self, index: usize) -> RangeInclusive<usize> {
        self.words[index].oldest..=self.words[index].newest
    }

    /// Decides that the word with this index has this version, one of its
    /// [`choices`](Self::choices).
    pub fn decide(&mut self, index: usize, version: usize) {
        debug_assert!(self.choices(index).contains(&version));
        let word = &self.cut.words[index];
        let value = word.versions[version].value;
        self.bytes[word.word * WORD..(word.word + 1) * WORD].copy_from_slice(&value);
        self.words[index].decided = true;
        self.raise(index, version);
        self.lower(index, version);
    }

    /// Puts all atoms of a word up to a version on the medium, and those that the order has before
    /// them.
    fn raise(&mut self, index: usize, version: usize) {
        let cut = Arc::clone(&self.cut);
        let mut waiting = vec![(index, version)];
        while let Some((index, version)) = waiting.pop() {
            let open = &mut self.words[index];
            if version <= open.oldest {
                continue;
            }
            let there = &cut.words[index].versions[open.oldest + 1..=version];
            open.oldest = version;
            let last = there.iter().filter_map(|version| version.order).max_by_key(|o| o.rank);
            let Some(last) = last else { continue };
            for &other in &cut.groups[&last.group] {
                let versions = &cut.words[other].versions;
                let before = |version: &Version| {
                    version.order.is_some_and(|o| o.group == last.group && o.rank < last.rank)
                };
                if let Some(version) = versions.iter().rposition(before) {
                    waiting.push((other, version));
                }
            }
        }
    }

    /// Takes all atoms of a word after a version off the medium, and those that the order has after
    /// them.
    fn lower(&mut self, index: usize, version: usize) {
        let cut = Arc::clone(&self.cut);
        let mut waiting = vec![(index, version)];
        while let Some((index, version)) = waiting.pop() {
            let open = &mut self.words[index];
            if version >= open.newest {
                continue;
            }
            let gone = &cut.words[index].versions[version + 1..=open.newest];
            open.newest = version;
            let first = gone.iter().filter_map(|version| version.order).min_by_key(|o| o.rank);
            let Some(first) = first else { continue };
            for &other in &cut.groups[&first.group] {
                let versions = &cut.words[other].versions;
                let after = |version: &Version| {
                    version.order.is_some_and(|o| o.group == first.group && o.rank > first.rank)
                };
                if let Some(version) = versions.iter().position(after) {
                    waiting.push((other, version - 1));
                }
            }
        }
    }

    /// Returns the image after a recovery from this one has done what `history` has seen, and the
    /// power was cut again. What it did not look at is as undecided as it was.
    pub(crate) fn again(&self, history: &History) -> Self {
        let mut cut = history.cut();
        for (word, open) in self.cut.words.iter().zip(&self.words) {
            if !open.decided {
                cut.push(word.word, &word.versions[open.oldest..=open.newest]);
            }
        }
        Self::new(Arc::new(cut))
    }

    /// Returns the number of the word with this index.
    pub(crate) fn word(&self, index: usize) -> usize {
        self.cut.words[index].word
    }

    /// Returns the words in flight, by their numbers.
    pub(crate) fn in_flight(&self) -> impl Iterator<Item = usize> {
        self.cut.words.iter().map(|word| word.word)
    }

    /// Returns the stores that the image has and that were not durable: the number of the word, and
    /// the index of the event.
    pub(crate) fn early(&self) -> impl Iterator<Item = (usize, usize)> {
        self.cut.words.iter().zip(&self.words).flat_map(|(word, open)| {
            word.versions[1..=open.oldest].iter().map(|v| (word.word, v.event))
        })
    }

    /// Returns the stores that the image lacks, however its undecided words are decided: the number
    /// of the word, and the index of the event.
    #[must_use]
    pub fn missing(&self) -> Vec<(usize, usize)> {
        let words = self.cut.words.iter().zip(&self.words);
        words
            .flat_map(|(word, open)| {
                word.versions[open.newest + 1..].iter().map(|v| (word.word, v.event))
            })
            .collect()
    }

    /// Calls `look` with each image that this one may become, with the bytes of each.
    pub fn each(self, look: &mut impl FnMut(&[u8])) {
        let Some(index) = self.first_undecided() else { return look(&self.bytes) };
        for version in self.choices(index) {
            let mut image = self.clone();
            image.decide(index, version);
            image.each(look);
        }
    }
}

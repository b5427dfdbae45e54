//! A trace, walked once: at each point, what is durable and what may be.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{
    machine::{Machine, Order},
    trace::{Action, How, LINE, PAGE, WORD},
};

/// A word as one store left it.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    /// The store, as the index of its event. That of the durable version counts for nothing.
    pub(crate) event: usize,
    pub(crate) value: [u8; WORD],
    /// Its place in the machine's order.
    pub(crate) order: Option<Order>,
}

/// A word whose newest version is not durable. The first version is, each later one is an atom.
#[derive(Clone, Debug)]
pub(crate) struct InFlight {
    pub(crate) word: usize,
    pub(crate) versions: Vec<Version>,
}

/// The medium when the power is cut: its durable bytes, and the words that are in flight.
#[derive(Clone, Debug)]
pub struct Cut {
    pub(crate) durable: Vec<u8>,
    pub(crate) words: Vec<InFlight>,
    /// The words in flight, by their number on the medium.
    pub(crate) index: HashMap<usize, usize>,
    /// The words in flight that have atoms of a group of the order.
    pub(crate) groups: HashMap<usize, Vec<usize>>,
}

/// The versions of a word since the last durable one.
#[derive(Clone, Debug)]
struct Versions {
    all: Vec<Version>,
    /// The version that the next fence makes durable.
    pending: usize,
}

/// A walk along a trace, on one machine.
#[derive(Clone, Debug)]
pub struct History {
    machine: Machine,
    durable: Vec<u8>,
    newest: Vec<u8>,
    words: BTreeMap<usize, Versions>,
    /// The words for which the next fence does something.
    pending: Vec<usize>,
    /// The pages that a sync could not write, and that were not stored to since.
    given_up: BTreeSet<usize>,
    events: usize,
    fences: usize,
}

impl History {
    /// Begins with a medium of these bytes.
    #[must_use]
    pub fn new(before: &[u8], machine: Machine) -> Self {
        Self {
            machine,
            durable: before.to_vec(),
            newest: before.to_vec(),
            words: BTreeMap::new(),
            pending: vec![],
            given_up: BTreeSet::new(),
            events: 0,
            fences: 0,
        }
    }

    /// Does the next action of the trace.
    ///
    /// # Panics
    ///
    /// If bytes are stored outside of the medium.
    pub fn step(&mut self, action: &Action) {
        match action {
            Action::Store { at, bytes, how } => self.store(*at, bytes, *how),
            Action::Flush { at, length } => self.flush(*at, *length),
            Action::Fence => self.fence(),
            Action::Sync { failed: true, at, length } => {
                self.given_up.extend(*at / PAGE..(at + length).div_ceil(PAGE));
            }
            Action::Sync { failed: false, at, length } => self.sync(*at, *length),
            Action::Promise => {}
        }
        self.events += 1;
    }

    fn store(&mut self, at: usize, bytes: &[u8], how: How) {
        let end = at + bytes.len();
        let mut from = at;
        while from < end {
            let to = from + piece(from, end);
            self.store_piece(from, &bytes[from - at..to - at], how);
            from = to;
        }
    }

    fn store_piece(&mut self, at: usize, bytes: &[u8], how: How) {
        let word = at / WORD;
        let range = word * WORD..(word + 1) * WORD;
        let old = value(&self.newest[range.clone()]);
        self.newest[at..at + bytes.len()].copy_from_slice(bytes);
        let value = value(&self.newest[range]);
        self.given_up.remove(&(at / PAGE));
        if value == old {
            return;
        }
        let order = self.machine.order(word, how, self.events, self.fences);
        let first = Version { event: usize::MAX, value: old, order: None };
        let versions = self.words.entry(word).or_insert(Versions { all: vec![first], pending: 0 });
        versions.all.push(Version { event: self.events, value, order });
        if self.machine.fence_is_enough(how) {
            versions.pending = versions.all.len() - 1;
            self.pending.push(word);
        }
    }

    fn flush(&mut self, at: usize, length: usize) {
        if length == 0 || self.machine == Machine::PageCache {
            return;
        }
        let lines = at / LINE..(at + length).div_ceil(LINE);
        let words = lines.start * (LINE / WORD)..lines.end * (LINE / WORD);
        for (&word, versions) in self.words.range_mut(words) {
            versions.pending = versions.all.len() - 1;
            self.pending.push(word);
        }
    }

    fn fence(&mut self) {
        self.fences += 1;
        for word in std::mem::take(&mut self.pending) {
            self.make_durable(word, |versions| versions.pending);
        }
    }

    fn sync(&mut self, at: usize, length: usize) {
        if self.machine == Machine::X86Eadr {
            // What one page has, no earlier store may miss.
            return self.fence();
        }
        for page in at / PAGE..(at + length).div_ceil(PAGE) {
            if self.machine == Machine::PageCache && self.given_up.contains(&page) {
                continue;
            }
            let words = page * (PAGE / WORD)..(page + 1) * (PAGE / WORD);
            let words: Vec<usize> = self.words.range(words).map(|(&word, _)| word).collect();
            for word in words {
                self.make_durable(word, |versions| versions.all.len() - 1);
            }
        }
    }

    /// Makes a word durable up to one of its versions.
    fn make_durable(&mut self, word: usize, up_to: impl FnOnce(&Versions) -> usize) {
        let Some(versions) = self.words.get_mut(&word) else { return };
        let up_to = up_to(versions);
        let value = versions.all[up_to].value;
        self.durable[word * WORD..(word + 1) * WORD].copy_from_slice(&value);
        versions.all.drain(..up_to);
        versions.pending = 0;
        if versions.all.len() == 1 {
            self.words.remove(&word);
        }
    }

    /// Cuts the power after the actions so far.
    #[must_use]
    pub fn cut(&self) -> Cut {
        let mut words = vec![];
        let (mut index, mut groups) = (HashMap::new(), HashMap::<usize, Vec<usize>>::new());
        for (&word, versions) in &self.words {
            let this = words.len();
            index.insert(word, this);
            for order in versions.all[1..].iter().filter_map(|version| version.order) {
                let group = groups.entry(order.group).or_default();
                if group.last() != Some(&this) {
                    group.push(this);
                }
            }
            words.push(InFlight { word, versions: versions.all.clone() });
        }
        Cut { durable: self.durable.clone(), words, index, groups }
    }
}

/// Returns the length of the first naturally aligned piece of at most a word: a store makes at
/// least these in one access.
fn piece(at: usize, end: usize) -> usize {
    [8, 4, 2].into_iter().find(|&size| at.is_multiple_of(size) && at + size <= end).unwrap_or(1)
}

fn value(bytes: &[u8]) -> [u8; WORD] {
    bytes.try_into().expect("a whole word")
}

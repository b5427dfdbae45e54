//! A trace, walked once: at each point, what is durable and what may be.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{
    machine::{Machine, Order},
    trace::{Action, Event, How, LINE, PAGE, WORD},
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

/// A walk along a trace, on one machine.
#[derive(Clone, Debug)]
pub struct History {
    machine: Machine,
    durable: Vec<u8>,
    newest: Vec<u8>,
    /// The versions of words since the last durable one.
    words: BTreeMap<usize, Vec<Version>>,
    /// The stores that the next fence of a thread makes durable: the thread, the word, the event.
    pending: Vec<(usize, usize, usize)>,
    /// The pages that a sync could not write, and that were not stored to since.
    given_up: BTreeSet<usize>,
    events: usize,
    /// The fences of each thread.
    fences: BTreeMap<usize, usize>,
    /// The number of its first group in the order.
    groups: usize,
}

impl History {
    /// Begins with a medium of these bytes.
    #[must_use]
    pub fn new(before: &[u8], machine: Machine) -> Self {
        Self::later(before, machine, 0, 0)
    }

    /// Begins after so many events and cuts.
    pub(crate) fn later(before: &[u8], machine: Machine, events: usize, cuts: usize) -> Self {
        Self {
            machine,
            durable: before.to_vec(),
            newest: before.to_vec(),
            words: BTreeMap::new(),
            pending: vec![],
            given_up: BTreeSet::new(),
            events,
            fences: BTreeMap::new(),
            groups: cuts * before.len(),
        }
    }

    /// Does the next action of the trace.
    ///
    /// # Panics
    ///
    /// If bytes are stored outside of the medium.
    pub fn step(&mut self, action: &Action) {
        self.step_of(0, action);
    }

    /// Does the next events.
    pub(crate) fn walk(&mut self, events: &[Event]) {
        events.iter().for_each(|event| self.step_of(event.thread, &event.action));
    }

    fn step_of(&mut self, thread: usize, action: &Action) {
        match action {
            Action::Store { at, bytes, how } => self.store(thread, *at, bytes, *how),
            Action::Flush { at, length } => self.flush(thread, *at, *length),
            Action::Fence => self.fence(thread),
            Action::Sync { failed: true, at, length } => {
                self.given_up.extend(*at / PAGE..(at + length).div_ceil(PAGE));
            }
            Action::Sync { failed: false, at, length } => self.sync(thread, *at, *length),
            Action::Promise => {}
        }
        self.events += 1;
    }

    fn store(&mut self, thread: usize, at: usize, bytes: &[u8], how: How) {
        let end = at + bytes.len();
        let mut from = at;
        while from < end {
            let to = from + piece(from, end);
            self.store_piece(thread, from, &bytes[from - at..to - at], how);
            from = to;
        }
    }

    fn store_piece(&mut self, thread: usize, at: usize, bytes: &[u8], how: How) {
        let word = at / WORD;
        let range = word * WORD..(word + 1) * WORD;
        let old = value(&self.newest[range.clone()]);
        self.newest[at..at + bytes.len()].copy_from_slice(bytes);
        let value = value(&self.newest[range]);
        self.given_up.remove(&(at / PAGE));
        if value == old {
            return;
        }
        let epoch = self.fences.get(&thread).copied().unwrap_or(0);
        let order = self.machine.order(word, how, self.events, epoch, thread);
        let order = order.map(|order| Order { group: order.group + self.groups, ..order });
        let first = Version { event: usize::MAX, value: old, order: None };
        let versions = self.words.entry(word).or_insert(vec![first]);
        versions.push(Version { event: self.events, value, order });
        if self.machine.fence_is_enough(how) {
            self.pending.push((thread, word, self.events));
        }
    }

    fn flush(&mut self, thread: usize, at: usize, length: usize) {
        if length == 0 || self.machine == Machine::PageCache {
            return;
        }
        let lines = at / LINE..(at + length).div_ceil(LINE);
        let words = lines.start * (LINE / WORD)..lines.end * (LINE / WORD);
        // All versions that there are.
        let flushed = self.words.range(words).map(|(&word, _)| (thread, word, self.events));
        self.pending.extend(flushed);
    }

    fn fence(&mut self, thread: usize) {
        *self.fences.entry(thread).or_default() += 1;
        let (mine, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.pending).into_iter().partition(|&(by, ..)| by == thread);
        self.pending = others;
        for &(_, word, event) in &mine {
            self.make_durable(word, |version| version.event <= event);
        }
        // Where all stores have one order, nothing is durable without what was stored before it.
        let last = mine.iter().map(|&(.., event)| event).max();
        if let (Machine::X86Eadr, Some(last)) = (self.machine, last) {
            for (_, word, _) in self.pending.clone() {
                self.make_durable(word, |version| version.order.is_some() && version.event < last);
            }
        }
    }

    fn sync(&mut self, thread: usize, at: usize, length: usize) {
        if self.machine == Machine::X86Eadr {
            // What one page has, no earlier store may miss.
            return self.fence(thread);
        }
        for page in at / PAGE..(at + length).div_ceil(PAGE) {
            if self.machine == Machine::PageCache && self.given_up.contains(&page) {
                continue;
            }
            let words = page * (PAGE / WORD)..(page + 1) * (PAGE / WORD);
            let words: Vec<usize> = self.words.range(words).map(|(&word, _)| word).collect();
            for word in words {
                self.make_durable(word, |_| true);
            }
        }
    }

    /// Makes a word durable up to its newest version that is meant.
    fn make_durable(&mut self, word: usize, meant: impl Fn(&Version) -> bool) {
        let Some(versions) = self.words.get_mut(&word) else { return };
        let Some(up_to) = versions[1..].iter().rposition(meant) else { return };
        self.durable[word * WORD..(word + 1) * WORD].copy_from_slice(&versions[up_to + 1].value);
        versions.drain(..=up_to);
        if versions.len() == 1 {
            self.words.remove(&word);
        }
    }

    /// Cuts the power after the actions so far.
    #[must_use]
    pub fn cut(&self) -> Cut {
        let (words, index, groups) = (vec![], HashMap::new(), HashMap::new());
        let mut cut = Cut { durable: self.durable.clone(), words, index, groups };
        self.words.iter().for_each(|(&word, versions)| cut.push(word, versions));
        cut
    }
}

impl Cut {
    /// Adds a word that is in flight.
    pub(crate) fn push(&mut self, word: usize, versions: &[Version]) {
        let this = self.words.len();
        self.index.insert(word, this);
        for order in versions[1..].iter().filter_map(|version| version.order) {
            let group = self.groups.entry(order.group).or_default();
            if group.last() != Some(&this) {
                group.push(this);
            }
        }
        self.words.push(InFlight { word, versions: versions.to_vec() });
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

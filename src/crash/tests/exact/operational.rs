//! Machines that execute a program step by step: issued stores, a cache of two lines with two words
//! each, write-combining buffers, and a medium; lines are written back at any time.

use std::collections::{BTreeSet, HashSet};

use pmem2_crash::Machine;

/// The values of the four words, of each image.
pub(crate) type Images = BTreeSet<[u8; 4]>;

/// A step of a program. The store of step k stores k, counted from 1.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// Stores these words, in one go.
    Store(&'static [usize]),
    Stream(usize),
    Flush(usize),
    Fence,
    /// Syncs the page that holds the line.
    Sync {
        line: usize,
        failed: bool,
    },
}

/// A step, or a word of one, that was issued and has no effect yet.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Issued {
    Store(usize, u8),
    Stream(usize, u8),
    Flush(usize, u8),
}

#[derive(Clone, Default, PartialEq, Eq, Hash)]
struct State {
    issued: Vec<Issued>,
    cache: [u8; 4],
    medium: [u8; 4],
    /// Streamed words on their way to the medium.
    buffers: Vec<(usize, u8)>,
    /// The words of a line when it was last flushed since the last fence.
    flushed: [Option<[u8; 2]>; 2],
    /// Whether the page cache takes the page for clean since a sync of it failed.
    given_up: [bool; 2],
}

/// All states that a machine may be in after a program.
pub(crate) struct States {
    machine: Machine,
    all: HashSet<State>,
    /// The number of the last step.
    number: u8,
}

impl States {
    /// Returns those before any step.
    pub(crate) fn new(machine: Machine) -> Self {
        Self { machine, all: HashSet::from([State::default()]), number: 0 }
    }

    /// Returns those after one more step.
    pub(crate) fn after(&self, step: Step) -> Self {
        let (machine, number) = (self.machine, self.number + 1);
        let issue = |state: &State| state.issue(step, number, machine);
        let mut waiting: Vec<State> = self.all.iter().filter_map(issue).collect();
        let mut all = HashSet::new();
        while let Some(state) = waiting.pop() {
            if all.contains(&state) {
                continue;
            }
            state.write_back(machine, &mut waiting);
            state.drain(&mut waiting);
            (0..state.issued.len()).for_each(|which| state.perform(which, machine, &mut waiting));
            all.insert(state);
        }
        Self { machine, all, number }
    }

    /// Returns all that the medium may hold when the power is cut now.
    pub(crate) fn images(&self) -> Images {
        self.all.iter().map(|state| state.medium).collect()
    }
}

impl State {
    fn buffered(&self, word: usize) -> bool {
        self.buffers.iter().any(|buffer| buffer.0 == word)
    }

    /// Writes a line back, whole, or single words of it.
    fn write_back(&self, machine: Machine, waiting: &mut Vec<State>) {
        for line in 0..2 {
            let words: &[&[usize]] = match machine {
                Machine::X86Eadr => &[],
                Machine::PageCache if self.given_up[line] => &[],
                Machine::Torn | Machine::PageCache => &[&[2 * line], &[2 * line + 1]],
                _ => &[&[2 * line, 2 * line + 1]],
            };
            for group in words {
                let mut state = self.clone();
                for &word in group.iter().filter(|&&word| !self.buffered(word)) {
                    state.medium[word] = state.cache[word];
                }
                waiting.push(state);
            }
        }
    }

    /// Drains a buffer; those of one word in order.
    fn drain(&self, waiting: &mut Vec<State>) {
        for (which, &(word, value)) in self.buffers.iter().enumerate() {
            if self.buffers[..which].iter().all(|earlier| earlier.0 != word) {
                let mut state = self.clone();
                state.buffers.remove(which);
                state.medium[word] = value;
                waiting.push(state);
            }
        }
    }

    /// Performs an issued step, if those before it allow it. x86 performs stores in program order,
    /// Arm those of one word.
    fn perform(&self, which: usize, machine: Machine, waiting: &mut Vec<State>) {
        let earlier = &self.issued[..which];
        let store = |issued: &Issued| match *issued {
            Issued::Store(word, by) | Issued::Stream(word, by) => Some((word, by)),
            Issued::Flush(..) => None,
        };
        let mut state = self.clone();
        match state.issued.remove(which) {
            Issued::Flush(line, number) => {
                let before = |&(word, by): &(usize, u8)| word / 2 == line && by < number;
                if self.issued.iter().filter_map(store).any(|store| before(&store))
                    || earlier
                        .iter()
                        .any(|other| matches!(other, Issued::Flush(l, _) if *l == line))
                {
                    return;
                }
                state.flushed[line] = Some([state.cache[2 * line], state.cache[2 * line + 1]]);
            }
            this @ (Issued::Store(word, number) | Issued::Stream(word, number)) => {
                let ordered = machine != Machine::Arm;
                if earlier.iter().filter_map(store).any(|(other, _)| other == word)
                    || ordered && self.issued.iter().filter_map(store).any(|(_, by)| by < number)
                {
                    return;
                }
                let buffered = self.buffered(word);
                if matches!(this, Issued::Stream(..)) {
                    // The line leaves the cache first.
                    if !buffered && self.cache[word] != self.medium[word] {
                        return;
                    }
                    state.buffers.push((word, number));
                } else if buffered {
                    return;
                } else if machine == Machine::X86Eadr {
                    state.medium[word] = number;
                }
                state.cache[word] = number;
            }
        }
        waiting.push(state);
    }

    /// Issues the next step of the program, if it need not wait.
    fn issue(&self, step: Step, number: u8, machine: Machine) -> Option<State> {
        let mut state = self.clone();
        match step {
            Step::Store(words) if machine == Machine::PageCache => {
                for &word in words {
                    state.cache[word] = number;
                    state.given_up[word / 2] = false;
                }
            }
            Step::Store(words) => {
                state.issued.extend(words.iter().map(|&word| Issued::Store(word, number)));
            }
            Step::Stream(word) => state.issued.push(Issued::Stream(word, number)),
            Step::Flush(_) | Step::Fence if machine == Machine::PageCache => {}
            Step::Flush(line) => state.issued.push(Issued::Flush(line, number)),
            Step::Fence => {
                if !self.issued.is_empty() || !self.buffers.is_empty() {
                    return None;
                }
                // Flushed lines are on the medium, as they were then or later.
                for line in 0..2 {
                    for (at, word) in (2 * line..2 * line + 2).enumerate() {
                        let then = state.flushed[line].map_or(0, |words| words[at]);
                        state.medium[word] = state.medium[word].max(then);
                    }
                }
                state.flushed = [None; 2];
            }
            Step::Sync { line, failed: true } => state.given_up[line] = true,
            Step::Sync { line, failed: false } => {
                let here = |word: usize| word / 2 == line;
                let stores = self.issued.iter().any(|issued| match *issued {
                    Issued::Store(word, _) | Issued::Stream(word, _) => {
                        here(word) || machine == Machine::X86Eadr
                    }
                    Issued::Flush(..) => false,
                });
                if stores || self.buffers.iter().any(|&(word, _)| here(word)) {
                    return None;
                }
                if machine != Machine::PageCache || !state.given_up[line] {
                    for word in 2 * line..2 * line + 2 {
                        state.medium[word] = state.cache[word];
                    }
                }
            }
        }
        Some(state)
    }
}

//! Steps of a run that are for nothing, or that something is missing after.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    panic::Location,
};

use pmem2::Granularity;

use crate::{
    trace::{Action, How, LINE, PAGE, Trace},
    verdict::Place,
};

/// Something that a run need not do, or should look at. No verdict depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Hint {
    /// A flush of lines that nothing was stored to since they were flushed.
    FlushedForNothing,
    /// A fence with nothing to wait for, except that of a commit before its store.
    FencedForNothing,
    /// A store to a line that was flushed, and not yet waited for: it was flushed too early, or is
    /// flushed twice.
    StoredAfterFlush,
    /// A store that is not flushed at the end.
    NotFlushed,
    /// A flush that nobody has waited for at the end.
    NotFenced,
    /// A store past the steps: by a view, a slice or an address. Its order among others since the
    /// step before is unknown.
    Unordered,
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FlushedForNothing => "a flush of lines that nothing was stored to",
            Self::FencedForNothing => "a fence with nothing to wait for",
            Self::StoredAfterFlush => "a store between the flush of its line and the fence",
            Self::NotFlushed => "a store that is never flushed",
            Self::NotFenced => "a flush that no fence waits for",
            Self::Unordered => "a store past the steps, whose order is unknown",
        })
    }
}

/// The hints about a run, each with its place, and how often it is there.
#[derive(Clone, Debug, Default)]
pub struct Hints {
    all: BTreeMap<(Hint, &'static str, u32), (&'static Location<'static>, usize)>,
}

impl Hints {
    fn add(&mut self, hint: Hint, place: &'static Location<'static>) {
        self.all.entry((hint, place.file(), place.line())).or_insert((place, 0)).1 += 1;
    }

    /// Returns each hint with its place, and the number of times.
    pub fn iter(&self) -> impl Iterator<Item = (Hint, &'static Location<'static>, usize)> {
        self.all.iter().map(|(&(hint, ..), &(place, times))| (hint, place, times))
    }
}

impl fmt::Display for Hints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().try_for_each(|(hint, place, times)| {
            writeln!(f, "hint: {hint} ({}), {times} times", Place(place))
        })
    }
}

/// A line that was stored to.
#[derive(Clone, Copy)]
enum Line {
    Dirty(&'static Location<'static>),
    Flushed(&'static Location<'static>, usize),
}

impl<P> Trace<P> {
    /// Returns what is for nothing in this run, or missing at its end.
    #[must_use]
    pub fn hints(&self) -> Hints {
        let mut hints = Hints::default();
        let mut lines: HashMap<usize, Line> = HashMap::new();
        let page = self.granularity() == Granularity::Page;
        let needs_flush = self.granularity() == Granularity::CacheLine;
        for (number, event) in self.events().iter().enumerate() {
            let (place, thread) = (event.place, event.thread);
            match &event.action {
                Action::Store { at, bytes, how } => {
                    if *how == How::Unseen {
                        hints.add(Hint::Unordered, place);
                    }
                    for line in at / LINE..(at + bytes.len()).div_ceil(LINE) {
                        let flushed = !page && (!needs_flush || *how == How::Stream);
                        let now =
                            if flushed { Line::Flushed(place, thread) } else { Line::Dirty(place) };
                        let old = lines.insert(line, now);
                        if needs_flush && !flushed && matches!(old, Some(Line::Flushed(..))) {
                            hints.add(Hint::StoredAfterFlush, place);
                        }
                    }
                }
                Action::Flush { at, length } => {
                    let mut dirty = false;
                    for line in at / LINE..(at + length).div_ceil(LINE) {
                        if let Some(Line::Dirty(_)) = lines.get(&line) {
                            lines.insert(line, Line::Flushed(place, thread));
                            dirty = true;
                        }
                    }
                    if !dirty {
                        hints.add(Hint::FlushedForNothing, place);
                    }
                }
                Action::Fence => {
                    let before = lines.len();
                    lines.retain(|_, line| !matches!(line, Line::Flushed(_, by) if *by == thread));
                    let next = self.events().get(number + 1).filter(|next| next.place == place);
                    let commits = next.is_some_and(|n| matches!(n.action, Action::Store { .. }));
                    if lines.len() == before && !page && !commits {
                        hints.add(Hint::FencedForNothing, place);
                    }
                }
                Action::Sync { at, length, failed: false } => {
                    let pages = at / PAGE..(at + length).div_ceil(PAGE);
                    lines.retain(|line, _| !pages.contains(&(line * LINE / PAGE)));
                }
                Action::Sync { .. } | Action::Promise => {}
            }
        }
        for line in lines.into_values() {
            match line {
                Line::Dirty(place) => hints.add(Hint::NotFlushed, place),
                Line::Flushed(place, _) => hints.add(Hint::NotFenced, place),
            }
        }
        hints
    }
}

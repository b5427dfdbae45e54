//! The result of looking at all that a power cut may leave.

use std::{fmt, panic::Location};

use crate::{
    machine::Machine,
    trace::{Action, Event, How, LINE, WORD},
};

/// The result of an exploration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The recovery holds on every image at every point.
    Holds {
        /// The recoveries that were run.
        recoveries: usize,
        /// The points at which the power was cut.
        points: usize,
    },
    /// The budget was used up before all images were seen. None of those that were seen fails: no
    /// pass.
    Incomplete {
        /// The recoveries that were run.
        recoveries: usize,
        /// The points of which every image was seen.
        points: usize,
        /// The points that there are.
        of: usize,
    },
    /// An image fails.
    Fails(Box<Failure>),
    /// Nothing was proved, for this reason.
    NotMeasured(&'static str),
}

/// An image that the recovery does not hold on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// The answer of the recovery.
    pub said: String,
    /// The last fence or sync before the cut.
    pub after: Option<&'static Location<'static>>,
    /// The step before which the power was cut, `None` at the end.
    pub before: Option<&'static Location<'static>>,
    /// The stores that the image lacks.
    pub missing: Vec<Missing>,
    /// The recoveries that were run, this one included.
    pub recoveries: usize,
}

/// A store that an image lacks, in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Missing {
    /// The first byte of the line.
    pub line: usize,
    /// The words that are missing.
    pub words: usize,
    /// The place of the store.
    pub stored: &'static Location<'static>,
    /// The reason why it is not durable.
    pub why: Why,
}

/// The reason why a store is not durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// Its line was not flushed, its page not synced.
    NotFlushed,
    /// Its line was flushed before it, and not after it.
    FlushedBefore(&'static Location<'static>),
    /// Its line was flushed, or the store needs no flush, but no fence came after that.
    NotFenced,
    /// The sync of its page failed.
    NotSynced(&'static Location<'static>),
}

impl Verdict {
    /// Whether every image was seen, and holds.
    #[must_use]
    pub const fn holds(&self) -> bool {
        matches!(self, Self::Holds { .. })
    }

    /// Returns the failure.
    #[must_use]
    pub const fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Fails(failure) => Some(failure),
            _ => None,
        }
    }

    /// Panics with the story of the verdict unless it [`holds`](Self::holds).
    ///
    /// # Panics
    ///
    /// If an image fails, and if not all of them were seen.
    #[track_caller]
    pub fn expect_holds(&self) {
        assert!(self.holds(), "{self}");
    }
}

impl Failure {
    /// Tells the failure of an image from which these stores are missing: the number of the word,
    /// and the event.
    pub(crate) fn new(
        said: String,
        machine: Machine,
        events: &[Event],
        point: usize,
        missing: &[(usize, usize)],
        recoveries: usize,
    ) -> Self {
        let before = &events[..point];
        let ends = |event: &&Event| matches!(event.action, Action::Fence | Action::Sync { .. });
        let mut lines: Vec<(usize, usize, Missing)> = vec![];
        for &(word, event) in missing {
            let line = word * WORD / LINE * LINE;
            let same = lines.iter_mut().find(|(at, store, _)| (*at, *store) == (line, event));
            if let Some((_, _, missing)) = same {
                missing.words += 1;
            } else {
                let (stored, why) = (events[event].place, why(machine, before, event, line));
                lines.push((line, event, Missing { line, words: 1, stored, why }));
            }
        }
        Self {
            said,
            after: before.iter().rev().find(ends).map(|event| event.place),
            before: events.get(point).map(|event| event.place),
            missing: lines.into_iter().map(|(.., missing)| missing).collect(),
            recoveries,
        }
    }
}

/// Returns the reason why a store's part of a line is not durable after these events.
fn why(machine: Machine, events: &[Event], store: usize, line: usize) -> Why {
    let covers = |event: &&Event| match event.action {
        Action::Flush { at, length } | Action::Sync { at, length, .. } => {
            length > 0 && at < line + LINE && line / LINE * LINE < at + length
        }
        _ => false,
    };
    let later = &events[store..];
    let failed = |event: &&Event| matches!(event.action, Action::Sync { failed: true, .. });
    if let Some(sync) = later.iter().find(failed) {
        return Why::NotSynced(sync.place);
    }
    let how = match events[store].action {
        Action::Store { how, .. } => how,
        _ => How::Plain,
    };
    if machine == Machine::PageCache {
        return Why::NotFlushed;
    }
    if machine.fence_is_enough(how) || later.iter().any(|event| covers(&event)) {
        return Why::NotFenced;
    }
    let earlier = events[..store].iter().rev();
    let mut this_epoch = earlier.take_while(|event| event.action != Action::Fence);
    match this_epoch.find(covers) {
        Some(flush) => Why::FlushedBefore(flush.place),
        None => Why::NotFlushed,
    }
}

/// A place in a program: its file's name, and the line.
struct At(&'static Location<'static>);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.0.file().rsplit(['/', '\\']).next().unwrap_or_default();
        write!(f, "{file}:{}", self.0.line())
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NotFlushed => f.write_str("never flushed before the cut"),
            Self::FlushedBefore(by) => {
                write!(f, "flushed before the store ({}), not after", At(by))
            }
            Self::NotFenced => f.write_str("no fence since"),
            Self::NotSynced(by) => write!(f, "the sync failed ({})", At(by)),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("power cut ")?;
        match self.after {
            Some(fence) => write!(f, "after the fence of {}, ", At(fence))?,
            None => f.write_str("before any fence, ")?,
        }
        match self.before {
            Some(step) => writeln!(f, "before {}", At(step))?,
            None => writeln!(f, "at the end")?,
        }
        for missing in &self.missing {
            let Missing { line, words, stored, why } = missing;
            writeln!(f, "  missing: {words} words of line {line:#x}, {}: {why}", At(stored))?;
        }
        write!(f, "  recovery {}: {}", self.recoveries, self.said)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Holds { recoveries, points } => {
                write!(f, "every image of all {points} points holds: {recoveries} recoveries")
            }
            Self::Incomplete { recoveries, points, of } => write!(
                f,
                "NOT ALL: every image of {points} of {of} points; the budget of {recoveries} \
                 recoveries is used up"
            ),
            Self::Fails(failure) => failure.fmt(f),
            Self::NotMeasured(why) => write!(f, "nothing was proved: {why}"),
        }
    }
}

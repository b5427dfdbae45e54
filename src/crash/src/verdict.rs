//! The result of looking at all that a power cut may leave.

use std::{fmt, panic::Location};

use crate::{
    machine::Machine,
    replay::Replay,
    trace::{Action, Event, How, LINE, WORD},
};

/// The result of an exploration.
#[derive(Clone, Debug, PartialEq)]
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
    Incomplete(Covered),
    /// An image fails.
    Fails(Box<Failure>),
    /// Nothing was proved, for this reason.
    NotMeasured(String),
}

/// The images that were seen where the budget was used up.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Covered {
    /// The recoveries that were run.
    pub recoveries: usize,
    /// Whether each single word was missing once, at each point.
    pub single: bool,
    /// The images that were taken at random.
    pub random: usize,
    /// The points of which every image was seen.
    pub points: usize,
    /// The points that there are.
    pub of: usize,
    /// The images of the next point that were seen, about, of 1.
    pub fraction: f64,
}

/// The place of a cut in the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct When {
    /// The last fence or sync before the cut.
    pub after: Option<&'static Location<'static>>,
    /// The step before which the power was cut, `None` at the end.
    pub before: Option<&'static Location<'static>>,
    /// The number of promises that were told before.
    pub told: usize,
}

/// An image that the recovery does not hold on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// The answer of the recovery.
    pub said: String,
    /// The cut, and the one within the recovery after it.
    pub cuts: Vec<When>,
    /// The stores that the image lacks: with any of them, the recovery holds.
    pub missing: Vec<Missing>,
    /// The lines that have to be there though they were not durable yet, and the places of their
    /// stores.
    pub early: Vec<(usize, &'static Location<'static>)>,
    /// The recoveries that were run, this one included.
    pub recoveries: usize,
    /// Those that were run to find the fewest lines.
    pub shrunk: usize,
    /// The image.
    pub replay: Replay,
}

/// A store that an image lacks, in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Missing {
    /// The first byte of the line.
    pub line: usize,
    /// The words that are missing.
    pub words: usize,
    /// The place of the store; where it went past the steps, that of the view or of the next step.
    pub stored: &'static Location<'static>,
    /// Whether it was seen when it was made.
    pub seen: bool,
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

impl When {
    pub(crate) fn new(before: &[Event], next: Option<&Event>) -> Self {
        let ends = |event: &&Event| matches!(event.action, Action::Fence | Action::Sync { .. });
        let after = before.iter().rev().find(ends).map(|event| event.place);
        let told = before.iter().filter(|event| event.action == Action::Promise).count();
        Self { after, before: next.map(|event| event.place), told }
    }
}

/// Returns the stores of words, each with its line, the number of its words there, and its event.
pub(crate) fn stores(words: impl Iterator<Item = (usize, usize)>) -> Vec<(usize, usize, usize)> {
    let mut stores: Vec<(usize, usize, usize)> = vec![];
    for (word, event) in words {
        let line = word * WORD / LINE * LINE;
        match stores.iter_mut().find(|(at, _, store)| (*at, *store) == (line, event)) {
            Some((_, words, _)) => *words += 1,
            None => stores.push((line, 1, event)),
        }
    }
    stores
}

/// Returns the reason why a store's part of a line is not durable after these events.
pub(crate) fn why(machine: Machine, events: &[Event], store: usize, line: usize) -> Why {
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
pub(crate) struct Place(pub(crate) &'static Location<'static>);

impl fmt::Display for Place {
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
                write!(f, "flushed before the store ({}), not after", Place(by))
            }
            Self::NotFenced => f.write_str("no fence since"),
            Self::NotSynced(by) => write!(f, "the sync failed ({})", Place(by)),
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, words, stored, seen, why } = self;
        let past = if *seen { "" } else { " past the steps, found at" };
        let words = if *words == 1 { "1 word".to_owned() } else { format!("{words} words") };
        write!(f, "missing: {words} of line {line:#x}, stored{past} {}: {why}", Place(stored))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, When { after, before, told }) in self.cuts.iter().enumerate() {
            f.write_str(if number == 0 { "power cut " } else { "and then in the recovery " })?;
            match after {
                Some(fence) => write!(f, "after the fence of {}, ", Place(fence))?,
                None => f.write_str("before any fence, ")?,
            }
            match before {
                Some(step) => write!(f, "before {}", Place(step))?,
                None => f.write_str("at the end")?,
            }
            writeln!(f, "{}", if number == 0 { format!(", {told} told") } else { String::new() })?;
        }
        self.missing.iter().try_for_each(|missing| writeln!(f, "  {missing}"))?;
        for (line, stored) in &self.early {
            writeln!(f, "  early: line {line:#x}, stored {}, not durable yet", Place(stored))?;
        }
        writeln!(f, "  recovery: {}", self.said)?;
        writeln!(
            f,
            "  found in recovery {}, {} more for these lines",
            self.recoveries, self.shrunk
        )?;
        write!(f, "  again: PMEM2_CRASH_REPLAY='{}'", self.replay)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Holds { recoveries, points } => {
                write!(f, "every image of all {points} points holds: {recoveries} recoveries")
            }
            Self::Incomplete(covered) => {
                let Covered { recoveries, single, random, points, of, fraction } = covered;
                f.write_str("NOT ALL: ")?;
                if *single {
                    write!(f, "each single word missing at each point; {random} at random; ")?;
                }
                write!(
                    f,
                    "every image of {points} of {of} points, about {:.1} % of the next; the \
                     budget of {recoveries} recoveries is used up",
                    fraction * 100.0
                )
            }
            Self::Fails(failure) => failure.fmt(f),
            Self::NotMeasured(why) => write!(f, "nothing was proved: {why}"),
        }
    }
}

//! Cuts the power at every point of a trace, and runs the recovery on the images.

use std::{
    borrow::Cow,
    collections::BTreeSet,
    error::Error,
    ops::ControlFlow::{self, Break, Continue},
    sync::Arc,
};

use crate::{
    cut::History,
    device::Device,
    disk::Disk,
    image::Image,
    machine::Machine,
    panics,
    recovery::{Plan, Random, Recovery, Wish, Within},
    replay::Replay,
    trace::{Action, Event, LINE, Trace, WORD},
    verdict::{Covered, Failure, Missing, Verdict, When, stores, why},
};

/// The answer of a workload or a recovery: `()`, or `Result<(), Box<dyn Error>>`, which takes what
/// `?` does. A panic is an answer, too.
pub trait Answer {
    /// Returns what is wrong.
    fn said(self) -> Result<(), String>;
}

impl Answer for () {
    fn said(self) -> Result<(), String> {
        Ok(())
    }
}

/// Whatever `?` takes.
impl Answer for Result<(), Box<dyn Error>> {
    fn said(self) -> Result<(), String> {
        self.map_err(|error| error.to_string())
    }
}

/// An exploration: the machine, and its bounds.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Model {
    pub(crate) machine: Machine,
    pub(crate) budget: usize,
    pub(crate) loads: usize,
    pub(crate) depth: usize,
    pub(crate) quick: bool,
    pub(crate) whole: bool,
    pub(crate) accepts_incomplete: bool,
    pub(crate) schedules: u64,
}

impl Model {
    /// Returns the exploration on this machine, of at most 100,000 recoveries, each of which may
    /// load 1,000,000 times, and with one more cut in each.
    pub const fn new(machine: Machine) -> Self {
        Self {
            machine,
            budget: 100_000,
            loads: 1_000_000,
            depth: 1,
            quick: true,
            whole: false,
            accepts_incomplete: false,
            schedules: 16,
        }
    }

    /// Bounds the number of recoveries. Where the bound is met, the verdict is
    /// [`Verdict::Incomplete`].
    pub const fn budget(mut self, recoveries: usize) -> Self {
        self.budget = recoveries;
        self
    }

    /// Bounds the loads of a recovery. One that goes on is said never to return.
    pub const fn loads(mut self, loads: usize) -> Self {
        self.loads = loads;
        self
    }

    /// Cuts the power so many times more within a recovery that stores: once where nothing is said.
    pub const fn depth(mut self, cuts: usize) -> Self {
        self.depth = cuts;
        self
    }

    /// Leaves out the single words and those at random, and looks at all images one after the
    /// other: for counts of images.
    pub const fn exactly(mut self) -> Self {
        self.quick = false;
        self
    }

    /// Decides all that a recovery maps at once, which takes many more recoveries: for those that
    /// look at the memory past the steps, by an address or a slice.
    pub const fn whole(mut self) -> Self {
        self.whole = true;
        self
    }

    /// Takes a bound that was met for a pass.
    pub const fn accept_incomplete(mut self) -> Self {
        self.accepts_incomplete = true;
        self
    }

    /// Runs a workload of several threads by this many schedules, where nothing is said by 16.
    pub const fn schedules(mut self, number: u64) -> Self {
        self.schedules = number;
        self
    }

    /// Runs `recover` on every image that it can tell from the others, at every point of the trace,
    /// with what was promised before. It reads the disk, checks what it finds, and says what is
    /// wrong. It must do the same each time that it finds the same.
    ///
    /// Where there are more than 1,000 images, first each single word is missing, then come 200
    /// images at random, and then all of them; at last those of a second cut within the recovery.
    pub fn explore<P, A: Answer>(
        &self,
        trace: &Trace<P>,
        recover: impl FnMut(Disk<'_>, &[P]) -> A,
    ) -> Verdict {
        if let Some(refused) = trace.refused() {
            return Verdict::NotMeasured(refused.clone());
        }
        if !trace.events().iter().any(|event| matches!(event.action, Action::Store { .. })) {
            return Verdict::NotMeasured("the run stores nothing".to_owned());
        }
        let mut search = Search::new(self, trace, recover);
        if let Break(verdict) = search.all() {
            return verdict;
        }
        if !search.looked {
            return Verdict::NotMeasured("the recovery reads nothing".to_owned());
        }
        Verdict::Holds { recoveries: search.covered.recoveries, points: search.covered.of }
    }

    /// Runs `recover` on one image again. Returns what it says.
    ///
    /// # Errors
    ///
    /// The answer of the recovery, or that the trace has no such image.
    pub fn replay<P, A: Answer>(
        &self,
        trace: &Trace<P>,
        replay: &Replay,
        recover: impl FnMut(Disk<'_>, &[P]) -> A,
    ) -> Result<(), String> {
        let none = "this run has no such cut";
        let mut search = Search::new(self, trace, recover);
        let mut cuts = replay.cuts.iter();
        let (first, wish) = cuts.next().ok_or(none)?;
        let events = trace.events().get(..*first).ok_or(none)?;
        let (mut cut, mut wish) = (search.first_cut(events), wish);
        for (point, next) in cuts {
            let (recovery, _) = search.run(&cut.image, Plan::Wish(wish.clone()), true, cut.told);
            let within = recovery.within.iter().find(|w| w.point == *point).ok_or(none)?;
            cut = search.cut_within(&cut, &recovery, within);
            wish = next;
        }
        search.run(&cut.image, Plan::Wish(wish.clone()), false, cut.told).1
    }

    /// Leaves each flush, fence and sync out in turn, alone, and returns those that the recovery
    /// would not miss: they are not needed, or nobody looks at what they are for, or another one
    /// does the same. Take one away, and ask again.
    pub fn needed<P: Clone, A: Answer>(
        &self,
        trace: &Trace<P>,
        mut recover: impl FnMut(Disk<'_>, &[P]) -> A,
    ) -> Needed {
        let mut needed = Needed::default();
        for (number, event) in trace.events().iter().enumerate() {
            if matches!(event.action, Action::Store { .. } | Action::Promise) {
                continue;
            }
            match self.explore(&trace.without(number), &mut recover) {
                Verdict::Fails(_) => needed.missed += 1,
                _ => needed.others.push(event.clone()),
            }
        }
        needed
    }
}

/// The answer of [`Model::needed`].
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Needed {
    /// The flushes, fences and syncs without which a recovery fails.
    pub missed: usize,
    /// Those without which none does.
    pub others: Vec<Event>,
}

/// The images that are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Those that lack one word, each.
    Single,
    /// Some.
    Random,
    All,
}

/// The images of [`Way::Random`].
const RANDOM: usize = 200;

/// So few are all looked at before anything else.
const FEW: usize = 1000;

/// A cut, after all that led to it.
pub(crate) struct At<'e, P> {
    pub(crate) image: Image,
    /// All events before it, those of recoveries after cuts among them.
    pub(crate) events: Cow<'e, [Event]>,
    pub(crate) cuts: Vec<When>,
    /// The number of events since the cut before.
    pub(crate) point: usize,
    /// The cuts before, as they are replayed, and what they left out.
    pub(crate) before: Vec<(usize, Wish)>,
    pub(crate) missing: Vec<(usize, usize)>,
    told: &'e [P],
}

struct Search<'t, P, F> {
    model: Model,
    trace: &'t Trace<P>,
    recover: F,
    covered: Covered,
    /// The recoveries after which this walk ends.
    limit: usize,
    /// Whether a recovery has stored anything.
    stored: bool,
    looked: bool,
}

impl<'t, P, A: Answer, F: FnMut(Disk<'_>, &[P]) -> A> Search<'t, P, F> {
    fn new(model: &Model, trace: &'t Trace<P>, recover: F) -> Self {
        let covered = Covered { of: trace.points().len(), ..Covered::default() };
        let limit = model.budget;
        Self { model: *model, trace, recover, covered, limit, stored: false, looked: false }
    }

    /// Looks at all images, those of a second cut last. Where there are many, first at those that
    /// show most bugs.
    fn all(&mut self) -> ControlFlow<Verdict> {
        for again in (0..=self.model.depth).step_by(self.model.depth.max(1)) {
            if again > 0 && !self.stored {
                break;
            }
            if self.model.quick {
                let few = FEW.min(self.model.budget / 4);
                self.limit = self.model.budget.min(self.covered.recoveries + few);
                match self.walk(Way::All, again) {
                    Break(Verdict::Incomplete(_)) => {}
                    Break(verdict) => return Break(verdict),
                    Continue(()) => continue,
                }
                self.limit = self.model.budget;
                self.walk(Way::Single, again)?;
                if again == 0 {
                    self.walk(Way::Random, 0)?;
                }
            }
            self.walk(Way::All, again)?;
        }
        Continue(())
    }

    /// Runs one recovery.
    fn run(
        &mut self,
        image: &Image,
        plan: Plan,
        again: bool,
        told: &[P],
    ) -> (Recovery, Result<(), String>) {
        let recovery = Recovery::new(image.clone(), plan, again, self.model.loads);
        let device = Device::recovering(recovery, self.trace.granularity(), self.model.whole);
        let said = panics::caught(|| (self.recover)(Disk::new(&device), told).said());
        let mut recovery = device.into_recovery().expect("a recovery");
        self.covered.recoveries += 1;
        self.stored |= recovery.end();
        self.looked |= recovery.looked;
        (recovery, said)
    }

    fn first_cut(&self, events: &[Event]) -> At<'t, P> {
        let mut history = History::new(self.trace.before(), self.model.machine);
        history.walk(events);
        self.cut(&history, events.len())
    }

    fn cut(&self, history: &History, point: usize) -> At<'t, P> {
        let events = self.trace.events();
        At {
            image: Image::new(Arc::new(history.cut())),
            cuts: vec![When::new(&events[..point], events.get(point))],
            events: Cow::Borrowed(&events[..point]),
            point,
            before: vec![],
            missing: vec![],
            told: self.trace.promised_before(point),
        }
    }

    fn cut_within(&self, cut: &At<'t, P>, recovery: &Recovery, within: &Within) -> At<'t, P> {
        let (mut events, mut cuts) = (cut.events.to_vec(), cut.cuts.clone());
        let (mut before, mut missing) = (cut.before.clone(), cut.missing.clone());
        before.push((cut.point, recovery.wish()));
        missing.extend(within.image.missing());
        let (machine, first) = (self.model.machine, events.len());
        let mut history = History::later(&recovery.medium, machine, first, before.len());
        let (done, left) = recovery.events.split_at(within.point);
        history.walk(done);
        events.extend_from_slice(done);
        cuts.push(When::new(&events[first..], left.first()));
        let image = within.image.again(&history);
        let events = Cow::Owned(events);
        At { image, events, cuts, point: within.point, before, missing, told: cut.told }
    }

    /// Looks at the images of all points.
    fn walk(&mut self, way: Way, again: usize) -> ControlFlow<Verdict> {
        let points = self.trace.points();
        let mut random = Random(1);
        let picked: BTreeSet<(usize, usize)> = match way {
            Way::Random => (0..RANDOM).map(|n| (random.below(points.len()), n)).collect(),
            _ => (0..points.len()).map(|point| (point, 0)).collect(),
        };
        if way == Way::All {
            self.covered.points = 0;
        }
        let mut history = History::new(self.trace.before(), self.model.machine);
        let mut walked = 0;
        for (point, seed) in picked {
            history.walk(&self.trace.events()[walked..points[point]]);
            walked = points[point];
            let cut = self.cut(&history, walked);
            self.images(&cut, way, seed, again)?;
            self.covered.points += usize::from(way == Way::All);
        }
        match way {
            Way::Single => self.covered.single = true,
            Way::Random => self.covered.random = RANDOM,
            Way::All => {}
        }
        Continue(())
    }

    /// Looks at the images of a cut.
    fn images(
        &mut self,
        cut: &At<'t, P>,
        way: Way,
        seed: usize,
        again: usize,
    ) -> ControlFlow<Verdict> {
        match way {
            Way::All => {
                let mut plan = Some(Plan::Path(vec![]));
                let mut seen = 0.0;
                while let Some(this) = plan {
                    self.covered.fraction = seen;
                    let recovery = self.image(cut, this, way, again)?;
                    seen += recovery.share();
                    plan = recovery.next();
                }
            }
            Way::Random => {
                self.image(cut, Plan::Random(Random(seed as u64)), way, again)?;
            }
            Way::Single => {
                let whole = self.image(cut, Plan::Wish(Wish::new()), way, again)?;
                for choice in &whole.made {
                    for version in (choice.oldest..choice.newest).rev() {
                        let wish = Wish::from([(choice.word, version)]);
                        self.image(cut, Plan::Wish(wish), way, again)?;
                    }
                }
            }
        }
        Continue(())
    }

    /// Looks at one image, and at those of second cuts within its recovery.
    fn image(
        &mut self,
        cut: &At<'t, P>,
        plan: Plan,
        way: Way,
        again: usize,
    ) -> ControlFlow<Verdict, Recovery> {
        if self.covered.recoveries >= self.limit {
            return Break(Verdict::Incomplete(self.covered));
        }
        let (mut recovery, said) = self.run(&cut.image, plan, again > 0, cut.told);
        if recovery.diverged() {
            let said = "the recovery does not do the same each time".to_owned();
            return Break(Verdict::NotMeasured(said));
        }
        if let Err(said) = said {
            return Break(Verdict::Fails(Box::new(self.shrink(cut, recovery, said))));
        }
        let within = std::mem::take(&mut recovery.within);
        for place in &within {
            let cut = self.cut_within(cut, &recovery, place);
            self.images(&cut, way, 0, again - 1)?;
        }
        Continue(recovery)
    }

    /// Finds the fewest lines that have to be missing for the failure, and those that have to be
    /// there early.
    fn shrink(&mut self, cut: &At<'t, P>, mut recovery: Recovery, mut said: String) -> Failure {
        let (machine, found) = (self.model.machine, self.covered.recoveries);
        let line = |word: usize| word * WORD / LINE;
        let lines = |wish: &Wish| wish.keys().map(|&word| line(word)).collect::<BTreeSet<_>>();
        let oldest = |lines: &BTreeSet<usize>| {
            let words = cut.image.in_flight().filter(|&word| lines.contains(&line(word)));
            words.map(|word| (word, 0)).collect::<Wish>()
        };
        let mut fails = |wish: &Wish| {
            let (recovery, said) = self.run(&cut.image, Plan::Wish(wish.clone()), false, cut.told);
            said.err().map(|said| (recovery, said))
        };
        let mut wish = recovery.wish();
        let mut less = lines(&wish).into_iter().map(|line| (Some(line), 0)).collect::<Vec<_>>();
        less.extend(wish.keys().map(|&word| (None, word)));
        for (of_line, this) in less {
            let mut less = wish.clone();
            less.retain(|&word, _| of_line.map_or(word != this, |of_line| line(word) != of_line));
            if less.len() < wish.len()
                && let Some(failed) = fails(&less)
            {
                (recovery, said) = failed;
                wish = less;
            }
        }
        // Whole lines read better than words, where they fail as well.
        let missing_lines = lines(&wish);
        let whole = oldest(&missing_lines);
        if whole != wish
            && let Some(failed) = fails(&whole)
        {
            (recovery, said) = failed;
            wish = whole;
        }
        // The other way: what fails as well where it is missing, need not be there early.
        let looked: BTreeSet<usize> = recovery.made.iter().map(|made| line(made.word)).collect();
        let (mut early, mut aside) = (BTreeSet::new(), wish.clone());
        for &this in looked.difference(&missing_lines) {
            let mut less = aside.clone();
            less.extend(oldest(&BTreeSet::from([this])));
            if fails(&less).is_some() {
                aside = less;
            } else {
                early.insert(this);
            }
        }
        let mut missing = cut.missing.clone();
        missing.extend(recovery.image().missing());
        let there = recovery.image().early().filter(|&(word, _)| early.contains(&line(word)));
        let early = stores(there);
        let missing = stores(missing.into_iter());
        let missing = missing.into_iter().map(|(line, words, event)| {
            let (stored, why) = (cut.events[event].clone(), why(machine, &cut.events, event, line));
            Missing { line, words, stored: stored.place, seen: stored.is_seen(), why }
        });
        let mut cuts = cut.before.clone();
        cuts.push((cut.point, recovery.wish()));
        Failure {
            said,
            cuts: cut.cuts.clone(),
            missing: missing.collect(),
            early: early.iter().map(|&(line, _, event)| (line, cut.events[event].place)).collect(),
            recoveries: found,
            shrunk: self.covered.recoveries - found,
            replay: Replay { schedule: 0, cuts },
        }
    }
}

//! A recovery from an image: decides the words that it looks at, as a plan says.

use std::{collections::BTreeMap, panic};

use crate::{
    image::Image,
    trace::{Action, Event, PAGE, WORD},
};

/// A word that was decided, the versions that it could have, and the one that it got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) word: usize,
    pub(crate) oldest: usize,
    pub(crate) newest: usize,
    pub(crate) taken: usize,
}

/// The versions of words, by their numbers. All others have the newest one.
pub(crate) type Wish = BTreeMap<usize, usize>;

/// The way in which words are decided.
#[derive(Clone, Debug)]
pub(crate) enum Plan {
    /// As in the recovery before, and then the newest version.
    Path(Vec<Choice>),
    /// As wished.
    Wish(Wish),
    /// At random.
    Random(Random),
}

/// Random numbers, the same each time.
#[derive(Clone, Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) as usize % end
    }
}

/// The end of a recovery that never returns.
pub(crate) struct Endless;

/// A cut within a recovery.
#[derive(Clone, Debug)]
pub(crate) struct Within {
    /// The image then, with what the recovery has stored.
    pub(crate) image: Image,
    /// The number of its events before.
    pub(crate) point: usize,
}

/// The recovery in progress.
#[derive(Debug)]
pub(crate) struct Recovery {
    image: Image,
    /// The bytes without those that it stored.
    pub(crate) medium: Vec<u8>,
    plan: Plan,
    pub(crate) made: Vec<Choice>,
    /// Whether it looked at bytes, or at a length that is not the only one the file may have.
    pub(crate) looked: bool,
    /// The loads that are left.
    left: usize,
    /// Whether it did something else than the one that the plan was made by.
    diverged: bool,
    /// Whether the power may be cut once more.
    again: bool,
    pub(crate) events: Vec<Event>,
    pub(crate) within: Vec<Within>,
    stored: bool,
}

impl Recovery {
    /// Begins with an image, and ends after so many loads.
    pub(crate) fn new(image: Image, plan: Plan, again: bool, left: usize) -> Self {
        let (made, events, within) = (vec![], vec![], vec![]);
        let (looked, diverged, stored) = (false, false, false);
        let medium = if again { image.bytes().to_vec() } else { vec![] };
        Self { image, medium, plan, made, looked, left, diverged, again, events, within, stored }
    }

    pub(crate) fn load(&mut self, at: usize, to: &mut [u8]) {
        let Some(left) = self.left.checked_sub(1) else {
            panic::resume_unwind(Box::new(Endless));
        };
        self.left = left;
        let made = self.made.len();
        self.look(at, to.len());
        self.looked |= self.made.len() > made || at + PAGE < self.image.bytes().len();
        to.copy_from_slice(&self.image.bytes()[at..at + to.len()]);
    }

    /// Does a step.
    pub(crate) fn act(&mut self, event: Event) {
        if event.is_point() {
            self.cut();
        }
        if let Action::Store { at, bytes, .. } = &event.action {
            self.stored = true;
            let end = at + bytes.len();
            // Where the power is cut once more, the old bytes may be seen.
            self.look(*at, if self.again { bytes.len() } else { 0 });
            for edge in [*at, end].into_iter().filter(|edge| !edge.is_multiple_of(WORD)) {
                self.look(edge, 1);
            }
            self.image.store(*at, bytes);
        }
        if self.again {
            self.events.push(event);
        }
    }

    /// Takes note of a cut within the recovery, unless one that made the same choices had it.
    fn cut(&mut self) {
        let known = matches!(&self.plan, Plan::Path(path) if self.made.len() < path.len());
        if self.again && self.stored && !known {
            self.within.push(Within { image: self.image.clone(), point: self.events.len() });
        }
    }

    /// Ends it: the power is not cut any more. Returns whether it stored anything.
    pub(crate) fn end(&mut self) -> bool {
        self.cut();
        self.again = false;
        self.stored
    }

    /// Decides the words that have one of these bytes.
    pub(crate) fn look(&mut self, at: usize, length: usize) {
        if length > 0 {
            for word in at / WORD..(at + length).div_ceil(WORD) {
                if let Some(index) = self.image.undecided(word) {
                    self.choose(index);
                }
            }
        }
    }

    fn choose(&mut self, index: usize) {
        let (oldest, newest) = self.image.choices(index).into_inner();
        let mut choice = Choice { word: self.image.word(index), oldest, newest, taken: newest };
        if oldest < newest {
            match &mut self.plan {
                Plan::Path(path) => {
                    if let Some(&planned) = path.get(self.made.len()) {
                        self.diverged |= Choice { taken: newest, ..planned } != choice;
                        choice.taken = planned.taken.clamp(oldest, newest);
                    }
                }
                Plan::Wish(wish) => {
                    if let Some(&wished) = wish.get(&choice.word) {
                        choice.taken = wished.clamp(oldest, newest);
                    }
                }
                Plan::Random(random) => choice.taken = oldest + random.below(newest - oldest + 1),
            }
            self.made.push(choice);
        }
        self.image.decide(index, choice.taken);
        if self.again {
            let bytes = choice.word * WORD..(choice.word + 1) * WORD;
            self.medium[bytes.clone()].copy_from_slice(&self.image.bytes()[bytes]);
        }
    }

    /// Whether it made other choices than when it was run before.
    pub(crate) fn diverged(&self) -> bool {
        self.diverged || matches!(&self.plan, Plan::Path(path) if self.made.len() < path.len())
    }

    /// Returns the image, as far as it is decided.
    pub(crate) const fn image(&self) -> &Image {
        &self.image
    }

    /// Returns the wish that leads here.
    pub(crate) fn wish(&self) -> Wish {
        let older = self.made.iter().filter(|choice| choice.taken < choice.newest);
        older.map(|choice| (choice.word, choice.taken)).collect()
    }

    /// Returns the share of all images that this one stands for, about.
    pub(crate) fn share(&self) -> f64 {
        let of = |choice: &Choice| (choice.newest - choice.oldest + 1) as f64;
        self.made.iter().map(of).product::<f64>().recip()
    }

    /// Returns the path of the next recovery, `None` after the last one.
    pub(crate) fn next(self) -> Option<Plan> {
        let mut path = self.made;
        while let Some(last) = path.last_mut() {
            if last.taken > last.oldest {
                last.taken -= 1;
                return Some(Plan::Path(path));
            }
            path.pop();
        }
        None
    }
}

//! A recovery from an image: decides the words that it looks at, as a plan says.

use crate::{image::Image, trace::WORD};

/// A word that was decided: how many versions it could have, and which one it got, counted from the
/// newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) of: usize,
    pub(crate) taken: usize,
}

/// The recovery in progress.
#[derive(Debug)]
pub(crate) struct Recovery {
    image: Image,
    plan: Vec<Choice>,
    made: Vec<Choice>,
    loads: usize,
    /// Whether it did something else than the one that the plan was made by.
    diverged: bool,
}

impl Recovery {
    /// Begins with an image. The first choices are those of the plan, all others take the newest
    /// version.
    pub(crate) fn new(image: Image, plan: Vec<Choice>) -> Self {
        Self { image, plan, made: vec![], loads: 0, diverged: false }
    }

    pub(crate) fn load(&mut self, at: usize, to: &mut [u8]) {
        self.loads += 1;
        self.look(at, to.len());
        to.copy_from_slice(&self.image.bytes()[at..at + to.len()]);
    }

    pub(crate) fn store(&mut self, at: usize, bytes: &[u8]) {
        let end = at + bytes.len();
        for edge in [at, end].into_iter().filter(|edge| !edge.is_multiple_of(WORD)) {
            self.look(edge, 1);
        }
        self.image.store(at, bytes);
    }

    /// Decides the words that have one of these bytes.
    fn look(&mut self, at: usize, length: usize) {
        if length > 0 {
            for word in at / WORD..(at + length).div_ceil(WORD) {
                if let Some(index) = self.image.undecided(word) {
                    self.choose(index);
                }
            }
        }
    }

    fn choose(&mut self, index: usize) {
        let choices = self.image.choices(index);
        let of = choices.end() - choices.start() + 1;
        let mut taken = 0;
        if of > 1 {
            if let Some(planned) = self.plan.get(self.made.len()) {
                self.diverged |= planned.of != of;
                taken = planned.taken.min(of - 1);
            }
            self.made.push(Choice { of, taken });
        }
        self.image.decide(index, choices.end() - taken);
    }

    pub(crate) const fn loads(&self) -> usize {
        self.loads
    }

    /// Whether it made other choices than when it was run before.
    pub(crate) fn diverged(&self) -> bool {
        self.diverged || self.made.len() < self.plan.len()
    }

    /// Returns the image, as far as it is decided.
    pub(crate) const fn image(&self) -> &Image {
        &self.image
    }

    /// Returns the plan of the next recovery, `None` after the last one.
    pub(crate) fn next(self) -> Option<Vec<Choice>> {
        let mut plan = self.made;
        while let Some(last) = plan.last_mut() {
            last.taken += 1;
            if last.taken < last.of {
                return Some(plan);
            }
            plan.pop();
        }
        None
    }
}

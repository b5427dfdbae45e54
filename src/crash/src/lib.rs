//! Power cuts for tests: every image of persistent memory that one may leave.
//!
//! A test runs its workload once, and records each step as an [`Event`] of a [`Trace`]. [`Model`]
//! then cuts the power at each point where cuts differ, and runs the recovery on every image that
//! the [`Machine`] may leave there and that the recovery can tell from the others. Its [`Verdict`]
//! says whether all were seen: a bound that was met is never a pass.
//!
//! # The model
//!
//! - An *atom* is what one store did to one aligned word of 8 bytes; where it stored only a part of
//!   it, to each naturally aligned piece of 4, 2 or 1 bytes, in ascending order. An image is a set
//!   of atoms: all that are durable, and any others, as long as the machine's order allows it.
//! - Words of the same bytes as before are no atoms: nobody can tell.
//! - A store is durable once its line was flushed after it, and a fence came after that; a
//!   streaming store after a fence; where the page cache holds it, after a sync of its page.
//! - Power is cut before fences, syncs and promises, and at the end. A cut anywhere else leaves an
//!   image that the next of these leaves too, with the same promises.
//! - Words are decided when the recovery looks at them. Those it overwrites or never reads are not.
//!
//! `tests/exact` compares the images of all short programs with a machine that is written down
//! in another way.
//!
//! Not modelled: threads that share lines; hardware that breaks the architecture's promises.

mod check;
mod cut;
mod device;
mod disk;
mod explore;
mod faults;
mod hints;
mod image;
mod machine;
mod memory;
mod panics;
mod recovery;
mod replay;
mod run;
mod steps;
mod trace;
mod transfers;
mod turns;
mod verdict;

pub use check::model;
pub use cut::{Cut, History};
pub use disk::Disk;
pub use explore::{Answer, Model, Needed};
pub use hints::{Hint, Hints};
pub use image::Image;
pub use machine::Machine;
pub use replay::Replay;
pub use run::{Run, Tell};
pub use trace::{Action, Event, How, LINE, PAGE, Trace, WORD};
pub use verdict::{Covered, Failure, Missing, Verdict, When, Why};

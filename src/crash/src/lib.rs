//! Power cuts for tests: every image of persistent memory that one may leave.
//!
//! A [`Trace`] has each step of a workload as an [`Event`]. Power is cut at each point where cuts
//! differ, and leaves every [`Image`] that the [`Machine`] allows there.
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
//! `tests/exact.rs` compares the images of all short programs with a machine that is written down
//! in another way.
//!
//! Not modelled: other threads; hardware that breaks the architecture's promises.

mod cut;
mod image;
mod machine;
mod trace;

pub use cut::{Cut, History};
pub use image::Image;
pub use machine::Machine;
pub use trace::{Action, Event, How, LINE, PAGE, Trace, WORD};

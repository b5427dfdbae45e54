//! Windows: what each handle gives, and what its source answers. Run under Wine by ci/wine, with a
//! console.
#![cfg(windows)]

mod descriptors;
mod made;
mod rows;
mod sources;
mod stored;
mod transfers;
#[path = "../common/whats.rs"]
mod whats;
mod words;

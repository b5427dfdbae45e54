//! Everything that the host and the guest have to agree on: the machines, the tests that run in
//! each, and how the guest reports.

pub mod machine;
mod machines;
pub mod plan;
pub mod report;

pub use machines::{machines, planted};

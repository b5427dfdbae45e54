//! The core over a platform that is a script: what it decides, and what comes of each failure of
//! each call.

mod admission;
mod badblocks;
mod conforms;
mod failures;
mod granularity;
mod identity;
mod land;
mod lenient;
mod map;
mod mapped;
mod medium;
mod persist;
mod place;
mod range;
mod reasons;
mod report;
mod report_place;
mod script;
mod transfer;
mod transfer_failures;
#[path = "../common/whats.rs"]
mod whats;
mod world;

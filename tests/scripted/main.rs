//! The core over a platform that is a script: what it decides, and what comes of each failure of each call.

mod admission;
mod failures;
mod range;
mod report;
mod script;

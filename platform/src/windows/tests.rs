//! The Windows backend over a script of its calls: on every host.

mod errors;
mod facts;
mod faults;
mod volumes;
mod world;

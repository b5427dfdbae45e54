//! The Windows backend over a script of its calls: on every host.

mod disk;
mod errors;
mod facts;
mod faults;
mod transfers;
mod volumes;
mod world;

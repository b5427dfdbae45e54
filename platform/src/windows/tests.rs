//! The Windows backend over a script of its calls, on every host; and the calls themselves, on
//! Windows.

mod disk;
mod errors;
mod facts;
mod faults;
#[cfg(windows)]
mod kernel;
mod pending;
mod transfers;
mod volumes;
mod world;

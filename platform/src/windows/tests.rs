//! The Windows backend over a script of its calls, on every host; and the calls themselves, on Windows.

mod errors;
mod facts;
mod faults;
#[cfg(windows)]
mod kernel;
mod volumes;
mod world;

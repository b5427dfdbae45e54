//! The built binary, run on real things.

mod descriptors;
mod devices;
mod kinds;
mod output;
mod rights;
mod support;
mod sysfs;
mod tables;
mod whereabouts;

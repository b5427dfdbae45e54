//! Constructors that name a system.

mod bare;
mod fd;

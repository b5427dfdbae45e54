//! Constructors that name a system.

mod fd;

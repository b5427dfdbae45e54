//! Tests that need no fault: the copy against bytes, and with made-up ones at each instruction,
//! their judgement, and an installation into a system that fails.

mod copies;
/// x86-64's trap flag.
#[cfg(target_arch = "x86_64")]
mod imprecise;
mod installation;
mod judgement;

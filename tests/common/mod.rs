//! Helpers that the tests with real descriptors share.
#![allow(dead_code, reason = "each test program uses a part of this")]

pub(crate) mod child;
pub(crate) mod device_dax;
pub(crate) mod filter;
pub(crate) mod libpmem2;
pub(crate) mod made;
pub(crate) mod nd;
#[macro_use]
pub(crate) mod root;
pub(crate) mod rows;
pub(crate) mod rows_refused;
pub(crate) mod thread;
pub(crate) mod trace;

use pmem2::Fd;

/// A descriptor by its number, as a C program hands it over.
pub(crate) fn fd(raw: i32) -> Fd<'static> {
    // SAFETY: borrow_raw wants a descriptor that stays open while it is used, or a number that is
    // none all the time. The tests keep what they made a number of until they are through with it,
    // on threads where nobody else opens anything; where a test breaks the rule on purpose, nothing
    // is mapped and a wrong answer is all there can be.
    unsafe { Fd::borrow_raw(raw) }
}

/// Says something in the test's output whether it passes or not: the harness keeps back only what
/// is printed by macros.
pub(crate) fn say(text: &str) {
    use std::io::Write;
    writeln!(std::io::stderr(), "note: {text}").expect("standard error takes a line");
}

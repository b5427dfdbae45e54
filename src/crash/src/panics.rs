//! Panics, as answers.
#![allow(
    clippy::missing_const_for_thread_local,
    reason = "they are const; of targets without thread-local storage clippy says so all the same"
)]

use std::{
    cell::{Cell, RefCell},
    panic::{self, AssertUnwindSafe},
    sync::Once,
};

use crate::recovery::Endless;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs a recovery. A panic, and that it does not end, is what it says.
pub(crate) fn caught(recover: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |info| match info.location() {
            Some(at) if QUIET.get() => PLACE.set(format!("{}:{}", at.file(), at.line())),
            _ => others(info),
        }));
    });
    let before = QUIET.replace(true);
    let said = panic::catch_unwind(AssertUnwindSafe(recover));
    QUIET.set(before);
    said.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        Err(match text.or_else(|| panic.downcast_ref::<String>().cloned()) {
            _ if panic.is::<Endless>() => "it never returns".to_owned(),
            Some(text) => format!("panicked at {}: {text}", PLACE.take()),
            None => "panicked".to_owned(),
        })
    })
}

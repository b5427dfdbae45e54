//! Measurements of a release build, on Linux: see the tests, and ci/measure.

pub mod stack;

/// Fails in a debug build: what it uses is nobody's concern, and its figures would be taken for the
/// others.
pub fn only_in_release() {
    if cfg!(debug_assertions) {
        panic!("only a release build is measured: see ci/measure");
    }
}

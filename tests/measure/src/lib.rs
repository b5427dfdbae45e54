//! Measurements of a release build on Linux. ci/measure runs the tests.

pub mod stack;

/// Fails in a debug build, whose figures mean nothing.
pub fn only_in_release() {
    if cfg!(debug_assertions) {
        panic!("only a release build is measured: see ci/measure");
    }
}

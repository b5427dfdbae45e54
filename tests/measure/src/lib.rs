//! Measurements of a release build: see the tests.

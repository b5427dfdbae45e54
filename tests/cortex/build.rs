//! How the programs are linked: one memory map that all boards of ci/cortex have.

use std::env;

fn main() {
    let directory =
        env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|e| panic!("CARGO_MANIFEST_DIR: {e}"));
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/board.ld");
    println!("cargo::rustc-link-arg-bins=-T{directory}/src/board.ld");
}

//! Links a program that brings its own start and needs no library. The arguments are for the
//! program only, not for build scripts and proc macros.

use std::{env, ffi::OsString};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // ci/cross links with lld. Otherwise a C compiler links, and would add its own.
    let lld = env::var_os("RUSTC_LINKER")
        .is_some_and(|linker: OsString| linker.to_string_lossy().ends_with("lld"));
    let compiler: &[&str] = if lld { &[] } else { &["-nostartfiles", "-nodefaultlibs"] };
    for argument in compiler.iter().chain(&["-nostdlib", "-static", "-no-pie"]) {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
}

//! Links programs that bring their own start: no C library, and no memory map, since nothing runs.

use std::{env, ffi::OsString};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // rust-lld links for the microcontroller. A C compiler links for Linux, and would add its own.
    let lld = env::var_os("RUSTC_LINKER")
        .is_some_and(|linker: OsString| linker.to_string_lossy().ends_with("lld"));
    let compiler: &[&str] =
        if lld { &[] } else { &["-nostartfiles", "-nodefaultlibs", "-static", "-no-pie"] };
    for argument in compiler.iter().chain(&["-nostdlib"]) {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
}

//! How to link a program that brings its own start and needs no library. Arguments of this program
//! alone: build scripts and proc macros are linked as ever.

use std::{env, ffi::OsString};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // ci/cross links with lld itself; ordinarily a C compiler does it, and has to be told what not
    // to add.
    let lld = env::var_os("RUSTC_LINKER")
        .is_some_and(|linker: OsString| linker.to_string_lossy().ends_with("lld"));
    let compiler: &[&str] = if lld { &[] } else { &["-nostartfiles", "-nodefaultlibs"] };
    for argument in compiler.iter().chain(&["-nostdlib", "-static", "-no-pie"]) {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
}

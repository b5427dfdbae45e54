//! Compiles the C part, and says how the shared library is linked.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=libpmem2.map");
    println!("cargo::rerun-if-changed=src/shim.c");
    println!("cargo::rerun-if-changed=../include");

    let mut shim = cc::Build::new();
    shim.file("src/shim.c")
        .include("../include")
        .std("gnu11")
        .warnings_into_errors(true)
        .extra_warnings(true)
        // The checked variants of vfprintf are glibc's alone: the static library is musl's too.
        .define("_FORTIFY_SOURCE", Some("0"))
        // x86: thread-local storage without __tls_get_addr, which is another shared library's (ld-linux). Elsewhere this is
        // what compilers do by themselves.
        .flag_if_supported("-mtls-dialect=gnu2");
    if env::var_os("CARGO_FEATURE_VERSIONS").is_some() {
        shim.define("PMEM2_VERSIONS", None);
        // Beside rustc's own version script, which has no names of versions. lld takes both, GNU ld does not.
        let directory = env::var("CARGO_MANIFEST_DIR").expect("cargo says where the manifest is");
        println!("cargo::rustc-cdylib-link-arg=-Wl,--version-script={directory}/libpmem2.map");
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libpmem2.so.1");
    }
    shim.compile("pmem2_shim");
}

//! Compiles the C part, and tells the linker about the shared library.

use std::{env, path::PathBuf, process::Command};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=libpmem2.map");
    println!("cargo::rerun-if-changed=src/shim.c");
    println!("cargo::rerun-if-changed=../include");
    println!("cargo::rerun-if-env-changed=PMEM2_WERROR");

    let mut shim = cc::Build::new();
    shim.include("../include")
        .std("gnu11")
        // A packager's CFLAGS, or a later compiler, may warn of anything: only ci/capi makes errors
        // of warnings.
        .warnings_into_errors(env::var_os("PMEM2_WERROR").is_some())
        .warnings(true)
        .extra_warnings(true);
    if env::var_os("CARGO_FEATURE_VERSIONS").is_some() {
        shim.define("PMEM2_VERSIONS", None);
        // A second version script beside rustc's own, which has no names of versions. lld takes
        // both, GNU ld does not.
        let directory = env::var("CARGO_MANIFEST_DIR").expect("cargo says where the manifest is");
        let script = format!("{directory}/libpmem2.map");
        println!("cargo::rustc-cdylib-link-arg=-Wl,--version-script={script}");
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libpmem2.so.1");
        // The handler of SIGBUS stays installed, so its code has to stay: dlclose leaves the
        // library loaded.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }

    // cc puts CFLAGS after its own flags, and these flags have to come after CFLAGS.
    let object =
        PathBuf::from(env::var_os("OUT_DIR").expect("cargo says where to write")).join("shim.o");
    let tool = shim.get_compiler();
    let mut compiler = tool.to_command();
    // x86: thread-local storage without __tls_get_addr, which is in another shared library
    // (ld-linux), where shim.c leaves the model to the compiler. Elsewhere it is the default. cc's
    // own probe contains CFLAGS, and says no to whatever makes those warn.
    let descriptors = "-mtls-dialect=gnu2";
    if Command::new(tool.path())
        .args([descriptors, "-E", "-xc", "/dev/null"])
        .output()
        .is_ok_and(|probe| probe.status.success())
    {
        compiler.arg(descriptors);
    }
    compiler
        // The checked variants of vfprintf are glibc's alone: the static library is musl's too.
        // With -Wp it comes after a -Wp of CFLAGS, which a plain -U does not.
        .arg("-Wp,-U_FORTIFY_SOURCE")
        // rustc's linker and ld -r take only machine code.
        .arg("-fno-lto")
        .args(["-c", "src/shim.c", "-o"])
        .arg(&object);
    let status = compiler.status();
    assert!(
        status.as_ref().is_ok_and(|status| status.success()),
        "{:?} {:?}: {status:?}",
        tool.path(),
        compiler.get_args()
    );
    cc::Build::new().object(object).compile("pmem2_shim");
}

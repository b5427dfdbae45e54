//! How the kernel is linked: where its linker script says, with nothing of a system's.

use std::env;

fn main() {
    let variable = |name: &str| env::var(name).unwrap_or_else(|e| panic!("{name}: {e}"));
    let (directory, architecture) =
        (variable("CARGO_MANIFEST_DIR"), variable("CARGO_CFG_TARGET_ARCH"));
    let script = format!("{directory}/src/arch/{architecture}.ld");
    println!("cargo::rerun-if-changed=build.rs");
    // An application of UEFI is linked as such by itself.
    if variable("CARGO_CFG_TARGET_OS") == "uefi" {
        return;
    }
    println!("cargo::rerun-if-changed={script}");
    // For a target without a system rustc calls the linker itself; for Linux's it calls a C
    // compiler, which has to be told what not to add.
    let compiler: &[&str] = match variable("CARGO_CFG_TARGET_OS").as_str() {
        "none" => &[],
        _ => &[
            "-nostartfiles",
            "-nodefaultlibs",
            "-nostdlib",
            "-static",
            "-no-pie",
            "-Wl,--build-id=none",
        ],
    };
    for argument in compiler {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
    println!("cargo::rustc-link-arg-bins=-T{script}");
}

//! Links the kernel by its linker script, without a system's files.

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
    // For a target without a system rustc calls the linker. For Linux it calls a C compiler, which
    // would add its own.
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

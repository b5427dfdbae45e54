//! How to link a program that brings its own start and needs no library but those that its imports
//! name. Arguments of this program alone: build scripts and proc macros are linked as ever.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for argument in ["/NODEFAULTLIB", "/ENTRY:start", "/SUBSYSTEM:CONSOLE"] {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
}

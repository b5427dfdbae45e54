//! A devicetree with persistent memory: QEMU's own, and `pmem-region` nodes.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use crate::machine::Memory;

/// Lets `dump` write QEMU's devicetree to `plain`, and writes one with these memories to
/// `complete`.
pub(crate) fn make(
    dump: &mut Command,
    plain: &Path,
    memory: &[Memory],
    complete: &Path,
) -> Result<(), String> {
    run(dump)?;
    let text = run(Command::new("dtc").args(["-q", "-I", "dtb", "-O", "dts"]).arg(plain))?;
    let source = complete.with_extension("dts");
    fs::write(&source, text + &nodes(memory)).map_err(|e| format!("{}: {e}", source.display()))?;
    run(Command::new("dtc").args(["-q", "-I", "dts", "-O", "dtb", "-o"]).arg(complete).arg(&source))
        .map(drop)
}

/// Returns nodes as in Documentation/devicetree/bindings/pmem/pmem-region.txt, and one to be
/// ignored.
fn nodes(memory: &[Memory]) -> String {
    let node = |memory: &Memory| {
        let Memory { base, size, node, volatile, .. } = memory;
        let volatile = if *volatile { "volatile; " } else { "" };
        // Addresses and sizes have two cells on both boards.
        let reg = format!(
            "<0x{:x} 0x{:x} 0x{:x} 0x{:x}>",
            base >> 32,
            base & 0xffff_ffff,
            size >> 32,
            size & 0xffff_ffff
        );
        format!(
            "pmem@{base:x} {{ compatible = \"pmem-region\"; reg = {reg}; \
             numa-node-id = <{node}>; {volatile}}};\n"
        )
    };
    let nodes: String = memory.iter().map(node).collect();
    let disabled =
        "pmem@0 { compatible = \"pmem-region\"; reg = <0 0 0 0x1000>; status = \"disabled\"; };\n";
    format!("/ {{\n{nodes}{disabled}}};\n")
}

/// Returns the output of a program, if it succeeds.
fn run(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().display().to_string();
    let output = command.stdin(Stdio::null()).output().map_err(|e| format!("{name}: {e}"))?;
    if output.status.success() {
        String::from_utf8(output.stdout).map_err(|e| format!("{name}: {e}"))
    } else {
        Err(format!("{name}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr)))
    }
}

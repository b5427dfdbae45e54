//! The guest's first file system: process 1, the modules, the programs and what they need.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use crate::{
    cpio::Cpio,
    modules::{Modules, WANTED, WANTED_FOR_TESTS},
};

pub(crate) fn image(
    init: &Path,
    files: &BTreeMap<&str, &Path>,
    modules: Modules,
    test_modules: Option<Modules>,
    work: &Path,
) -> Result<Vec<u8>, String> {
    let mut cpio = Cpio::default();
    // Process 1 gets it as its standard output and error before it mounts anything.
    cpio.character_device("/dev/console", (5, 1));
    cpio.file("/init", &stripped(init, work)?);

    put(&mut cpio, "/modules", &modules, WANTED)?;
    if let Some(test_modules) = test_modules {
        let modules = modules.replaced_by(test_modules);
        put(&mut cpio, "/test-modules", &modules, &[WANTED, WANTED_FOR_TESTS].concat())?;
    }

    let mut libraries = BTreeSet::new();
    for (place, file) in files {
        cpio.file(place, &stripped(file, work)?);
        libraries.extend(libraries_of(file)?);
    }
    for library in libraries {
        cpio.file(&library, &fs::read(&library).map_err(|e| format!("{library}: {e}"))?);
    }
    // Where the dynamic linker looks by itself.
    cpio.link("/usr/lib", "../lib");
    Ok(cpio.end())
}

/// Modules, and in what order they are loaded.
fn put(cpio: &mut Cpio, place: &str, modules: &Modules, wanted: &[&str]) -> Result<(), String> {
    let order = modules.in_order(wanted)?;
    for module in &order {
        cpio.file(&format!("{place}/{module}"), &modules.read(module)?);
    }
    cpio.file(&format!("{place}/order"), order.join("\n").as_bytes());
    Ok(())
}

/// A program without its symbols, which are most of it; another file as it is.
fn stripped(file: &Path, work: &Path) -> Result<Vec<u8>, String> {
    let whole = fs::read(file).map_err(|e| format!("{}: {e}", file.display()))?;
    if !whole.starts_with(b"\x7fELF") {
        return Ok(whole);
    }
    let bare = work.join("stripped");
    command("strip", Command::new("strip").arg("-o").arg(&bare).arg(file))?;
    fs::read(&bare).map_err(|e| format!("{}: {e}", bare.display()))
}

/// The shared libraries that a program needs, by the paths where they lie here.
fn libraries_of(file: &Path) -> Result<Vec<String>, String> {
    let whole = fs::read(file).map_err(|e| format!("{}: {e}", file.display()))?;
    let is_dynamic =
        whole.starts_with(b"\x7fELF") && whole.windows(4).any(|bytes| bytes == b".so.");
    if !is_dynamic {
        return Ok(Vec::new());
    }
    let text =
        String::from_utf8_lossy(&command("ldd", Command::new("ldd").arg(file))?).into_owned();
    if text.contains("not found") {
        return Err(format!("{} needs libraries that are not here:\n{text}", file.display()));
    }
    // `libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x...)`, and the linker itself without an
    // arrow.
    let words =
        text.lines().filter_map(|line| line.split_whitespace().find(|word| word.starts_with('/')));
    Ok(words.map(str::to_owned).collect())
}

fn command(name: &str, command: &mut Command) -> Result<Vec<u8>, String> {
    let output = command.output().map_err(|e| format!("{name}: {e}"))?;
    if !output.status.success() {
        return Err(format!(
            "{command:?}: {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    Ok(output.stdout)
}

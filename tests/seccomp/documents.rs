//! The calls that the documentation lists are the ones that were needed.

use std::collections::{BTreeMap, BTreeSet};

use crate::{cases::CASES, name};

/// By function, the calls of all its cases.
fn needed() -> BTreeMap<&'static str, BTreeSet<String>> {
    let mut needed = BTreeMap::<_, BTreeSet<_>>::new();
    for case in CASES {
        needed
            .entry(case.function)
            .or_default()
            .extend(case.calls.iter().map(|&call| name(call).to_owned()));
    }
    needed
}

/// The words in backticks that are names of calls or functions, without arguments.
pub(crate) fn words(text: &str) -> Vec<&str> {
    // What decides on calls and is none; where devices are; the page size's, where the ABI does not
    // fix it; whose calls come once.
    const NO_CALLS: [&str; 6] = [
        "st_blksize",
        "/sys",
        "SigbusHandler",
        "MAP_SYNC",
        "MapConfig::at_place",
        "MAP_SHARED_VALIDATE",
    ];
    // And ioctls by their names, most of which are of file systems and devices that are not here.
    let is_ioctl =
        |word: &str| ["FS_IOC_", "DM_", "ND_IOCTL_"].iter().any(|prefix| word.starts_with(prefix));
    let words = text
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| !NO_CALLS.contains(word) && !is_ioctl(word));
    words.map(|word| word.split('(').next().unwrap_or_default()).collect()
}

/// The same without paths.
fn names(text: &str) -> Vec<String> {
    words(text)
        .into_iter()
        .map(|word| word.rsplit("::").next().unwrap_or_default().to_owned())
        .collect()
}

/// The file with the documentation of this function, and how its signature goes on.
fn whereabouts(function: &str) -> (&'static str, &'static str) {
    match function {
        "place" | "confirm_place" | "numa_node" | "target_node" | "dimms" | "device_id"
        | "device_usc" => (include_str!("../../src/place.rs"), "(&self"),
        "id" | "dirty_shutdowns" => (include_str!("../../src/place/dimm.rs"), "(&self"),
        "expected_granularity" | "expected_granularity_at" => {
            (include_str!("../../src/place/granularity.rs"), "(")
        }
        "Report::new" => (include_str!("../../src/report.rs"), "<H>("),
        "bad_blocks" | "clear_bad_blocks" => (include_str!("../../src/badblocks.rs"), "(&self"),
        "Reader::new" | "Writer::new" => (transfers(function), "(source"),
        "read_at" | "write_at" | "sync" => (transfers("Source"), "(&self"),
        "Reader::read_at" | "Writer::write_at" => (transfers(function), "(&self"),
        "map" => (include_str!("../../src/map/mapping.rs"), "(self, config"),
        "unmap" => (include_str!("../../src/map/mapping.rs"), "(self"),
        "persist" | "Mapping::sync" | "deep_flush" => {
            (include_str!("../../src/map/durable.rs"), "(&self")
        }
        "grow" | "catch_up" | "populate" | "deallocate" => {
            (include_str!("../../src/map/grow.rs"), "(&self")
        }
        "shrink" => (include_str!("../../src/map/grow.rs"), "(&mut self"),
        _ => (include_str!("../../src/source.rs"), "("),
    }
}

/// The methods of this type, or of the type of this function, that read and write.
fn transfers(of: &str) -> &'static str {
    let code = include_str!("../../src/transfer.rs");
    let name = of.split("::").next().unwrap_or(of);
    let start = code
        .find(&format!("impl<H: Handle<P: Transfer>> {name}<H> {{"))
        .unwrap_or_else(|| panic!("no {name}"));
    &code[start..]
}

/// The calls that the documentation of `function` lists.
fn documented(function: &str) -> BTreeSet<String> {
    let (code, after) = whereabouts(function);
    let functions = needed();
    let function = function.rsplit("::").next().unwrap_or(function);
    let start = code
        .find(&format!("pub fn {function}{after}"))
        .unwrap_or_else(|| panic!("no function {function}"));
    let documentation: Vec<_> = code[..start].lines().rev().skip(1).map(str::trim).collect();
    let mut lines: Vec<_> = documentation
        .into_iter()
        .take_while(|line| line.starts_with("//") || line.starts_with("#["))
        .collect();
    lines.reverse();
    let paragraph: Vec<_> = lines
        .into_iter()
        .skip_while(|line| !line.contains("System calls"))
        .take_while(|line| *line != "///")
        .collect();
    assert!(!paragraph.is_empty(), "{function} does not say what system calls it makes");
    let mut calls = BTreeSet::new();
    for name in names(&paragraph.join(" ")) {
        if functions.contains_key(name.as_str()) {
            calls.extend(documented(&name));
        } else {
            calls.insert(name);
        }
    }
    calls
}

#[test]
fn the_documentation_of_sources_and_reports_lists_them() {
    for (function, calls) in needed() {
        match function {
            backend if backend.starts_with("Linux::") => {}
            "kind and others" | "read and others" | "from_anon" => assert!(calls.is_empty()),
            function => {
                assert_eq!(documented(function), calls, "{function}");
            }
        }
    }
}

#[test]
fn the_table_of_the_backend_lists_them() {
    let table = include_str!("../../platform/src/linux/sys.rs");
    let rows: Vec<_> =
        table.lines().skip_while(|line| !line.starts_with("/// | method")).skip(2).collect();
    let end = rows.iter().position(|line| !line.starts_with("/// | `")).expect("its end");
    assert!(
        !rows[end..].iter().any(|line| line.starts_with("/// |")),
        "a row that is not in the table"
    );
    let mut listed = BTreeMap::<String, BTreeSet<String>>::new();
    for row in &rows[..end] {
        let (methods, calls) =
            row.strip_prefix("/// |").and_then(|row| row.split_once('|')).expect("two columns");
        for method in names(methods) {
            let calls = names(calls).into_iter().map(|call| match call.as_str() {
                // As the text below the table says.
                "readlink" | "open" => call + "at",
                "access" => "faccessat".to_owned(),
                "stat" => "newfstatat".to_owned(),
                _ => call,
            });
            listed.entry(method).or_default().extend(calls);
        }
    }
    // Only the page size is a method of the platform that nothing here asks for.
    assert_eq!(listed.remove("page_size"), Some(BTreeSet::from(["msync".to_owned()])));
    let mut needed = needed();
    let mut of_backend = BTreeMap::new();
    for (method, calls) in needed.clone() {
        if let Some(method) = method.strip_prefix("Linux::") {
            of_backend.insert(method.to_owned(), calls);
        }
    }
    // The functions of a source that are a method and nothing more.
    for (function, method) in [
        ("new", "describe"),
        ("size", "size"),
        ("alignment", "alignment"),
        ("allocated", "allocated"),
        ("file_system", "file_system"),
    ] {
        of_backend
            .entry(method.to_owned())
            .or_default()
            .extend(needed.remove(function).expect("its cases"));
    }
    assert_eq!(listed, of_backend);
}

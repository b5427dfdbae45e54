//! The table of the guide against the cases, by which each function is run.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    cases::{CASES, Case},
    documents::words,
    name,
    subjects::{On, World},
};

type Calls = BTreeSet<&'static str>;

/// The columns of a row behind the function's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Column {
    File,
    DeviceDax,
}

impl Column {
    /// Those that a case is of. The text below the table speaks of what is in none: volumes, what
    /// has no device, what is no source.
    fn of(case: &Case) -> &'static [Self] {
        match case.on {
            // An anonymous source is of no descriptor.
            On::Nothing if case.function == "from_anon" => &[Self::File, Self::DeviceDax],
            _ if case.world != World::Region => &[],
            On::File => &[Self::File],
            // The table says so of a new source only.
            On::HugePages if case.function == "new" => &[Self::File],
            On::DeviceDax | On::Mapped => &[Self::DeviceDax],
            _ => &[],
        }
    }
}

/// The function of the cases that the table calls by this name.
fn function(name: &'static str) -> &'static str {
    match name {
        "Source::new" | "from_fd" | "new_in" | "boxed" | "Pool::source" => "new",
        "kind" | "access" | "id" | "handle" | "into_inner" => "kind and others",
        "try_map" | "map_in" | "map_boxed" => "map",
        "Mapping::write" | "fill" | "move_within" | "put" | "commit" | "Word::store" | "flush"
        | "batch" => "persist",
        "Mapping::read" | "get" | "word" | "view" | "unflushed" | "drain" | "part" => {
            "read and others"
        }
        "Dimm::id" | "Dimm::dirty_shutdowns" => name.rsplit("::").next().unwrap_or(name),
        name => name,
    }
}

struct Row {
    functions: BTreeSet<&'static str>,
    file: &'static str,
    device_dax: &'static str,
}

/// The rows, and the text below them.
fn table() -> (Vec<Row>, &'static str) {
    let (_, rows) = include_str!("../../src/guide/system_calls.md")
        .split_once("\n| function | regular file | device DAX |\n|---|---|---|\n")
        .expect("the table");
    let (rows, below) = rows.split_once("\n\n").expect("text below");
    assert!(!below.contains("\n|"), "a row that is not in the table");
    let row = |line: &'static str| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let ["", functions, file, device_dax, ""] = cells[..] else {
            panic!("three columns: {line}")
        };
        Row { functions: words(functions).into_iter().map(function).collect(), file, device_dax }
    };
    (rows.lines().map(row).collect(), below)
}

/// The calls that a cell lists, those of other functions' cells of that column among them.
fn listed(rows: &[Row], row: &Row, column: Column) -> Calls {
    let cell = match (column, row.device_dax) {
        (Column::DeviceDax, "the same") => row.file,
        (Column::DeviceDax, cell) => cell,
        (Column::File, _) => row.file,
    };
    let words = words(cell);
    assert!(cell == "none" || !words.is_empty(), "neither none nor any: {cell}");
    let mut calls = Calls::new();
    for word in words {
        let theirs: Vec<_> =
            rows.iter().filter(|row| row.functions.contains(function(word))).collect();
        for &row in &theirs {
            calls.extend(listed(rows, row, column));
        }
        if theirs.is_empty() {
            calls.insert(word);
        }
    }
    calls
}

/// By function and column.
fn needed() -> BTreeMap<(&'static str, Column), Calls> {
    let mut needed = BTreeMap::<_, Calls>::new();
    for case in CASES.iter().filter(|case| !case.function.starts_with("Linux::")) {
        for &column in Column::of(case) {
            needed
                .entry((case.function, column))
                .or_default()
                .extend(case.calls.iter().copied().map(name));
        }
    }
    // No bus of these tests takes a command.
    needed.get_mut(&("clear_bad_blocks", Column::DeviceDax)).expect("its cases").insert("ioctl");
    needed
}

#[test]
fn the_table_lists_them() {
    let (rows, _) = table();
    let needed = needed();
    let in_cases: BTreeSet<_> = needed.keys().map(|&(function, _)| function).collect();
    let in_table: BTreeSet<_> = rows.iter().flat_map(|row| row.functions.iter().copied()).collect();
    assert_eq!(in_table, in_cases);
    // Where two rows are of one function, by what it is asked for, it is the sum of them that is
    // right.
    let mut told = BTreeMap::<_, Calls>::new();
    for row in &rows {
        for column in [Column::File, Column::DeviceDax] {
            told.entry((&row.functions, column)).or_default().extend(listed(&rows, row, column));
        }
    }
    for ((functions, column), told) in told {
        let of = |&function: &&'static str| {
            needed.get(&(function, column)).unwrap_or_else(|| panic!("no case of {function}"))
        };
        let needed: Calls = functions.iter().flat_map(of).copied().collect();
        assert_eq!(told, needed, "{functions:?}: {column:?}");
    }
}

/// And the text below it names the calls that others need: for volumes, for what has no device or
/// is no source.
#[test]
fn the_text_below_lists_the_rest() {
    let (_, below) = table();
    let needed = needed();
    let mut rest = Calls::new();
    for case in CASES {
        if let ([], Some(told)) = (Column::of(case), needed.get(&(case.function, Column::File))) {
            rest.extend(
                case.calls.iter().map(|call| name(call)).filter(|call| !told.contains(call)),
            );
        }
    }
    assert!(rest.contains("getdents64") && rest.contains("faccessat"), "{rest:?}");
    let unnamed: Calls = rest.difference(&words(below).into_iter().collect()).copied().collect();
    assert_eq!(unnamed, Calls::new());
}

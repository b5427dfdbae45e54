//! What people read.

use std::{
    convert::Infallible,
    fmt::{Display, Write},
    path::Path,
};

use pmem2::{persist::Durability, report::Line};

use crate::{
    args::Place,
    finding::{Finding, Opened},
    look::{LOOK, file_system, identity},
    table::{Refusal, Told},
};

/// A heading and a line for each fact.
struct Block(String);

impl Block {
    fn of(place: &Place) -> Self {
        Self(match place {
            Place::Descriptor(number) => format!("file descriptor {number}\n"),
            Place::Path(path) | Place::Table(path) => format!("{}\n", name(path)),
        })
    }

    fn line(&mut self, key: &'static str, value: &dyn Display) {
        // Without the names of Rust's functions.
        let value = without_controls(&format!("{value:#}"));
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "  {}", Line { key, value: &value });
    }
}

/// What is known of a path or a descriptor.
pub(crate) fn finding(place: &Place, finding: &Finding) -> String {
    let mut block = Block::of(place);
    let Ok(()) = finding.report.lines(|fact| {
        match (fact.key, &finding.by_path) {
            // How this program opened the file says nothing about the file.
            ("access", Some(by_path)) => {
                block.line("permission", &by_path.permission);
                match by_path.opened {
                    Opened::Yes => {}
                    Opened::Failed => block.line("opened", &"no, opening it failed"),
                    Opened::NotTried => block.line("opened", &format_args!("{UNOPENED} ({LOOK})")),
                }
            }
            ("source", _) if finding.is_unknown() => {
                block.line("source", &format_args!("not known: {UNSCANNED}"));
            }
            ("identity", _) => {
                block.line("identity", fact.value);
                if let Some((major, minor)) = identity(&finding.report).represented_device {
                    block.line("represents", &format_args!("device {major}:{minor}"));
                }
            }
            ("file system", _) => match file_system(&finding.report) {
                Some(name) => block.line("file system", &name),
                None => block.line("file system", fact.value),
            },
            (key, _) => block.line(key, fact.value),
        }
        Ok::<_, Infallible>(())
    });
    if let Some(bad_blocks) = &finding.bad_blocks {
        block.line("bad blocks", bad_blocks);
    }
    if let Some(scan) = &finding.scan {
        block.line("scanned", scan);
        block.line("unreadable", &scan.unreadable);
    }
    if finding.unscanned {
        block.line("scanned", &format_args!("no: {UNSCANNED}"));
    }
    if let Some(note) = &finding.note {
        block.line("note", note);
    }
    block.0
}

/// What a table tells of a region.
pub(crate) fn region(file: &Path, told: &Told<'_>) -> String {
    let mut block = Block(format!("{}, region {}\n", name(file), told.region.number()));
    let Ok(()) = told.report.lines(|fact| {
        if fact.key == "kind" {
            told.of_table.iter().for_each(|warning| block.line("warning", warning));
            told.warnings().for_each(|warning| block.line("warning", &warning));
        }
        if fact.key != "identity" || told.has_address() {
            block.line(fact.key, fact.value);
        }
        Ok::<_, Infallible>(())
    });
    if let Some(guid) = told.unknown() {
        block.line("guid", &guid);
    }
    if let Some(domain) = told.region.proximity_domain() {
        block.line("proximity domain", &format_args!("{domain}, a number of ACPI's"));
    }
    if told.report.place().is_none() {
        // Which is in the line `place` else.
        block.line("provider", &told.region.provider());
    }
    if let Some(durability) = told.durability() {
        block.line(
            "durable by",
            &match durability {
                Durability::CacheFlush => "the flush of cache lines, and a fence",
                Durability::Fence => "a fence alone",
                Durability::Call => "a call of the program's own driver",
                Durability::None => "nothing",
                _ => "something else",
            },
        );
    }
    match told.flush_hints() {
        None => {}
        Some(0) => block.line("flush hints", &"none"),
        Some(1) => block.line("flush hints", &"of 1 DIMM"),
        Some(count) => block.line("flush hints", &format_args!("of {count} DIMMs")),
    }
    block.0
}

/// Why a table tells of no region.
pub(crate) fn refusal(place: &Place, refusal: &Refusal) -> String {
    let mut block = Block::of(place);
    block.line("refused", refusal);
    if let Some(symbol) = refusal.symbol() {
        block.line("code", &symbol);
    }
    refusal.warnings().iter().for_each(|warning| block.line("warning", warning));
    if let Some(kind) = refusal.kind() {
        block.line("kind", &kind);
        block.line("opened", &format_args!("{UNOPENED} ({LOOK})"));
    }
    if let Some(note) = refusal.note() {
        block.line("note", &note);
    }
    block.0
}

const UNOPENED: &str = "no, only looked at";

/// Why nothing was read of what may be usable, and it is not known whether it is.
pub(crate) const UNSCANNED: &str = "it was not opened";

/// The path as it is if it can be shown so, else in quotes and escaped: control characters,
/// characters that nobody sees or that reorder the line, quotes and backslashes, and what is not
/// UTF-8.
pub(crate) fn name(path: &Path) -> String {
    match path.to_str() {
        Some(text) => {
            // What str::escape_debug leaves alone, and apostrophes, and on Windows the backslash
            // between names. It leaves accents on their letters, which Debug does not.
            let harmless: &[char] = if cfg!(windows) { &['\'', '\\'] } else { &['\''] };
            let rest = text.replace(harmless, "");
            let plain = !text.is_empty() && rest.chars().eq(rest.escape_debug());
            if plain { text.to_owned() } else { format!("{text:?}") }
        }
        None => format!("{:?}", path.as_os_str()),
    }
}

/// Escapes what a terminal would obey or hide, but for the ends of lines.
pub(crate) fn without_controls(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\'' | '"' | '\\' => escaped.push(character),
            character => escaped.extend(character.escape_debug()),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_are_shown_as_they_are() {
        for plain in
            ["/dev/dax0.0", "a b", "it's", "données", "e\u{301}tude", "数据", "-", "#1", "a:b"]
        {
            assert_eq!(name(Path::new(plain)), plain);
        }
    }

    #[test]
    fn others_are_quoted() {
        for (odd, quoted) in [
            ("", r#""""#),
            ("a\nb", r#""a\nb""#),
            ("\x1b[2Jx", r#""\u{1b}[2Jx""#),
            ("\u{9b}31m", r#""\u{9b}31m""#),
            ("a\u{202e}gnp.exe", r#""a\u{202e}gnp.exe""#),
            ("zero\u{200b}width", r#""zero\u{200b}width""#),
            ("\u{7f}", r#""\u{7f}""#),
            ("\"a\"", r#""\"a\"""#),
        ] {
            assert_eq!(name(Path::new(odd)), quoted);
        }
    }

    #[cfg(unix)]
    #[test]
    fn names_of_unix() {
        use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
        assert_eq!(name(Path::new("a\\b")), r#""a\\b""#);
        assert_eq!(name(Path::new(OsStr::from_bytes(b"x\xff\x1b"))), r#""x\xFF\u{1b}""#);
    }

    #[cfg(windows)]
    #[test]
    fn names_of_windows() {
        use std::{ffi::OsString, os::windows::ffi::OsStringExt};
        assert_eq!(name(Path::new(r"\\?\C:\it's a file")), r"\\?\C:\it's a file");
        assert_eq!(
            name(Path::new(&OsString::from_wide(&[0x78, 0xd800, 0x1b]))),
            r#""x\u{d800}\u{1b}""#
        );
    }

    #[test]
    fn messages_keep_their_lines() {
        assert_eq!(
            without_controls("it's \"a\"\nb\\\x1b\u{202e}"),
            "it's \"a\"\nb\\\\u{1b}\\u{202e}"
        );
    }
}

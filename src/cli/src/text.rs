//! What people read.

use std::{
    convert::Infallible,
    fmt::{Display, Write},
    path::Path,
};

use pmem2::Line;

use crate::{
    args::Place,
    look::{Finding, Opened},
};

/// A heading and a line for each fact, with an empty line before it unless it is the first.
pub(crate) fn block(index: usize, place: &Place, finding: &Finding) -> String {
    let mut block = String::from(if index == 0 { "" } else { "\n" });
    block.push_str(&match place {
        Place::Descriptor(number) => format!("file descriptor {number}"),
        Place::Path(path) => name(path),
    });
    block.push('\n');

    let mut line = |key, value: &dyn Display| {
        let value = without_controls(&value.to_string());
        // Writing to a String cannot fail.
        let _ = writeln!(block, "  {}", Line { key, value: &value });
    };
    let Ok(()) = finding.report.lines(|fact| {
        match (fact.key, &finding.by_path) {
            // How this program opened the file says nothing about the file.
            ("access", Some(by_path)) => {
                line("permission", &by_path.permission);
                match by_path.opened {
                    Opened::Yes => {}
                    Opened::Failed => line("opened", &"no, opening it failed"),
                    Opened::NotTried => line("opened", &"no, only looked at (O_PATH)"),
                }
            }
            ("identity", _) => {
                line("identity", fact.value);
                if let Some((major, minor)) = finding.represented_device() {
                    line("represents", &format_args!("device {major}:{minor}"));
                }
            }
            (key, _) => line(key, fact.value),
        }
        Ok::<_, Infallible>(())
    });
    if let Some(note) = &finding.note {
        line("note", note);
    }
    block
}

/// The path as it is if it can be shown so, else in quotes and escaped: control characters, characters that nobody sees or
/// that reorder the line, quotes and backslashes, and what is not UTF-8.
fn name(path: &Path) -> String {
    match path.to_str() {
        Some(text) => {
            // What str::escape_debug leaves alone, and apostrophes. It leaves accents on their letters, which Debug does not.
            let text_but_apostrophes = text.replace('\'', "");
            let plain = !text.is_empty() && text_but_apostrophes.chars().eq(text_but_apostrophes.escape_debug());
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
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    #[test]
    fn ordinary_names_are_shown_as_they_are() {
        for plain in ["/dev/dax0.0", "a b", "it's", "données", "e\u{301}tude", "数据", "-", "#1", "a:b"] {
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
            ("a\\b", r#""a\\b""#),
            ("\"a\"", r#""\"a\"""#),
        ] {
            assert_eq!(name(Path::new(odd)), quoted);
        }
        assert_eq!(name(Path::new(OsStr::from_bytes(b"x\xff\x1b"))), r#""x\xFF\u{1b}""#);
    }

    #[test]
    fn messages_keep_their_lines() {
        assert_eq!(without_controls("it's \"a\"\nb\\\x1b\u{202e}"), "it's \"a\"\nb\\\\u{1b}\\u{202e}");
    }
}

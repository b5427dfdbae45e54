//! Names and messages that are safe to print on a terminal.

use std::path::Path;

/// Returns the path as it is, if that is safe to print. Else it is in quotes, with escapes for
/// control characters, invisible ones, those that reorder the line, quotes, backslashes, and bytes
/// that are not UTF-8.
pub(crate) fn name(path: &Path) -> String {
    match path.to_str() {
        Some(text) => {
            // Plain is everything that str::escape_debug leaves alone, apostrophes, and on Windows
            // the backslash between names. Unlike Debug, it leaves accents on their letters.
            let harmless: &[char] = if cfg!(windows) { &['\'', '\\'] } else { &['\''] };
            let rest = text.replace(harmless, "");
            let plain = !text.is_empty() && rest.chars().eq(rest.escape_debug());
            if plain { text.to_owned() } else { format!("{text:?}") }
        }
        None => format!("{:?}", path.as_os_str()),
    }
}

/// Escapes everything that a terminal would obey or hide, except ends of lines.
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

//! How the guest reports to the host, line by line over a serial port: `ok NAME`, `FAILED NAME`
//! with `| ` before each line of the message that follows, `figure WORDS` for what was measured,
//! `ask WORDS` for what QEMU's monitor shall do, `end` when nothing more comes.

use std::fmt::Display;

/// The status that process 1 ends QEMU with when it has come to its end, whatever the tests'
/// results.
pub const DONE: u8 = 0x10;

/// The exit status that QEMU makes of [`DONE`].
pub const DONE_STATUS: i32 = (DONE as i32) << 1 | 1;

/// Where process 1 writes that status: the debugging device's port.
pub const EXIT_PORT: u16 = 0xf4;

/// The lines of a test.
#[must_use]
pub fn lines(test: &impl Display, result: &Result<(), String>) -> String {
    match result {
        Ok(()) => format!("ok {test}\n"),
        Err(message) => {
            let message: String = message.lines().map(|line| format!("| {line}\n")).collect();
            format!("FAILED {test}\n{message}")
        }
    }
}

/// The prefix of a line for QEMU's monitor: the guest asks the host to be done harm. There is
/// no answer but the harm.
pub const ASK: &str = "ask ";

/// The same of what is to be done while the processor runs a program, and not the kernel.
pub const ASK_IN_PROGRAM: &str = "ask in a program: ";

/// The prefix of a figure.
pub const FIGURE: &str = "figure ";

/// The prefix of a line that says of a device how many records are durable on it: `NAME COUNT`.
pub const DURABLE: &str = "durable ";

/// The same of how many were found on it after a cut of the power.
pub const FOUND: &str = "found ";

/// The line that says that stores which nobody makes durable were made, and that no others follow.
pub const UNFLUSHED: &str = "unflushed";

/// The last line.
pub const END: &str = "end";

/// A guest's report.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The tests by name, in order.
    pub tests: Vec<(String, Result<(), String>)>,
    /// The figures that were measured.
    pub figures: Vec<String>,
    /// Whether there was a last line.
    pub ended: bool,
    /// Lines that belong to no report.
    pub other: Vec<String>,
}

impl Report {
    /// Takes what came over the line apart.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut report = Self::default();
        for line in text.lines() {
            if line.starts_with(ASK) || line.starts_with(ASK_IN_PROGRAM) {
                // That was for QEMU.
            } else if line == END {
                report.ended = true;
            } else if let Some(name) = line.strip_prefix("ok ") {
                report.tests.push((name.to_owned(), Ok(())));
            } else if let Some(figure) = line.strip_prefix(FIGURE) {
                report.figures.push(figure.to_owned());
            } else if let Some(name) = line.strip_prefix("FAILED ") {
                report.tests.push((name.to_owned(), Err(String::new())));
            } else if let (Some(more), Some((_, Err(message)))) =
                (line.strip_prefix('|'), report.tests.last_mut())
            {
                message.push_str(more.strip_prefix(' ').unwrap_or(more));
                message.push('\n');
            } else if !line.is_empty() {
                report.other.push(line.to_owned());
            }
        }
        report
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reported_is_understood() {
        let (good, bad) = (Ok(()), Err("expected 1\n\nfound 2\n".to_owned()));
        let text = [
            "figure ratio a 0.5\n".to_owned(),
            "ask mce 0\n".to_owned(),
            lines(&"size a", &good),
            lines(&"size b", &bad),
            format!("{END}\r\n"),
        ]
        .concat();
        let report = Report::parse(&text);
        assert_eq!(report.tests, [("size a".to_owned(), good), ("size b".to_owned(), bad)]);
        assert_eq!(report.figures, ["ratio a 0.5"]);
        assert!(report.ended && report.other.is_empty());
    }

    #[test]
    fn nothing_is_lost() {
        let report = Report::parse("ok a\n\nBUG: something\n| of nobody\n");
        assert_eq!(report.other, ["BUG: something", "| of nobody"]);
        assert!(!report.ended);
    }
}

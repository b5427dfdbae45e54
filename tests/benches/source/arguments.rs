//! The options of a benchmark that can be asked about a file of one's own.

use std::time::Duration;

pub(crate) struct Arguments {
    pub(crate) path: Option<String>,
    pub(crate) prefix: String,
    pub(crate) time: Duration,
}

impl Arguments {
    /// Cargo passes `--bench`, and possibly a filter; there is one benchmark, and it runs.
    pub(crate) fn of_command_line() -> Self {
        let mut arguments =
            Self { path: None, prefix: String::new(), time: Duration::from_secs(6) };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().unwrap_or_else(|| panic!("{word} needs a value"));
            match &*word {
                "--file" => arguments.path = Some(value()),
                "--prefix" => arguments.prefix = value(),
                "--seconds" => {
                    arguments.time =
                        Duration::from_secs(value().parse().expect("a number of seconds"))
                }
                "--bench" => {}
                option if option.starts_with('-') => panic!("there is no option {option}"),
                _filter => {}
            }
        }
        arguments
    }
}

//! An entry of the output: lines for people and a JSON object for programs.

use std::{fmt::Display, path::Path};

use pmem2::{
    Error,
    report::{Fact, Key, Value},
};
use serde_json::{Map, Value as Json, json};

use crate::{
    args::Target,
    json,
    name::{name, without_controls},
    system::{path_bytes, path_units},
};

/// The keys of an object, in order. Each is always there. man/pmem2.md documents them.
const KEYS: &str = "
    schema path path_bytes path_units fd persistent usable error kind opened access append
    permission device inode represented_device region volume file_id file_system size allocated
    alignment place numa_node target_node device_id unsafe_shutdowns granularity mapping
    warnings bad_blocks bad_block_count bad_bytes no_bad_blocks scan answer_errors
";

/// The output about one source.
pub(crate) struct Entry {
    lines: String,
    object: Map<String, Json>,
}

impl Entry {
    /// An entry with a heading only: of a target, or of a region of its table.
    pub(crate) fn new(target: &Target, region: Option<u32>) -> Self {
        let (path, fd) = match target {
            Target::Path(path) | Target::Table(path) => (Some(path.as_path()), None),
            Target::Descriptor(number) => (None, Some(*number)),
        };
        let heading = match path {
            Some(path) => name(path),
            None => format!("file descriptor {}", fd.unwrap_or_default()),
        };
        let region = region.map_or(String::new(), |number| format!(", region {number}"));
        let null = |key: &str| (key.to_owned(), Json::Null);
        let object = KEYS.split_whitespace().map(null).collect();
        let mut entry = Self { lines: format!("{heading}{region}\n"), object };
        let unprintable = path.filter(|path| path.to_str().is_none());
        entry.set("schema", json!(1));
        entry.set("path", json!(path.map(Path::to_string_lossy)));
        entry.set("path_bytes", json!(unprintable.and_then(path_bytes)));
        entry.set("path_units", json!(unprintable.and_then(path_units)));
        entry.set("fd", json!(fd));
        entry.set("usable", json!(false));
        entry.set("warnings", json!([]));
        entry.set("answer_errors", json!({}));
        entry
    }

    /// Adds a fact to both.
    pub(crate) fn fact(&mut self, fact: &Fact<'_>) {
        // Without the names of Rust's functions.
        self.push(&format!("{fact:#}"));
        let name = fact.key.name();
        match fact.answer {
            Ok(Value::Warning(warning)) => self.warn(json::warning(&warning)),
            Ok(value) => self.set(name, json::value(&value)),
            // There is no answer, and nothing failed.
            Err(Error::Unsupported(_) | Error::NotPersistentMemory { .. }) => {}
            Err(error) => self.fail(name, json::error(&error)),
        }
    }

    /// Adds a line.
    pub(crate) fn line(&mut self, label: &str, value: impl Display) {
        self.push(&format!("{label:<width$} {value:#}", width = Key::WIDTH));
    }

    /// Adds the line of a refusal.
    pub(crate) fn refuse(&mut self, message: impl Display) {
        self.push(&format!("refused: {message}"));
    }

    fn push(&mut self, line: &str) {
        self.lines.extend(["  ", &without_controls(line), "\n"]);
    }

    /// Sets the value of a key. A fact for people only has no key.
    pub(crate) fn set(&mut self, key: &str, value: Json) {
        if let Some(place) = self.object.get_mut(key) {
            *place = value;
        }
    }

    /// Adds to the array of warnings.
    pub(crate) fn warn(&mut self, warning: Json) {
        if let Some(Json::Array(warnings)) = self.object.get_mut("warnings") {
            warnings.push(warning);
        }
    }

    /// Adds the error of an answer.
    pub(crate) fn fail(&mut self, key: &str, error: Json) {
        if let Some(Json::Object(errors)) = self.object.get_mut("answer_errors") {
            errors.insert(key.to_owned(), error);
        }
    }

    /// The lines, for people.
    pub(crate) fn into_lines(self) -> String {
        self.lines
    }

    /// The object, in one line of ASCII: a terminal obeys and hides characters beyond it too.
    pub(crate) fn into_json(self) -> String {
        let mut line = String::new();
        let mut units = [0; 2];
        for character in Json::Object(self.object).to_string().chars() {
            match character {
                ' '..='~' => line.push(character),
                // Outside strings JSON is ASCII.
                _ => line.extend(
                    character.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")),
                ),
            }
        }
        line.push('\n');
        line
    }
}

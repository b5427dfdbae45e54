//! Files of /sys, with errors that name them.

use std::{
    fs,
    path::{Path, PathBuf},
    thread::sleep,
    time::{Duration, Instant},
};

/// A failure, in words for people.
pub(crate) type Failure = String;

pub(crate) fn read(path: impl AsRef<Path>) -> Result<String, Failure> {
    let path = path.as_ref();
    fs::read_to_string(path)
        .map(|text| text.trim_end().to_owned())
        .map_err(|e| format!("{}: {e}", path.display()))
}

pub(crate) fn write(path: impl AsRef<Path>, text: impl AsRef<str>) -> Result<(), Failure> {
    let (path, text) = (path.as_ref(), text.as_ref());
    fs::write(path, text).map_err(|e| format!("{text:?} to {}: {e}", path.display()))
}

/// The entries of a directory, with all links resolved.
pub(crate) fn entries(directory: &str) -> Result<Vec<PathBuf>, Failure> {
    let listed = fs::read_dir(directory).map_err(|e| format!("{directory}: {e}"))?;
    let resolved = listed.map(|entry| entry.and_then(|entry| fs::canonicalize(entry.path())));
    // What goes away meanwhile is not there.
    Ok(resolved.filter_map(Result::ok).collect())
}

/// The last component.
pub(crate) fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Whether a driver has taken the device.
pub(crate) fn has_driver(device: &Path) -> bool {
    device.join("driver").exists()
}

/// Tries until there is an answer: drivers look at their devices when they have time.
pub(crate) fn wait_for<T>(
    what: &str,
    attempt: impl Fn() -> Result<Option<T>, Failure>,
) -> Result<T, Failure> {
    let start = Instant::now();
    loop {
        if let Some(answer) = attempt()? {
            return Ok(answer);
        }
        if start.elapsed() > Duration::from_secs(60) {
            return Err(format!("no {what}"));
        }
        sleep(Duration::from_millis(5));
    }
}

/// The entry of `directory` that lies below the component `part` of its path: the disk of a
/// namespace, for example.
pub(crate) fn below(directory: &str, part: &str) -> Result<PathBuf, Failure> {
    wait_for(&format!("entry of {directory} below {part}"), || {
        let is_below =
            |path: &PathBuf| path.components().any(|component| component.as_os_str() == part);
        Ok(entries(directory)?.into_iter().find(is_below))
    })
}

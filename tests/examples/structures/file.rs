//! Opens and maps a file for one of the programs. In no other program is it open at the time.

use std::{env, fs, fs::File, io, path::PathBuf, process};

use pmem2::{Granularity, MapConfig, Mapping, Source};

/// Maps `length` bytes of the file at the path, which is made if it is not there.
///
/// Any granularity will do, since the structures make durable what they store by the mapping's own
/// means. A program that is fast with `CACHE_LINE` only asks for that, and gets a reason for not.
pub(crate) fn map(path: &PathBuf, length: u64) -> io::Result<Mapping<File>> {
    let file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
    // Two programs that store to one structure destroy it. The lock goes with the file.
    file.try_lock()?;
    if file.metadata()?.len() < length {
        file.set_len(length)?;
        // The length has to be durable before anything beyond the old one is.
        file.sync_all()?;
    }
    let map = Source::new(file)?.map(&MapConfig::new(Granularity::Page).length(length))?;
    // A full file system is an error here, and a signal (SIGBUS) in a store.
    map.populate(.., true)?;
    Ok(map)
}

/// Calls the program with the path that the command line names, or with that of a new file in the
/// directory for temporary files, which is removed at the end.
pub(crate) fn with_path(
    name: &str,
    program: impl FnOnce(&PathBuf) -> Result<(), Box<dyn std::error::Error>>,
) -> Result<(), Box<dyn std::error::Error>> {
    match env::args_os().nth(1) {
        Some(path) => program(&path.into()),
        None => {
            let path = env::temp_dir().join(format!("{name}.{}", process::id()));
            let done = program(&path);
            fs::remove_file(&path)?;
            done
        }
    }
}

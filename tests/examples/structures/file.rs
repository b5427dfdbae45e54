//! Opens, locks and maps a file.

use std::{fs::File, io, path::Path};

use pmem2::{Granularity, MapConfig, Mapping, Source};

/// Maps `length` bytes of the file at the path, which is made if it is not there.
///
/// Any granularity will do, since the structures make durable what they store by the mapping's own
/// means. A program that is fast with `CACHE_LINE` only asks for that, and gets a reason for not.
pub(crate) fn map(path: &Path, length: u64) -> io::Result<Mapping<File>> {
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

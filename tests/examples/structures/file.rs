//! Opens, locks and maps a file.

use std::{
    fs::{File, TryLockError},
    io,
    path::Path,
};

use pmem2::{Granularity, MapConfig, Mapping, Source};

/// Maps `length` bytes of the file at the path, which is made if it is not there.
///
/// A file that is there stays as long as it is. If it has fewer bytes, those are mapped: they may
/// be somebody else's, and the structure refuses them.
///
/// Any granularity will do, since the structures make durable what they store by the mapping's own
/// means. A program that is fast with `CACHE_LINE` only asks for that, and gets a reason for not.
pub(crate) fn map(path: &Path, length: u64) -> io::Result<Mapping<File>> {
    let file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
    // Two programs that store to one structure destroy it. The lock goes with the file.
    file.try_lock().map_err(|error| match error {
        TryLockError::Error(error) => error,
        TryLockError::WouldBlock => {
            let open = format!("another program has {} open", path.display());
            io::Error::new(io::ErrorKind::WouldBlock, open)
        }
    })?;
    let source = Source::new(file)?;
    if source.size()? == 0 {
        source.handle().set_len(length)?;
    }
    let size = source.size()?;
    let map = source.map(&MapConfig::new(Granularity::Page).length(length.min(size)))?;
    if size == length {
        // Also where a power cut came before. A full file system is an error here, and a signal
        // (SIGBUS) in a store.
        map.populate(.., true)?;
        // The length has to be durable before anything that is stored, and so has the file's name.
        map.grow(map.length())?;
        let directory = path.parent().filter(|path| !path.as_os_str().is_empty());
        File::open(directory.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(map)
}

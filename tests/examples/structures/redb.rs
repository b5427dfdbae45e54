//! A database of redb in a mapping: its pages are loaded and stored without a system call, and made
//! durable by one. The file is one that redb's own backend reads and writes, too.

use std::{fs::File, io, sync::RwLock};

use pmem2::{Error, Granularity, MapConfig, Mapping, Source};
use redb::StorageBackend;

/// The addresses that the database can grow into. They cost nothing before it does.
const ROOM: u64 = 1 << 36;

/// A file that is mapped. Whoever shrinks it waits until nobody reads or writes.
#[derive(Debug)]
pub(crate) struct Mapped(RwLock<Mapping<File>>);

impl Mapped {
    /// Maps a file that was opened for reading and writing.
    ///
    /// It is locked: of two openers, the one that shortens the file would take the bytes from the
    /// other, whose next access would be a signal (SIGBUS).
    pub(crate) fn new(file: File) -> io::Result<Self> {
        file.try_lock()?;
        let config = MapConfig::new(Granularity::Page).room(ROOM);
        let source = Source::new(file)?;
        let empty = source.size()? == 0;
        if empty {
            // An empty file cannot be mapped, and an empty mapping can grow.
            source.handle().set_len(1)?;
        }
        let mut map = source.map(&config)?;
        if empty {
            map.shrink(0)?;
        }
        Ok(Self(RwLock::new(map)))
    }

    fn with<T>(&self, work: impl FnOnce(&Mapping<File>) -> Result<T, Error>) -> io::Result<T> {
        let map = self.0.read().map_err(|_| io::ErrorKind::Other)?;
        Ok(work(&map)?)
    }
}

/// An offset that no mapping has is refused as any other that is too large.
fn at(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

impl StorageBackend for Mapped {
    fn len(&self) -> io::Result<u64> {
        self.with(|map| Ok(map.length() as u64))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.with(|map| map.read(at(offset), out))
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.with(|map| map.unflushed().write(at(offset), data))
    }

    /// The storage is allocated: where there is none, this is an error, and no signal later.
    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut map = self.0.write().map_err(|_| io::ErrorKind::Other)?;
        let length = at(length);
        Ok(if length < map.length() { map.shrink(length) } else { map.grow(length) }?)
    }

    /// Nobody keeps a list of what was written: the kernel knows it, whatever the granularity.
    fn sync_data(&self) -> io::Result<()> {
        self.with(|map| map.sync(..))
    }

    fn close(&self) -> io::Result<()> {
        let map = self.0.read().map_err(|_| io::ErrorKind::Other)?;
        map.source().handle().unlock()
    }
}

//! A log in a mapping: records are appended, found again after a power cut, and never changed.
//!
//! An append makes two waits: the record becomes durable, and then the word that says where the
//! log ends. A power cut leaves the log with the record or without it.
//!
//! | offset | bytes | |
//! |---|---|---|
//! | 0 | 8 | a magic number, as soon as there is a log |
//! | 8 | 8 | the end of the last record: the commit word |
//! | 64 | | records: length, checksum, bytes; each begins at a multiple of 8 |

use pmem2::{
    Handle, Mapping,
    map::{Map, plain},
};

use super::{checksum::Checksum, fault::Fault, zeros};

/// The offset of the first record. No record shares a cache line with the words before.
pub(crate) const FIRST: usize = 64;

const MAGIC_AT: usize = 0;
const END_AT: usize = 8;
/// A number that looks otherwise to a processor with the other byte order.
const MAGIC: u64 = 0x0001_676f_6c32_6d70;

plain! {
    struct Header {
        length: u32,
        checksum: u32,
    }
}
const HEADER: usize = size_of::<Header>();

/// A log. Only one at a time may use a mapping's bytes: whoever opens a file locks it.
pub(crate) struct Log<H: Handle<P: Map>> {
    map: Mapping<H>,
    end: usize,
    /// Whether the end is known to be durable.
    settled: bool,
}

/// A record that was read.
pub(crate) struct Record {
    pub(crate) length: usize,
    /// The offset of the next record.
    pub(crate) next: usize,
}

impl<H: Handle<P: Map>> Log<H> {
    /// Finds the log in a mapping, or begins one where all of it is zeros.
    pub(crate) fn open(map: Mapping<H>) -> Result<Self, Fault> {
        if map.length() < FIRST {
            return Err(Fault::Full);
        }
        match map.word(MAGIC_AT)?.load()? {
            MAGIC => {}
            // No log yet. A power cut before the magic is there leaves zeros, or the first end.
            0 if [0, FIRST as u64].contains(&map.word(END_AT)?.load()?) => {
                zeros::check(&map, END_AT + 8..map.length())?;
                map.commit(END_AT, FIRST as u64)?;
            }
            _ => return Err(Fault::Foreign),
        }
        let word = map.word(END_AT)?.load()?;
        let end = usize::try_from(word).unwrap_or(usize::MAX);
        if end < FIRST || end > map.length() {
            return Err(Fault::Damaged(END_AT));
        }
        let log = Self { map, end, settled: true };
        let mut at = FIRST;
        while let Some(record) = log.read(at, &mut [])? {
            at = record.next;
        }
        // A process that was killed may have left words that are visible and not durable yet.
        log.map.commit(END_AT, word)?;
        log.map.commit(MAGIC_AT, MAGIC)?;
        Ok(log)
    }

    /// Appends a record. It is durable on return, and until then not there at all.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        if !self.settled {
            return Err(Fault::Unsettled);
        }
        let length = u32::try_from(bytes.len()).map_err(|_| Fault::Full)?;
        let next = next(self.end, bytes.len()).filter(|&next| next <= self.map.length());
        let next = next.ok_or(Fault::Full)?;
        // Beyond the end is nothing that counts: there the stores may come in any order.
        let stores = self.map.unflushed();
        let checksum = Checksum::new().and(&length.to_le_bytes()).and(bytes).value();
        stores.put(self.end, &Header { length, checksum })?;
        stores.write(self.end + HEADER, bytes)?;
        self.map.flush(self.end..next)?;
        // Where this fails, the word may be the old one or the new one after a power cut.
        self.settled = false;
        self.map.commit(END_AT, next as u64)?;
        self.settled = true;
        self.end = next;
        Ok(())
    }

    /// Copies the record at `at` to `to`, or as much as fits; `None` at the end of the log.
    pub(crate) fn read(&self, at: usize, to: &mut [u8]) -> Result<Option<Record>, Fault> {
        if at == self.end {
            return Ok(None);
        }
        let damaged = Fault::Damaged(at);
        let Header { length, checksum: expected } = self.map.get(at)?;
        let bytes = usize::try_from(length).unwrap_or(usize::MAX);
        let next = next(at, bytes).filter(|&next| next <= self.end).ok_or(damaged)?;
        // The checksum is of the bytes that are returned, not of what others make of them.
        let mut sum = Checksum::new().and(&length.to_le_bytes());
        let (mut done, mut piece) = (0, [0; 64]);
        while done < bytes {
            let count = piece.len().min(bytes - done);
            self.map.read(at + HEADER + done, &mut piece[..count])?;
            sum = sum.and(&piece[..count]);
            let to = to.get_mut(done..).unwrap_or_default();
            let copied = to.len().min(count);
            to[..copied].copy_from_slice(&piece[..copied]);
            done += count;
        }
        let record = Record { length: bytes, next };
        if sum.value() == expected { Ok(Some(record)) } else { Err(Fault::Damaged(at)) }
    }

    /// Returns the mapping.
    pub(crate) fn into_map(self) -> Mapping<H> {
        self.map
    }
}

/// Returns the end of a record of `length` bytes at `at`, a multiple of 8.
fn next(at: usize, length: usize) -> Option<usize> {
    at.checked_add(HEADER)?.checked_add(length)?.checked_next_multiple_of(8)
}

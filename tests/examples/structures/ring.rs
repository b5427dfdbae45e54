//! A ring in a mapping: records are pushed at one end, and taken at the other in the same order.
//! The space of what was taken is used again.
//!
//! Two words count the bytes that were ever pushed and taken; the records lie between them. Each
//! word is a commit: a power cut leaves a record pushed or not, and taken or not.
//!
//! | offset | bytes | |
//! |---|---|---|
//! | 0 | 8 | the size of the ring in bytes, as soon as there is one |
//! | 64 | 8 | bytes that were pushed |
//! | 128 | 8 | bytes that were taken |
//! | 192 | | the ring: each record a length of 8 bytes, and its bytes up to a multiple of 8 |

use pmem2::{Error, Handle, Mapping, map::Map};

use super::{fault::Fault, zeros};

const CAPACITY_AT: usize = 0;
const PUSHED_AT: usize = 64;
const TAKEN_AT: usize = 128;
const FIRST: usize = 192;
const LENGTH: u64 = 8;

/// A ring. Only one at a time may use a mapping's bytes: whoever opens a file locks it.
pub(crate) struct Ring<H: Handle<P: Map>> {
    map: Mapping<H>,
    pushed: u64,
    taken: u64,
    capacity: u64,
    /// Whether both words are known to be durable.
    settled: bool,
}

impl<H: Handle<P: Map>> Ring<H> {
    /// Finds the ring in a mapping, or makes one where all of it is zeros. The ring has all
    /// of the mapping, whose length has to be the same each time.
    pub(crate) fn open(map: Mapping<H>) -> Result<Self, Fault> {
        let capacity = map.length().checked_sub(FIRST).ok_or(Fault::Full)? as u64 & !7;
        match map.word(CAPACITY_AT)?.load()? {
            // No ring yet. A power cut before its size is there leaves zeros.
            0 => zeros::check(&map, 0..map.length())?,
            found if found == capacity => {}
            _ => return Err(Fault::Foreign),
        }
        let (pushed, taken) = (map.word(PUSHED_AT)?.load()?, map.word(TAKEN_AT)?.load()?);
        let used = pushed.checked_sub(taken).filter(|&used| used <= capacity);
        if used.is_none() || (pushed | taken) % 8 != 0 {
            return Err(Fault::Damaged(PUSHED_AT));
        }
        // A process that was killed may have left words that are visible and not durable yet.
        map.commit(PUSHED_AT, pushed)?;
        map.commit(TAKEN_AT, taken)?;
        map.commit(CAPACITY_AT, capacity)?;
        Ok(Self { map, pushed, taken, capacity, settled: true })
    }

    /// Pushes a record. It is durable on return, and until then not there at all.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        if !self.settled {
            return Err(Fault::Unsettled);
        }
        let free = self.capacity - (self.pushed - self.taken);
        let length = bytes.len() as u64;
        let size = size(length).filter(|&size| size <= free).ok_or(Fault::Full)?;
        let pushed = self.pushed.checked_add(size).ok_or(Fault::Full)?;
        self.store(self.pushed, &length.to_le_bytes())?;
        self.store(self.pushed + LENGTH, bytes)?;
        self.commit(PUSHED_AT, pushed)?;
        self.pushed = pushed;
        Ok(())
    }

    /// Takes the oldest record, and returns its length; `None` if the ring is empty. On return it
    /// is durable that the record was taken: a power cut before that leaves the record.
    pub(crate) fn take(&mut self, to: &mut [u8]) -> Result<Option<usize>, Fault> {
        if !self.settled {
            return Err(Fault::Unsettled);
        }
        if self.pushed == self.taken {
            return Ok(None);
        }
        let mut length = [0; LENGTH as usize];
        self.load(self.taken, &mut length)?;
        let length = u64::from_le_bytes(length);
        let size = size(length).filter(|&size| size <= self.pushed - self.taken);
        let (Some(size), Ok(length)) = (size, usize::try_from(length)) else {
            return Err(Fault::Damaged(self.at(self.taken)));
        };
        let to = to.get_mut(..length).ok_or(Fault::Buffer(length))?;
        self.load(self.taken + LENGTH, to)?;
        let taken = self.taken + size;
        self.commit(TAKEN_AT, taken)?;
        self.taken = taken;
        Ok(Some(length))
    }

    /// Returns the mapping.
    pub(crate) fn into_map(self) -> Mapping<H> {
        self.map
    }

    /// Stores bytes that begin at a position, and begins to make them durable: in two pieces where
    /// they go beyond the end of the ring.
    fn store(&self, position: u64, bytes: &[u8]) -> Result<(), Error> {
        let (head, tail) = bytes.split_at(self.head(position, bytes.len()));
        for (at, piece) in [(self.at(position), head), (FIRST, tail)] {
            self.map.unflushed().write(at, piece)?;
            self.map.flush(at..at + piece.len())?;
        }
        Ok(())
    }

    /// Loads bytes that begin at a position.
    fn load(&self, position: u64, to: &mut [u8]) -> Result<(), Error> {
        let (head, tail) = to.split_at_mut(self.head(position, to.len()));
        self.map.read(self.at(position), head)?;
        self.map.read(FIRST, tail)
    }

    /// Returns the offset of a position.
    fn at(&self, position: u64) -> usize {
        FIRST + (position % self.capacity) as usize
    }

    /// Returns the number of bytes from a position to the end of the ring, and at most `length`.
    fn head(&self, position: u64, length: usize) -> usize {
        length.min((self.capacity - position % self.capacity) as usize)
    }

    /// Commits one of the words. Where that fails, it may be the old one or the new one after a
    /// power cut.
    fn commit(&mut self, at: usize, word: u64) -> Result<(), Error> {
        self.settled = false;
        self.map.commit(at, word)?;
        self.settled = true;
        Ok(())
    }
}

/// Returns the space that a record of `length` bytes takes.
fn size(length: u64) -> Option<u64> {
    LENGTH.checked_add(length)?.checked_next_multiple_of(8)
}

//! A NOR flash on the test's disk: an erase sets all bits of a page, a write only clears some.
//!
//! A power cut leaves each word of a write as it was or as it was to be, and each eight bytes of an
//! erase, in any order. Real flash is worse: bits of the word that was written last may have any
//! value, and one may be read in two ways. Nothing here says that a program survives that.

use std::convert::Infallible;

use embedded_storage_async::nor_flash::{ErrorType, MultiwriteNorFlash, NorFlash, ReadNorFlash};
use pmem2::Mapping;
use pmem2_crash::Disk;

/// The bytes of a word, the least that is written.
pub(crate) const WORD: usize = 4;

/// The order in which an erase sets the bits of a page, where a power cut ends it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Erase {
    /// Any, of eight bytes each: embedded-storage's word for the page is "undefined".
    Any,
    /// From the first byte to the last, as the mocks of many do.
    Upwards,
    /// From the last byte to the first.
    Downwards,
}

/// A flash with pages of so many bytes, whose words are written once after each erase, or twice.
pub(crate) struct Nor<'d, const PAGE: usize, const TWICE: bool>(Mapping<Disk<'d>>, Erase);

impl<'d, const PAGE: usize, const TWICE: bool> Nor<'d, PAGE, TWICE> {
    pub(crate) fn new(disk: Disk<'d>, erase: Erase) -> Self {
        Self(disk.map().expect("a mapping"), erase)
    }

    pub(crate) fn pages(&self) -> usize {
        self.0.length() / PAGE
    }

    pub(crate) fn load(&self, at: usize, to: &mut [u8]) {
        self.0.read(at, to).expect("bytes of the flash");
    }

    /// Clears bits, word by word, durably.
    pub(crate) fn program(&self, at: usize, bytes: &[u8]) {
        assert!(at.is_multiple_of(WORD) && bytes.len().is_multiple_of(WORD), "not words");
        for (at, word) in (at..).step_by(WORD).zip(bytes.chunks(WORD)) {
            let mut new = [0; WORD];
            self.load(at, &mut new);
            assert!(TWICE || new == [0xff; WORD], "the word {at:#x} is written once more");
            new.iter_mut().zip(word).for_each(|(new, byte)| *new &= byte);
            self.0.unflushed().write(at, &new).expect("bytes of the flash");
        }
        self.0.persist(at..at + bytes.len()).expect("bytes of the flash");
    }

    /// Sets all bits of pages, durably.
    pub(crate) fn clear(&self, start: usize, end: usize) {
        assert!(start.is_multiple_of(PAGE) && end.is_multiple_of(PAGE), "not pages");
        let step = match self.1 {
            Erase::Any => end - start,
            Erase::Upwards | Erase::Downwards => 8,
        };
        let mut pieces: Vec<usize> = (start..end).step_by(step).collect();
        if let Erase::Downwards = self.1 {
            pieces.reverse();
        }
        for at in pieces {
            self.0.fill(at..at + step, 0xff).expect("pages of the flash");
        }
    }
}

impl<const PAGE: usize, const TWICE: bool> ErrorType for Nor<'_, PAGE, TWICE> {
    type Error = Infallible;
}

impl<const PAGE: usize, const TWICE: bool> ReadNorFlash for Nor<'_, PAGE, TWICE> {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.load(offset as usize, bytes);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.0.length()
    }
}

impl<const PAGE: usize, const TWICE: bool> NorFlash for Nor<'_, PAGE, TWICE> {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = PAGE;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Infallible> {
        self.clear(from as usize, to as usize);
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Infallible> {
        self.program(offset as usize, bytes);
        Ok(())
    }
}

impl<const PAGE: usize> MultiwriteNorFlash for Nor<'_, PAGE, true> {}

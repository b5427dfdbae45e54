//! The steps of a program, taken on the device instead of by the processor.

use std::{panic::Location, slice};

use pmem2::{map::Steps, platform::Fail};

use crate::{
    disk::Disk,
    trace::{Action, How},
};

impl Disk<'_> {
    /// Stores bytes at an address.
    ///
    /// # Safety
    ///
    /// They are mapped for stores, of this disk or of a private mapping.
    unsafe fn store_at(
        self,
        to: *mut u8,
        bytes: Vec<u8>,
        how: How,
        by: &'static Location<'static>,
    ) {
        match self.device.find(to, bytes.len()) {
            Some(at) => self.device.act(Action::Store { at, bytes, how }, by),
            // SAFETY: the caller's; the vector is nobody else's.
            None => unsafe { to.copy_from(bytes.as_ptr(), bytes.len()) },
        }
    }

    /// Loads bytes from an address.
    ///
    /// # Safety
    ///
    /// They are mapped for loads, of this disk or of a private mapping.
    unsafe fn load_at(self, from: *const u8, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        match self.device.find(from, length) {
            Some(at) => self.device.load(at, &mut bytes),
            // SAFETY: the caller's; the vector is nobody else's.
            None => unsafe { from.copy_to(bytes.as_mut_ptr(), length) },
        }
        bytes
    }
}

// SAFETY: bytes of the disk are accessed on its device, those of private mappings where they are,
// and no others.
unsafe impl Steps for Disk<'_> {
    unsafe fn store(self, to: *mut u8, from: *const u8, length: usize) {
        // SAFETY: the caller's: they can be read, and nobody changes them meanwhile.
        let bytes = unsafe { slice::from_raw_parts(from, length) }.to_vec();
        // SAFETY: the caller's.
        unsafe { self.store_at(to, bytes, How::Plain, Location::caller()) };
    }

    unsafe fn load(self, to: *mut u8, from: *const u8, length: usize) {
        // SAFETY: the caller's.
        let bytes = unsafe { self.load_at(from, length) };
        // SAFETY: the caller's: they can be written to, and nobody else uses them.
        unsafe { to.copy_from_nonoverlapping(bytes.as_ptr(), length) };
    }

    unsafe fn move_within(self, to: *mut u8, from: *const u8, length: usize) {
        // SAFETY: the caller's.
        let bytes = unsafe { self.load_at(from, length) };
        // SAFETY: the caller's.
        unsafe { self.store_at(to, bytes, How::Plain, Location::caller()) };
    }

    unsafe fn fill(self, to: *mut u8, byte: u8, length: usize) {
        // SAFETY: the caller's.
        unsafe { self.store_at(to, vec![byte; length], How::Plain, Location::caller()) };
    }

    unsafe fn stream(self, to: *mut u8, from: *const u8, length: usize) {
        // SAFETY: the caller's: they can be read, and nobody changes them meanwhile.
        let bytes = unsafe { slice::from_raw_parts(from, length) }.to_vec();
        // SAFETY: the caller's.
        unsafe { self.store_at(to, bytes, How::Stream, Location::caller()) };
    }

    unsafe fn flush(self, start: *const u8, length: usize) {
        if let Some(at) = self.device.find(start, length) {
            self.device.act(Action::Flush { at, length }, Location::caller());
        }
    }

    fn fence(self) {
        self.device.act(Action::Fence, Location::caller());
    }

    unsafe fn load_word(self, from: *const u64) -> u64 {
        let mut word = [0; 8];
        // SAFETY: the caller's.
        word.copy_from_slice(&unsafe { self.load_at(from.cast(), 8) });
        u64::from_ne_bytes(word)
    }

    unsafe fn store_word(self, to: *mut u64, word: u64) {
        let bytes = word.to_ne_bytes().to_vec();
        // SAFETY: the caller's.
        unsafe { self.store_at(to.cast(), bytes, How::Plain, Location::caller()) };
    }

    unsafe fn sync(
        self,
        start: *const u8,
        length: usize,
        call: impl FnOnce() -> Result<(), Fail>,
    ) -> Result<(), Fail> {
        let place = Location::caller();
        let done = call();
        if let Some(at) = self.device.find(start, length) {
            self.device.act(Action::Sync { at, length, failed: done.is_err() }, place);
            if done.is_ok() {
                self.device.sync_size(place);
            }
        }
        done
    }

    unsafe fn viewed(self, start: *const u8, length: usize) {
        if let Some(at) = self.device.find(start, length) {
            self.device.view(at, length, Location::caller());
        }
    }
}

//! The memory that a script's object is mapped to, and the steps that are taken there: the script's
//! [`Map`].

use std::{
    cell::{Cell, RefCell},
    ops::Range,
    ptr::NonNull,
    sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed},
};

use pmem2::{
    Handle,
    map::{Map, Mapped, Request, Span, Steps},
    place::MapSync,
    platform::{Borrowed, Facts, Fail},
};

use crate::script::{Call, Id, Script};

/// The answers, and what is mapped.
#[derive(Clone, Debug, Default)]
pub(crate) struct Addresses {
    /// How each question fails, where it does.
    pub(crate) map: Cell<Option<Fail>>,
    pub(crate) unmap: Cell<Option<Fail>>,
    pub(crate) steps: Cell<Option<Fail>>,
    pub(crate) sync: Cell<Option<Fail>>,
    pub(crate) populate: Cell<Option<Fail>>,
    pub(crate) deep_flush: Cell<Option<Fail>>,
    pub(crate) extend: Cell<Option<Fail>>,
    pub(crate) settle: Cell<Option<Fail>>,
    pub(crate) truncate: Cell<Option<Fail>>,
    /// The size of a file that is to be cut, if it is not what was expected.
    pub(crate) had: Cell<Option<u64>>,
    pub(crate) deallocate: Cell<Option<Fail>>,
    /// The one mapping that there is: its first byte, and the bytes that were taken.
    mapped: Cell<Option<(NonNull<u8>, usize)>>,
    /// For each time that memory was unmapped, how many handles had been dropped before.
    pub(crate) unmapped: RefCell<Vec<usize>>,
}

impl Script {
    pub(crate) fn is_mapped(&self) -> bool {
        self.addresses.mapped.get().is_some()
    }

    fn fallible(&self, call: Call, fail: &Cell<Option<Fail>>) -> Result<(), Fail> {
        self.answer(call, fail.get().map_or(Ok(()), Err))
    }

    /// The offset of bytes that have to be mapped.
    fn offset(&self, at: *const u8, length: usize) -> usize {
        let (start, taken) = self.addresses.mapped.get().expect("something is mapped");
        let offset = at.addr() - start.addr().get();
        assert!(offset + length <= taken, "beyond the mapping");
        offset
    }
}

// SAFETY: each mapping is words of its own, which are never given back.
unsafe impl<'s> Map for &'s Script {
    type Steps = Recorder<'s>;

    fn steps(self, flushes: bool) -> Result<Recorder<'s>, Fail> {
        self.fallible(Call::Steps(flushes), &self.addresses.steps)?;
        Ok(Recorder(self))
    }

    fn map(
        handle: Borrowed<'_, Self>,
        facts: &Facts<Id>,
        request: &Request,
    ) -> Result<Mapped, Fail> {
        let script = handle.platform();
        let call = Call::Map(request.offset, request.length, request.synchronous);
        let answer = script.addresses.map.get().map_or(Ok(()), Err);
        script.ask(call, handle.raw(), facts, answer)?;
        let synchronous =
            if request.synchronous { script.land.synchronous? } else { MapSync::Refused };
        let taken = request.length.next_multiple_of(4096);
        let words = (0..taken / 8).map(|_| AtomicU64::new(0)).collect::<Vec<_>>();
        let at = NonNull::from(Box::leak(words.into_boxed_slice())).cast();
        assert!(script.addresses.mapped.replace(Some((at, taken))).is_none(), "mapped twice");
        Ok(Mapped { at, taken, synchronous })
    }

    unsafe fn unmap(self, taken: Span) -> Result<(), Fail> {
        self.fallible(Call::Unmap(taken.length), &self.addresses.unmap)?;
        let mapped = self.addresses.mapped.take();
        assert_eq!(mapped, Some((taken.at, taken.length)), "what was taken, and once");
        self.addresses.unmapped.borrow_mut().push(self.dropped.get());
        Ok(())
    }

    unsafe fn sync(handle: Borrowed<'_, Self>, bytes: Span) -> Result<(), Fail> {
        let script = handle.platform();
        let offset = script.offset(bytes.at.as_ptr(), bytes.length);
        script.fallible(Call::Msync(offset, bytes.length), &script.addresses.sync)
    }

    fn deep_flush(handle: Borrowed<'_, Self>, facts: &Facts<Id>) -> Result<(), Fail> {
        let script = handle.platform();
        let answer = script.addresses.deep_flush.get().map_or(Ok(()), Err);
        script.ask(Call::DeepFlush, handle.raw(), facts, answer)
    }

    fn extend(
        handle: Borrowed<'_, Self>,
        facts: &Facts<Id>,
        range: Range<u64>,
        known: Option<u64>,
        durable: bool,
    ) -> Result<(), Fail> {
        let script = handle.platform();
        let answer = script.addresses.extend.get().map_or(Ok(()), Err);
        let call = Call::Extend((range.start, range.end), known, durable);
        script.ask(call, handle.raw(), facts, answer)
    }

    fn settle(handle: Borrowed<'_, Self>, facts: &Facts<Id>, durable: bool) -> Result<(), Fail> {
        let script = handle.platform();
        let answer = script.addresses.settle.get().map_or(Ok(()), Err);
        script.ask(Call::Settle(durable), handle.raw(), facts, answer)
    }

    fn truncate(
        handle: Borrowed<'_, Self>,
        facts: &Facts<Id>,
        size: Range<u64>,
    ) -> Result<u64, Fail> {
        let script = handle.platform();
        let had = script.addresses.had.get().unwrap_or(size.end);
        let answer = script.addresses.truncate.get().map_or(Ok(had), Err);
        script.ask(Call::Truncate((size.start, size.end)), handle.raw(), facts, answer)
    }

    fn deallocate(
        handle: Borrowed<'_, Self>,
        facts: &Facts<Id>,
        range: Range<u64>,
    ) -> Result<(), Fail> {
        let script = handle.platform();
        let answer = script.addresses.deallocate.get().map_or(Ok(()), Err);
        script.ask(Call::Deallocate((range.start, range.end)), handle.raw(), facts, answer)
    }

    unsafe fn populate(self, bytes: Span, write: bool) -> Result<(), Fail> {
        let offset = self.offset(bytes.at.as_ptr(), bytes.length);
        self.fallible(Call::Populate(offset, bytes.length, write), &self.addresses.populate)
    }
}

/// Steps that are noted, and taken byte by byte.
#[derive(Clone, Copy)]
pub(crate) struct Recorder<'s>(&'s Script);

impl Recorder<'_> {
    fn note(self, call: Call) {
        let _ = self.0.answer(call, Ok(()));
    }
}

/// # Safety
///
/// The byte is in a script's memory.
unsafe fn byte<'a>(at: *const u8, index: usize) -> &'a AtomicU8 {
    // SAFETY: it is, which stays for ever, and everybody there uses atomics.
    unsafe { AtomicU8::from_ptr(at.cast_mut().add(index)) }
}

// SAFETY: they access the bytes that they are given, by atomics.
unsafe impl Steps for Recorder<'_> {
    unsafe fn store(self, to: *mut u8, from: *const u8, length: usize) {
        self.note(Call::Store(self.0.offset(to, length), length));
        for index in 0..length {
            // SAFETY: the caller can read that many bytes at `from`, and has them mapped at `to`.
            unsafe { byte(to, index).store(from.add(index).read(), Relaxed) };
        }
    }

    unsafe fn load(self, to: *mut u8, from: *const u8, length: usize) {
        self.note(Call::Load(self.0.offset(from, length), length));
        for index in 0..length {
            // SAFETY: the caller has that many bytes mapped at `from`, and can write them at `to`.
            unsafe { to.add(index).write(byte(from, index).load(Relaxed)) };
        }
    }

    unsafe fn move_within(self, to: *mut u8, from: *const u8, length: usize) {
        let bytes: Vec<u8> =
            // SAFETY: the caller has them mapped.
            (0..length).map(|index| unsafe { byte(from, index) }.load(Relaxed)).collect();
        // SAFETY: the caller has them mapped, and the bytes are this function's.
        unsafe { self.store(to, bytes.as_ptr(), length) };
    }

    unsafe fn fill(self, to: *mut u8, value: u8, length: usize) {
        let bytes = vec![value; length];
        // SAFETY: as above.
        unsafe { self.store(to, bytes.as_ptr(), length) };
    }

    unsafe fn flush(self, start: *const u8, length: usize) {
        self.note(Call::Flush(self.0.offset(start, length), length));
    }

    fn fence(self) {
        self.note(Call::Fence);
    }

    unsafe fn load_word(self, from: *const u64) -> u64 {
        self.0.offset(from.cast(), 8);
        // SAFETY: the caller has it mapped, and aligned.
        unsafe { AtomicU64::from_ptr(from.cast_mut()) }.load(Relaxed)
    }

    unsafe fn store_word(self, to: *mut u64, word: u64) {
        self.note(Call::Word(self.0.offset(to.cast(), 8)));
        // SAFETY: the caller has it mapped, and aligned.
        unsafe { AtomicU64::from_ptr(to) }.store(word, Relaxed);
    }
}

//! Memory that is mapped, and every access to it.

use core::{
    mem::{ManuallyDrop, MaybeUninit},
    ops::Range,
    ptr::{self, NonNull},
};

use super::{
    Map, Mapped, Protection, Request, Span,
    plain::{Plain, Shared},
    reach::Reach,
    steps::Steps,
};
use crate::{
    errno::Errno,
    facts::Facts,
    fail::{Fail, Subject},
    place::MapSync,
    source::{Borrowed, Handle, Platform},
};

/// A word, whose alignment is 8 where a `u64` needs less, too (x86 with 32 bits).
#[repr(align(8))]
struct Word(#[expect(dead_code, reason = "its size and alignment are what counts")] u64);

/// The fault of an access to [`Memory`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MemoryFault {
    /// Some of the bytes are outside the memory, or beyond the bytes that the object has.
    Outside,
    /// The address is no multiple of this, which the access needs.
    Unaligned(usize),
    /// The memory was not mapped for this.
    Protected(Protection),
}

/// Memory that is mapped, and the handle of the object that it shows. It owns its addresses, which
/// are unmapped when it is dropped.
///
/// Every access is checked here, beside the steps that it justifies: that the bytes are in the
/// mapping, that it allows the access, and that they are aligned where that matters.
///
/// Others may change the bytes at any time, and so there is no `&[u8]` of them.
#[derive(Debug)]
pub struct Memory<H: Handle<P: Map>> {
    handle: H,
    at: NonNull<u8>,
    /// The bytes that there are addresses for.
    room: usize,
    /// The bytes that the object has of them, as far as is known.
    reach: Reach,
    /// The bytes to unmap; 0 where somebody else does.
    taken: usize,
    protection: Protection,
    /// Whether stores stay in the mapping.
    private: bool,
}

// SAFETY: mapped memory belongs to the process, and every thread may access and unmap it. Accesses
// are steps and atomics, which may race. The handle is Send.
unsafe impl<H: Handle<P: Map> + Send> Send for Memory<H> {}
// SAFETY: likewise; the reach is an atomic, and the handle is Sync.
unsafe impl<H: Handle<P: Map> + Sync> Sync for Memory<H> {}

impl<H: Handle<P: Map>> Memory<H> {
    /// Maps bytes of an object, of which it has `reach`.
    ///
    /// Nothing here has to be true: facts that are not the object's, a request that was not checked
    /// or a reach that is too large make errors, or accesses that raise a signal.
    ///
    /// # Errors
    ///
    /// The platform's, with the handle. [`Fail::TooLarge`]: of more bytes than `isize::MAX`; with
    /// `EINVAL`: of none.
    pub fn map(
        handle: H,
        facts: &Facts<<H::P as Platform>::Id>,
        request: &Request,
        reach: usize,
    ) -> Result<(Self, MapSync), (H, Fail)> {
        let &Request { length: room, protection, private, .. } = request;
        if room == 0 {
            return Err((handle, Fail::Os(Subject::Mapping, Errno::EINVAL)));
        }
        if isize::try_from(room).is_err() {
            return Err((handle, Fail::TooLarge(Subject::Mapping)));
        }
        match H::P::map((&handle).into(), facts, request) {
            Ok(Mapped { at, taken, synchronous }) => {
                let reach = Reach::new(reach.min(room));
                Ok((Self { handle, at, room, reach, taken, protection, private }, synchronous))
            }
            Err(fail) => Err((handle, fail)),
        }
    }

    /// Takes memory that the program has mapped, shared with the object, and unmaps itself.
    ///
    /// # Safety
    ///
    /// For as long as the value lives, the `length` bytes at `at` are mapped with this protection
    /// to bytes of the handle's object, and are no more than `isize::MAX`. No reference to any of
    /// them exists meanwhile, except to atomics.
    pub const unsafe fn from_raw(
        handle: H,
        at: NonNull<u8>,
        length: usize,
        protection: Protection,
    ) -> Self {
        let reach = Reach::new(length);
        Self { handle, at, room: length, reach, taken: 0, protection, private: false }
    }

    /// Returns a part of the memory, which borrows it.
    ///
    /// # Errors
    ///
    /// [`Outside`](MemoryFault::Outside).
    pub fn part(&self, range: Range<usize>) -> Result<Memory<&H>, MemoryFault> {
        let length = range.end.checked_sub(range.start).ok_or(MemoryFault::Outside)?;
        let at = self.bytes(range.start, length, Protection::empty())?;
        let (handle, protection) = (&self.handle, self.protection);
        // SAFETY: the bytes are part of this memory, which lives as long as the borrowed handle.
        let mut part = unsafe { Memory::from_raw(handle, at, length, protection) };
        part.private = self.private;
        Ok(part)
    }

    /// Unmaps the memory, and gives the handle back.
    ///
    /// # Errors
    ///
    /// It is still mapped, and given back.
    pub fn unmap(self) -> Result<H, (Self, Fail)> {
        let memory = ManuallyDrop::new(self);
        // SAFETY: it is this value's, which nobody uses any more.
        match unsafe { memory.take_away() } {
            // SAFETY: the value is not dropped, so that the handle is read once.
            Ok(()) => Ok(unsafe { ptr::read(&raw const memory.handle) }),
            Err(fail) => Err((ManuallyDrop::into_inner(memory), fail)),
        }
    }

    /// Gives the handle back and leaves the memory mapped, whose addresses are nobody's then.
    pub fn leak(self) -> H {
        let memory = ManuallyDrop::new(self);
        // SAFETY: the value is not dropped, so that the handle is read once.
        unsafe { ptr::read(&raw const memory.handle) }
    }

    /// # Safety
    ///
    /// Nobody uses the memory any more.
    unsafe fn take_away(&self) -> Result<(), Fail> {
        if self.taken == 0 {
            return Ok(());
        }
        let span = Span { at: self.at, length: self.taken };
        // SAFETY: `map` made this value of what the platform took; the caller answers for the use.
        unsafe { self.handle.platform().unmap(span) }
    }

    /// Returns the handle.
    #[inline]
    pub const fn handle(&self) -> &H {
        &self.handle
    }

    /// Returns the address of the first byte. Whoever uses it answers for that.
    #[inline]
    #[must_use]
    pub const fn as_ptr(&self) -> *mut u8 {
        self.at.as_ptr()
    }

    /// Returns the number of bytes that there are addresses for.
    #[inline]
    #[must_use]
    pub const fn room(&self) -> usize {
        self.room
    }

    /// Returns the accesses that the mapping allows.
    #[inline]
    #[must_use]
    pub const fn protection(&self) -> Protection {
        self.protection
    }

    /// Returns whether stores stay in the mapping, and never reach the object.
    #[inline]
    #[must_use]
    pub const fn is_private(&self) -> bool {
        self.private
    }

    /// Returns whether the memory is a part of other memory, or the program's own.
    #[inline]
    #[must_use]
    pub const fn is_borrowed(&self) -> bool {
        self.taken == 0
    }

    /// Returns the number of bytes that the object has, as far as is known.
    #[inline]
    #[must_use]
    pub fn reach(&self) -> usize {
        self.reach.get()
    }

    /// Takes note that the object has this many bytes at least. An access beyond what it really has
    /// raises a signal.
    pub fn raise_reach(&self, to: usize) {
        self.reach.raise(to.min(self.room));
    }

    /// Takes note that the object has only this many bytes.
    pub fn cut_reach(&mut self, to: usize) {
        self.reach.set(to.min(self.room));
    }

    /// Takes note of the number of bytes that `ask` says that the object has, and returns it. It is
    /// told the number that was known, and is asked again where another thread was faster.
    ///
    /// # Errors
    ///
    /// Those of `ask`.
    pub fn follow_reach<E>(
        &self,
        mut ask: impl FnMut(usize) -> Result<usize, E>,
    ) -> Result<usize, E> {
        self.reach.follow(|known| Ok(ask(known)?.min(self.room)))
    }

    /// Returns the address of `length` bytes at `offset` that are mapped for `needed`.
    #[inline]
    fn bytes(
        &self,
        offset: usize,
        length: usize,
        needed: Protection,
    ) -> Result<NonNull<u8>, MemoryFault> {
        match offset.checked_add(length) {
            Some(end) if end <= self.reach() => {}
            _ => return Err(MemoryFault::Outside),
        }
        if !self.protection.contains(needed) {
            return Err(MemoryFault::Protected(needed));
        }
        // SAFETY: `add` requires that the offset is within the memory, which has no more than
        // isize::MAX bytes: it is at most the reach, and that at most the room.
        Ok(unsafe { self.at.add(offset) })
    }

    /// Returns the address of a `T` at `offset`, aligned for it.
    #[inline]
    fn aligned<T>(&self, offset: usize, needed: Protection) -> Result<NonNull<T>, MemoryFault> {
        let at = self.bytes(offset, size_of::<T>(), needed)?;
        let alignment = align_of::<T>();
        if at.addr().get() & alignment.wrapping_sub(1) != 0 {
            return Err(MemoryFault::Unaligned(alignment));
        }
        Ok(at.cast())
    }

    /// Checks that there is an aligned word at `offset`.
    pub fn check_word(&self, offset: usize) -> Result<(), MemoryFault> {
        self.aligned::<Word>(offset, Protection::empty()).map(drop)
    }

    /// Copies bytes out.
    #[inline]
    #[track_caller]
    pub fn read(
        &self,
        steps: <H::P as Map>::Steps,
        offset: usize,
        to: &mut [u8],
    ) -> Result<(), MemoryFault> {
        let from = self.bytes(offset, to.len(), Protection::READ)?;
        // SAFETY: the bytes are mapped for loads, and the slice is the caller's alone.
        unsafe { steps.load(to.as_mut_ptr(), from.as_ptr(), to.len()) };
        Ok(())
    }

    /// Copies bytes in.
    #[inline]
    #[track_caller]
    pub fn write(
        &self,
        steps: <H::P as Map>::Steps,
        offset: usize,
        from: &[u8],
    ) -> Result<(), MemoryFault> {
        let to = self.bytes(offset, from.len(), Protection::WRITE)?;
        // SAFETY: the bytes are mapped for stores, and nobody changes a slice.
        unsafe { steps.store(to.as_ptr(), from.as_ptr(), from.len()) };
        Ok(())
    }

    /// Stores one value to all bytes of a range.
    #[inline]
    #[track_caller]
    pub fn fill(
        &self,
        steps: <H::P as Map>::Steps,
        range: Range<usize>,
        byte: u8,
    ) -> Result<(), MemoryFault> {
        let length = range.end.checked_sub(range.start).ok_or(MemoryFault::Outside)?;
        let to = self.bytes(range.start, length, Protection::WRITE)?;
        // SAFETY: the bytes are mapped for stores.
        unsafe { steps.fill(to.as_ptr(), byte, length) };
        Ok(())
    }

    /// Copies the bytes of a range to another, which may overlap it.
    #[inline]
    #[track_caller]
    pub fn move_within(
        &self,
        steps: <H::P as Map>::Steps,
        from: Range<usize>,
        to: usize,
    ) -> Result<(), MemoryFault> {
        let length = from.end.checked_sub(from.start).ok_or(MemoryFault::Outside)?;
        let from = self.bytes(from.start, length, Protection::READ)?;
        let to = self.bytes(to, length, Protection::WRITE)?;
        // SAFETY: both are mapped for it.
        unsafe { steps.move_within(to.as_ptr(), from.as_ptr(), length) };
        Ok(())
    }

    /// Copies a value out. It needs no alignment.
    #[inline]
    #[track_caller]
    pub fn get<T: Plain>(
        &self,
        steps: <H::P as Map>::Steps,
        offset: usize,
    ) -> Result<T, MemoryFault> {
        let from = self.bytes(offset, size_of::<T>(), Protection::READ)?;
        let mut value = MaybeUninit::<T>::uninit();
        // SAFETY: the bytes are mapped for loads, and the value is this function's.
        unsafe { steps.load(value.as_mut_ptr().cast(), from.as_ptr(), size_of::<T>()) };
        // SAFETY: all of its bytes were loaded, and any bytes are a T.
        Ok(unsafe { value.assume_init() })
    }

    /// Copies a value in. It needs no alignment.
    #[inline]
    #[track_caller]
    pub fn put<T: Plain>(
        &self,
        steps: <H::P as Map>::Steps,
        offset: usize,
        value: &T,
    ) -> Result<(), MemoryFault> {
        let to = self.bytes(offset, size_of::<T>(), Protection::WRITE)?;
        // SAFETY: the bytes are mapped for stores; those of a T are initialized, and borrowed.
        unsafe { steps.store(to.as_ptr(), ptr::from_ref(value).cast(), size_of::<T>()) };
        Ok(())
    }

    /// Loads an aligned word.
    #[inline]
    #[track_caller]
    pub fn load(&self, steps: <H::P as Map>::Steps, offset: usize) -> Result<u64, MemoryFault> {
        let from = self.aligned::<Word>(offset, Protection::READ)?.cast();
        // SAFETY: it is mapped for loads, at a multiple of 8.
        Ok(unsafe { steps.load_word(from.as_ptr()) })
    }

    /// Stores an aligned word.
    #[inline]
    #[track_caller]
    pub fn store(
        &self,
        steps: <H::P as Map>::Steps,
        offset: usize,
        word: u64,
    ) -> Result<(), MemoryFault> {
        let to = self.aligned::<Word>(offset, Protection::WRITE)?.cast();
        // SAFETY: it is mapped for stores, at a multiple of 8.
        unsafe { steps.store_word(to.as_ptr(), word) };
        Ok(())
    }

    /// Returns atomics in place.
    #[inline]
    #[track_caller]
    pub fn view<T: Shared>(
        &self,
        steps: <H::P as Map>::Steps,
        offset: usize,
    ) -> Result<&T, MemoryFault> {
        let at = self.aligned::<T>(offset, Protection::READ.union(Protection::WRITE))?;
        // SAFETY: the bytes are mapped.
        unsafe { steps.viewed(at.as_ptr().cast(), size_of::<T>()) };
        // SAFETY: the bytes are mapped for both, aligned, and mapped as long as `self` is borrowed.
        // Any bytes are a T, and others may change them, since all of them are in atomics.
        Ok(unsafe { at.as_ref() })
    }

    /// Returns the bytes of a range as a slice.
    ///
    /// # Errors
    ///
    /// A fault.
    ///
    /// # Safety
    ///
    /// Nobody changes the bytes while the slice lives: no process, device or thread.
    pub unsafe fn slice(&self, range: Range<usize>) -> Result<&[u8], MemoryFault> {
        let length = range.end.checked_sub(range.start).ok_or(MemoryFault::Outside)?;
        let at = self.bytes(range.start, length, Protection::READ)?;
        // SAFETY: the bytes are mapped for loads as long as `self` is borrowed; the caller answers
        // for the rest.
        Ok(unsafe { core::slice::from_raw_parts(at.as_ptr(), length) })
    }

    /// Returns the bytes of a range as a slice that can be changed. What is stored to it is durable
    /// after a flush.
    ///
    /// # Errors
    ///
    /// A fault.
    ///
    /// # Safety
    ///
    /// While the slice lives, nobody else reads or changes the bytes: no process, device or thread,
    /// and no other slice or view.
    #[expect(clippy::mut_from_ref, reason = "the caller answers for it")]
    pub unsafe fn slice_mut(&self, range: Range<usize>) -> Result<&mut [u8], MemoryFault> {
        let length = range.end.checked_sub(range.start).ok_or(MemoryFault::Outside)?;
        let at = self.bytes(range.start, length, Protection::READ.union(Protection::WRITE))?;
        // SAFETY: the bytes are mapped for both as long as `self` is borrowed; the caller answers
        // for the rest.
        Ok(unsafe { core::slice::from_raw_parts_mut(at.as_ptr(), length) })
    }

    /// Begins to write the cache lines of a range back.
    #[inline]
    #[track_caller]
    pub fn flush(
        &self,
        steps: <H::P as Map>::Steps,
        range: Range<usize>,
    ) -> Result<(), MemoryFault> {
        let Some((at, length)) = self.flushed(range)? else { return Ok(()) };
        // SAFETY: the bytes are mapped.
        unsafe { steps.flush(at.as_ptr(), length) };
        Ok(())
    }

    /// Makes a range durable by the system's call.
    ///
    /// # Errors
    ///
    /// A fault, or what the platform says.
    #[track_caller]
    pub fn sync(
        &self,
        steps: <H::P as Map>::Steps,
        range: Range<usize>,
    ) -> Result<Result<(), Fail>, MemoryFault> {
        let Some((at, length)) = self.flushed(range)? else { return Ok(Ok(())) };
        let handle = Borrowed::from(&self.handle);
        // SAFETY: the bytes are mapped, of the handle's object, and by its platform, or by the
        // program for it.
        let call = || unsafe { H::P::sync(handle, Span { at, length }) };
        // SAFETY: the bytes are mapped.
        Ok(unsafe { steps.sync(at.as_ptr(), length, call) })
    }

    /// Makes page table entries for a range.
    ///
    /// # Errors
    ///
    /// A fault, or what the platform says.
    pub fn populate(
        &self,
        range: Range<usize>,
        write: bool,
    ) -> Result<Result<(), Fail>, MemoryFault> {
        let needed = if write { Protection::WRITE } else { Protection::READ };
        let length = range.end.checked_sub(range.start).ok_or(MemoryFault::Outside)?;
        let at = self.bytes(range.start, length, needed)?;
        if length == 0 {
            return Ok(Ok(()));
        }
        // SAFETY: the bytes are in a mapping of the platform's.
        Ok(unsafe { self.handle.platform().populate(Span { at, length }, write) })
    }

    /// Returns the bytes of a range that has any. Memory that is mapped for neither loads nor
    /// stores is refused, also where instructions may be executed: a flush of it could trap, and
    /// there is nothing to flush.
    #[inline]
    fn flushed(&self, range: Range<usize>) -> Result<Option<(NonNull<u8>, usize)>, MemoryFault> {
        let length = range.end.checked_sub(range.start).ok_or(MemoryFault::Outside)?;
        let at = self.bytes(range.start, length, Protection::empty())?;
        let needed = Protection::READ.union(Protection::WRITE);
        if length > 0 && !self.protection.intersects(needed) {
            return Err(MemoryFault::Protected(Protection::READ));
        }
        Ok((length > 0).then_some((at, length)))
    }
}

impl<H: Handle<P: Map>> Drop for Memory<H> {
    fn drop(&mut self) {
        // SAFETY: it is this value's, which is going. Where the system fails, the memory stays
        // mapped, and its addresses are nobody's: that harms nobody.
        let _ = unsafe { self.take_away() };
    }
}

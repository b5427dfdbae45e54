//! Bad blocks.

use core::{ffi::c_int, ops::Range};

use pmem2::{Code, Error, badblocks::ClearBy};

use super::answer::narrow;
use crate::{
    context::{BadblockStorage, Context},
    failure::Failure,
    library::{CContext, CSource, Library, finish},
    owned::{Owned, Room, aligned},
    source::Source,
};

/// `struct pmem2_badblock`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Badblock {
    /// In bytes of the source.
    pub offset: usize,
    /// In bytes.
    pub length: usize,
}

#[doc = include_str!("../../man/pmem2_badblock_context_new.md")]
///
/// # Safety
///
/// `bbctx` is NULL or valid for writes; `src` is NULL or a source.
pub unsafe fn badblock_context_new<L: Library>(
    bbctx: *mut *mut CContext<L>,
    src: *const CSource<L>,
) -> c_int {
    let room = Room::Library { instead: "pmem2_badblock_context_init" };
    // SAFETY: bbctx and src are valid or NULL, as here.
    unsafe { make::<L>(bbctx, room, src) }
}

/// Makes a context in the caller's memory: see [`badblock_context_new`].
///
/// # Safety
///
/// As there; `storage` is NULL or valid for writes, and left alone until the context is deleted.
pub unsafe fn badblock_context_init<L: Library>(
    storage: *mut BadblockStorage,
    bbctx: *mut *mut CContext<L>,
    src: *const CSource<L>,
) -> c_int {
    // SAFETY: storage, bbctx and src are valid or NULL, as here.
    unsafe { make::<L>(bbctx, Room::Caller(storage), src) }
}

/// Ends a context: see [`badblock_context_new`].
///
/// # Safety
///
/// `bbctx` is NULL or valid for reads and writes, aligned or not. `*bbctx` is NULL or a context,
/// which is not used any more; memory of 8 bytes that holds none is noticed.
pub unsafe fn badblock_context_delete<L: Library>(bbctx: *mut *mut CContext<L>) {
    // SAFETY: as here.
    unsafe { Owned::delete::<L::Memory>(bbctx) };
}

#[doc = include_str!("../../man/pmem2_badblock_next.md")]
///
/// # Safety
///
/// `bbctx` is NULL or a context that no other thread uses; `bb` is NULL or valid for writes.
pub unsafe fn badblock_next<L: Library>(bbctx: *mut CContext<L>, bb: *mut Badblock) -> c_int {
    let next = |context: &mut Context<L::Platform>| {
        let place = aligned(bb, "bb")?;
        let Range { start, end } = context.next()?;
        let found = Badblock { offset: narrow(start)?, length: narrow(end.saturating_sub(start))? };
        context.advance(end);
        // SAFETY: bb is valid for writes.
        unsafe { place.write(found) };
        Ok(())
    };
    // SAFETY: bbctx is valid or NULL, as here.
    finish::<L>(unsafe { Owned::get_mut(bbctx) }.and_then(next))
}

#[doc = include_str!("../../man/pmem2_badblock_clear.md")]
///
/// # Safety
///
/// `bbctx` is NULL or a context that no other thread uses; `bb` is NULL or valid for reads.
pub unsafe fn badblock_clear<L: Library>(bbctx: *mut CContext<L>, bb: *const Badblock) -> c_int {
    // SAFETY: both are valid or NULL, as here.
    unsafe { clear::<L>(bbctx, bb, ClearBy::LossyAllocation) }
}

/// Clears by a command of the device: see [`badblock_clear`].
///
/// # Safety
///
/// As there.
pub unsafe fn badblock_clear_by_device<L: Library>(
    bbctx: *mut CContext<L>,
    bb: *const Badblock,
) -> c_int {
    // SAFETY: both are valid or NULL, as here.
    unsafe { clear::<L>(bbctx, bb, ClearBy::DeviceCommand) }
}

/// # Safety
///
/// As [`badblock_clear`].
unsafe fn clear<L: Library>(bbctx: *mut CContext<L>, bb: *const Badblock, by: ClearBy) -> c_int {
    let clear = |context: &mut Context<L::Platform>| {
        // SAFETY: bb is valid for reads.
        let Badblock { offset, length } = unsafe { aligned(bb.cast_mut(), "bb")?.read() };
        // No address has more bits than that.
        let [offset, length] =
            [offset, length].map(|bytes| u64::try_from(bytes).unwrap_or(u64::MAX));
        let source = context.source();
        let range = match offset.checked_add(length) {
            Some(end) if length <= LARGEST => offset..end,
            _ if offset > LARGEST => return Err(Error::OffsetOutOfRange { offset }.into()),
            end => {
                let end = end.unwrap_or(u64::MAX);
                return Err(Error::LengthOutOfRange { end, size: source.size()? }.into());
            }
        };
        Ok(source.clear_bad_blocks(range, by)?)
    };
    // SAFETY: bbctx is valid or NULL, as here.
    finish::<L>(unsafe { Owned::get_mut(bbctx) }.and_then(clear))
}

/// The largest offset and length that files have.
const LARGEST: u64 = i64::MAX.unsigned_abs();

/// # Safety
///
/// `bbctx` and the caller's room are NULL or valid for writes; `src` is NULL or a source.
unsafe fn make<L: Library>(
    bbctx: *mut *mut CContext<L>,
    room: Room<Context<L::Platform>>,
    src: *const CSource<L>,
) -> c_int {
    // SAFETY: src is valid or NULL, as here.
    let source = unsafe { Owned::get(src) }.and_then(|source| match source {
        Source::Descriptor(source) => Ok(*source),
        Source::Anonymous(_) => Err(Failure::Said(
            Code::NoSupp,
            "an anonymous source has no bad blocks that a system lists",
        )),
    });
    // SAFETY: bbctx is valid or NULL, as here, and so is the room.
    finish::<L>(unsafe { Owned::make::<L::Memory, _, _>(bbctx, room, source, Context::new) })
}

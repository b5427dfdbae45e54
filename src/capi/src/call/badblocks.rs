//! Bad blocks.

use core::{
    ffi::c_int,
    ops::Range,
    ptr::{self, NonNull},
};

use pmem2::{Code, Error, badblocks::ClearBy, error::Memory};

use super::{bytes::narrow, fail, with};
use crate::{
    BadblockStorage, Context, Edge, Keep, Object,
    failure::Failure,
    object::{Either, Home},
    pointer::{aligned, usable, within},
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
pub unsafe fn badblock_context_new<E: Edge>(
    bbctx: *mut *mut Context<E::Platform>,
    src: *const Object<E::Platform>,
) -> c_int {
    let keep = |context| match E::Memory::keep(context) {
        Ok(context) => Ok(context),
        Err(Memory::Pool(slots)) => Err(Failure::Full {
            slots,
            end: "pmem2_badblock_context_delete",
            instead: "pmem2_badblock_context_init",
        }),
        Err(_) => Err(Failure::NoMemory),
    };
    // SAFETY: bbctx and src are valid or NULL, as here.
    unsafe { make::<E>(bbctx, src, Home::Library, Ok(()), keep) }
}

/// As [`badblock_context_new`], in the caller's memory.
///
/// # Safety
///
/// As there; `storage` is NULL or valid for writes, and left alone until the context is deleted.
pub unsafe fn badblock_context_init<E: Edge>(
    storage: *mut BadblockStorage,
    bbctx: *mut *mut Context<E::Platform>,
    src: *const Object<E::Platform>,
) -> c_int {
    if within(bbctx, storage) {
        return fail::<E>(Failure::Within("bbctx"));
    }
    let put = |context| {
        let place = storage.cast::<Context<E::Platform>>();
        // SAFETY: the caller said that storage is valid for writes if it is not NULL, which
        // `usable` has seen before; a context fits into it, and its alignment is enough (FITS).
        unsafe { place.write(context) };
        Ok(place)
    };
    // SAFETY: bbctx and src are valid or NULL, as here.
    unsafe { make::<E>(bbctx, src, Home::Caller, usable(storage), put) }
}

/// Ends a context: see [`badblock_context_new`].
///
/// # Safety
///
/// `bbctx` is NULL or valid for reads and writes, aligned or not. `*bbctx` is NULL or a context,
/// which is not used any more; memory of 8 bytes that holds none is noticed.
pub unsafe fn badblock_context_delete<E: Edge>(bbctx: *mut *mut Context<E::Platform>) {
    let Some(bbctx) = NonNull::new(bbctx) else { return };
    // SAFETY: bbctx is valid for reads.
    let Some(context) = NonNull::new(unsafe { bbctx.read_unaligned() }) else { return };
    // SAFETY: it is aligned, and memory of 8 bytes at least.
    if let Some(home) = context.is_aligned().then(|| unsafe { Context::home(context) }).flatten() {
        // SAFETY: it is a context, which the caller uses no more.
        unsafe { Context::end(context) };
        if home == Home::Library {
            // SAFETY: `keep` made it, and it was ended just now.
            unsafe { E::Memory::release(context.as_ptr()) };
        }
    }
    // SAFETY: bbctx is valid for writes.
    unsafe { bbctx.write_unaligned(ptr::null_mut()) };
}

#[doc = include_str!("../../man/pmem2_badblock_next.md")]
///
/// # Safety
///
/// `bbctx` is NULL or a context that no other thread uses; `bb` is NULL or valid for writes.
pub unsafe fn badblock_next<E: Edge>(bbctx: *mut Context<E::Platform>, bb: *mut Badblock) -> c_int {
    let next = |context: &mut Context<E::Platform>| {
        let place = aligned(bb, "bb")?;
        let Range { start, end } = context.next()?;
        let found = Badblock { offset: narrow(start)?, length: narrow(end.saturating_sub(start))? };
        context.behind(end);
        // SAFETY: bb is valid for writes.
        unsafe { place.write(found) };
        Ok(())
    };
    // SAFETY: bbctx is valid or NULL, as here.
    unsafe { of::<E>(bbctx, next) }
}

#[doc = include_str!("../../man/pmem2_badblock_clear.md")]
///
/// # Safety
///
/// `bbctx` is NULL or a context that no other thread uses; `bb` is NULL or valid for reads.
pub unsafe fn badblock_clear<E: Edge>(
    bbctx: *mut Context<E::Platform>,
    bb: *const Badblock,
) -> c_int {
    // SAFETY: both are valid or NULL, as here.
    unsafe { clear::<E>(bbctx, bb, ClearBy::LossyAllocation) }
}

/// The same by a command of the device: see [`badblock_clear`].
///
/// # Safety
///
/// As there.
pub unsafe fn badblock_clear_by_device<E: Edge>(
    bbctx: *mut Context<E::Platform>,
    bb: *const Badblock,
) -> c_int {
    // SAFETY: both are valid or NULL, as here.
    unsafe { clear::<E>(bbctx, bb, ClearBy::DeviceCommand) }
}

/// # Safety
///
/// As [`badblock_clear`].
unsafe fn clear<E: Edge>(
    bbctx: *mut Context<E::Platform>,
    bb: *const Badblock,
    by: ClearBy,
) -> c_int {
    let clear = |context: &mut Context<E::Platform>| {
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
    unsafe { of::<E>(bbctx, clear) }
}

/// What offsets and lengths of files are at most.
const LARGEST: u64 = i64::MAX.unsigned_abs();

/// What both constructors do: `*bbctx` is the new context, or NULL. `room` says whether there is a
/// place for it.
///
/// # Safety
///
/// `bbctx` is NULL or valid for writes; `src` is NULL or a source.
unsafe fn make<E: Edge>(
    bbctx: *mut *mut Context<E::Platform>,
    src: *const Object<E::Platform>,
    home: Home,
    room: Result<(), Failure>,
    place: impl FnOnce(Context<E::Platform>) -> Result<*mut Context<E::Platform>, Failure>,
) -> c_int {
    const { Context::<E::Platform>::FITS };
    let bbctx = aligned(bbctx, "bbctx");
    let mut made = ptr::null_mut();
    let make = |source: &Either<E::Platform>| {
        let Either::Descriptor(source) = source else {
            return Err(Failure::Said(
                Code::NoSupp,
                "an anonymous source has no bad blocks that a system lists",
            ));
        };
        bbctx?;
        room?;
        made = place(Context::new(*source, home)?)?;
        Ok(())
    };
    // SAFETY: src is valid or NULL, as here.
    let code = unsafe { with::<E>(src, make) };
    if let Ok(bbctx) = bbctx {
        // SAFETY: bbctx is valid for writes.
        unsafe { bbctx.write(made) };
    }
    code
}

/// What all that is done with a context does.
///
/// # Safety
///
/// `bbctx` is NULL or a context that no other thread uses; memory of 8 bytes that holds none is
/// noticed.
unsafe fn of<E: Edge>(
    bbctx: *mut Context<E::Platform>,
    action: impl FnOnce(&mut Context<E::Platform>) -> Result<(), Failure>,
) -> c_int {
    let done = aligned(bbctx, "bbctx").and_then(|mut context| {
        // SAFETY: it is aligned, and memory of 8 bytes at least.
        if unsafe { Context::home(context) }.is_none() {
            return Err(Failure::NoContext);
        }
        // SAFETY: it is a context, and no other thread uses it.
        action(unsafe { context.as_mut() })
    });
    match done {
        Ok(()) => 0,
        Err(failure) => fail::<E>(failure),
    }
}

//! The functions, generic over an [`Edge`]: each does what its manual page says.
//!
//! The pages are in the form of manual pages since they are: `ci/install` makes roff of the same
//! text.

mod badblocks;
mod bytes;
mod create;
mod error;
mod granularity;
mod identity;
mod region;
mod text;
mod transfer;
mod wide;
#[cfg(windows)]
mod windows;

pub use badblocks::{
    Badblock, badblock_clear, badblock_clear_by_device, badblock_context_delete,
    badblock_context_init, badblock_context_new, badblock_next,
};
pub use bytes::{source_alignment, source_get_fd, source_size};
pub use create::{
    source_delete, source_from_anon, source_from_fd, source_init_anon, source_init_fd,
};
pub use error::{err_to_errno, errormsg};
#[cfg(test)]
pub(crate) use granularity::Why;
pub use granularity::{
    Granularity, source_expected_granularity, source_expected_granularity_reason,
};
pub use identity::{source_device_id, source_device_usc, source_numa_node, source_target_node};
pub use region::{
    Reach, find_nfit, nfit_warnings, region_part, regions_from_devicetree, regions_from_nfit,
    source_from_region, source_init_region,
};
pub use text::source_describe;
pub use transfer::{
    source_pread_at, source_pread_mcsafe, source_pwrite_at, source_pwrite_mcsafe, source_sync,
};
pub use wide::{errormsg_wide, source_device_id_wide};
#[cfg(windows)]
pub use windows::{source_from_handle, source_get_handle, source_init_handle};

use core::ffi::c_int;

use pmem2::platform::Platform;

use crate::{Edge, Object, failure::Failure, object::Either, pointer::aligned};

/// Keeps the message of a failure, and gives its code.
#[cold]
#[inline(never)]
fn fail<E: Edge>(failure: Failure) -> c_int {
    // SAFETY: Edge says that it is valid, and that no other thread uses it now; the borrow ends
    // here.
    unsafe { &mut *E::message() }.set(&failure);
    failure.code()
}

/// What all questions with one answer do: `*place` is the answer, or untouched. Whether there is a
/// place is looked at last of an anonymous source, most questions to which have no answer.
///
/// # Safety
///
/// As [`with`]; `place` is NULL or valid for writes.
#[inline]
unsafe fn ask<E: Edge, T>(
    src: *const Object<E::Platform>,
    place: *mut T,
    name: &'static str,
    question: impl FnOnce(&Either<E::Platform>) -> Result<T, Failure>,
) -> c_int {
    let answer = |source: &Either<E::Platform>| {
        let place = answerable(source, aligned(place, name))?;
        let answer = question(source)?;
        // SAFETY: place is valid for writes.
        unsafe { place?.write(answer) };
        Ok(())
    };
    // SAFETY: src is valid or NULL, as here.
    unsafe { with::<E>(src, answer) }
}

/// Whether to go on where an argument is wrong: libpmem2 looks at no argument of a question that an
/// anonymous source has no answer to.
#[inline]
fn answerable<P: Platform, T>(
    source: &Either<P>,
    argument: Result<T, Failure>,
) -> Result<Result<T, Failure>, Failure> {
    match (source, argument) {
        (Either::Descriptor(_), Err(failure)) => Err(failure),
        (_, argument) => Ok(argument),
    }
}

/// What all questions do.
///
/// # Safety
///
/// `src` is NULL or a source; memory of a source's size that holds none is noticed.
#[inline]
unsafe fn with<E: Edge>(
    src: *const Object<E::Platform>,
    question: impl FnOnce(&Either<E::Platform>) -> Result<(), Failure>,
) -> c_int {
    let answer = aligned(src.cast_mut(), "src").and_then(|src| {
        // SAFETY: it is aligned, and memory of a source's size.
        if unsafe { Object::home(src) }.is_none() {
            return Err(Failure::NoSource);
        }
        // SAFETY: it is a source, and nobody writes to one until it is deleted.
        question(unsafe { &src.as_ref().source })
    });
    match answer {
        Ok(()) => 0,
        Err(failure) => fail::<E>(failure),
    }
}

//! What is told in wide text: the functions that end with W.

use core::{ffi::c_int, ptr::NonNull};

use super::{answerable, with};
use crate::{
    Edge, Object, WideEdge,
    object::{Either, each},
    pointer::aligned,
    wide::{needed, put},
};

/// [`source_device_id`](super::source_device_id) in UTF-16: `*len` is in bytes all the same.
///
/// # Safety
///
/// `src` is NULL or a source; `len` is NULL or valid for reads and writes; `id` is NULL or valid
/// for writes of `*len` bytes.
pub unsafe fn source_device_id_wide<E: Edge>(
    src: *const Object<E::Platform>,
    id: *mut u16,
    len: *mut usize,
) -> c_int {
    let answer = |source: &Either<E::Platform>| {
        let len = answerable(source, aligned(len, "len"))?;
        let place = NonNull::new(id).map(|id| aligned(id.as_ptr(), "id")).transpose();
        let place = answerable(source, place)?;
        let ids = each!(source, source => source.device_id())?;
        let len = len?;
        match place? {
            // SAFETY: len is valid for writes.
            None => unsafe { len.write(needed(&ids)) },
            // SAFETY: len is valid for reads, and id, which is aligned, for writes of as many
            // bytes.
            Some(place) => unsafe { put(&ids, place, len.read()) }?,
        }
        Ok(())
    };
    // SAFETY: src is valid or NULL, as here.
    unsafe { with::<E>(src, answer) }
}

/// [`errormsg`](super::errormsg) in UTF-16. The text is that of the last failure when this is
/// called, and stays until the thread calls it again.
pub fn errormsg_wide<E: WideEdge>() -> *const u16 {
    let wide = E::wide_message();
    // SAFETY: both are valid, lie apart, and are no other thread's, as Edge and WideEdge say; the
    // borrows end here.
    unsafe { (*wide).set(&*E::message()) };
    wide.cast_const().cast()
}

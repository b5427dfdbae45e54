//! Where a source lies.

use core::{
    ffi::{c_char, c_int},
    ptr::NonNull,
};

use pmem2::Error;

use super::{answerable, ask, text::put, with};
use crate::{
    Edge, Object,
    failure::Failure,
    object::{Either, each},
    pointer::aligned,
};

#[doc = include_str!("../../man/pmem2_source_numa_node.md")]
///
/// # Safety
///
/// `src` is NULL or a source; `numa_node` is NULL or valid for writes.
#[inline]
pub unsafe fn source_numa_node<E: Edge>(
    src: *const Object<E::Platform>,
    numa_node: *mut c_int,
) -> c_int {
    // SAFETY: src and numa_node are valid or NULL, as here.
    unsafe {
        ask::<E, _>(src, numa_node, "numa_node", |source| {
            number(each!(source, source => source.numa_node())?)
        })
    }
}

#[doc = include_str!("../../man/pmem2_source_numa_node.md")]
///
/// # Safety
///
/// `src` is NULL or a source; `target_node` is NULL or valid for writes.
#[inline]
pub unsafe fn source_target_node<E: Edge>(
    src: *const Object<E::Platform>,
    target_node: *mut c_int,
) -> c_int {
    // SAFETY: src and target_node are valid or NULL, as here.
    unsafe {
        ask::<E, _>(src, target_node, "target_node", |source| {
            number(each!(source, source => source.target_node())?)
        })
    }
}

/// The number of a node as sysfs and libpmem2 say it: -1 where it is not known.
fn number(node: Option<u32>) -> Result<c_int, Failure> {
    // A number that int cannot hold would look like another answer.
    node.map_or(Ok(-1), |node| c_int::try_from(node).map_err(|_| Error::InvalidRegionFormat.into()))
}

#[doc = include_str!("../../man/pmem2_source_device_id.md")]
///
/// # Safety
///
/// `src` is NULL or a source; `len` is NULL or valid for reads and writes; `id` is NULL or valid
/// for writes of `*len` bytes.
pub unsafe fn source_device_id<E: Edge>(
    src: *const Object<E::Platform>,
    id: *mut c_char,
    len: *mut usize,
) -> c_int {
    let answer = |source: &Either<E::Platform>| {
        let len = answerable(source, aligned(len, "len"))?;
        let ids = each!(source, source => source.device_id())?;
        let len = len?;
        match NonNull::new(id) {
            // With the null byte.
            // SAFETY: len is valid for writes.
            None => unsafe { len.write(ids.len().saturating_add(1)) },
            // SAFETY: len is valid for reads, and id for writes of as many bytes.
            Some(id) => unsafe { put(&ids, id, len.read()) }?,
        }
        Ok(())
    };
    // SAFETY: src is valid or NULL, as here.
    unsafe { with::<E>(src, answer) }
}

#[doc = include_str!("../../man/pmem2_source_device_usc.md")]
///
/// # Safety
///
/// `src` is NULL or a source; `usc` is NULL or valid for writes.
#[inline]
pub unsafe fn source_device_usc<E: Edge>(src: *const Object<E::Platform>, usc: *mut u64) -> c_int {
    // SAFETY: src and usc are valid or NULL, as here.
    unsafe {
        ask::<E, _>(src, usc, "usc", |source| Ok(each!(source, source => source.device_usc())?))
    }
}

//! The place of a source: NUMA nodes, NVDIMMs.

use core::{ffi::c_int, ptr::NonNull};

use pmem2::Error;

use super::answer::{answer, unless_anonymous};
use crate::{
    failure::Failure,
    library::{CSource, Library, finish},
    owned::{Owned, aligned},
    source::{Source, each},
    text::{Unit, put, size},
};

#[doc = include_str!("../../man/pmem2_source_numa_node.md")]
///
/// # Safety
///
/// `src` is NULL or a source; `numa_node` is NULL or valid for writes.
#[inline]
pub unsafe fn source_numa_node<L: Library>(src: *const CSource<L>, numa_node: *mut c_int) -> c_int {
    // SAFETY: src and numa_node are valid or NULL, as here.
    unsafe {
        answer::<L, _>(src, numa_node, "numa_node", |source| {
            number(each!(source, source => source.numa_node())?)
        })
    }
}

/// Answers the node of this memory as ordinary memory: see [`source_numa_node`].
///
/// # Safety
///
/// `src` is NULL or a source; `target_node` is NULL or valid for writes.
#[inline]
pub unsafe fn source_target_node<L: Library>(
    src: *const CSource<L>,
    target_node: *mut c_int,
) -> c_int {
    // SAFETY: src and target_node are valid or NULL, as here.
    unsafe {
        answer::<L, _>(src, target_node, "target_node", |source| {
            number(each!(source, source => source.target_node())?)
        })
    }
}

/// Returns the number of a node as sysfs and libpmem2 say it: -1 where it is not known.
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
pub unsafe fn source_device_id<L: Library, U: Unit>(
    src: *const CSource<L>,
    id: *mut U,
    len: *mut usize,
) -> c_int {
    let answer = |source: &Source<L::Platform>| {
        let len = unless_anonymous(source, aligned(len, "len"))?;
        let id = NonNull::new(id).map(|id| aligned(id.as_ptr(), "id")).transpose();
        let id = unless_anonymous(source, id)?;
        let ids = each!(source, source => source.device_id())?;
        let len = len?;
        match id? {
            // SAFETY: len is valid for writes.
            None => unsafe { len.write(size::<U>(&ids)) },
            // SAFETY: len is valid for reads, and id, which is aligned, for as many bytes.
            Some(id) => unsafe { put(&ids, id, len.read()) }?,
        }
        Ok(())
    };
    // SAFETY: src is valid or NULL, as here.
    finish::<L>(unsafe { Owned::get(src) }.and_then(answer))
}

#[doc = include_str!("../../man/pmem2_source_device_usc.md")]
///
/// # Safety
///
/// `src` is NULL or a source; `usc` is NULL or valid for writes.
#[inline]
pub unsafe fn source_device_usc<L: Library>(src: *const CSource<L>, usc: *mut u64) -> c_int {
    // SAFETY: src and usc are valid or NULL, as here.
    unsafe {
        answer::<L, _>(src, usc, "usc", |source| Ok(each!(source, source => source.device_usc())?))
    }
}

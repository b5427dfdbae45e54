//! What a source is made of, and its bytes.

use core::ffi::c_int;

use pmem2::{Code, Handle, platform::Platform};

use super::ask;
use crate::{
    Edge, Object,
    failure::Failure,
    object::{Either, each},
};

#[doc = include_str!("../../man/pmem2_source_get_fd.md")]
///
/// # Safety
///
/// `src` is NULL or a source; `fd` is NULL or valid for writes.
#[inline]
pub unsafe fn source_get_fd<E: Edge>(src: *const Object<E::Platform>, fd: *mut c_int) -> c_int
where
    E::Platform: Platform<Raw: TryInto<c_int>>,
{
    // SAFETY: src and fd are valid or NULL, as here.
    unsafe {
        ask::<E, _>(src, fd, "fd", |source| match source {
            Either::Anonymous(_) => Err(Failure::Said(
                Code::FileDescriptorNotSet,
                "the source has no file descriptor: it is anonymous",
            )),
            Either::Descriptor(source) => number(source.handle().raw()),
        })
    }
}

#[doc = include_str!("../../man/pmem2_source_size.md")]
///
/// # Safety
///
/// `src` is NULL or a source; `size` is NULL or valid for writes.
#[inline]
pub unsafe fn source_size<E: Edge>(src: *const Object<E::Platform>, size: *mut usize) -> c_int {
    // SAFETY: src and size are valid or NULL, as here.
    unsafe {
        ask::<E, _>(src, size, "size", |source| narrow(each!(source, source => source.size())?))
    }
}

#[doc = include_str!("../../man/pmem2_source_alignment.md")]
///
/// # Safety
///
/// `src` is NULL or a source; `alignment` is NULL or valid for writes.
#[inline]
pub unsafe fn source_alignment<E: Edge>(
    src: *const Object<E::Platform>,
    alignment: *mut usize,
) -> c_int {
    // SAFETY: src and alignment are valid or NULL, as here.
    unsafe {
        ask::<E, _>(src, alignment, "alignment", |source| {
            narrow(each!(source, source => source.alignment())?)
        })
    }
}

/// The number that a raw value is in C.
#[inline]
fn number<R: TryInto<c_int>>(raw: R) -> Result<c_int, Failure> {
    // A raw value that was made of a number becomes one again. No other is but a region's.
    raw.try_into().map_err(|_| {
        Failure::Said(
            Code::FileDescriptorNotSet,
            "the source has no file descriptor: it was made of a region of memory",
        )
    })
}

/// A number of bytes as C has it.
#[inline]
pub(super) fn narrow<T: TryFrom<u64>>(bytes: u64) -> Result<T, Failure> {
    T::try_from(bytes).map_err(|_| Failure::Overflow(bytes))
}

#[cfg(test)]
mod tests {
    use super::narrow;
    use crate::failure::Failure;

    #[test]
    fn numbers_are_never_cut() {
        assert!(matches!(narrow::<u32>(0xffff_ffff), Ok(0xffff_ffff)));
        assert!(matches!(narrow::<u32>(0x1_0000_0000), Err(Failure::Overflow(0x1_0000_0000))));
        assert!(matches!(narrow::<u64>(u64::MAX), Ok(u64::MAX)));
        let failure = narrow::<u16>(65536).unwrap_err();
        assert_eq!(failure.code(), -75, "-EOVERFLOW");
        assert_eq!(
            std::format!("{failure}"),
            "the answer, 65536 bytes, is more than size_t can hold here"
        );
    }
}

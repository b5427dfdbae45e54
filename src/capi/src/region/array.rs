//! Arrays and strings as C passes them.

use core::{ffi::c_char, ptr::NonNull};

use pmem2::Code;

use crate::failure::Failure;

/// A reason why there is no array where C says that there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoArray {
    /// NULL, with elements.
    Null,
    Misaligned,
    /// Longer than any array, or beyond the last address.
    TooLong,
}

impl NoArray {
    /// Returns the failure of a call with it, in the words of `too_long` where it is that.
    pub(super) const fn failure(self, name: &'static str, too_long: &'static str) -> Failure {
        match self {
            Self::Null => Failure::Null(name),
            Self::Misaligned => Failure::Misaligned(name),
            Self::TooLong => Failure::Said(Code::InvalidRegionFormat, too_long),
        }
    }
}

/// Returns an array of C's: an empty one for NULL without elements. An array that no memory can
/// hold is refused before it becomes one of Rust's.
///
/// # Safety
///
/// `first` is NULL, or points to `count` elements that stay for `'a` and are not written to; if it
/// is not refused here.
pub(crate) unsafe fn array<'a, T>(first: *const T, count: usize) -> Result<&'a [T], NoArray> {
    let Some(first) = NonNull::new(first.cast_mut()) else {
        return if count == 0 { Ok(&[]) } else { Err(NoArray::Null) };
    };
    if !first.is_aligned() {
        return Err(NoArray::Misaligned);
    }
    let bytes = count.checked_mul(size_of::<T>()).filter(|bytes| isize::try_from(*bytes).is_ok());
    if bytes.and_then(|bytes| first.addr().get().checked_add(bytes)).is_none() {
        return Err(NoArray::TooLong);
    }
    // SAFETY: as the caller says; it is aligned, and neither longer than isize::MAX bytes nor
    // wrapped around.
    Ok(unsafe { NonNull::slice_from_raw_parts(first, count).as_ref() })
}

/// Returns the bytes of a string, at most `most` of them; `None` for NULL.
///
/// # Safety
///
/// `string` is NULL, or a string that stays for `'a`.
pub(super) unsafe fn text<'a>(string: *const c_char, most: usize) -> Option<&'a [u8]> {
    let string = NonNull::new(string.cast_mut())?.cast::<u8>();
    let mut length = 0;
    // SAFETY: no byte before this one is null, so it belongs to the string.
    while length < most && unsafe { string.add(length).read() } != 0 {
        length = length.saturating_add(1);
    }
    // SAFETY: these belong to the string.
    Some(unsafe { NonNull::slice_from_raw_parts(string, length).as_ref() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As many elements at an address; what is returned must not be read.
    fn at<T>(address: usize, count: usize) -> Result<usize, NoArray> {
        // SAFETY: nothing there is read, but it is no array, which only the cases below that are
        // refused may be.
        unsafe { array(core::ptr::without_provenance::<T>(address), count) }.map(<[T]>::len)
    }

    #[test]
    fn what_no_memory_can_be_is_no_array() {
        let most = usize::MAX / 2;
        assert_eq!(at::<u64>(0, 0), Ok(0));
        assert_eq!(at::<u64>(0, 1), Err(NoArray::Null));
        for count in [0, 1, usize::MAX] {
            assert_eq!(at::<u64>(4, count), Err(NoArray::Misaligned));
        }
        for count in
            [most / 8 + 1, usize::MAX / 8, usize::MAX / 8 + 1, usize::MAX / 8 + 2, usize::MAX]
        {
            assert_eq!(at::<u64>(8, count), Err(NoArray::TooLong), "{count}");
        }
        for (address, length) in [
            (1, most + 1),
            (1, usize::MAX),
            (usize::MAX, 1),
            (usize::MAX - 9, 10),
            (most + 2, most),
        ] {
            assert_eq!(at::<u8>(address, length), Err(NoArray::TooLong), "{address} {length}");
        }
        // What is one.
        let all = [1_u64, 2, 3];
        // SAFETY: it has three.
        assert_eq!(unsafe { array(all.as_ptr(), 3) }, Ok(all.as_slice()));
        assert_eq!(at::<u64>(8, 0), Ok(0));
    }

    #[test]
    fn strings_are_read_as_far_as_they_go() {
        let read = |string: &core::ffi::CStr, most| {
            // SAFETY: it is a string, which stays until the bytes were copied.
            unsafe { text(string.as_ptr(), most) }.map(<[u8]>::to_vec)
        };
        assert_eq!(read(c"", 9).as_deref(), Some(b"".as_slice()));
        assert_eq!(read(c"four", 4).as_deref(), Some(b"four".as_slice()));
        assert_eq!(read(c"four", 3).as_deref(), Some(b"fou".as_slice()));
        assert_eq!(read(c"f\xff", 9).as_deref(), Some(b"f\xff".as_slice()));
        // SAFETY: NULL is allowed.
        assert_eq!(unsafe { text(core::ptr::null(), 9) }, None);
    }
}

//! Messages and codes of failures.

use core::ffi::c_int;

use pmem2::{Code, error::Errno};

use crate::library::{Library, WideLibrary};

#[doc = include_str!("../../man/pmem2_errormsg.md")]
#[inline]
pub fn errormsg<L: Library>() -> *const u8 {
    L::message().cast_const().cast()
}

/// Returns the message in UTF-16: see [`errormsg`]. The text is that of the last failure when this
/// is called, and stays until the thread calls it again.
pub fn errormsg_wide<L: WideLibrary>() -> *const u16 {
    let wide = L::wide_message();
    // SAFETY: both are valid, lie apart, and are no other thread's, as Library and WideLibrary say;
    // the borrows end here.
    unsafe { (*wide).set(&*L::message()) };
    wide.cast_const().cast()
}

#[doc = include_str!("../../man/pmem2_err_to_errno.md")]
#[inline]
pub const fn err_to_errno(err: c_int) -> c_int {
    if err == Code::NoSupp.raw() {
        Errno::ENOTSUP.raw()
    } else if err < MAX_ERRNO.saturating_neg() || err > 0 {
        Errno::EINVAL.raw()
    } else {
        err.saturating_neg()
    }
}

/// The largest errno that a system can have: Linux', the largest of all.
const MAX_ERRNO: c_int = 4095;

#[cfg(test)]
mod tests {
    use super::err_to_errno;

    #[test]
    fn every_code_has_an_errno() {
        for code in pmem2::Code::ALL {
            let expected = if *code == pmem2::Code::NoSupp { 95 } else { 22 };
            assert_eq!(err_to_errno(code.raw()), expected, "{code:?}");
        }
        for (err, errno) in [
            (0, 0),
            (-12, 12),
            (-4095, 4095),
            (-4096, 22),
            (-99_999, 22),
            (1, 22),
            (i32::MIN, 22),
            (i32::MAX, 22),
        ] {
            assert_eq!(err_to_errno(err), errno, "{err}");
        }
    }
}

//! Handles of Windows.

use core::{ffi::c_void, fmt, marker::PhantomData, ptr};

#[cfg(windows)]
use super::platform::Windows;
#[cfg(windows)]
use crate::{
    fail::Fail,
    source::{Borrowed, Handle},
};

/// The value of a handle (`HANDLE`): a plain number that owns nothing. It is no pointer, though C's
/// type is one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct RawWinHandle(isize);

impl RawWinHandle {
    /// `INVALID_HANDLE_VALUE`.
    pub const INVALID: Self = Self(-1);
    /// The null handle.
    pub const NULL: Self = Self(0);

    /// Makes the value with this number.
    #[must_use]
    pub const fn new(number: isize) -> Self {
        Self(number)
    }

    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> isize {
        self.0
    }

    /// Converts from a `HANDLE` of C or `std::os::windows::io::RawHandle`.
    #[must_use]
    pub fn from_ptr(handle: *mut c_void) -> Self {
        Self(handle.addr().cast_signed())
    }

    /// Converts to a `HANDLE` of C and `std::os::windows::io::RawHandle`.
    #[must_use]
    pub const fn as_ptr(self) -> *mut c_void {
        ptr::without_provenance_mut(self.0.cast_unsigned())
    }
}

#[cfg(windows)]
impl Windows {
    /// Returns the handle itself, as [`Crt`](super::crt::Crt) finds that of a descriptor.
    pub(super) const fn find(handle: RawWinHandle) -> Result<RawWinHandle, Fail> {
        Ok(handle)
    }
}

/// Prints hexadecimal digits, as Windows shows handles.
impl fmt::Debug for RawWinHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawWinHandle({:#x})", self.0)
    }
}

/// A borrowed handle of Windows: a number, as large as a pointer.
///
/// With `std` it is made [`From`] `&File`, `&OwnedHandle` and `BorrowedHandle`, and by
/// `WinHandle::borrow` from whatever else is `AsHandle`. Without it, [`WinHandle::borrow_raw`].
///
/// # How long a handle must stay open
///
/// A handle must stay open as long as its source is asked anything that touches it; on a volume
/// that is not DAX also as long as a mapping is in use (pmem2_source_from_handle(3)). A source that
/// owns its file (`Source<File>`, `Source<Arc<File>>`) keeps it open; one that borrows it is bound
/// to it by the lifetime `'h`, which a mapping takes over.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct WinHandle<'h> {
    raw: RawWinHandle,
    lifetime: PhantomData<&'h ()>,
}

impl WinHandle<'_> {
    /// Borrows the handle with this value. Any value may be given, also `INVALID_HANDLE_VALUE` and
    /// null: `Source::new` refuses one that is no open handle of a file.
    ///
    /// # Safety
    ///
    /// If `raw` is an open handle, the caller may lend it, and it stays open for the lifetime `'h`,
    /// which the caller chooses. If it is not, it does not become one meanwhile. A broken promise
    /// has the consequences of `std::os::windows::io::BorrowedHandle::borrow_raw`: somebody else's
    /// file is written to or mapped, and with it memory that others have references to.
    #[inline]
    #[must_use]
    pub const unsafe fn borrow_raw(raw: RawWinHandle) -> Self {
        Self { raw, lifetime: PhantomData }
    }

    /// Returns the value.
    #[inline]
    #[must_use]
    pub const fn as_raw(self) -> RawWinHandle {
        self.raw
    }
}

impl fmt::Debug for WinHandle<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WinHandle({:#x})", self.raw.0)
    }
}

// SAFETY: who called borrow_raw promised it for 'h; AsHandle promises it for the borrow that the
// WinHandle was made from.
#[cfg(windows)]
unsafe impl Handle for WinHandle<'_> {
    type P = Windows;
    #[inline]
    fn platform(&self) -> Windows {
        Windows
    }
    #[inline]
    fn raw(&self) -> RawWinHandle {
        self.as_raw()
    }
}

#[cfg(windows)]
impl<'h> From<WinHandle<'h>> for Borrowed<'h, Windows> {
    #[inline]
    fn from(handle: WinHandle<'h>) -> Self {
        // SAFETY: from_raw wants a raw value that keeps its meaning for 'h, as that of the handle
        // does.
        unsafe { Self::from_raw(Windows, handle.as_raw()) }
    }
}

#[cfg(all(windows, feature = "std"))]
mod handles {
    use super::{Borrowed, Handle, RawWinHandle, WinHandle, Windows};
    use std::{
        fs::File,
        os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, OwnedHandle, RawHandle},
    };

    impl<'h> WinHandle<'h> {
        /// Borrows the handle of anything that has one.
        #[inline]
        #[must_use]
        pub fn borrow(file: &'h impl AsHandle) -> Self {
            file.as_handle().into()
        }
    }

    // For these types and not for all that implement AsHandle: a crate without `std` may have a
    // From for its own.
    impl<'h> From<&'h File> for WinHandle<'h> {
        #[inline]
        fn from(file: &'h File) -> Self {
            Self::borrow(file)
        }
    }

    impl<'h> From<&'h OwnedHandle> for WinHandle<'h> {
        #[inline]
        fn from(handle: &'h OwnedHandle) -> Self {
            Self::borrow(handle)
        }
    }

    impl<'h> From<&'h BorrowedHandle<'_>> for WinHandle<'h> {
        #[inline]
        fn from(handle: &'h BorrowedHandle<'_>) -> Self {
            Self::borrow(handle)
        }
    }

    impl<'h> From<BorrowedHandle<'h>> for WinHandle<'h> {
        #[inline]
        fn from(handle: BorrowedHandle<'h>) -> Self {
            // SAFETY: borrow_raw wants a handle that stays open for 'h, as a BorrowedHandle's does
            // (I/O safety).
            unsafe { Self::borrow_raw(RawWinHandle::from_ptr(handle.as_raw_handle())) }
        }
    }

    impl<'h> From<BorrowedHandle<'h>> for Borrowed<'h, Windows> {
        #[inline]
        fn from(handle: BorrowedHandle<'h>) -> Self {
            WinHandle::from(handle).into()
        }
    }

    /// Implements the standard library's traits of a handle.
    macro_rules! std_handles {
        ($($handle:ty)*) => {$(
            impl AsRawHandle for $handle {
                #[inline]
                fn as_raw_handle(&self) -> RawHandle {
                    Handle::raw(self).as_ptr()
                }
            }

            /// The value may be no open handle: then the system answers `ERROR_INVALID_HANDLE`.
            impl AsHandle for $handle {
                #[inline]
                fn as_handle(&self) -> BorrowedHandle<'_> {
                    // SAFETY: borrow_raw wants a handle that stays open. Whoever made this of a
                    // value promised that it does if it is open; if it is not, that it does not
                    // become it: no call takes it for one.
                    unsafe { BorrowedHandle::borrow_raw(self.as_raw_handle()) }
                }
            }
        )*};
    }

    std_handles! { WinHandle<'_> Borrowed<'_, Windows> }

    macro_rules! handles {
        ($($handle:ty)*) => {$(
            // SAFETY: the type owns its handle, or borrows it for its lifetime (I/O safety), and
            // gives the same one each time.
            unsafe impl Handle for $handle {
                type P = Windows;
                #[inline]
                fn platform(&self) -> Windows {
                    Windows
                }
                #[inline]
                fn raw(&self) -> RawWinHandle {
                    RawWinHandle::from_ptr(self.as_raw_handle())
                }
            }
        )*};
    }

    handles! { File OwnedHandle BorrowedHandle<'_> }
}

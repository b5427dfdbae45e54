//! Handles of Windows.

use core::{ffi::c_void, fmt, marker::PhantomData, ptr};

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

    /// The handle with this number.
    #[must_use]
    pub const fn new(number: isize) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> isize {
        self.0
    }

    /// A `HANDLE` as C and `std::os::windows::io::RawHandle` have it.
    #[must_use]
    pub fn from_ptr(handle: *mut c_void) -> Self {
        Self(handle.addr().cast_signed())
    }

    /// As C and `std::os::windows::io::RawHandle` have it.
    #[must_use]
    pub const fn as_ptr(self) -> *mut c_void {
        ptr::without_provenance_mut(self.0.cast_unsigned())
    }
}

/// As Windows shows handles: in hexadecimal digits.
impl fmt::Debug for RawWinHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawWinHandle({:#x})", self.0)
    }
}

/// A borrowed handle of Windows: a number, as large as a pointer.
///
/// With `std` it is made [`From`] `&File`, `&OwnedHandle` and `BorrowedHandle`, and by
/// `WinHandle::of` from whatever else is `AsHandle`. Without it, [`WinHandle::borrow_raw`].
///
/// # How long a handle must stay open
///
/// As long as its source is asked anything that touches it; and as pmem2_source_from_handle(3)
/// says, on a volume that is not DAX also as long as a mapping of it is in use. A source that owns
/// its file (`Source<File>`, `Source<Arc<File>>`) keeps it open, and one that borrows it is bound
/// to it by the lifetime `'h`, which a mapping takes over.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct WinHandle<'h> {
    raw: RawWinHandle,
    lifetime: PhantomData<&'h ()>,
}

impl WinHandle<'_> {
    /// Borrows the handle with this value. Any value may be given, `INVALID_HANDLE_VALUE` and null
    /// too: one that is no open handle of a file is refused when a source is made of it.
    ///
    /// # Safety
    ///
    /// If `raw` is an open handle, the caller may lend it, and it stays open for the lifetime
    /// `'h`, which the caller chooses. If it is not, it does not become one meanwhile. A broken
    /// promise costs what it does of `std::os::windows::io::BorrowedHandle::borrow_raw`: somebody
    /// else's file is written to and is mapped, and with it memory that others have references to.
    #[inline]
    #[must_use]
    pub const unsafe fn borrow_raw(raw: RawWinHandle) -> Self {
        Self { raw, lifetime: PhantomData }
    }

    /// The value.
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

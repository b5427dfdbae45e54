//! The foundation of the functions in one image.

use core::ffi::c_int;

use pmem2::platform::{BadBlocks, Locate, Transfer};

use crate::{
    context::Context,
    failure::Coded,
    owned::{Allocator, Owned},
    source::Source,
    text::{Message, WideMessage},
};

/// A C library: what its functions stand on. A type that is never made.
///
/// # Safety
///
/// [`message`](Library::message) is valid for reads and writes for as long as the calling thread
/// runs, and no other thread that is in one of the functions at the same time has the same.
pub unsafe trait Library {
    /// The platform. C's descriptors are its raw values (`TryFrom<c_int> + TryInto<c_int>`); a
    /// number that is no raw value is not an open descriptor.
    type Platform: Locate + Transfer + BadBlocks;

    /// The memory for sources and for contexts of bad blocks.
    type Memory: Allocator<CSource<Self>> + Allocator<CContext<Self>>;

    /// Returns the platform.
    fn platform() -> Self::Platform;

    /// Returns the guard of transfers, where the program provides it.
    fn guard() -> Option<<Self::Platform as Transfer>::Guard> {
        None
    }

    /// Returns the calling thread's last message.
    fn message() -> *mut Message;
}

/// A C library with wide texts.
///
/// # Safety
///
/// [`wide_message`](WideLibrary::wide_message) is valid as [`message`](Library::message) is, and
/// lies elsewhere.
pub unsafe trait WideLibrary: Library {
    /// Returns the calling thread's last message in UTF-16.
    fn wide_message() -> *mut WideMessage;
}

/// `struct pmem2_source`.
pub type CSource<L> = Owned<Source<<L as Library>::Platform>>;

/// `struct pmem2_badblock_context`.
pub type CContext<L> = Owned<Context<<L as Library>::Platform>>;

/// Ends a call: returns its code, and keeps the message of a failure.
#[inline]
pub(crate) fn finish<L: Library>(result: Result<(), impl Coded>) -> c_int {
    match result {
        Ok(()) => 0,
        Err(failure) => fail::<L>(&failure),
    }
}

#[cold]
#[inline(never)]
fn fail<L: Library>(failure: &dyn Coded) -> c_int {
    // SAFETY: Library says that it is valid, and that no other thread uses it now; the borrow ends
    // here.
    unsafe { &mut *L::message() }.set(&failure);
    failure.code()
}

//! What the functions stand on.

use pmem2::{Health, Io, Locate, Memory};

use crate::{Context, Keep, Message, Object, WideMessage};

/// What the C functions stand on, in one image: a type that is never made.
///
/// # Safety
///
/// [`message`](Edge::message) is valid for reads and writes for as long as the calling thread runs, and no other thread that
/// is in one of the functions at the same time has the same.
pub unsafe trait Edge {
    /// The platform. Where C has descriptors, they are its raw values (`TryFrom<c_int> + TryInto<c_int>`); a number that is no raw
    /// value is not an open descriptor.
    type Platform: Locate + Io + Health;

    /// The library's own memory.
    type Memory: Keep<Object<Self::Platform>> + Keep<Context<Self::Platform>>;

    /// The platform.
    fn platform() -> Self::Platform;

    /// Puts an object into memory that is the library's own.
    ///
    /// # Errors
    ///
    /// The memory that there is none of.
    #[inline]
    fn keep(object: Object<Self::Platform>) -> Result<*mut Object<Self::Platform>, Memory> {
        Self::Memory::keep(object)
    }

    /// Gives the memory of an object back.
    ///
    /// # Safety
    ///
    /// `object` is what [`keep`](Edge::keep) returned, and it is not used any more.
    #[inline]
    unsafe fn release(object: *mut Object<Self::Platform>) {
        // SAFETY: as the caller says.
        unsafe { Self::Memory::release(object) };
    }

    /// Puts a context of bad blocks into memory that is the library's own.
    ///
    /// # Errors
    ///
    /// The memory that there is none of.
    fn keep_context(context: Context<Self::Platform>) -> Result<*mut Context<Self::Platform>, Memory> {
        Self::Memory::keep(context)
    }

    /// Gives the memory of a context back, without dropping it.
    ///
    /// # Safety
    ///
    /// `context` is what [`keep_context`](Edge::keep_context) returned. It was dropped, and is not used any more.
    unsafe fn release_context(context: *mut Context<Self::Platform>) {
        // SAFETY: as the caller says.
        unsafe { Self::Memory::release(context) };
    }

    /// What transfers go through, where the program provides it.
    fn via() -> Option<<Self::Platform as Io>::Via> {
        None
    }

    /// Where the calling thread's last message is.
    fn message() -> *mut Message;
}

/// What wide texts stand on.
///
/// # Safety
///
/// [`wide_message`](WideEdge::wide_message) is valid as [`message`](Edge::message) is, and lies elsewhere.
pub unsafe trait WideEdge: Edge {
    /// Where the calling thread's last message is in UTF-16.
    fn wide_message() -> *mut WideMessage;
}

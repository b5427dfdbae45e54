//! What the functions stand on.

use pmem2::platform::{BadBlocks, Locate, Transfer};

use crate::{Context, Keep, Message, Object, WideMessage};

/// What the C functions stand on, in one image: a type that is never made.
///
/// # Safety
///
/// [`message`](Edge::message) is valid for reads and writes for as long as the calling thread runs,
/// and no other thread that is in one of the functions at the same time has the same.
pub unsafe trait Edge {
    /// The platform. Where C has descriptors, they are its raw values (`TryFrom<c_int> +
    /// TryInto<c_int>`); a number that is no raw value is not an open descriptor.
    type Platform: Locate + Transfer + BadBlocks;

    /// The library's own memory, for sources and for contexts of bad blocks.
    type Memory: Keep<Object<Self::Platform>> + Keep<Context<Self::Platform>>;

    /// The platform.
    fn platform() -> Self::Platform;

    /// What transfers go through, where the program provides it.
    fn via() -> Option<<Self::Platform as Transfer>::Guard> {
        None
    }

    /// Where the calling thread's last message is.
    fn message() -> *mut Message;
}

/// What wide texts stand on.
///
/// # Safety
///
/// [`wide_message`](WideEdge::wide_message) is valid as [`message`](Edge::message) is, and lies
/// elsewhere.
pub unsafe trait WideEdge: Edge {
    /// Where the calling thread's last message is in UTF-16.
    fn wide_message() -> *mut WideMessage;
}

//! The words of a system that this crate knows nothing about: somebody's own kernel, or none. Its
//! sentences are those of error.rs and granularity.rs (`None`), which name no file, no call and no
//! command. Linux (linux.rs) and Windows (windows.rs) have others where they need them.

use pmem2_platform::{Errno, Kind, Subject};

use crate::{
    error::{Error, HandleFault},
    place::granularity::reason::Reason,
};

/// The system's names for memory in no region of persistent memory.
pub(super) const OF_NO_REGION: &str = "";

/// Returns the whole sentence of an error.
pub(super) const fn plain(_: &Error) -> Option<&'static str> {
    None
}

/// Returns the fault of a handle.
pub(super) const fn fault(_: HandleFault) -> Option<&'static str> {
    None
}

/// Returns why an object of this kind is no source.
pub(super) const fn refused(_: Kind) -> Option<&'static str> {
    None
}

/// Returns what a source or a platform cannot do.
pub(super) const fn lacking(_: Subject) -> Option<&'static str> {
    None
}

/// Returns the subject of a question as a noun.
pub(super) const fn noun(_: Subject) -> Option<&'static str> {
    None
}

/// Returns why a granularity is what it is.
pub(super) const fn reason(_: Reason) -> Option<&'static str> {
    None
}

/// Returns what would have to change for a finer granularity.
pub(super) const fn finer(_: Reason) -> Option<&'static str> {
    None
}

/// Returns what to do about a failure, where there is something.
pub(super) const fn remedy(what: Subject, errno: Errno) -> &'static str {
    match errno {
        Errno::EPERM | Errno::EACCES => "; more rights are needed",
        Errno::EFAULT if matches!(what, Subject::Buffer) => {
            "; give memory that is mapped, and that may be written to where bytes are read"
        }
        _ => "",
    }
}
